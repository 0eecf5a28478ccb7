//! `reflect.DeepEqual`.

use crate::functions::{Failure, MAX_NESTING};
use crate::value::Value;

/// Whether two values have the same type and, all the way down, the same parts.
pub(super) fn deep_equal(a: &Value, b: &Value) -> Result<bool, Failure> {
    at(a, b, 0)
}

fn at(a: &Value, b: &Value, depth: usize) -> Result<bool, Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(ta, a), Value::Int(tb, b)) => ta == tb && a == b,
        (Value::Uint(ta, a), Value::Uint(tb, b)) => ta == tb && a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(ar, ai), Value::Complex(br, bi)) => ar == br && ai == bi,
        (Value::String(a), Value::String(b))
        | (Value::Number(a), Value::Number(b))
        | (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.items().iter().zip(b.items()) {
                if !at(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.same(b) {
                return Ok(true);
            }
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            for ((ka, a), (kb, b)) in a.entries().iter().zip(b.entries().iter()) {
                if ka != kb || !at(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::NilPointer(a), Value::NilPointer(b)) => a == b,
        (Value::Object(a), Value::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b)
                || a.equals(&**b).unwrap_or_else(|| {
                    a.type_name() == b.type_name()
                        && a.string() == b.string()
                        && a.string().is_some()
                })
        }
        _ => false,
    })
}
