//! Methods of plain values: `json.Number`, `time.Duration`, `time.Month`, `time.Weekday`.

use pannier_go::{Duration, float, integer};

use crate::functions::{Call, Failure};
use crate::value::{IntType, Method, Type, Value};

const fn method(params: &'static [Type], result: Type) -> Option<Method> {
    Some(Method::new(params, result))
}

/// The method of that name, if the value has one.
pub(super) fn of(value: &Value, name: &str) -> Option<Method> {
    match (value, name) {
        (Value::Number(_), "String") => method(&[], Type::String),
        (Value::Number(_), "Int64") => method(&[], Type::INT64),
        (Value::Number(_), "Float64") => method(&[], Type::Float),
        (Value::Int(IntType::Duration | IntType::Month | IntType::Weekday, _), "String") => {
            method(&[], Type::String)
        }
        (Value::Int(IntType::Duration, _), "Hours" | "Minutes" | "Seconds") => {
            method(&[], Type::Float)
        }
        (Value::Int(IntType::Duration, _), "Milliseconds" | "Microseconds" | "Nanoseconds") => {
            method(&[], Type::INT64)
        }
        (Value::Int(IntType::Duration, _), "Abs") => method(&[], Type::DURATION),
        (Value::Int(IntType::Duration, _), "Round" | "Truncate") => {
            method(&[Type::DURATION], Type::DURATION)
        }
        _ => None,
    }
}

/// Calls a method that [`of`] announced.
pub(super) fn call(value: &Value, name: &str, call: &mut Call<'_>) -> Result<Value, Failure> {
    match value {
        Value::Number(text) => match name {
            "Int64" => integer::parse_int(text, 10)
                .map(Value::int64)
                .map_err(|e| Failure::new(e.to_string())),
            "Float64" => float::parse(text)
                .map(Value::Float)
                .map_err(|e| Failure::new(e.to_string())),
            _ => Ok(Value::String(text.clone())),
        },
        Value::Int(IntType::Duration, nanos) => Ok(duration(*nanos, name, call)),
        Value::Int(kind, n) => Ok(Value::string(kind.text(*n).unwrap_or_default())),
        _ => Err(Failure::new(format!("no method {name}"))),
    }
}

fn duration(nanos: i64, name: &str, call: &Call<'_>) -> Value {
    // As Go does: the whole part and the rest apart, so that no digit is lost.
    let in_units =
        |unit: i64| Value::Float((nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64);
    match name {
        "Hours" => in_units(3_600_000_000_000),
        "Minutes" => in_units(60_000_000_000),
        "Seconds" => in_units(1_000_000_000),
        "Milliseconds" => Value::int64(nanos / 1_000_000),
        "Microseconds" => Value::int64(nanos / 1_000),
        "Nanoseconds" => Value::int64(nanos),
        "Abs" => Value::duration(nanos.saturating_abs()),
        "Round" => Value::duration(round(nanos, call.int(0))),
        "Truncate" => {
            let unit = call.int(0);
            Value::duration(if unit <= 0 {
                nanos
            } else {
                nanos - nanos % unit
            })
        }
        _ => Value::string(Duration::from_nanos(nanos).to_string()),
    }
}

/// To the nearest multiple, halves away from zero.
fn round(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = nanos % unit;
    let down = nanos - rest;
    if rest.unsigned_abs() * 2 < unit.unsigned_abs() {
        return down;
    }
    if nanos < 0 {
        down.saturating_sub(unit)
    } else {
        down.saturating_add(unit)
    }
}
