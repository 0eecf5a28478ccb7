//! Membership, counting, and what is done with maps.

use pannier_go::integer;

use super::scratch::Scratch;
use crate::fmt;
use crate::functions::{Call, Failure, Function, merge};
use crate::value::{List, Map, Type, Value};

const ANY_LIST_AND_ANY: &[Type] = &[Type::ANY_LIST, Type::Any];
const TWO_MAPS: &[Type] = &[Type::ANY_MAP, Type::ANY_MAP];
/// In Go options may follow, which no template can make.
const MERGE: &[Type] = &[
    Type::ANY_MAP,
    Type::ANY_MAP,
    Type::Func("func(*mergo.Config)"),
];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "contains",
        "contains V L",
        "Whether the list L has the item V, or the text L the part V.",
        &[Type::Any, Type::Any],
        Type::Bool,
        |call| Ok(Value::Bool(is_in(call.arg(1), call.arg(0))?)),
    ),
    Function::new(
        "containsAll",
        "containsAll V L",
        "Whether L has every item of the list V.",
        ANY_LIST_AND_ANY,
        Type::Bool,
        |call| Ok(Value::Bool(count_in(call)? == call.list(0).len())),
    ),
    Function::new(
        "containsAny",
        "containsAny V L",
        "Whether L has at least one item of the list V.",
        ANY_LIST_AND_ANY,
        Type::Bool,
        |call| Ok(Value::Bool(count_in(call)? > 0)),
    ),
    Function::new(
        "containsNone",
        "containsNone V L",
        "Whether L has no item of the list V.",
        ANY_LIST_AND_ANY,
        Type::Bool,
        |call| Ok(Value::Bool(count_in(call)? == 0)),
    ),
    Function::new(
        "containsNotAll",
        "containsNotAll V L",
        "Whether L lacks at least one item of the list V.",
        ANY_LIST_AND_ANY,
        Type::Bool,
        |call| Ok(Value::Bool(count_in(call)? < call.list(0).len())),
    ),
    Function::variadic(
        "executeTemplate",
        "executeTemplate NAME [DOT]",
        "The text of the defined template NAME, with DOT as its dot.",
        &[Type::String, Type::Any],
        Type::String,
        |call| {
            if call.len() > 2 {
                let got = call.len();
                let text = format!(
                    "executeTemplate: wrong number of arguments, expected 1 or 2, but got {got}"
                );
                return Err(Failure::new(text));
            }
            let (name, dot) = (call.text(0).clone(), call.arg(1).clone());
            Ok(call.execute_template(&name, dot)?.into())
        },
    ),
    Function::new(
        "explodeMap",
        "explodeMap M",
        "M with each key `a/b` taken apart into nested maps.",
        &[Type::ANY_MAP],
        Type::ANY_MAP,
        |call| {
            let out = Map::empty();
            for (key, value) in call.map(0).entries() {
                // A key without a text gets lost.
                if !key.is_empty() {
                    explode(&out, &key, value)?;
                }
            }
            Ok(out.into())
        },
    ),
    Function::new(
        "in",
        "in L V",
        "Whether the list L has the item V, or the text L the part V.",
        &[Type::Any, Type::Any],
        Type::Bool,
        |call| Ok(Value::Bool(is_in(call.arg(0), call.arg(1))?)),
    ),
    Function::variadic(
        "loop",
        "loop [FROM] TO",
        "The numbers from FROM (0 if left out) up to but without TO.",
        &[Type::Any],
        Type::List(&Type::INT64),
        count,
    ),
    Function::variadic(
        "mergeMap",
        "mergeMap DST SRC",
        "DST with what SRC has and DST lacks, at every depth; DST is changed.",
        MERGE,
        Type::ANY_MAP,
        |call| merged(call, false),
    ),
    Function::new(
        "mergeMapWithOverride",
        "mergeMapWithOverride DST SRC",
        "DST with everything that SRC has, at every depth; DST is changed.",
        TWO_MAPS,
        Type::ANY_MAP,
        |call| merged(call, true),
    ),
    Function::new(
        "scratch",
        "scratch",
        "A store for this rendering: `.Key K`, `.Get K`, `.Set K V`, `.SetX K V`, `.MapSet K MK V`, `.MapSetX K MK V`, `.MapValues K`.",
        &[],
        Type::Pointer("*template.Scratch"),
        |call| Ok(Value::object(Scratch(call.scratch()))),
    ),
];

/// Consul-Template's idea of membership: an equal number or text of the very same type, or a part of a text. Booleans,
/// lists and maps are in no list.
fn is_in(list: &Value, wanted: &Value) -> Result<bool, Failure> {
    let nil_meets_text = |text: &Value| {
        matches!(text, Value::String(_) | Value::Number(_)) && matches!(wanted, Value::Nil)
    };
    let is_text = match list {
        Value::List(list) => list.items().iter().any(nil_meets_text),
        value => nil_meets_text(value),
    };
    if is_text {
        return Err(Failure::new(
            "reflect: call of reflect.Value.Type on zero Value",
        ));
    }
    Ok(match (list, wanted) {
        (Value::List(list), wanted) => list.items().iter().any(|item| same(item, wanted)),
        (Value::String(text), Value::String(part)) | (Value::Number(text), Value::Number(part)) => {
            bstr::ByteSlice::find(&text[..], &part[..]).is_some()
        }
        _ => false,
    })
}

fn same(item: &Value, wanted: &Value) -> bool {
    match (item, wanted) {
        (Value::String(a), Value::String(b)) | (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Int(_, a), Value::Int(_, b)) => a == b,
        (Value::Uint(_, a), Value::Uint(_, b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        _ => false,
    }
}

fn count_in(call: &mut Call<'_>) -> Result<usize, Failure> {
    let (wanted, list) = (call.list(0), call.arg(1));
    if let Value::List(items) = list {
        call.spend(wanted.len().saturating_mul(items.len()) / 16)?;
    }
    let mut count = 0;
    for item in wanted.items() {
        count += usize::from(is_in(list, item)?);
    }
    Ok(count)
}

fn explode(out: &Map, key: &[u8], value: Value) -> Result<(), Failure> {
    let mut at = out.clone();
    let parts: Vec<&[u8]> = key.split(|b| *b == b'/').collect();
    let (last, parents) = parts.split_last().unwrap_or((&key, &[]));
    for part in parents {
        at = match at.get(part) {
            Some(Value::Map(inner)) => inner,
            None => {
                let inner = Map::empty();
                at.set(*part, inner.clone().into());
                inner
            }
            Some(taken) => {
                let quote = |text: &[u8]| pannier_go::quote::quote(text);
                let shown = fmt::sprintf(b"%q", &[taken]).unwrap_or_default();
                return Err(Failure::new(format!(
                    "explodeMap: not a map: {}: {} already has value {}",
                    quote(key),
                    quote(part),
                    String::from_utf8_lossy(&shown)
                )));
            }
        };
    }
    // A key that ends with a slash names a map and has no value of its own.
    if !last.is_empty() || parents.is_empty() {
        at.set(*last, value);
    }
    Ok(())
}

fn count(call: &mut Call<'_>) -> Result<Value, Failure> {
    let (from, to) = match call.args() {
        [to] => (0, bound(to)?),
        [from, to] => (bound(from)?, bound(to)?),
        args => {
            let got = args.len();
            return Err(Failure::new(format!(
                "loop: wrong number of arguments, expected 1 or 2, but got {got}"
            )));
        }
    };
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
    call.spend(length)?;
    Ok(Value::List(List::new(
        &Type::INT64,
        (from..to).map(Value::int64).collect(),
    )))
}

fn bound(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Int(_, n) => Ok(*n),
        Value::Uint(_, n) => Ok(i64::try_from(*n).unwrap_or(i64::MAX)),
        Value::String(text) | Value::Number(text) if text.is_empty() => Ok(0),
        Value::String(text) | Value::Number(text) => {
            integer::parse_int(text, 10).map_err(|error| Failure::new(format!("parseInt: {error}")))
        }
        value => Err(Failure::new(format!(
            "loop: bad argument type: {}",
            value.type_name()
        ))),
    }
}

fn merged(call: &mut Call<'_>, overwrite: bool) -> Result<Value, Failure> {
    let target = call.map(0);
    if target.is_nil() {
        // A nil map cannot be added to; the original hands it back as it is.
        return Ok(target.clone().into());
    }
    merge::merge(target, call.map(1), overwrite)?;
    Ok(target.clone().into())
}
