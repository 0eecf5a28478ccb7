//! Lists.

use super::equal::deep_equal;
use super::logic::is_empty;
use super::nil_pointer;
use super::text::text_of;
use super::types::kind;
use crate::functions::{Call, Failure, Function, cast};
use crate::strings;
use crate::value::{List, Map, Type, Value};

const ANY: &[Type] = &[Type::Any];
const ANY_ANY: &[Type] = &[Type::Any, Type::Any];
const SS: &[Type] = &[Type::String, Type::String];
const N: &[Type] = &[Type::INT];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_append",
        "sprig_append LIST V",
        "LIST with V added at the end.",
        ANY_ANY,
        Type::ANY_LIST,
        push,
    ),
    Function::new(
        "sprig_chunk",
        "sprig_chunk N LIST",
        "LIST in lists of N items each.",
        &[Type::INT, Type::Any],
        Type::List(&Type::ANY_LIST),
        chunk,
    ),
    Function::new(
        "sprig_compact",
        "sprig_compact LIST",
        "LIST without empty items.",
        ANY,
        Type::ANY_LIST,
        compact,
    ),
    Function::variadic(
        "sprig_concat",
        "sprig_concat LIST...",
        "The items of all lists in one.",
        ANY,
        Type::Any,
        concat,
    ),
    Function::new(
        "sprig_first",
        "sprig_first LIST",
        "The first item, nil if there is none.",
        ANY,
        Type::Any,
        first,
    ),
    Function::new(
        "sprig_has",
        "sprig_has V LIST",
        "Whether V is an item of LIST.",
        ANY_ANY,
        Type::Bool,
        has,
    ),
    Function::new(
        "sprig_initial",
        "sprig_initial LIST",
        "LIST without its last item.",
        ANY,
        Type::ANY_LIST,
        initial,
    ),
    Function::new(
        "sprig_join",
        "sprig_join SEP LIST",
        "The items of LIST as texts with SEP between them.",
        &[Type::String, Type::Any],
        Type::String,
        |call| Ok(texts(call.arg(1))?.join(&**call.text(0)).into()),
    ),
    Function::new(
        "sprig_last",
        "sprig_last LIST",
        "The last item, nil if there is none.",
        ANY,
        Type::Any,
        last,
    ),
    Function::variadic(
        "sprig_list",
        "sprig_list V...",
        "A list of the values.",
        ANY,
        Type::ANY_LIST,
        |call| Ok(Value::list(call.args().to_vec())),
    ),
    Function::new(
        "sprig_mustAppend",
        "sprig_mustAppend LIST V",
        "As `sprig_append`.",
        ANY_ANY,
        Type::ANY_LIST,
        push,
    ),
    Function::new(
        "sprig_mustChunk",
        "sprig_mustChunk N LIST",
        "As `sprig_chunk`.",
        &[Type::INT, Type::Any],
        Type::List(&Type::ANY_LIST),
        chunk,
    ),
    Function::new(
        "sprig_mustCompact",
        "sprig_mustCompact LIST",
        "As `sprig_compact`.",
        ANY,
        Type::ANY_LIST,
        compact,
    ),
    Function::new(
        "sprig_mustFirst",
        "sprig_mustFirst LIST",
        "As `sprig_first`.",
        ANY,
        Type::Any,
        first,
    ),
    Function::new(
        "sprig_mustHas",
        "sprig_mustHas V LIST",
        "As `sprig_has`.",
        ANY_ANY,
        Type::Bool,
        has,
    ),
    Function::new(
        "sprig_mustInitial",
        "sprig_mustInitial LIST",
        "As `sprig_initial`.",
        ANY,
        Type::ANY_LIST,
        initial,
    ),
    Function::new(
        "sprig_mustLast",
        "sprig_mustLast LIST",
        "As `sprig_last`.",
        ANY,
        Type::Any,
        last,
    ),
    Function::new(
        "sprig_mustPrepend",
        "sprig_mustPrepend LIST V",
        "As `sprig_prepend`.",
        ANY_ANY,
        Type::ANY_LIST,
        prepend,
    ),
    Function::new(
        "sprig_mustPush",
        "sprig_mustPush LIST V",
        "As `sprig_append`.",
        ANY_ANY,
        Type::ANY_LIST,
        push,
    ),
    Function::new(
        "sprig_mustRest",
        "sprig_mustRest LIST",
        "As `sprig_rest`.",
        ANY,
        Type::ANY_LIST,
        rest,
    ),
    Function::new(
        "sprig_mustReverse",
        "sprig_mustReverse LIST",
        "As `sprig_reverse`.",
        ANY,
        Type::ANY_LIST,
        reverse,
    ),
    Function::variadic(
        "sprig_mustSlice",
        "sprig_mustSlice LIST [FROM [TO]]",
        "As `sprig_slice`.",
        ANY_ANY,
        Type::Any,
        slice,
    ),
    Function::new(
        "sprig_mustUniq",
        "sprig_mustUniq LIST",
        "As `sprig_uniq`.",
        ANY,
        Type::ANY_LIST,
        uniq,
    ),
    Function::variadic(
        "sprig_mustWithout",
        "sprig_mustWithout LIST V...",
        "As `sprig_without`.",
        ANY_ANY,
        Type::ANY_LIST,
        without,
    ),
    Function::new(
        "sprig_prepend",
        "sprig_prepend LIST V",
        "LIST with V added at the start.",
        ANY_ANY,
        Type::ANY_LIST,
        prepend,
    ),
    Function::new(
        "sprig_push",
        "sprig_push LIST V",
        "The same as `sprig_append`.",
        ANY_ANY,
        Type::ANY_LIST,
        push,
    ),
    Function::new(
        "sprig_rest",
        "sprig_rest LIST",
        "LIST without its first item.",
        ANY,
        Type::ANY_LIST,
        rest,
    ),
    Function::new(
        "sprig_reverse",
        "sprig_reverse LIST",
        "LIST backwards.",
        ANY,
        Type::ANY_LIST,
        reverse,
    ),
    Function::variadic(
        "sprig_seq",
        "sprig_seq [FROM [STEP]] TO",
        "Numbers with spaces between them, as the Unix tool writes them.",
        N,
        Type::String,
        seq,
    ),
    Function::variadic(
        "sprig_slice",
        "sprig_slice LIST [FROM [TO]]",
        "The items of LIST from FROM up to but without TO.",
        ANY_ANY,
        Type::Any,
        slice,
    ),
    Function::new(
        "sprig_sortAlpha",
        "sprig_sortAlpha LIST",
        "The items as texts, sorted.",
        ANY,
        Type::STRING_LIST,
        |call| {
            let Value::List(_) = call.arg(0) else {
                return Ok(Value::strings([text_of(call.arg(0))?]));
            };
            let mut texts = texts(call.arg(0))?;
            texts.sort();
            Ok(Value::strings(texts))
        },
    ),
    Function::new(
        "sprig_split",
        "sprig_split SEP S",
        "A map of the parts of S between SEP, under the keys `_0`, `_1` and so on.",
        SS,
        Type::STRING_MAP,
        |call| Ok(numbered(&strings::split(call.text(1), call.text(0), -1))),
    ),
    Function::new(
        "sprig_splitList",
        "sprig_splitList SEP S",
        "The parts of S between SEP.",
        SS,
        Type::STRING_LIST,
        |call| {
            Ok(Value::strings(strings::split(
                call.text(1),
                call.text(0),
                -1,
            )))
        },
    ),
    Function::new(
        "sprig_splitn",
        "sprig_splitn SEP N S",
        "As `sprig_split`, with at most N parts.",
        &[Type::String, Type::INT, Type::String],
        Type::STRING_MAP,
        |call| {
            Ok(numbered(&strings::split(
                call.text(2),
                call.text(0),
                call.int(1),
            )))
        },
    ),
    Function::variadic(
        "sprig_tuple",
        "sprig_tuple V...",
        "The same as `sprig_list`.",
        ANY,
        Type::ANY_LIST,
        |call| Ok(Value::list(call.args().to_vec())),
    ),
    Function::new(
        "sprig_uniq",
        "sprig_uniq LIST",
        "LIST without items that came before.",
        ANY,
        Type::ANY_LIST,
        uniq,
    ),
    Function::new(
        "sprig_until",
        "sprig_until N",
        "The numbers from 0 up to but without N.",
        N,
        Type::List(&Type::INT),
        |call| {
            let count = call.int(0);
            numbers(call, 0, count, if count < 0 { -1 } else { 1 }).map(ints)
        },
    ),
    Function::new(
        "sprig_untilStep",
        "sprig_untilStep FROM TO STEP",
        "The numbers from FROM up to but without TO, STEP apart.",
        &[Type::INT, Type::INT, Type::INT],
        Type::List(&Type::INT),
        |call| {
            let (from, to, step) = (call.int(0), call.int(1), call.int(2));
            numbers(call, from, to, step).map(ints)
        },
    ),
    Function::variadic(
        "sprig_without",
        "sprig_without LIST V...",
        "LIST without the given items.",
        ANY_ANY,
        Type::ANY_LIST,
        without,
    ),
];

/// The items of a list, or Sprig's error for what is none.
fn items<'v>(value: &'v Value, what: &str) -> Result<&'v [Value], Failure> {
    match value {
        Value::List(list) => Ok(list.items()),
        Value::Nil => Err(nil_pointer()),
        value => Err(Failure::new(format!("Cannot {what} type {}", kind(value)))),
    }
}

/// A list that is nil when it has no items, as a Go slice that nothing was appended to.
fn or_nil(items: Vec<Value>) -> Value {
    if items.is_empty() {
        List::nil(&Type::Any).into()
    } else {
        Value::list(items)
    }
}

/// Sprig's `strslice`: the items as texts, without nil ones.
pub(super) fn texts(value: &Value) -> Result<Vec<Vec<u8>>, Failure> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => list
            .items()
            .iter()
            .filter(|item| !matches!(item, Value::Nil))
            .map(text_of)
            .collect(),
        value => Ok(vec![text_of(value)?]),
    }
}

fn numbered(parts: &[&[u8]]) -> Value {
    Map::of_strings(
        parts
            .iter()
            .enumerate()
            .map(|(i, part)| (format!("_{i}"), *part)),
    )
    .into()
}

fn ints(numbers: Vec<i64>) -> Value {
    List::new(&Type::INT, numbers.into_iter().map(Value::int).collect()).into()
}

fn numbers(call: &mut Call<'_>, from: i64, to: i64, step: i64) -> Result<Vec<i64>, Failure> {
    let distance = i128::from(to) - i128::from(from);
    if step == 0 || distance == 0 || (distance < 0) != (step < 0) {
        return Ok(Vec::new());
    }
    let count = distance
        .unsigned_abs()
        .div_ceil(u128::from(step.unsigned_abs()));
    call.spend(usize::try_from(count).unwrap_or(usize::MAX))?;
    Ok((0..count as i64).map(|i| from + i * step).collect())
}

fn push(call: &mut Call<'_>) -> Result<Value, Failure> {
    let mut all = items(call.arg(0), "push on")?.to_vec();
    call.spend(all.len() / 8)?;
    all.push(call.arg(1).clone());
    Ok(Value::list(all))
}

fn prepend(call: &mut Call<'_>) -> Result<Value, Failure> {
    let rest = items(call.arg(0), "prepend on")?;
    call.spend(rest.len() / 8)?;
    Ok(Value::list(
        std::iter::once(call.arg(1)).chain(rest).cloned().collect(),
    ))
}

fn chunk(call: &mut Call<'_>) -> Result<Value, Failure> {
    let all = items(call.arg(1), "chunk")?;
    let size = call.int(0);
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        // Counting the parts in floating point, the original finds none here, and else a number that cannot be.
        if size < 0 && all.len() >= 2 && (all.len() as u64) <= size.unsigned_abs() + 1 {
            return Ok(List::new(&Type::ANY_LIST, Vec::new()).into());
        }
        return Err(Failure::new("runtime error: makeslice: len out of range"));
    };
    let chunks = all
        .chunks(size)
        .map(|chunk| Value::list(chunk.to_vec()))
        .collect();
    Ok(List::new(&Type::ANY_LIST, chunks).into())
}

fn compact(call: &mut Call<'_>) -> Result<Value, Failure> {
    let all = items(call.arg(0), "compact on")?;
    Ok(Value::list(
        all.iter().filter(|item| !is_empty(item)).cloned().collect(),
    ))
}

fn concat(call: &mut Call<'_>) -> Result<Value, Failure> {
    let mut out = Vec::new();
    for list in call.args() {
        match list {
            Value::List(list) => out.extend_from_slice(list.items()),
            Value::Nil => return Err(nil_pointer()),
            value => {
                return Err(Failure::new(format!(
                    "Cannot concat type {} as list",
                    kind(value)
                )));
            }
        }
    }
    call.spend(out.len() / 8)?;
    Ok(or_nil(out))
}

fn first(call: &mut Call<'_>) -> Result<Value, Failure> {
    Ok(items(call.arg(0), "find first on")?
        .first()
        .cloned()
        .unwrap_or(Value::Nil))
}

fn last(call: &mut Call<'_>) -> Result<Value, Failure> {
    Ok(items(call.arg(0), "find last on")?
        .last()
        .cloned()
        .unwrap_or(Value::Nil))
}

fn rest(call: &mut Call<'_>) -> Result<Value, Failure> {
    let all = items(call.arg(0), "find rest on")?;
    match all {
        [] => Ok(List::nil(&Type::Any).into()),
        [_, rest @ ..] => Ok(Value::list(rest.to_vec())),
    }
}

fn initial(call: &mut Call<'_>) -> Result<Value, Failure> {
    let all = items(call.arg(0), "find initial on")?;
    match all {
        [] => Ok(List::nil(&Type::Any).into()),
        [initial @ .., _] => Ok(Value::list(initial.to_vec())),
    }
}

fn reverse(call: &mut Call<'_>) -> Result<Value, Failure> {
    Ok(Value::list(
        items(call.arg(0), "find reverse on")?
            .iter()
            .rev()
            .cloned()
            .collect(),
    ))
}

fn contains(all: &[Value], wanted: &Value) -> Result<bool, Failure> {
    for item in all {
        if deep_equal(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has(call: &mut Call<'_>) -> Result<Value, Failure> {
    if matches!(call.arg(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let all = items(call.arg(1), "find has on")?;
    call.spend(all.len() / 8)?;
    Ok(Value::Bool(contains(all, call.arg(0))?))
}

fn uniq(call: &mut Call<'_>) -> Result<Value, Failure> {
    let mut out = Vec::new();
    for item in items(call.arg(0), "find uniq on")? {
        call.spend(out.len() / 8)?;
        if !contains(&out, item)? {
            out.push(item.clone());
        }
    }
    Ok(Value::list(out))
}

fn without(call: &mut Call<'_>) -> Result<Value, Failure> {
    let mut out = Vec::new();
    for item in items(call.arg(0), "find without on")? {
        if !contains(call.rest(1), item)? {
            out.push(item.clone());
        }
    }
    Ok(Value::list(out))
}

fn slice(call: &mut Call<'_>) -> Result<Value, Failure> {
    let list = match call.arg(0) {
        Value::List(list) => list,
        Value::Nil => return Err(nil_pointer()),
        value => {
            return Err(Failure::new(format!(
                "list should be type of slice or array but {}",
                kind(value)
            )));
        }
    };
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let from = call.rest(1).first().map_or(0, cast::to_int64);
    let to = call
        .rest(1)
        .get(1)
        .map_or(list.len() as i64, cast::to_int64);
    let part = usize::try_from(from)
        .ok()
        .zip(usize::try_from(to).ok())
        .and_then(|(from, to)| list.items().get(from..to));
    match part {
        Some(part) => Ok(List::new(list.elem(), part.to_vec()).into()),
        None => Err(Failure::new(
            "reflect.Value.Slice: slice index out of bounds",
        )),
    }
}

fn seq(call: &mut Call<'_>) -> Result<Value, Failure> {
    let at = |i: usize| call.int(i);
    let (from, to, step) = match call.len() {
        1 => (1, at(0), if at(0) < 1 { -1 } else { 1 }),
        2 => (at(0), at(1), if at(1) < at(0) { -1 } else { 1 }),
        3 => (at(0), at(2), at(1)),
        _ => return Ok("".into()),
    };
    let down = to < from;
    if down && step > 0 {
        return Ok("".into());
    }
    let end = to.saturating_add(if down { -1 } else { 1 });
    let texts: Vec<String> = numbers(call, from, end, step)?
        .iter()
        .map(i64::to_string)
        .collect();
    Ok(texts.join(" ").into())
}
