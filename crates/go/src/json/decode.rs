//! Reads JSON in one pass, with a list of open brackets in place of recursion.

use std::collections::BTreeMap;

use zeroize::Zeroize;

use super::Json;
use crate::quote;

/// How deep Go's decoder nests.
const MAX_DEPTH: usize = 10_000;

/// Why a text is not JSON, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A byte that may not stand where it stands, and what was being read.
    #[error("invalid character {} {context}", quote_byte(*.byte))]
    Syntax {
        /// The byte.
        byte: u8,
        /// What was being read, such as `looking for beginning of value`.
        context: String,
        /// Where the byte stands, counted from 0.
        offset: usize,
    },
    /// The text ends within a value.
    #[error("unexpected end of JSON input")]
    UnexpectedEnd,
}

/// A byte as Go's scanner names it in an error.
fn quote_byte(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'"' => "'\"'".into(),
        byte => {
            let quoted = quote::quote(char::from(byte).to_string());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// Reads one value that is the whole text but for white space, as `json.Unmarshal` does.
///
/// # Errors
///
/// Go's text: `invalid character 'b' looking for beginning of object key string`, `unexpected end of JSON input`.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Json, DecodeError> {
    let text = text.as_ref();
    let mut reader = Reader { text, at: 0 };
    let value = reader.value()?;
    match reader.peek() {
        None => Ok(value),
        Some(byte) => Err(reader.refuse(byte, "after top-level value")),
    }
}

/// Reads the first value and returns it with the number of bytes read, as `json.Decoder` does; the rest is not looked at.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_first(text: impl AsRef<[u8]>) -> Result<(Json, usize), DecodeError> {
    let mut reader = Reader {
        text: text.as_ref(),
        at: 0,
    };
    let value = reader.value()?;
    Ok((value, reader.at))
}

/// A bracket that is still open, with what stands in it so far.
enum Open {
    List(Vec<Json>),
    Object(BTreeMap<String, Json>, String),
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn refuse(&self, byte: u8, context: impl Into<String>) -> DecodeError {
        DecodeError::Syntax {
            byte,
            context: context.into(),
            offset: self.at,
        }
    }

    /// The next byte within a literal, a number or an escape. At the end of the text Go's scanner is fed a space, so
    /// that is the character its error names.
    fn inner(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(b' ')
    }

    /// The next byte that is not white space, which stays to be read.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn expect(&mut self) -> Result<u8, DecodeError> {
        self.peek().ok_or(DecodeError::UnexpectedEnd)
    }

    fn value(&mut self) -> Result<Json, DecodeError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let byte = self.expect()?;
            let mut done = match byte {
                b'{' | b'[' => {
                    if open.len() == MAX_DEPTH {
                        return Err(self.refuse(byte, "exceeded max depth"));
                    }
                    self.at += 1;
                    let closing = if byte == b'{' { b'}' } else { b']' };
                    let next = self.expect()?;
                    if next == closing {
                        self.at += 1;
                        if byte == b'{' {
                            Json::Object(BTreeMap::new())
                        } else {
                            Json::Array(Vec::new())
                        }
                    } else if byte == b'{' {
                        let name = self.member_name()?;
                        open.push(Open::Object(BTreeMap::new(), name));
                        continue;
                    } else {
                        open.push(Open::List(Vec::new()));
                        continue;
                    }
                }
                b'"' => Json::String(self.string()?),
                b't' => self.literal("true", Json::Bool(true))?,
                b'f' => self.literal("false", Json::Bool(false))?,
                b'n' => self.literal("null", Json::Null)?,
                b'-' | b'0'..=b'9' => Json::Number(self.number()?),
                byte => return Err(self.refuse(byte, "looking for beginning of value")),
            };
            // A finished value goes into the bracket around it, which it may close, and so on outwards.
            loop {
                let Some(around) = open.pop() else {
                    return Ok(done);
                };
                let next = self.expect()?;
                match (around, next) {
                    (Open::List(mut items), b',' | b']') => {
                        self.at += 1;
                        items.push(done);
                        if next == b',' {
                            open.push(Open::List(items));
                            break;
                        }
                        done = Json::Array(items);
                    }
                    (Open::Object(mut members, name), b',' | b'}') => {
                        self.at += 1;
                        members.insert(name, done);
                        if next == b',' {
                            let byte = self.expect()?;
                            if byte != b'"' {
                                return Err(
                                    self.refuse(byte, "looking for beginning of object key string")
                                );
                            }
                            let name = self.member_name()?;
                            open.push(Open::Object(members, name));
                            break;
                        }
                        done = Json::Object(members);
                    }
                    (Open::List(_), byte) => return Err(self.refuse(byte, "after array element")),
                    (Open::Object(..), byte) => {
                        return Err(self.refuse(byte, "after object key:value pair"));
                    }
                }
            }
        }
    }

    fn member_name(&mut self) -> Result<String, DecodeError> {
        match self.expect()? {
            b'"' => {}
            byte => return Err(self.refuse(byte, "looking for beginning of object key string")),
        }
        let name = self.string()?;
        match self.expect()? {
            b':' => self.at += 1,
            byte => return Err(self.refuse(byte, "after object key")),
        }
        Ok(name)
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, DecodeError> {
        for expected in word.bytes() {
            let byte = self.inner();
            if byte != expected {
                let expected = char::from(expected);
                return Err(
                    self.refuse(byte, format!("in literal {word} (expecting '{expected}')"))
                );
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), DecodeError> {
        let byte = self.inner();
        if !byte.is_ascii_digit() {
            return Err(self.refuse(byte, context));
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<String, DecodeError> {
        let start = self.at;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(self.text[start..self.at]
            .iter()
            .map(|b| char::from(*b))
            .collect())
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        // Room for all of it at once, so that growing leaves no copies of a secret behind.
        let length = self.text[self.at + 1..]
            .iter()
            .position(|b| *b == b'"')
            .unwrap_or(0);
        let mut out = Vec::with_capacity(length);
        self.at += 1;
        loop {
            let Some(&byte) = self.text.get(self.at) else {
                out.zeroize();
                return Err(DecodeError::UnexpectedEnd);
            };
            match byte {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                0..0x20 => {
                    out.zeroize();
                    return Err(self.refuse(byte, "in string literal"));
                }
                byte => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok(match String::from_utf8(out) {
            Ok(text) => text,
            Err(error) => {
                let mut bytes = error.into_bytes();
                let text = replace_invalid(&bytes);
                bytes.zeroize();
                text
            }
        })
    }

    /// What follows a backslash.
    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let value = match self.inner() {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let c = self.unicode_escape()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            byte => return Err(self.refuse(byte, "in string escape code")),
        };
        out.push(value);
        self.at += 1;
        Ok(())
    }

    /// Four digits, and the second half of a surrogate pair if it follows; half a pair is U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, DecodeError> {
        let first = self.four_digits()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        if let [b'\\', b'u', a, b, c, d, ..] = self.text[self.at..] {
            let second = [a, b, c, d]
                .iter()
                .try_fold(0, |v, d| Some(v * 16 + char::from(*d).to_digit(16)?));
            if let (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) = (first, second) {
                self.at += 6;
                let value = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.inner();
            let digit = char::from(byte)
                .to_digit(16)
                .ok_or_else(|| self.refuse(byte, "in \\u hexadecimal character escape"))?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

/// Every byte that is no part of a character becomes U+FFFD, one for each byte as in Go.
fn replace_invalid(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}
