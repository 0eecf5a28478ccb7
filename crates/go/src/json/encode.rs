//! Writes JSON with Go's escaping and layout.

use super::Json;
use crate::float::{self, Form};

/// How a document is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style<'a> {
    /// Whether `<`, `>` and `&` are written as `\u003c`, `\u003e`, `\u0026`, as Go does unless told otherwise.
    pub escape_html: bool,
    /// What each level is indented by; `None` writes all on one line without spaces.
    pub indent: Option<&'a str>,
}

impl Style<'_> {
    /// `json.Marshal`: one line, HTML characters escaped.
    pub const COMPACT: Self = Self {
        escape_html: true,
        indent: None,
    };
    /// `json.MarshalIndent` with two spaces.
    pub const PRETTY: Self = Self {
        escape_html: true,
        indent: Some("  "),
    };
}

/// Puts a document together piece by piece, taking care of commas and indentation.
///
/// The caller opens and closes lists and objects in pairs and gives a name before each member's value.
pub struct Writer<'a> {
    style: Style<'a>,
    out: Vec<u8>,
    depth: usize,
    /// Nothing has been written yet in the bracket that was opened last.
    fresh: bool,
    /// A member's name was written and its value comes next.
    after_name: bool,
}

impl<'a> Writer<'a> {
    /// An empty document.
    #[must_use]
    pub fn new(style: Style<'a>) -> Self {
        Self {
            style,
            out: Vec::new(),
            depth: 0,
            fresh: true,
            after_name: false,
        }
    }

    /// The finished text; UTF-8, since bytes that are not have been replaced.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes something that is already JSON, such as a number's digits, `true` or `null`.
    pub fn raw(&mut self, text: impl AsRef<[u8]>) {
        self.before_value();
        self.out.extend_from_slice(text.as_ref());
    }

    /// Writes a string; bytes that are not UTF-8 become U+FFFD.
    pub fn string(&mut self, text: impl AsRef<[u8]>) {
        self.before_value();
        encode_string(&mut self.out, text.as_ref(), self.style.escape_html);
    }

    /// Writes the name of an object's member.
    pub fn name(&mut self, text: impl AsRef<[u8]>) {
        self.before_value();
        encode_string(&mut self.out, text.as_ref(), self.style.escape_html);
        self.out.push(b':');
        if self.style.indent.is_some() {
            self.out.push(b' ');
        }
        self.after_name = true;
    }

    /// Opens an object.
    pub fn open_object(&mut self) {
        self.open(b'{');
    }

    /// Closes an object.
    pub fn close_object(&mut self) {
        self.close(b'}');
    }

    /// Opens a list.
    pub fn open_list(&mut self) {
        self.open(b'[');
    }

    /// Closes a list.
    pub fn close_list(&mut self) {
        self.close(b']');
    }

    fn open(&mut self, bracket: u8) {
        self.before_value();
        self.out.push(bracket);
        self.depth += 1;
        self.fresh = true;
    }

    fn close(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
        if !self.fresh {
            self.new_line();
        }
        self.out.push(bracket);
        self.fresh = false;
    }

    fn before_value(&mut self) {
        if std::mem::take(&mut self.after_name) || self.depth == 0 {
            self.fresh = false;
            return;
        }
        if !self.fresh {
            self.out.push(b',');
        }
        self.fresh = false;
        self.new_line();
    }

    fn new_line(&mut self) {
        if let Some(indent) = self.style.indent {
            self.out.push(b'\n');
            for _ in 0..self.depth {
                self.out.extend_from_slice(indent.as_bytes());
            }
        }
    }
}

impl Json {
    /// This value as JSON text.
    #[must_use]
    pub fn encode(&self, style: Style<'_>) -> String {
        enum Step<'a> {
            Value(&'a Json),
            Member(&'a str, &'a Json),
            CloseList,
            CloseObject,
        }
        let mut writer = Writer::new(style);
        let mut steps = vec![Step::Value(self)];
        while let Some(step) = steps.pop() {
            let value = match step {
                Step::Value(value) => value,
                Step::Member(name, value) => {
                    writer.name(name);
                    value
                }
                Step::CloseList => {
                    writer.close_list();
                    continue;
                }
                Step::CloseObject => {
                    writer.close_object();
                    continue;
                }
            };
            match value {
                Self::Null => writer.raw("null"),
                Self::Bool(true) => writer.raw("true"),
                Self::Bool(false) => writer.raw("false"),
                Self::Number(text) => writer.raw(text),
                Self::String(text) => writer.string(text),
                Self::Array(items) => {
                    writer.open_list();
                    steps.push(Step::CloseList);
                    steps.extend(items.iter().rev().map(Step::Value));
                }
                Self::Object(members) => {
                    writer.open_object();
                    steps.push(Step::CloseObject);
                    steps.extend(
                        members
                            .iter()
                            .rev()
                            .map(|(name, value)| Step::Member(name, value)),
                    );
                }
            }
        }
        // The writer replaces whatever is not UTF-8, and texts here are UTF-8 to begin with.
        String::from_utf8(writer.finish()).unwrap_or_default()
    }
}

/// Appends a JSON string as Go writes it.
pub fn encode_string(out: &mut Vec<u8>, text: &[u8], escape_html: bool) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        escape(out, chunk.valid(), escape_html);
        for _ in chunk.invalid() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

/// Appends the inside of a JSON string.
pub(super) fn escape(out: &mut Vec<u8>, text: &str, escape_html: bool) {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_length(rest.as_bytes(), escape_html));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        let Some(c) = characters.next() else {
            return;
        };
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\x08' => out.extend_from_slice(b"\\b"),
            '\x0c' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '<' | '>' | '&' if escape_html => push_unicode(out, c),
            c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => push_unicode(out, c),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = characters.as_str();
    }
}

/// How many bytes at the beginning need no escape.
fn plain_length(text: &[u8], escape_html: bool) -> usize {
    let mut at = 0;
    while let Some(chunk) = text[at..].first_chunk::<8>() {
        if any_special(*chunk, escape_html) {
            break;
        }
        at += chunk.len();
    }
    let rest = &text[at..];
    at + rest
        .iter()
        .position(|byte| is_special(*byte, escape_html))
        .unwrap_or(rest.len())
}

fn is_special(byte: u8, escape_html: bool) -> bool {
    match byte {
        // The separators U+2028 and U+2029 begin with the last of these, and so do other characters.
        ..b' ' | b'"' | b'\\' | 0xE2 => true,
        b'<' | b'>' | b'&' => escape_html,
        _ => false,
    }
}

/// Whether [`is_special`] holds for any of eight bytes, looked at together.
fn any_special(chunk: [u8; 8], escape_html: bool) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let bytes = u64::from_ne_bytes(chunk);
    // The high bit of a byte that is below the number; a byte above may be marked wrongly, but not when no other is.
    let below =
        |bytes: u64, number: u8| bytes.wrapping_sub(ONES * u64::from(number)) & !bytes & HIGH;
    let is = |byte: u8| below(bytes ^ (ONES * u64::from(byte)), 1);
    let mut found = below(bytes, b' ') | is(b'"') | is(b'\\') | is(0xE2);
    if escape_html {
        found |= is(b'<') | is(b'>') | is(b'&');
    }
    found != 0
}

fn push_unicode(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
}

/// A float as `encoding/json` writes it: shortest, with an exponent below 1e-6 and from 1e21; `None` when not finite.
#[must_use]
pub fn float_text(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = float::format(value, Form::Exponent, None);
        // e-09 is written e-9.
        return Some(match text.as_bytes() {
            [head @ .., b'e', b'-', b'0', digit] => {
                format!("{}e-{}", String::from_utf8_lossy(head), char::from(*digit))
            }
            _ => text,
        });
    }
    Some(float::format(value, Form::Decimal, None))
}

/// Whether a text is a JSON number, which `json.Number` must be to be written.
#[must_use]
pub fn is_number(text: impl AsRef<[u8]>) -> bool {
    let text = text.as_ref();
    matches!(text.first(), Some(b'-' | b'0'..=b'9'))
        && text.last().is_some_and(u8::is_ascii_digit)
        && super::decode(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_together_are_judged_as_each_alone() {
        for escape_html in [false, true] {
            for byte in 0..=u8::MAX {
                for at in 0..8 {
                    let mut chunk = *b"abcdefgh";
                    chunk[at] = byte;
                    let expected = is_special(byte, escape_html);
                    assert_eq!(
                        any_special(chunk, escape_html),
                        expected,
                        "{byte:#x} at {at}"
                    );
                }
            }
        }
    }
}
