//! Loose conversion of values to numbers, as the `cast` library does it for Sprig: what cannot be converted is 0.

use pannier_go::{float, integer};

use crate::value::{IntType, Value};

/// `cast.ToInt64`.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        // A span is no number there, unlike a month.
        Value::Int(IntType::Duration, _) => 0,
        Value::Int(_, n) => *n,
        Value::Uint(_, n) => *n as i64,
        Value::Float(f) => float_to_int(*f),
        Value::Bool(b) => i64::from(*b),
        Value::String(text) | Value::Number(text) => {
            integer::parse_int(trim_zero_decimal(text), 0).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `cast.ToFloat64`.
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float(f) => *f,
        Value::Int(IntType::Duration, _) => 0.0,
        Value::Int(_, n) => *n as f64,
        Value::Uint(_, n) => *n as f64,
        Value::Bool(b) => f64::from(*b),
        Value::String(text) | Value::Number(text) => float::parse(text).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// A float as Go converts it on x86-64: truncated, and the smallest integer for what does not fit.
pub(super) fn float_to_int(f: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&f) {
        f as i64
    } else {
        i64::MIN
    }
}

/// `5.00` is taken for 5.
fn trim_zero_decimal(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|b| **b == b'0').count();
    match &text[..text.len() - zeros] {
        [head @ .., b'.'] if zeros > 0 => head,
        _ => text,
    }
}
