//! Character classes: `[a-z]`, `\d`, `\p{Greek}`, `[[:alpha:]]`.

use super::syntax::{SyntaxError, wrong};

/// Go's Perl classes, which know ASCII only.
pub(super) const fn perl(c: char) -> &'static str {
    match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\f\r ]",
        'S' => r"[^\t\n\f\r ]",
        'w' => "[0-9A-Za-z_]",
        _ => "[^0-9A-Za-z_]",
    }
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// A class in brackets at the start: its translation and what follows it.
pub(super) fn translate(text: &str) -> Result<(String, &str), SyntaxError> {
    let mut out = String::from("[");
    let mut rest = &text[1..];
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        if rest.is_empty() {
            return Err(wrong("missing closing ]", text));
        }
        if rest.starts_with(']') && !first {
            out.push(']');
            return Ok((out, &rest[1..]));
        }
        first = false;
        if rest.starts_with("[:")
            && let Some(end) = rest.find(":]")
        {
            let name = &rest[2..end];
            if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
                return Err(wrong("invalid character class range", &rest[..end + 2]));
            }
            out.push_str(&rest[..end + 2]);
            rest = &rest[end + 2..];
            continue;
        }
        if let Some(kind) = rest
            .strip_prefix('\\')
            .and_then(|after| after.chars().next())
        {
            if matches!(kind, 'd' | 'D' | 's' | 'S' | 'w' | 'W') {
                out.push_str(perl(kind));
                rest = &rest[2..];
                continue;
            }
            if matches!(kind, 'p' | 'P') {
                let (property, after) = property(rest)?;
                out.push_str(&property);
                rest = after;
                continue;
            }
        }
        let range = rest;
        let (low, after) = member(rest, text)?;
        rest = after;
        let mut high = low;
        if let Some(after) = rest.strip_prefix('-')
            && !after.is_empty()
            && !after.starts_with(']')
        {
            (high, rest) = member(after, text)?;
            if high < low {
                return Err(wrong(
                    "invalid character class range",
                    &range[..range.len() - rest.len()],
                ));
            }
        }
        out.push_str(&format!("\\x{{{:x}}}", u32::from(low)));
        if high != low {
            out.push_str(&format!("-\\x{{{:x}}}", u32::from(high)));
        }
    }
}

fn member<'t>(text: &'t str, class: &str) -> Result<(char, &'t str), SyntaxError> {
    match text.chars().next() {
        None => Err(wrong("missing closing ]", class)),
        Some('\\') => escaped(text),
        Some(c) => Ok((c, &text[c.len_utf8()..])),
    }
}

/// An escape that stands for one character.
pub(super) fn escaped(text: &str) -> Result<(char, &str), SyntaxError> {
    let after = &text[1..];
    let Some(c) = after.chars().next() else {
        return Err(wrong("trailing backslash at end of expression", ""));
    };
    let rest = &after[c.len_utf8()..];
    let bad = |rest: &str| wrong("invalid escape sequence", &text[..text.len() - rest.len()]);
    let octal = |digits: usize| {
        let end = after
            .bytes()
            .take(digits)
            .take_while(|b| matches!(b, b'0'..=b'7'))
            .count();
        let value = u32::from_str_radix(&after[..end], 8)
            .ok()
            .and_then(char::from_u32);
        value.map(|c| (c, &after[end..])).ok_or_else(|| bad(rest))
    };
    match c {
        '0' => octal(3),
        // One digit alone would be a reference to a group, which RE2 does not have.
        '1'..='7' if rest.starts_with(|c| matches!(c, '0'..='7')) => octal(3),
        'x' => {
            if let Some(braced) = rest.strip_prefix('{') {
                return braced_code(braced).map_err(bad);
            }
            let Some((digits, rest)) = rest.split_at_checked(2) else {
                return Err(bad(""));
            };
            let hexadecimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let value = u32::from_str_radix(digits, 16)
                .ok()
                .filter(|_| hexadecimal)
                .and_then(char::from_u32);
            value.map(|c| (c, rest)).ok_or_else(|| bad(rest))
        }
        'a' => Ok(('\x07', rest)),
        'f' => Ok(('\x0c', rest)),
        'n' => Ok(('\n', rest)),
        'r' => Ok(('\r', rest)),
        't' => Ok(('\t', rest)),
        'v' => Ok(('\x0b', rest)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((c, rest)),
        _ => Err(bad(rest)),
    }
}

/// The character of `\x{10FFFF}` after the brace; where it goes wrong if it does.
fn braced_code(text: &str) -> Result<(char, &str), &str> {
    let mut code = 0;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        if c == '}' && at > 0 {
            return char::from_u32(code).map(|c| (c, rest)).ok_or(rest);
        }
        code = match c.to_digit(16).map(|digit| code * 16 + digit) {
            Some(code) if code <= u32::from(char::MAX) => code,
            _ => return Err(rest),
        };
    }
    Err("")
}

/// `\pL`, `\p{Greek}`, `\P{^Lu}` at the start: its translation and what follows it.
pub(super) fn property(text: &str) -> Result<(String, &str), SyntaxError> {
    let after = &text[2..];
    let mut negative = text.starts_with("\\P");
    let (name, rest) = match after.strip_prefix('{') {
        Some(braced) => braced
            .split_once('}')
            .ok_or_else(|| wrong("invalid character class range", text))?,
        None => {
            let Some(c) = after.chars().next() else {
                return Err(wrong("invalid character class range", text));
            };
            after.split_at(c.len_utf8())
        }
    };
    let whole = &text[..text.len() - rest.len()];
    let name = match name.strip_prefix('^') {
        Some(name) => {
            negative = !negative;
            name
        }
        None => name,
    };
    let translated = format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' });
    let known = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && regex::bytes::Regex::new(&translated).is_ok();
    if known {
        Ok((translated, rest))
    } else {
        Err(wrong("invalid character class range", whole))
    }
}
