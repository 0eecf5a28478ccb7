//! Numbers. Arguments may be anything; what is no number counts as 0.

use pannier_go::float::{self, Form};
use pannier_go::integer;

use super::decimal::Decimal;
use crate::functions::cast::{to_float64, to_int64};
use crate::functions::{Call, Failure, Function};
use crate::value::{Type, Value};

const ANY: &[Type] = &[Type::Any];
const TWO: &[Type] = &[Type::Any, Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::variadic(
        "sprig_add",
        "sprig_add N...",
        "The sum, as an int64.",
        ANY,
        Type::INT64,
        |call| {
            Ok(Value::int64(
                call.args().iter().map(to_int64).fold(0, i64::wrapping_add),
            ))
        },
    ),
    Function::new(
        "sprig_add1",
        "sprig_add1 N",
        "N + 1, as an int64.",
        ANY,
        Type::INT64,
        |call| Ok(Value::int64(to_int64(call.arg(0)).wrapping_add(1))),
    ),
    Function::new(
        "sprig_add1f",
        "sprig_add1f N",
        "N + 1, as a float64.",
        ANY,
        Type::Float,
        |call| {
            let args = [call.arg(0).clone(), Value::int64(1)];
            decimals(call, &args, |a, b| Ok(a.add(b)))
        },
    ),
    Function::variadic(
        "sprig_addf",
        "sprig_addf N...",
        "The sum, as a float64, computed in decimals.",
        ANY,
        Type::Float,
        |call| {
            let args: Vec<Value> = std::iter::once(Value::Float(0.0))
                .chain(call.args().iter().cloned())
                .collect();
            decimals(call, &args, |a, b| Ok(a.add(b)))
        },
    ),
    Function::new(
        "sprig_atoi",
        "sprig_atoi S",
        "The integer that S is written as in decimal, else 0.",
        &[Type::String],
        Type::INT,
        |call| Ok(Value::int(atoi(call.text(0)))),
    ),
    Function::variadic(
        "sprig_biggest",
        "sprig_biggest N...",
        "The same as `sprig_max`.",
        TWO,
        Type::INT64,
        |call| fold(call, i64::max),
    ),
    Function::new(
        "sprig_ceil",
        "sprig_ceil N",
        "N rounded up.",
        ANY,
        Type::Float,
        |call| Ok(Value::Float(to_float64(call.arg(0)).ceil())),
    ),
    Function::new(
        "sprig_div",
        "sprig_div A B",
        "A / B without a remainder, as an int64.",
        TWO,
        Type::INT64,
        |call| divided(call, i64::wrapping_div),
    ),
    Function::variadic(
        "sprig_divf",
        "sprig_divf A B...",
        "A divided by each B, as a float64, computed in decimals.",
        TWO,
        Type::Float,
        |call| {
            decimals(call, call.args(), |a, b| {
                a.div(b)
                    .ok_or_else(|| Failure::new("decimal division by 0"))
            })
        },
    ),
    Function::new(
        "sprig_float64",
        "sprig_float64 V",
        "V as a float64, else 0.",
        ANY,
        Type::Float,
        |call| Ok(Value::Float(to_float64(call.arg(0)))),
    ),
    Function::new(
        "sprig_floor",
        "sprig_floor N",
        "N rounded down.",
        ANY,
        Type::Float,
        |call| Ok(Value::Float(to_float64(call.arg(0)).floor())),
    ),
    Function::new(
        "sprig_int",
        "sprig_int V",
        "V as an int, else 0.",
        ANY,
        Type::INT,
        |call| Ok(Value::int(to_int64(call.arg(0)))),
    ),
    Function::new(
        "sprig_int64",
        "sprig_int64 V",
        "V as an int64, else 0.",
        ANY,
        Type::INT64,
        |call| Ok(Value::int64(to_int64(call.arg(0)))),
    ),
    Function::variadic(
        "sprig_max",
        "sprig_max N...",
        "The greatest, as an int64.",
        TWO,
        Type::INT64,
        |call| fold(call, i64::max),
    ),
    Function::variadic(
        "sprig_maxf",
        "sprig_maxf N...",
        "The greatest, as a float64.",
        TWO,
        Type::Float,
        |call| fold_float(call, f64::max),
    ),
    Function::variadic(
        "sprig_min",
        "sprig_min N...",
        "The smallest, as an int64.",
        TWO,
        Type::INT64,
        |call| fold(call, i64::min),
    ),
    Function::variadic(
        "sprig_minf",
        "sprig_minf N...",
        "The smallest, as a float64.",
        TWO,
        Type::Float,
        |call| fold_float(call, f64::min),
    ),
    Function::new(
        "sprig_mod",
        "sprig_mod A B",
        "The remainder of A / B, as an int64.",
        TWO,
        Type::INT64,
        |call| divided(call, i64::wrapping_rem),
    ),
    Function::variadic(
        "sprig_mul",
        "sprig_mul N...",
        "The product, as an int64.",
        TWO,
        Type::INT64,
        |call| fold(call, i64::wrapping_mul),
    ),
    Function::variadic(
        "sprig_mulf",
        "sprig_mulf N...",
        "The product, as a float64, computed in decimals.",
        TWO,
        Type::Float,
        |call| decimals(call, call.args(), |a, b| Ok(a.mul(b))),
    ),
    Function::variadic(
        "sprig_round",
        "sprig_round N DIGITS [ON]",
        "N rounded to DIGITS after the point; fractions from ON (0.5) on go up.",
        &[Type::Any, Type::INT, Type::Float],
        Type::Float,
        round,
    ),
    Function::new(
        "sprig_sub",
        "sprig_sub A B",
        "A − B, as an int64.",
        TWO,
        Type::INT64,
        |call| {
            Ok(Value::int64(
                to_int64(call.arg(0)).wrapping_sub(to_int64(call.arg(1))),
            ))
        },
    ),
    Function::variadic(
        "sprig_subf",
        "sprig_subf A B...",
        "A less each B, as a float64, computed in decimals.",
        TWO,
        Type::Float,
        |call| decimals(call, call.args(), |a, b| Ok(a.sub(b))),
    ),
    Function::new(
        "sprig_toDecimal",
        "sprig_toDecimal V",
        "The number that V is written as in octal.",
        ANY,
        Type::INT64,
        |call| {
            let text = super::text::text_of(call.arg(0))?;
            Ok(Value::int64(integer::parse_int(text, 8).unwrap_or(0)))
        },
    ),
];

/// `strconv.Atoi` without its error: what does not fit is as near as it can be.
fn atoi(text: &[u8]) -> i64 {
    match integer::atoi(text) {
        Ok(n) => n,
        Err(error) if error.fault == pannier_go::NumberFault::Syntax => 0,
        Err(_) if text.starts_with(b"-") => i64::MIN,
        Err(_) => i64::MAX,
    }
}

fn fold(call: &mut Call<'_>, with: fn(i64, i64) -> i64) -> Result<Value, Failure> {
    let numbers = call.args().iter().map(to_int64);
    Ok(Value::int64(numbers.reduce(with).unwrap_or(0)))
}

fn fold_float(call: &mut Call<'_>, with: fn(f64, f64) -> f64) -> Result<Value, Failure> {
    let numbers: Vec<f64> = call.args().iter().map(to_float64).collect();
    // Go's Max and Min hand a NaN on, Rust's pass over it.
    if numbers.iter().any(|n| n.is_nan()) {
        return Ok(Value::Float(f64::NAN));
    }
    Ok(Value::Float(
        numbers.into_iter().reduce(with).unwrap_or(0.0),
    ))
}

fn divided(call: &mut Call<'_>, with: fn(i64, i64) -> i64) -> Result<Value, Failure> {
    match to_int64(call.arg(1)) {
        0 => Err(Failure::new("runtime error: integer divide by zero")),
        by => Ok(Value::int64(with(to_int64(call.arg(0)), by))),
    }
}

fn decimals(
    call: &mut Call<'_>,
    args: &[Value],
    with: impl Fn(&Decimal, &Decimal) -> Result<Decimal, Failure>,
) -> Result<Value, Failure> {
    let decimal = |value: &Value| {
        let number = to_float64(value);
        Decimal::from_float(number).ok_or_else(|| {
            let shown = float::format(number, Form::General, None);
            Failure::new(format!("Cannot create a Decimal from {shown}"))
        })
    };
    let mut result = decimal(args.first().unwrap_or(&Value::Nil))?;
    for arg in args.iter().skip(1) {
        call.spend(result.size() / 4)?;
        result = with(&result, &decimal(arg)?)?;
    }
    Ok(Value::Float(result.to_float()))
}

fn round(call: &mut Call<'_>) -> Result<Value, Failure> {
    let on = if call.len() > 2 { call.float(2) } else { 0.5 };
    let power = 10_f64.powf(call.int(1) as f64);
    let scaled = power * to_float64(call.arg(0));
    let rounded = if scaled.fract() >= on {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Ok(Value::Float(rounded / power))
}
