//! Characters as Go's lexer sees them.

use std::sync::OnceLock;

use regex::Regex;

/// The first character and its width in bytes. A byte that is not UTF-8 is U+FFFD of width 1, as in Go.
pub(crate) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    match bstr::decode_utf8(bytes) {
        (Some(c), width) => Some((c, width)),
        (None, _) => Some((char::REPLACEMENT_CHARACTER, 1)),
    }
}

pub(super) const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Letters, decimal digits and the underscore, in all of Unicode.
pub(super) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    static LETTER_OR_DIGIT: OnceLock<Option<Regex>> = OnceLock::new();
    LETTER_OR_DIGIT
        .get_or_init(|| Regex::new(r"^[\p{L}\p{Nd}]").ok())
        .as_ref()
        .is_some_and(|re| re.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Go's `%#U`: the code point, and the character itself if it can be printed.
pub(super) fn describe(c: char) -> String {
    let code = u32::from(c);
    if pannier_go::quote::is_print(c) {
        format!("U+{code:04X} '{c}'")
    } else {
        format!("U+{code:04X}")
    }
}
