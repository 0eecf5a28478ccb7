//! `len`, `index`, `slice`.

use super::field::zero;
use super::val::Val;
use crate::functions::Failure;
use crate::value::{List, Text, Type, UintType, Value};

type Result<T> = std::result::Result<T, Failure>;

pub(super) fn len(val: &Val) -> Result<Value> {
    let length = match val {
        Val::Invalid => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Val::Interface(Value::Nil) => return Err("len of nil pointer".into()),
        Val::Of(value) | Val::Interface(value) => match value {
            Value::String(text) | Value::Number(text) | Value::Bytes(text) => text.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            Value::NilPointer(_) => return Err("len of nil pointer".into()),
            other => {
                return Err(Failure::new(format!(
                    "len of type {}",
                    structure_name(other)
                )));
            }
        },
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// The type's name after following a pointer.
fn structure_name(value: &Value) -> String {
    match value {
        Value::Object(object) => object.type_name().trim_start_matches('*').to_owned(),
        other => other.type_name(),
    }
}

pub(super) fn index(item: Val, indexes: impl Iterator<Item = Val>) -> Result<Val> {
    let mut item = item.unwrapped();
    if item.is_invalid() {
        return Err("index of untyped nil".into());
    }
    for index in indexes {
        let index = index.unwrapped();
        item = match &item {
            Val::Invalid | Val::Interface(Value::Nil) => return Err("index of nil pointer".into()),
            Val::Of(value) | Val::Interface(value) => match value {
                Value::List(list) => {
                    let i = position(&index, list.len())?;
                    let found = list
                        .items()
                        .get(i)
                        .ok_or("reflect: slice index out of range")?;
                    Val::typed(found.clone(), list.elem())
                }
                Value::String(text) | Value::Number(text) => byte(text, &index, "string")?,
                Value::Bytes(text) => byte(text, &index, "slice")?,
                Value::Map(map) => {
                    let key = prepared(index, &Type::String)?;
                    let found = key.as_text().and_then(|key| map.get(key));
                    found.map_or_else(|| zero(map.elem()), |value| Val::typed(value, map.elem()))
                }
                Value::NilPointer(_) => return Err("index of nil pointer".into()),
                other => {
                    return Err(Failure::new(format!(
                        "can't index item of type {}",
                        structure_name(other)
                    )));
                }
            },
        };
    }
    Ok(item)
}

fn byte(text: &Text, index: &Val, kind: &str) -> Result<Val> {
    let i = position(index, text.len())?;
    let byte = text
        .get(i)
        .ok_or_else(|| Failure::new(format!("reflect: {kind} index out of range")))?;
    Ok(Val::Of(Value::Uint(UintType::Uint8, u64::from(*byte))))
}

/// An index as a number up to and including `end`; the caller refuses `end` itself where Go's reflection does.
fn position(index: &Val, end: usize) -> Result<usize> {
    let n = match index.value() {
        Value::Int(_, n) => i128::from(*n),
        // Go looks at the number as a signed one.
        Value::Uint(_, n) => i128::from(n.cast_signed()),
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        other => {
            return Err(Failure::new(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            )));
        }
    };
    match usize::try_from(n) {
        Ok(i) if i <= end => Ok(i),
        _ => Err(Failure::new(format!("index out of range: {n}"))),
    }
}

/// A value as an argument or key of type `of`.
pub(super) fn prepared(val: Val, of: &Type) -> Result<Value> {
    if val.is_invalid() {
        return match zero(of) {
            Val::Interface(value) => Ok(value),
            Val::Of(
                value @ (Value::List(_) | Value::Map(_) | Value::Bytes(_) | Value::NilPointer(_)),
            ) => Ok(value),
            _ => Err(Failure::new(format!(
                "value is nil; should be of type {of}"
            ))),
        };
    }
    let value = val.into_value();
    if *of == Type::Any || value.type_of() == Some(*of) {
        return Ok(value);
    }
    match (of, &value) {
        (Type::Int(kind), Value::Int(_, n)) => Ok(Value::Int(*kind, *n)),
        (Type::Int(kind), Value::Uint(_, n)) => Ok(Value::Int(*kind, n.cast_signed())),
        (Type::Uint(kind), Value::Int(_, n)) => Ok(Value::Uint(*kind, n.cast_unsigned())),
        (Type::Uint(kind), Value::Uint(_, n)) => Ok(Value::Uint(*kind, *n)),
        _ => Err(Failure::new(format!(
            "value has type {}; should be {of}",
            value.type_name()
        ))),
    }
}

pub(super) fn slice(item: Val, indexes: &[Val]) -> Result<Val> {
    let item = item.unwrapped();
    if item.is_invalid() {
        return Err("slice of untyped nil".into());
    }
    if indexes.len() > 3 {
        return Err(Failure::new(format!(
            "too many slice indexes: {}",
            indexes.len()
        )));
    }
    let (length, capacity) = match item.value() {
        Value::String(_) | Value::Number(_) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".into());
        }
        Value::String(text) | Value::Number(text) | Value::Bytes(text) => (text.len(), text.len()),
        Value::List(list) => (list.len(), list.capacity()),
        other => {
            return Err(Failure::new(format!(
                "can't slice item of type {}",
                structure_name(other)
            )));
        }
    };
    let mut bounds = [0, length, capacity];
    for (slot, index) in bounds.iter_mut().zip(indexes) {
        // Unlike `index`, Go does not look into an interface here: a number from a map is refused.
        if matches!(index, Val::Interface(_)) {
            return Err("cannot index slice/array with type interface {}".into());
        }
        *slot = position(index, capacity)?;
    }
    let [from, to, end] = bounds;
    if from > to {
        return Err(Failure::new(format!("invalid slice index: {from} > {to}")));
    }
    if indexes.len() == 3 && to > end {
        return Err(Failure::new(format!("invalid slice index: {to} > {end}")));
    }
    Ok(Val::Of(match item.value() {
        Value::String(text) => Value::String(Text::from(&text[from..to])),
        Value::Number(text) => Value::Number(Text::from(&text[from..to])),
        Value::Bytes(text) => Value::Bytes(Text::from(&text[from..to])),
        Value::List(list) => Value::List(List::slice(list, from, to, end)),
        _ => Value::Nil,
    }))
}
