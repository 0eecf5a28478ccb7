//! `eq` and the order of values.

use std::rc::Rc;

use super::val::Val;
use crate::fmt::Printer;
use crate::functions::Failure;
use crate::value::{Object, Shape, Value};

type Result<T> = std::result::Result<T, Failure>;

/// Go's classes of basic types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    Complex,
    String,
    Other,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(..) => Kind::Int,
        Value::Uint(..) => Kind::Uint,
        Value::Float(_) => Kind::Float,
        Value::Complex(..) => Kind::Complex,
        Value::String(_) | Value::Number(_) => Kind::String,
        _ => Kind::Other,
    }
}

/// Whether `first` equals any of `others`.
pub(super) fn eq(first: &Val, others: &[Val], max: usize) -> Result<bool> {
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(first.value(), other.value(), max)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Value, b: &Value, max: usize) -> Result<bool> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(_, a), Value::Int(_, b)) => a == b,
        (Value::Uint(_, a), Value::Uint(_, b)) => a == b,
        (Value::Int(_, a), Value::Uint(_, b)) | (Value::Uint(_, b), Value::Int(_, a)) => {
            u64::try_from(*a).is_ok_and(|a| a == *b)
        }
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::String(a) | Value::Number(a), Value::String(b) | Value::Number(b)) => a == b,
        _ => return other_equal(a, b, max),
    })
}

/// Values that are not both of the same basic class.
fn other_equal(a: &Value, b: &Value, max: usize) -> Result<bool> {
    let (a_nil, b_nil) = (matches!(a, Value::Nil), matches!(b, Value::Nil));
    if kind(a) != kind(b) {
        if a_nil || b_nil {
            return Ok(false);
        }
        return Err(incompatible(a, b));
    }
    if !a_nil && !b_nil && !same_reflect_kind(a, b) {
        let (a_text, b_text) = (text_of(a, b"%s", max)?, text_of(b, b"%v", max)?);
        return Err(Failure::new(format!(
            "non-comparable types {a_text}: {}, {}: {b_text}",
            a.type_name(),
            b.type_name()
        )));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            if let Some(equal) = objects_equal(x, y) {
                return Ok(equal);
            }
        }
        (Value::NilPointer(x), Value::NilPointer(y)) => return Ok(x == y),
        _ => {}
    }
    let text = text_of(b, b"%s", max)?;
    Err(Failure::new(format!(
        "non-comparable type {text}: {}",
        b.type_name()
    )))
}

fn objects_equal(a: &Rc<dyn Object>, b: &Rc<dyn Object>) -> Option<bool> {
    if a.type_name() != b.type_name() {
        return Some(false);
    }
    if a.shape() == Shape::Pointer && Rc::ptr_eq(a, b) {
        return Some(true);
    }
    match a.equals(b.as_ref()) {
        None if a.shape() == Shape::Pointer => Some(false),
        other => other,
    }
}

/// Whether Go's reflection gives both the same kind.
fn same_reflect_kind(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::List(_) | Value::Bytes(_) => 0,
        Value::Map(_) => 1,
        Value::Func(_) => 2,
        Value::Object(object) if object.shape() == Shape::Struct => 3,
        Value::Object(_) | Value::NilPointer(_) => 4,
        _ => 5,
    };
    number(a) == number(b)
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil | Value::NilPointer(_) => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn text_of(value: &Value, format: &[u8], max: usize) -> Result<String> {
    let mut printer = Printer::new(Vec::new(), max);
    printer.printf(format, std::slice::from_ref(value));
    let (text, result) = printer.finish();
    result.map_err(|error| Failure::limit(error.text(max)))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn incompatible(a: &Value, b: &Value) -> Failure {
    Failure::new(format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    ))
}

pub(super) fn lt(a: &Val, b: &Val) -> Result<bool> {
    let (a, b) = (a.value(), b.value());
    if kind(a) == Kind::Other || kind(b) == Kind::Other {
        return Err("invalid type for comparison".into());
    }
    Ok(match (a, b) {
        (Value::Int(_, a), Value::Int(_, b)) => a < b,
        (Value::Uint(_, a), Value::Uint(_, b)) => a < b,
        (Value::Int(_, a), Value::Uint(_, b)) => u64::try_from(*a).map_or(true, |a| a < *b),
        (Value::Uint(_, a), Value::Int(_, b)) => u64::try_from(*b).is_ok_and(|b| *a < b),
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::String(a) | Value::Number(a), Value::String(b) | Value::Number(b)) => a < b,
        _ if kind(a) == kind(b) => return Err("invalid type for comparison".into()),
        _ => return Err(incompatible(a, b)),
    })
}

pub(super) fn le(a: &Val, b: &Val, max: usize) -> Result<bool> {
    Ok(lt(a, b)? || equal(a.value(), b.value(), max)?)
}
