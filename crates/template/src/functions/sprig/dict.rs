//! Dictionaries.

use super::text::text_of;
use crate::functions::{Call, Failure, Function, MAX_NESTING, merge};
use crate::value::{List, Map, Text, Type, Value};

const MAP: Type = Type::ANY_MAP;
const ANY: &[Type] = &[Type::Any];
const MAP_KEY: &[Type] = &[MAP, Type::String];
const MAPS: &[Type] = &[MAP, MAP];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_deepCopy",
        "sprig_deepCopy V",
        "A copy of V that shares nothing with it.",
        ANY,
        Type::Any,
        deep_copy,
    ),
    Function::variadic(
        "sprig_dict",
        "sprig_dict [K V]...",
        "A dictionary of the pairs; a last key without a value gets `\"\"`.",
        ANY,
        MAP,
        |call| {
            let map = Map::empty();
            for pair in call.args().chunks(2) {
                map.set(
                    text_of(&pair[0])?,
                    pair.get(1).cloned().unwrap_or_else(|| "".into()),
                );
            }
            Ok(map.into())
        },
    ),
    Function::variadic(
        "sprig_dig",
        "sprig_dig K... DEFAULT D",
        "The value at the path of keys, or DEFAULT.",
        ANY,
        Type::Any,
        dig,
    ),
    Function::new(
        "sprig_get",
        "sprig_get D K",
        "The value at K, or `\"\"`.",
        MAP_KEY,
        Type::Any,
        |call| Ok(call.map(0).get(call.text(1)).unwrap_or_else(|| "".into())),
    ),
    Function::new(
        "sprig_hasKey",
        "sprig_hasKey D K",
        "Whether D has the key K.",
        MAP_KEY,
        Type::Bool,
        |call| Ok(Value::Bool(call.map(0).contains(call.text(1)))),
    ),
    Function::variadic(
        "sprig_keys",
        "sprig_keys D...",
        "The keys of the dictionaries, sorted within each.",
        &[MAP],
        Type::STRING_LIST,
        |call| {
            let mut keys: Vec<Text> = Vec::new();
            for i in 0..call.len() {
                keys.extend(call.map(i).entries().into_iter().map(|(key, _)| key));
            }
            Ok(List::of_strings(keys).into())
        },
    ),
    Function::variadic(
        "sprig_merge",
        "sprig_merge DST SRC...",
        "DST with what the others have and it lacks, at every depth; DST is changed.",
        MAPS,
        Type::Any,
        |call| merged(call, false),
    ),
    Function::variadic(
        "sprig_mergeOverwrite",
        "sprig_mergeOverwrite DST SRC...",
        "DST with everything that the others have, at every depth; DST is changed.",
        MAPS,
        Type::Any,
        |call| merged(call, true),
    ),
    Function::new(
        "sprig_mustDeepCopy",
        "sprig_mustDeepCopy V",
        "As `sprig_deepCopy`.",
        ANY,
        Type::Any,
        deep_copy,
    ),
    Function::variadic(
        "sprig_mustMerge",
        "sprig_mustMerge DST SRC...",
        "As `sprig_merge`.",
        MAPS,
        Type::Any,
        |call| merged(call, false),
    ),
    Function::variadic(
        "sprig_mustMergeOverwrite",
        "sprig_mustMergeOverwrite DST SRC...",
        "As `sprig_mergeOverwrite`.",
        MAPS,
        Type::Any,
        |call| merged(call, true),
    ),
    Function::variadic(
        "sprig_omit",
        "sprig_omit D K...",
        "D without the keys.",
        MAP_KEY,
        MAP,
        |call| {
            let dropped: Vec<&Text> = (1..call.len()).map(|i| call.text(i)).collect();
            let kept = call
                .map(0)
                .entries()
                .into_iter()
                .filter(|(key, _)| !dropped.contains(&key));
            Ok(Map::of_any(kept).into())
        },
    ),
    Function::variadic(
        "sprig_pick",
        "sprig_pick D K...",
        "D with the keys only.",
        MAP_KEY,
        MAP,
        |call| {
            let picked = (1..call.len())
                .filter_map(|i| Some((call.text(i).clone(), call.map(0).get(call.text(i))?)));
            Ok(Map::of_any(picked).into())
        },
    ),
    Function::variadic(
        "sprig_pluck",
        "sprig_pluck K D...",
        "The values at K of the dictionaries that have it.",
        &[Type::String, MAP],
        Type::ANY_LIST,
        |call| {
            Ok(Value::list(
                (1..call.len())
                    .filter_map(|i| call.map(i).get(call.text(0)))
                    .collect(),
            ))
        },
    ),
    Function::new(
        "sprig_set",
        "sprig_set D K V",
        "D with V at K; D is changed.",
        &[MAP, Type::String, Type::Any],
        MAP,
        |call| {
            let map = call.map(0);
            if map.is_nil() {
                return Err(Failure::new("assignment to entry in nil map"));
            }
            map.set(call.text(1).clone(), call.arg(2).clone());
            Ok(map.clone().into())
        },
    ),
    Function::new(
        "sprig_unset",
        "sprig_unset D K",
        "D without K; D is changed.",
        MAP_KEY,
        MAP,
        |call| {
            let map = call.map(0);
            map.remove(call.text(1));
            Ok(map.clone().into())
        },
    ),
    Function::new(
        "sprig_values",
        "sprig_values D",
        "The values of D in the order of its keys.",
        &[MAP],
        Type::ANY_LIST,
        |call| {
            Ok(Value::list(
                call.map(0)
                    .entries()
                    .into_iter()
                    .map(|(_, value)| value)
                    .collect(),
            ))
        },
    ),
];

fn merged(call: &mut Call<'_>, overwrite: bool) -> Result<Value, Failure> {
    // A nil map cannot be added to, so what is merged goes into a new one.
    let target = if call.map(0).is_nil() {
        Map::empty()
    } else {
        call.map(0).clone()
    };
    for i in 1..call.len() {
        merge::merge(&target, call.map(i), overwrite)?;
    }
    Ok(target.into())
}

fn deep_copy(call: &mut Call<'_>) -> Result<Value, Failure> {
    if matches!(call.arg(0), Value::Nil) {
        return Err(Failure::new(
            "reflect: call of reflect.Value.Type on zero Value",
        ));
    }
    copy(call, call.arg(0), 0)
}

fn copy(call: &mut Call<'_>, value: &Value, depth: usize) -> Result<Value, Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    call.spend(1)?;
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let items = list
                .items()
                .iter()
                .map(|item| copy(call, item, depth + 1))
                .collect::<Result<_, _>>()?;
            List::new(list.elem(), items).into()
        }
        Value::Map(map) if !map.is_nil() => {
            let entries = map.entries().into_iter();
            let entries: Vec<(Text, Value)> = entries
                .map(|(key, item)| Ok((key, copy(call, &item, depth + 1)?)))
                .collect::<Result<_, Failure>>()?;
            Map::new(map.elem(), entries).into()
        }
        value => value.clone(),
    })
}

fn dig(call: &mut Call<'_>) -> Result<Value, Failure> {
    let [keys @ .., default, dict] = call.args() else {
        return Err(Failure::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Failure::new("dig needs at least three arguments"));
    }
    let is_not = |value: &Value, wanted: &str| {
        let got = match value {
            Value::Nil => "nil".to_owned(),
            value => value.type_name(),
        };
        Failure::new(format!(
            "interface conversion: interface {{}} is {got}, not {wanted}"
        ))
    };
    let as_map = |value: &Value| match value {
        Value::Map(map) if *map.elem() == Type::Any => Ok(map.clone()),
        value => Err(is_not(value, "map[string]interface {}")),
    };
    let mut at = as_map(dict)?;
    for key in keys {
        if key.as_text().is_none() {
            return Err(is_not(key, "string"));
        }
    }
    let mut keys = keys.iter().filter_map(Value::as_text).peekable();
    while let Some(key) = keys.next() {
        let Some(step) = at.get(key) else {
            return Ok(default.clone());
        };
        if keys.peek().is_none() {
            return Ok(step);
        }
        at = as_map(&step)?;
    }
    Ok(default.clone())
}
