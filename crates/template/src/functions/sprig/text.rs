//! Strings.

use super::{case, list, wrap};
use crate::functions::{Call, Failure, Function, print};
use crate::value::{List, Text, Type, Value};
use crate::{hash, strings};

const S: &[Type] = &[Type::String];
const SS: &[Type] = &[Type::String, Type::String];
const NS: &[Type] = &[Type::INT, Type::String];
const ANY: &[Type] = &[Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_abbrev",
        "sprig_abbrev W S",
        "S, or if it is longer its first W − 3 bytes and `...`.",
        NS,
        Type::String,
        |call| {
            let (width, text) = (call.int(0), call.text(1));
            if width < 4 {
                return Ok(text.clone().into());
            }
            Ok(wrap::abbreviate(text, 0, width).unwrap_or_default().into())
        },
    ),
    Function::new(
        "sprig_abbrevboth",
        "sprig_abbrevboth LEFT W S",
        "As `sprig_abbrev`, starting near byte LEFT, with `...` on both sides.",
        &[Type::INT, Type::INT, Type::String],
        Type::String,
        |call| {
            let (left, width, text) = (call.int(0), call.int(1), call.text(2));
            if width < 4 || (left > 0 && width < 7) {
                return Ok(text.clone().into());
            }
            Ok(wrap::abbreviate(text, left, width)
                .unwrap_or_default()
                .into())
        },
    ),
    Function::new(
        "sprig_adler32sum",
        "sprig_adler32sum S",
        "The Adler-32 checksum of S, in decimal.",
        S,
        Type::String,
        |call| Ok(hash::adler32(call.text(0)).to_string().into()),
    ),
    Function::new(
        "sprig_camelcase",
        "sprig_camelcase S",
        "S as `CamelCase`.",
        S,
        Type::String,
        |call| Ok(case::camel(call.text(0)).into()),
    ),
    Function::variadic(
        "sprig_cat",
        "sprig_cat V...",
        "The values that are not nil, with spaces between them.",
        ANY,
        Type::String,
        |call| Ok(texts(call.args())?.join(&b' ').into()),
    ),
    Function::new(
        "sprig_contains",
        "sprig_contains SUB S",
        "Whether SUB is part of S.",
        SS,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                bstr::ByteSlice::find(&call.text(1)[..], &call.text(0)[..]).is_some(),
            ))
        },
    ),
    Function::new(
        "sprig_hasPrefix",
        "sprig_hasPrefix P S",
        "Whether S starts with P.",
        SS,
        Type::Bool,
        |call| Ok(Value::Bool(call.text(1).starts_with(call.text(0)))),
    ),
    Function::new(
        "sprig_hasSuffix",
        "sprig_hasSuffix P S",
        "Whether S ends with P.",
        SS,
        Type::Bool,
        |call| Ok(Value::Bool(call.text(1).ends_with(call.text(0)))),
    ),
    Function::new(
        "sprig_hello",
        "sprig_hello",
        "`Hello!`",
        &[],
        Type::String,
        |_| Ok("Hello!".into()),
    ),
    Function::new(
        "sprig_indent",
        "sprig_indent N S",
        "S with N spaces before every line, empty ones included.",
        NS,
        Type::String,
        |call| Ok(indent(call)?.into()),
    ),
    Function::new(
        "sprig_initials",
        "sprig_initials S",
        "The first character of each word.",
        S,
        Type::String,
        |call| {
            let mut gap = true;
            let first =
                |c: &char| std::mem::replace(&mut gap, c.is_whitespace()) && !c.is_whitespace();
            Ok(strings::runes(call.text(0))
                .filter(first)
                .collect::<String>()
                .into())
        },
    ),
    Function::new(
        "sprig_kebabcase",
        "sprig_kebabcase S",
        "S as `kebab-case`.",
        S,
        Type::String,
        |call| Ok(case::lower_words(call.text(0), '-').into()),
    ),
    Function::new(
        "sprig_lower",
        "sprig_lower S",
        "S in lower case.",
        S,
        Type::String,
        |call| Ok(strings::map(call.text(0), strings::lower).into()),
    ),
    Function::new(
        "sprig_nindent",
        "sprig_nindent N S",
        "A new line and `sprig_indent N S`.",
        NS,
        Type::String,
        |call| {
            let mut out = vec![b'\n'];
            out.extend(indent(call)?);
            Ok(out.into())
        },
    ),
    Function::new(
        "sprig_nospace",
        "sprig_nospace S",
        "S without white space.",
        S,
        Type::String,
        |call| {
            Ok(strings::pieces(call.text(0))
                .filter(|(c, _)| !c.is_whitespace())
                .flat_map(|(_, piece)| piece.iter().copied())
                .collect::<Vec<u8>>()
                .into())
        },
    ),
    Function::new(
        "sprig_plural",
        "sprig_plural ONE MANY N",
        "ONE if N is 1, else MANY.",
        &[Type::String, Type::String, Type::INT],
        Type::String,
        |call| Ok(call.arg(if call.int(2) == 1 { 0 } else { 1 }).clone()),
    ),
    Function::variadic(
        "sprig_quote",
        "sprig_quote V...",
        "The values that are not nil, each in double quotes with Go's escapes, with spaces between them.",
        ANY,
        Type::String,
        |call| {
            let quoted: Vec<String> = texts(call.args())?
                .iter()
                .map(pannier_go::quote::quote)
                .collect();
            Ok(quoted.join(" ").into())
        },
    ),
    Function::new(
        "sprig_repeat",
        "sprig_repeat N S",
        "S, N times.",
        NS,
        Type::String,
        |call| Ok(repeat(call, call.int(0), call.text(1))?.into()),
    ),
    Function::new(
        "sprig_replace",
        "sprig_replace OLD NEW S",
        "S with every OLD replaced by NEW.",
        &[Type::String, Type::String, Type::String],
        Type::String,
        |call| {
            let (old, new, text) = (call.text(0), call.text(1), call.text(2));
            call.spend(text.len().saturating_mul(new.len() / (old.len() + 1) + 1))?;
            Ok(strings::replace_all(text, old, new).into())
        },
    ),
    Function::new(
        "sprig_sha1sum",
        "sprig_sha1sum S",
        "SHA-1 of S, in hexadecimal.",
        S,
        Type::String,
        |call| Ok(hash::sha1_hex(call.text(0)).into()),
    ),
    Function::new(
        "sprig_sha256sum",
        "sprig_sha256sum S",
        "SHA-256 of S, in hexadecimal.",
        S,
        Type::String,
        |call| Ok(hash::sha256_hex(call.text(0)).into()),
    ),
    Function::new(
        "sprig_snakecase",
        "sprig_snakecase S",
        "S as `snake_case`.",
        S,
        Type::String,
        |call| Ok(case::lower_words(call.text(0), '_').into()),
    ),
    Function::variadic(
        "sprig_squote",
        "sprig_squote V...",
        "The values that are not nil, each in single quotes as it is, with spaces between them.",
        ANY,
        Type::String,
        |call| {
            let quoted: Vec<Vec<u8>> = texts(call.args())?
                .iter()
                .map(|text| [b"'", &text[..], b"'"].concat())
                .collect();
            Ok(quoted.join(&b' ').into())
        },
    ),
    Function::new(
        "sprig_substr",
        "sprig_substr FROM TO S",
        "The bytes of S from FROM up to TO; a negative TO means up to the end.",
        &[Type::INT, Type::INT, Type::String],
        Type::String,
        substr,
    ),
    Function::new(
        "sprig_swapcase",
        "sprig_swapcase S",
        "S with upper and lower case exchanged.",
        S,
        Type::String,
        |call| Ok(case::swap(call.text(0)).into()),
    ),
    Function::new(
        "sprig_title",
        "sprig_title S",
        "S with the first letter of each word in upper case.",
        S,
        Type::String,
        |call| Ok(strings::title_words(call.text(0)).into()),
    ),
    Function::new(
        "sprig_toString",
        "sprig_toString V",
        "V as text.",
        ANY,
        Type::String,
        |call| Ok(text_of(call.arg(0))?.into()),
    ),
    Function::new(
        "sprig_toStrings",
        "sprig_toStrings LIST",
        "The items of LIST as texts, without nil ones.",
        ANY,
        Type::STRING_LIST,
        |call| Ok(List::of_strings(list::texts(call.arg(0))?).into()),
    ),
    Function::new(
        "sprig_trim",
        "sprig_trim S",
        "S without white space at both ends.",
        S,
        Type::String,
        |call| Ok(Value::string(strings::trim_space(call.text(0)))),
    ),
    Function::new(
        "sprig_trimAll",
        "sprig_trimAll CUTSET S",
        "S without the characters of CUTSET at both ends.",
        SS,
        Type::String,
        trim_all,
    ),
    Function::new(
        "sprig_trimPrefix",
        "sprig_trimPrefix P S",
        "S without P at its start.",
        SS,
        Type::String,
        |call| {
            let text = call.text(1);
            Ok(Value::string(
                text.strip_prefix(&**call.text(0)).unwrap_or(text),
            ))
        },
    ),
    Function::new(
        "sprig_trimSuffix",
        "sprig_trimSuffix P S",
        "S without P at its end.",
        SS,
        Type::String,
        |call| {
            let text = call.text(1);
            Ok(Value::string(
                text.strip_suffix(&**call.text(0)).unwrap_or(text),
            ))
        },
    ),
    Function::new(
        "sprig_trimall",
        "sprig_trimall CUTSET S",
        "The same as `sprig_trimAll`.",
        SS,
        Type::String,
        trim_all,
    ),
    Function::new(
        "sprig_trunc",
        "sprig_trunc N S",
        "The first N bytes of S; with a negative N the last −N.",
        NS,
        Type::String,
        |call| {
            let (count, text) = (call.int(0), call.text(1));
            let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            Ok(
                match text.len().checked_sub(size).filter(|rest| *rest > 0) {
                    None => text.clone().into(),
                    Some(rest) if count < 0 => Value::string(&text[rest..]),
                    Some(_) => Value::string(&text[..size]),
                },
            )
        },
    ),
    Function::new(
        "sprig_untitle",
        "sprig_untitle S",
        "S with the first letter of each word in lower case.",
        S,
        Type::String,
        |call| Ok(case::uncapitalize(call.text(0)).into()),
    ),
    Function::new(
        "sprig_upper",
        "sprig_upper S",
        "S in upper case.",
        S,
        Type::String,
        |call| Ok(strings::map(call.text(0), strings::upper).into()),
    ),
    Function::new(
        "sprig_wrap",
        "sprig_wrap N S",
        "S broken at spaces into lines of at most N bytes; longer words stay whole.",
        NS,
        Type::String,
        |call| Ok(wrap::wrap(call.text(1), call.int(0), b"\n", false).into()),
    ),
    Function::new(
        "sprig_wrapWith",
        "sprig_wrapWith N SEP S",
        "S broken into lines of at most N bytes with SEP between them; longer words are cut.",
        &[Type::INT, Type::String, Type::String],
        Type::String,
        |call| {
            let (width, separator, text) = (call.int(0), call.text(1), call.text(2));
            call.spend(text.len().saturating_mul(separator.len() / 8 + 1))?;
            Ok(wrap::wrap(text, width, separator, true).into())
        },
    ),
];

/// Sprig's `strval`.
pub(super) fn text_of(value: &Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        value => print::text(value),
    }
}

/// The texts of the values that are not nil.
fn texts(values: &[Value]) -> Result<Vec<Vec<u8>>, Failure> {
    values
        .iter()
        .filter(|value| !matches!(value, Value::Nil))
        .map(text_of)
        .collect()
}

fn trim_all(call: &mut Call<'_>) -> Result<Value, Failure> {
    Ok(Value::string(strings::trim_set(call.text(1), call.text(0))))
}

fn repeat(call: &mut Call<'_>, times: i64, text: &Text) -> Result<Vec<u8>, Failure> {
    let times =
        usize::try_from(times).map_err(|_| Failure::new("strings: negative Repeat count"))?;
    call.spend(times.saturating_mul(text.len().max(1)))?;
    Ok(text.repeat(times))
}

fn indent(call: &mut Call<'_>) -> Result<Vec<u8>, Failure> {
    let text = call.text(1);
    let lines = text.iter().filter(|b| **b == b'\n').count() + 1;
    call.spend(
        usize::try_from(call.int(0))
            .unwrap_or(0)
            .saturating_mul(lines),
    )?;
    let pad = repeat(call, call.int(0), &" ".into())?;
    let mut out = pad.clone();
    for &byte in text.iter() {
        out.push(byte);
        if byte == b'\n' {
            out.extend_from_slice(&pad);
        }
    }
    Ok(out)
}

fn substr(call: &mut Call<'_>) -> Result<Value, Failure> {
    let (from, to, text) = (call.int(0), call.int(1), call.text(2));
    let length = text.len() as i64;
    let beyond = |what: String| {
        Err(Failure::new(format!(
            "runtime error: slice bounds out of range {what}"
        )))
    };
    let (start, end) = match (from, to) {
        (from, to) if from < 0 => {
            if to < 0 {
                return beyond(format!("[:{to}]"));
            }
            if to > length {
                return beyond(format!("[:{to}] with length {length}"));
            }
            (0, to)
        }
        (from, to) if to < 0 || to > length => (from, length),
        both => both,
    };
    if start > end {
        return beyond(format!("[{start}:{end}]"));
    }
    Ok(Value::string(&text[start as usize..end as usize]))
}
