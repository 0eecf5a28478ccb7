//! Arithmetic of Consul-Template. The operands come reversed, so that `{{ 5 | subtract 2 }}` is 3.

use std::cmp::Ordering;

use crate::fmt;
use crate::functions::{Call, Failure, Function};
use crate::value::{Type, Value};

const TWO: &[Type] = &[Type::Any, Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new("add", "add B A", "A + B.", TWO, Type::Any, |call| {
        compute(call, "add", &ADD)
    }),
    Function::new(
        "divide",
        "divide B A",
        "A / B; whole numbers are divided without a remainder.",
        TWO,
        Type::Any,
        |call| compute(call, "divide", &DIVIDE),
    ),
    Function::new(
        "maximum",
        "maximum B A",
        "The greater of the two.",
        TWO,
        Type::Any,
        |call| pick(call, "maximum", Ordering::Greater),
    ),
    Function::new(
        "minimum",
        "minimum B A",
        "The smaller of the two.",
        TWO,
        Type::Any,
        |call| pick(call, "minimum", Ordering::Less),
    ),
    Function::new(
        "modulo",
        "modulo B A",
        "The remainder of A / B, for whole numbers.",
        TWO,
        Type::Any,
        |call| compute(call, "modulo", &MODULO),
    ),
    Function::new(
        "multiply",
        "multiply B A",
        "A × B.",
        TWO,
        Type::Any,
        |call| compute(call, "multiply", &MULTIPLY),
    ),
    Function::new(
        "subtract",
        "subtract B A",
        "A − B.",
        TWO,
        Type::Any,
        |call| compute(call, "subtract", &SUBTRACT),
    ),
];

struct Operation {
    signed: fn(i64, i64) -> Option<i64>,
    unsigned: fn(u64, u64) -> Option<u64>,
    /// `None` for whole numbers only.
    float: Option<fn(f64, f64) -> f64>,
}

const ADD: Operation = Operation {
    signed: |a, b| Some(a.wrapping_add(b)),
    unsigned: |a, b| Some(a.wrapping_add(b)),
    float: Some(|a, b| a + b),
};
const SUBTRACT: Operation = Operation {
    signed: |a, b| Some(a.wrapping_sub(b)),
    unsigned: |a, b| Some(a.wrapping_sub(b)),
    float: Some(|a, b| a - b),
};
const MULTIPLY: Operation = Operation {
    signed: |a, b| Some(a.wrapping_mul(b)),
    unsigned: |a, b| Some(a.wrapping_mul(b)),
    float: Some(|a, b| a * b),
};
const DIVIDE: Operation = Operation {
    signed: |a, b| {
        if b == 0 {
            None
        } else {
            Some(a.wrapping_div(b))
        }
    },
    unsigned: u64::checked_div,
    float: Some(|a, b| a / b),
};
const MODULO: Operation = Operation {
    signed: |a, b| {
        if b == 0 {
            None
        } else {
            Some(a.wrapping_rem(b))
        }
    },
    unsigned: u64::checked_rem,
    float: None,
};
/// The greater or the smaller of the two, in its own type; of equals the first one written.
fn pick(call: &Call<'_>, name: &str, wanted: Ordering) -> Result<Value, Failure> {
    let (b, a) = (call.arg(0), call.arg(1));
    let number = |value: &Value| match value {
        Value::Int(_, n) => Ok(*n as f64),
        Value::Uint(_, n) => Ok(*n as f64),
        Value::Float(f) => Ok(*f),
        value => Err(unknown(name, value)),
    };
    let (a_float, b_float) = (number(a)?, number(b)?);
    let order = match (a, b) {
        (Value::Uint(_, a), Value::Uint(_, b)) => Some(a.cmp(b)),
        (Value::Int(_, a), Value::Int(_, b)) => Some(a.cmp(b)),
        // Go converts, and wraps around as its conversion does.
        (Value::Int(_, a), Value::Uint(_, b)) => Some(a.cmp(&(*b as i64))),
        (Value::Uint(_, a), Value::Int(_, b)) => Some((*a as i64).cmp(b)),
        _ => a_float.partial_cmp(&b_float),
    };
    Ok(match if order == Some(wanted) { a } else { b } {
        Value::Int(_, n) => Value::int64(*n),
        Value::Uint(_, n) => Value::uint64(*n),
        other => other.clone(),
    })
}

fn compute(call: &mut Call<'_>, name: &str, operation: &Operation) -> Result<Value, Failure> {
    let (b, a) = (call.arg(0), call.arg(1));
    let whole = |value: &Value| match value {
        Value::Int(_, n) => Some(*n),
        // Go converts, and wraps around as its conversion does.
        Value::Uint(_, n) => Some(*n as i64),
        _ => None,
    };
    let divided = |result: Option<Value>| {
        result.ok_or_else(|| Failure::new("runtime error: integer divide by zero"))
    };
    if let (Value::Uint(_, b), Value::Uint(_, a)) = (b, a) {
        return divided((operation.unsigned)(*a, *b).map(Value::uint64));
    }
    if let (Some(b), Some(a)) = (whole(b), whole(a)) {
        return divided((operation.signed)(a, b).map(Value::int64));
    }
    let number = |value: &Value| match value {
        Value::Float(f) if operation.float.is_some() => Ok(*f),
        Value::Int(_, n) => Ok(*n as f64),
        Value::Uint(_, n) => Ok(*n as f64),
        value => Err(unknown(name, value)),
    };
    // The last argument is looked at first.
    let a = number(a)?;
    let b = number(b)?;
    match operation.float {
        Some(float) => Ok(Value::Float(float(a, b))),
        None => Err(unknown(name, call.arg(0))),
    }
}

fn unknown(name: &str, value: &Value) -> Failure {
    let shown = match value {
        Value::Nil => "<invalid reflect.Value>".to_owned(),
        value => {
            let shown = fmt::sprintf(b"%q", std::slice::from_ref(value)).unwrap_or_default();
            String::from_utf8_lossy(&shown).into_owned()
        }
    };
    Failure::new(format!(
        "{name}: unknown type for {shown} ({})",
        value.type_name()
    ))
}
