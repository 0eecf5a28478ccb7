//! Strings, encodings, hashes and regular expressions.

use crate::encoding::{Alphabet, base64_decode, base64_encode};
use crate::functions::{Call, Failure, Function};
use crate::hash;
use crate::regexp::Regexp;
use crate::strings;
use crate::value::{List, Map, Text, Type, Value};

const S: &[Type] = &[Type::String];
const SS: &[Type] = &[Type::String, Type::String];
const SSS: &[Type] = &[Type::String, Type::String, Type::String];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "base64Decode",
        "base64Decode S",
        "The bytes that the base 64 text S stands for.",
        S,
        Type::String,
        |call| decode(call, "base64Decode", Alphabet::Standard),
    ),
    Function::new(
        "base64Encode",
        "base64Encode S",
        "S in base 64, with padding.",
        S,
        Type::String,
        |call| Ok(base64_encode(call.text(0), Alphabet::Standard).into()),
    ),
    Function::new(
        "base64URLDecode",
        "base64URLDecode S",
        "The bytes that S stands for in the base 64 of URLs (`-` and `_`).",
        S,
        Type::String,
        |call| decode(call, "base64URLDecode", Alphabet::Url),
    ),
    Function::new(
        "base64URLEncode",
        "base64URLEncode S",
        "S in the base 64 of URLs (`-` and `_`), with padding.",
        S,
        Type::String,
        |call| Ok(base64_encode(call.text(0), Alphabet::Url).into()),
    ),
    Function::new(
        "hmacSHA256Hex",
        "hmacSHA256Hex MESSAGE KEY",
        "HMAC-SHA-256 of MESSAGE under KEY, in hexadecimal.",
        SS,
        Type::String,
        |call| Ok(hash::hmac_sha256_hex(call.text(1), call.text(0)).into()),
    ),
    Function::new(
        "indent",
        "indent N S",
        "S with N spaces before every line that is not empty.",
        &[Type::INT, Type::String],
        Type::String,
        indent,
    ),
    Function::new(
        "join",
        "join SEP LIST",
        "The strings of LIST with SEP between them.",
        &[Type::String, Type::STRING_LIST],
        Type::String,
        |call| {
            let items: Vec<&[u8]> = call
                .list(1)
                .items()
                .iter()
                .filter_map(|v| v.as_text().map(|t| &**t))
                .collect();
            Ok(items.join(&**call.text(0)).into())
        },
    ),
    Function::new(
        "md5sum",
        "md5sum S",
        "MD5 of S, in hexadecimal.",
        S,
        Type::String,
        |call| Ok(hash::md5_hex(call.text(0)).into()),
    ),
    Function::new(
        "regexMatch",
        "regexMatch RE S",
        "Whether the regular expression RE (RE2) matches in S.",
        SS,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                Regexp::compile(call.text(0))?.is_match(call.text(1)),
            ))
        },
    ),
    Function::new(
        "regexReplaceAll",
        "regexReplaceAll RE REPL S",
        "S with each match of RE replaced; `$1` and `${name}` in REPL stand for groups.",
        SSS,
        Type::String,
        |call| {
            Ok(Regexp::compile(call.text(0))?
                .replace_all(call.text(2), call.text(1))
                .into())
        },
    ),
    Function::new(
        "replaceAll",
        "replaceAll OLD NEW S",
        "S with every OLD replaced by NEW.",
        SSS,
        Type::String,
        |call| {
            let (old, new, text) = (call.text(0), call.text(1), call.text(2));
            call.spend(text.len().saturating_mul(new.len() / (old.len() + 1) + 1))?;
            Ok(strings::replace_all(text, old, new).into())
        },
    ),
    Function::new(
        "sha256Hex",
        "sha256Hex S",
        "SHA-256 of S, in hexadecimal.",
        S,
        Type::String,
        |call| Ok(hash::sha256_hex(call.text(0)).into()),
    ),
    Function::new(
        "split",
        "split SEP S",
        "The parts of S between SEP, after trimming S of white space.",
        SS,
        Type::STRING_LIST,
        |call| {
            let text = strings::trim_space(call.text(1));
            if text.is_empty() {
                return Ok(List::of_strings::<Text>([]).into());
            }
            call.spend(text.len() / 16)?;
            Ok(Value::strings(strings::split(text, call.text(0), -1)))
        },
    ),
    Function::new(
        "splitToMap",
        "splitToMap SEP1 SEP2 S",
        "A map from the parts of S between SEP1, each a key and a value around SEP2; parts without SEP2 are dropped.",
        SSS,
        Type::STRING_MAP,
        |call| {
            let text = strings::trim_space(call.text(2));
            let pairs = strings::split(text, call.text(0), -1)
                .into_iter()
                .filter_map(|part| {
                    let separator = call.text(1);
                    let at = bstr::ByteSlice::find(part, &separator[..])?;
                    Some((&part[..at], &part[at + separator.len()..]))
                });
            Ok(Map::of_strings(pairs).into())
        },
    ),
    Function::new(
        "toLower",
        "toLower S",
        "S in lower case.",
        S,
        Type::String,
        |call| Ok(strings::map(call.text(0), strings::lower).into()),
    ),
    Function::new(
        "toTitle",
        "toTitle S",
        "S with the first letter of each word in upper case.",
        S,
        Type::String,
        |call| Ok(strings::title_unicode_words(call.text(0)).into()),
    ),
    Function::new(
        "toUpper",
        "toUpper S",
        "S in upper case.",
        S,
        Type::String,
        |call| Ok(strings::map(call.text(0), strings::upper).into()),
    ),
    Function::new(
        "trim",
        "trim CUTSET S",
        "S without the characters of CUTSET at both ends.",
        SS,
        Type::String,
        |call| Ok(Value::string(strings::trim_set(call.text(1), call.text(0)))),
    ),
    Function::new(
        "trimPrefix",
        "trimPrefix P S",
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
        "trimSpace",
        "trimSpace S",
        "S without white space at both ends.",
        S,
        Type::String,
        |call| Ok(Value::string(strings::trim_space(call.text(0)))),
    ),
    Function::new(
        "trimSuffix",
        "trimSuffix P S",
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
];

fn decode(call: &mut Call<'_>, name: &str, alphabet: Alphabet) -> Result<Value, Failure> {
    base64_decode(call.text(0), alphabet)
        .map(Value::from)
        .map_err(|error| Failure::new(format!("{name}: {error}")))
}

fn indent(call: &mut Call<'_>) -> Result<Value, Failure> {
    let Ok(spaces) = usize::try_from(call.int(0)) else {
        return Err(Failure::new("indent value must be a positive integer"));
    };
    let text = call.text(1);
    let lines = text.iter().filter(|b| **b == b'\n').count() + 1;
    call.spend(spaces.saturating_mul(lines))?;
    let mut out = Vec::with_capacity(text.len());
    let mut fresh = true;
    for &byte in text.iter() {
        if fresh && byte != b'\n' {
            out.resize(out.len() + spaces, b' ');
        }
        out.push(byte);
        fresh = byte == b'\n';
    }
    Ok(out.into())
}
