//! Values from JSON and to JSON.

use std::collections::BTreeMap;

use pannier_go::float;
use pannier_go::json::{self, Json, Style, Writer};

use crate::functions::{Failure, MAX_NESTING};
use crate::value::{Map, Object, Text, Value};

/// Up to so many members are put into a map one by one; for more it is faster to build the map at once.
const SMALL: usize = 8;

/// What numbers become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// `float64`, as `parseJSON` reads them.
    Float,
    /// `json.Number` with the digits as they stand, as secrets are read.
    Digits,
}

/// The value that Go's decoder would put into an `interface {}`.
///
/// # Errors
/// A number that no `float64` can hold, in Go's words; or nesting deeper than [`MAX_NESTING`].
pub fn to_value(json: &Json, numbers: Numbers) -> Result<Value, Failure> {
    convert(json, numbers, 0).map_err(|failure| {
        let mut path = Vec::new();
        match too_large(json, 0, &mut path) {
            Some(number) if !failure.is_limit() => cannot_unmarshal(number, &path),
            _ => failure,
        }
    })
}

/// A step from a value to one in it.
enum Step<'j> {
    Member(&'j str),
    Item(usize),
}

/// The first number that no `float64` can hold, and the way to it.
fn too_large<'j>(json: &'j Json, depth: usize, path: &mut Vec<Step<'j>>) -> Option<&'j str> {
    if depth > MAX_NESTING {
        return None;
    }
    let mut down = |step, inner| {
        path.push(step);
        let found = too_large(inner, depth + 1, path);
        if found.is_none() {
            path.pop();
        }
        found
    };
    match json {
        Json::Number(text) => float::parse(text).is_err().then_some(text),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, item)| down(Step::Item(i), item)),
        Json::Object(members) => members
            .iter()
            .find_map(|(name, member)| down(Step::Member(name), member)),
        _ => None,
    }
}

/// The words of Go's decoder.
fn cannot_unmarshal(number: &str, path: &[Step<'_>]) -> Failure {
    let way: String = path
        .iter()
        .map(|step| match step {
            Step::Member(name) => format!(".{name}"),
            Step::Item(i) => format!(".{i}"),
        })
        .collect();
    let into = match path.last() {
        None => "Go value".to_owned(),
        Some(Step::Member("")) if path.len() == 1 => "Go value".to_owned(),
        Some(Step::Member(_)) => format!("Go struct field {way}"),
        Some(Step::Item(_)) => way,
    };
    Failure::new(format!(
        "json: cannot unmarshal number {number} into {into} of type float64"
    ))
}

fn convert(json: &Json, numbers: Numbers, depth: usize) -> Result<Value, Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(text) if numbers == Numbers::Digits => Value::Number(text.as_str().into()),
        Json::Number(text) => match float::parse(text) {
            Ok(number) => Value::Float(number),
            Err(_) => return Err(cannot_unmarshal(text, &[])),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::list(
            items
                .iter()
                .map(|item| convert(item, numbers, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(members) => {
            let entry = |(name, member): (&String, &Json)| -> Result<(Text, Value), Failure> {
                Ok((name.as_str().into(), convert(member, numbers, depth + 1)?))
            };
            let mut entries = BTreeMap::new();
            if members.len() <= SMALL {
                for member in members {
                    let (name, value) = entry(member)?;
                    entries.insert(name, value);
                }
            } else {
                entries = members.iter().map(entry).collect::<Result<_, _>>()?;
            }
            Map::of_sorted(entries).into()
        }
    })
}

/// Reads JSON as `json.Unmarshal` does into an `interface {}`.
pub(crate) fn decode(text: &[u8]) -> Result<Value, Failure> {
    let json = json::decode(text).map_err(|error| Failure::new(error.to_string()))?;
    to_value(&json, Numbers::Float)
}

/// Writes JSON as `json.Marshal` does.
///
/// # Errors
/// What JSON cannot hold, in Go's words: `json: unsupported value: NaN`.
pub(crate) fn encode(value: &Value, style: Style<'_>) -> Result<Vec<u8>, Failure> {
    let mut writer = Writer::new(style);
    write(&mut writer, value, 0)?;
    Ok(writer.finish())
}

fn write(writer: &mut Writer<'_>, value: &Value, depth: usize) -> Result<(), Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    match value {
        Value::Nil | Value::NilPointer(_) => writer.raw("null"),
        Value::Bool(true) => writer.raw("true"),
        Value::Bool(false) => writer.raw("false"),
        Value::Int(_, n) => writer.raw(n.to_string()),
        Value::Uint(_, n) => writer.raw(n.to_string()),
        Value::Float(f) => match json::float_text(*f) {
            Some(text) => writer.raw(text),
            None => {
                let text = float::format(*f, float::Form::General, None);
                return Err(Failure::new(format!("json: unsupported value: {text}")));
            }
        },
        Value::String(text) => writer.string(text),
        Value::Number(text) if text.is_empty() => writer.raw("0"),
        Value::Number(text) if json::is_number(text) => writer.raw(text),
        Value::Number(_) => return Err(Failure::new("json: invalid number literal")),
        Value::Bytes(bytes) => {
            writer.string(crate::encoding::base64_encode(
                bytes,
                crate::encoding::Alphabet::Standard,
            ));
        }
        Value::List(list) if list.is_nil() => writer.raw("null"),
        Value::List(list) => {
            writer.open_list();
            for item in list.items() {
                write(writer, item, depth + 1)?;
            }
            writer.close_list();
        }
        Value::Map(map) if map.is_nil() => writer.raw("null"),
        Value::Map(map) => {
            writer.open_object();
            for (key, item) in map.entries() {
                writer.name(&key);
                write(writer, &item, depth + 1)?;
            }
            writer.close_object();
        }
        Value::Object(object) => match marshal_text(&**object) {
            Some(text) => writer.string(text),
            None => {
                writer.open_object();
                for (name, field) in object.fields() {
                    writer.name(name);
                    write(writer, &field, depth + 1)?;
                }
                writer.close_object();
            }
        },
        Value::Complex(..) | Value::Func(_) => {
            return Err(Failure::new(format!(
                "json: unsupported type: {}",
                value.type_name()
            )));
        }
    }
    Ok(())
}

/// The text of objects that write themselves as text (`MarshalText`): times and versions.
pub(crate) fn marshal_text(object: &dyn Object) -> Option<String> {
    if let Some(time) = object.as_any().downcast_ref::<crate::datetime::Time>() {
        return Some(time.rfc3339_nano());
    }
    object
        .as_any()
        .downcast_ref::<crate::semver::Version>()
        .map(ToString::to_string)
}
