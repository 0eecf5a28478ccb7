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
    #[error("invalid character {character} {context}")]
    Syntax {
        /// The character, quoted.
        character: String,
        /// What was being read, such as `looking for beginning of value`.
        context: String,
        /// Where it stands, as bytes from the start.
        offset: usize,
    },
    /// A backslash that does not begin an escape, with what follows it.
    #[error("invalid escape sequence `{0}` in string")]
    Escape(String),
    /// More open brackets than Go follows.
    #[error("exceeded max depth")]
    Depth,
    /// The text ends within a value.
    #[error("unexpected end of JSON input")]
    UnexpectedEnd,
}

/// The character at the start as Go names it in an error.
fn quote_first(text: &[u8]) -> String {
    match text
        .utf8_chunks()
        .next()
        .and_then(|chunk| chunk.valid().chars().next())
    {
        Some(c) => quote::quote_rune(u32::from(c)),
        None => format!("'\\x{:02x}'", text.first().copied().unwrap_or_default()),
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
        Some(_) => Err(reader.refuse("after top-level value")),
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
    /// The error for the character that comes next; at the end of the text, that it ends.
    fn refuse(&self, context: impl Into<String>) -> DecodeError {
        match self.text.get(self.at..) {
            None | Some([]) => DecodeError::UnexpectedEnd,
            Some(rest) => DecodeError::Syntax {
                character: quote_first(rest),
                context: context.into(),
                offset: self.at,
            },
        }
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
                        return Err(DecodeError::Depth);
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
                _ => return Err(self.refuse("looking for beginning of value")),
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
                                    self.refuse("looking for beginning of object key string")
                                );
                            }
                            let name = self.member_name()?;
                            open.push(Open::Object(members, name));
                            break;
                        }
                        done = Json::Object(members);
                    }
                    (Open::List(_), _) => return Err(self.refuse("after array element")),
                    (Open::Object(..), _) => {
                        return Err(self.refuse("after object key:value pair"));
                    }
                }
            }
        }
    }

    fn member_name(&mut self) -> Result<String, DecodeError> {
        match self.expect()? {
            b'"' => {}
            _ => return Err(self.refuse("looking for beginning of object key string")),
        }
        let name = self.string()?;
        match self.expect()? {
            b':' => self.at += 1,
            _ => return Err(self.refuse("after object key")),
        }
        Ok(name)
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, DecodeError> {
        for expected in word.bytes() {
            if self.text.get(self.at) != Some(&expected) {
                let expected = char::from(expected);
                return Err(self.refuse(format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) -> Result<(), DecodeError> {
        if !self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            return Err(self.refuse("in numeric literal"));
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
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
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
                    return Err(self.refuse("in string"));
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
        let Some(&byte) = self.text.get(self.at) else {
            return Err(DecodeError::UnexpectedEnd);
        };
        let value = match byte {
            b'"' | b'\\' | b'/' => byte,
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
            _ => return Err(self.bad_escape(self.at - 1, 1)),
        };
        out.push(value);
        self.at += 1;
        Ok(())
    }

    /// The error for the backslash at `start`, showing so many characters after it.
    fn bad_escape(&self, start: usize, count: usize) -> DecodeError {
        let shown = String::from_utf8_lossy(&self.text[start..]);
        DecodeError::Escape(shown.chars().take(count + 1).collect())
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
        let start = self.at - 2;
        let mut value = 0;
        for _ in 0..4 {
            let Some(byte) = self.text.get(self.at) else {
                return Err(DecodeError::UnexpectedEnd);
            };
            let digit = char::from(*byte)
                .to_digit(16)
                .ok_or_else(|| self.bad_escape(start, 5))?;
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
