//! What stands inside strings, heredocs and numbers.

use crate::ast::Scalar;

/// The character that an escape stands for, given what follows its backslash, and the escape's length in bytes.
pub(super) fn escape(rest: &str) -> Option<(char, usize)> {
    let simple = |c| Some((c, 1));
    match rest.chars().next()? {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' => simple('\\'),
        '"' => simple('"'),
        'x' => digits(rest, 1, 2, 16),
        'u' => digits(rest, 1, 4, 16),
        'U' => digits(rest, 1, 8, 16),
        '0'..='7' => digits(rest, 0, 3, 8).filter(|(c, _)| u32::from(*c) < 256),
        _ => None,
    }
}

/// A lone surrogate reads as U+FFFD, as in the reference; what is no character at all is refused.
fn digits(rest: &str, skip: usize, count: usize, base: u32) -> Option<(char, usize)> {
    let text = rest.get(skip..skip + count)?;
    if !text.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let code = u32::from_str_radix(text, base).ok()?;
    let c = match code {
        0xd800..=0xdfff => char::REPLACEMENT_CHARACTER,
        _ => char::from_u32(code)?,
    };
    Some((c, skip + count))
}

/// A heredoc's text and the bytes it takes in the source, its last line's end not counted.
pub(super) struct Heredoc {
    pub(super) text: String,
    pub(super) length: usize,
}

/// Reads to the line that holds only the mark, with blanks before it at will.
///
/// As in the reference, `<<MARK` keeps those blanks, and `<<-MARK` needs at least one of them: their text is what
/// is taken off the beginning of every line, or nothing is if one line does not begin with it.
pub(super) fn heredoc(rest: &str, mark: &str, indented: bool) -> Option<Heredoc> {
    let mut length = 0;
    let mut lines = Vec::new();
    for line in rest.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n').trim_end_matches('\r');
        let blanks = bare.strip_suffix(mark).filter(|blanks| {
            blanks
                .chars()
                .all(|c| matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r'))
                && (!indented || !blanks.is_empty())
        });
        if let Some(blanks) = blanks {
            length += blanks.len() + mark.len();
            return Some(Heredoc {
                text: join(&lines, blanks, indented),
                length,
            });
        }
        length += line.len();
        lines.push(line);
    }
    None
}

fn join(lines: &[&str], blanks: &str, indented: bool) -> String {
    let strip = indented && lines.iter().all(|line| line.starts_with(blanks));
    let mut text = String::new();
    for line in lines {
        let line = if strip { &line[blanks.len()..] } else { line };
        match line.strip_suffix("\r\n") {
            Some(bare) => {
                text.push_str(bare);
                text.push('\n');
            }
            None => text.push_str(line),
        }
    }
    if !indented {
        text.push_str(blanks);
    }
    text
}

/// How many bytes at the beginning belong to a number.
pub(super) fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let run = |mut at: usize, wanted: fn(&u8) -> bool| {
        while bytes.get(at).is_some_and(wanted) {
            at += 1;
        }
        at
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    if bytes.get(at) == Some(&b'0') && matches!(bytes.get(at + 1), Some(b'x' | b'X')) {
        return run(at + 2, u8::is_ascii_hexdigit);
    }
    let digits = at;
    at = run(at, u8::is_ascii_digit);
    if bytes.get(at) == Some(&b'.')
        && (at > digits || bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
    {
        at = run(at + 1, u8::is_ascii_digit);
    }
    if at > digits && matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = run(at, u8::is_ascii_digit);
    }
    at
}

/// A number's value. A leading zero means octal, as for file modes.
pub(super) fn number(text: &str) -> Result<Scalar, &'static str> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    if digits.contains(['.', 'e', 'E']) && !digits.starts_with("0x") && !digits.starts_with("0X") {
        // Go reads `1e3` as a float; the plain decoder makes a whole number of it where it is one.
        let value = text.parse::<f64>().map_err(|_| "illegal number")?;
        return Ok(Scalar::Float(value, text.to_owned()));
    }
    let (base, digits, problem) =
        if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            (16, hex, "illegal hexadecimal number")
        } else if digits.len() > 1 && digits.starts_with('0') {
            (8, digits, "illegal octal number")
        } else {
            (10, digits, "number out of range")
        };
    let value = i64::from_str_radix(&format!("{sign}{digits}"), base).map_err(|_| problem)?;
    Ok(Scalar::Int(value, text.to_owned()))
}
