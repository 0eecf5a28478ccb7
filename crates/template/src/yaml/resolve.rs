//! What a plain scalar means: YAML 1.1's many spellings of null, booleans and numbers.

use pannier_go::{float, integer};

use crate::value::Value;

/// The meaning of a scalar without quotes and tag.
pub(super) fn plain(text: &str) -> Value {
    let Some(first) = text.bytes().next() else {
        return Value::Nil;
    };
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        "~" | "null" | "Null" | "NULL" => return Value::Nil,
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match first {
        b'.' => float::parse(text).map_or_else(|_| Value::string(text), Value::Float),
        b'+' | b'-' | b'0'..=b'9' => number(text).unwrap_or_else(|| Value::string(text)),
        _ => Value::string(text),
    }
}

/// An integer or a float; `None` for text, dates included.
fn number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    if let Ok(n) = integer::parse_int(&plain, 0) {
        return Some(Value::int(n));
    }
    if let Ok(n) = integer::parse_uint(&plain, 0) {
        return Some(Value::uint64(n));
    }
    if is_float(&plain) {
        return float::parse(&plain).ok().map(Value::Float);
    }
    None
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_ok && exponent_ok
}

/// Whether a text must be quoted to stay a text.
pub(super) fn needs_quotes(text: &str) -> bool {
    !matches!(plain(text), Value::String(_)) || is_timestamp(text) || is_base_60(text)
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: a float of YAML 1.1 such as `190:20:30`.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit())
        || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return false;
    }
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    let sixty = |part: &str| match part.as_bytes() {
        [d] => d.is_ascii_digit(),
        [tens, d] => matches!(tens, b'0'..=b'5') && d.is_ascii_digit(),
        _ => false,
    };
    let (whole, fraction) = last.split_once('.').unwrap_or((last, ""));
    middle.iter().all(|part| sixty(part))
        && sixty(whole)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// The forms of date that the library takes for a timestamp.
fn is_timestamp(text: &str) -> bool {
    const LAYOUTS: [&str; 4] = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    LAYOUTS
        .iter()
        .any(|layout| crate::datetime::parse(layout, text).is_ok())
}
