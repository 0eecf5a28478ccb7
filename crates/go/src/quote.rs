//! Quoting as Go's `strconv` does it, on bytes, because Go's strings need not be UTF-8.

use std::fmt::Write;

/// `strconv.Quote`: the text between double quotes, with escapes for what cannot be printed.
#[must_use]
pub fn quote(text: impl AsRef<[u8]>) -> String {
    quote_with(text.as_ref(), b'"', false)
}

/// `strconv.QuoteToASCII`: as [`quote`], and every character above ASCII is escaped.
#[must_use]
pub fn quote_to_ascii(text: impl AsRef<[u8]>) -> String {
    quote_with(text.as_ref(), b'"', true)
}

/// `strconv.QuoteRune`: a character between single quotes; what is no character becomes U+FFFD.
#[must_use]
pub fn quote_rune(rune: u32) -> String {
    quote_one(rune, false)
}

/// `strconv.QuoteRuneToASCII`.
#[must_use]
pub fn quote_rune_to_ascii(rune: u32) -> String {
    quote_one(rune, true)
}

fn quote_one(rune: u32, ascii: bool) -> String {
    let mut out = String::from("'");
    escape(
        &mut out,
        char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER),
        b'\'',
        ascii,
    );
    out.push('\'');
    out
}

fn quote_with(text: &[u8], mark: u8, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(char::from(mark));
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(&mut out, c, mark, ascii);
        }
        for byte in chunk.invalid() {
            // Writing into a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push(char::from(mark));
    out
}

fn escape(out: &mut String, c: char, mark: u8, ascii: bool) {
    if c == char::from(mark) || c == '\\' {
        out.push('\\');
        out.push(c);
        return;
    }
    if (!ascii || c.is_ascii()) && is_print(c) {
        out.push(c);
        return;
    }
    let _ = match c {
        '\x07' => out.write_str("\\a"),
        '\x08' => out.write_str("\\b"),
        '\x0c' => out.write_str("\\f"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\x0b' => out.write_str("\\v"),
        c if c < ' ' || c == '\x7f' => write!(out, "\\x{:02x}", u32::from(c)),
        c if u32::from(c) < 0x10000 => write!(out, "\\u{:04x}", u32::from(c)),
        c => write!(out, "\\U{:08x}", u32::from(c)),
    };
}

/// `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
///
/// Rust's own table for `Debug` states the same rule, and is asked here: the leading letter keeps it from
/// escaping a combining mark, which Go prints.
#[must_use]
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    let mut buffer = [b'a', 0, 0, 0, 0];
    let length = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

/// Whether the text can stand unchanged between back quotes (`strconv.CanBackquote`).
#[must_use]
pub fn can_backquote(text: impl AsRef<[u8]>) -> bool {
    std::str::from_utf8(text.as_ref()).is_ok_and(|text| {
        text.chars()
            .all(|c| (c == '\t' || c >= ' ') && !matches!(c, '`' | '\x7f' | '\u{feff}'))
    })
}

/// The text is not a Go literal: `invalid syntax`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid syntax")]
pub struct InvalidSyntax;

/// `strconv.Unquote`: the value of a Go literal between `"`, `'` or `` ` ``.
///
/// # Errors
///
/// [`InvalidSyntax`] when the text is not one whole literal.
pub fn unquote(text: impl AsRef<[u8]>) -> Result<Vec<u8>, InvalidSyntax> {
    let [mark, body @ .., end] = text.as_ref() else {
        return Err(InvalidSyntax);
    };
    if mark != end {
        return Err(InvalidSyntax);
    }
    match mark {
        b'`' if body.contains(&b'`') => Err(InvalidSyntax),
        // A raw string drops carriage returns, as Go's compiler does.
        b'`' => Ok(body.iter().copied().filter(|b| *b != b'\r').collect()),
        b'"' | b'\'' => {
            let mut out = Vec::with_capacity(body.len());
            let mut rest = body;
            let mut count = 0;
            while !rest.is_empty() {
                rest = unquote_one(rest, *mark, &mut out)?;
                count += 1;
            }
            // `''` slips through Go's check as well.
            if *mark == b'\'' && count > 1 {
                Err(InvalidSyntax)
            } else {
                Ok(out)
            }
        }
        _ => Err(InvalidSyntax),
    }
}

/// The character between single quotes (`'x'`, `'\n'`), as its code point.
///
/// # Errors
///
/// [`InvalidSyntax`] when the text is not one whole character literal.
pub fn unquote_rune(text: impl AsRef<[u8]>) -> Result<u32, InvalidSyntax> {
    let text = text.as_ref();
    let [b'\'', body @ .., b'\''] = text else {
        return Err(InvalidSyntax);
    };
    if let [b'\\', rest @ ..] = body {
        // `\x41` and `\101` name the code point here, not a byte.
        let (value, rest, _) = unquote_escape(rest, b'\'')?;
        return if rest.is_empty() {
            Ok(value)
        } else {
            Err(InvalidSyntax)
        };
    }
    let bytes = unquote(text)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => text.chars().next().map(u32::from).ok_or(InvalidSyntax),
        Err(_) => Ok(u32::from(char::REPLACEMENT_CHARACTER)),
    }
}

fn unquote_one<'a>(text: &'a [u8], mark: u8, out: &mut Vec<u8>) -> Result<&'a [u8], InvalidSyntax> {
    match text {
        [b'\n', ..] | [] => Err(InvalidSyntax),
        [byte, ..] if *byte == mark => Err(InvalidSyntax),
        [b'\\', rest @ ..] => {
            let (value, rest, bytewise) = unquote_escape(rest, mark)?;
            match (bytewise, u8::try_from(value), char::from_u32(value)) {
                (true, Ok(byte), _) => out.push(byte),
                (_, _, Some(c)) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => return Err(InvalidSyntax),
            }
            Ok(rest)
        }
        [byte, rest @ ..] if byte.is_ascii() => {
            out.push(*byte);
            Ok(rest)
        }
        text => {
            let chunk = text.utf8_chunks().next().ok_or(InvalidSyntax)?;
            if let Some(c) = chunk.valid().chars().next() {
                out.extend_from_slice(&text[..c.len_utf8()]);
                return Ok(&text[c.len_utf8()..]);
            }
            out.extend_from_slice("\u{fffd}".as_bytes());
            Ok(&text[1..])
        }
    }
}

/// The value after a backslash, what follows it, and whether it names a byte rather than a character.
fn unquote_escape(text: &[u8], mark: u8) -> Result<(u32, &[u8], bool), InvalidSyntax> {
    let [kind, rest @ ..] = text else {
        return Err(InvalidSyntax);
    };
    let simple = |value: u8| Ok((u32::from(value), rest, true));
    match kind {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if *kind == mark => simple(mark),
        b'x' => digits(rest, 2, 16).map(|(value, rest)| (value, rest, true)),
        b'u' => character(digits(rest, 4, 16)?),
        b'U' => character(digits(rest, 8, 16)?),
        b'0'..=b'7' => match digits(text, 3, 8)? {
            (value, _) if value > 255 => Err(InvalidSyntax),
            (value, rest) => Ok((value, rest, true)),
        },
        _ => Err(InvalidSyntax),
    }
}

fn character((value, rest): (u32, &[u8])) -> Result<(u32, &[u8], bool), InvalidSyntax> {
    char::from_u32(value)
        .map(|c| (u32::from(c), rest, false))
        .ok_or(InvalidSyntax)
}

fn digits(text: &[u8], count: usize, base: u32) -> Result<(u32, &[u8]), InvalidSyntax> {
    let (digits, rest) = text.split_at_checked(count).ok_or(InvalidSyntax)?;
    let mut value = 0_u32;
    for byte in digits {
        let digit = char::from(*byte).to_digit(base).ok_or(InvalidSyntax)?;
        value = value
            .checked_mul(base)
            .and_then(|v| v.checked_add(digit))
            .ok_or(InvalidSyntax)?;
    }
    Ok((value, rest))
}
