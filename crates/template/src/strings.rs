//! Go's `strings` package on byte strings, as far as template functions need it.

use bstr::ByteSlice;

use crate::parse::chars::decode;

/// The characters, with U+FFFD for each byte that belongs to none, as Go ranges over a string.
pub(crate) fn runes(text: &[u8]) -> impl Iterator<Item = char> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        let bad = chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(bad)
    })
}

/// The characters with the bytes they stand for, which are kept when they are no character.
pub(crate) fn pieces(text: &[u8]) -> impl Iterator<Item = (char, &[u8])> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (c, length) = decode(rest)?;
        let (piece, tail) = rest.split_at(length);
        rest = tail;
        Some((c, piece))
    })
}

/// `strings.Map`, for mappings that drop nothing.
pub(crate) fn map(text: &[u8], mapping: impl FnMut(char) -> char) -> String {
    runes(text).map(mapping).collect()
}

/// `unicode.ToUpper`: one character to one character, so `ß` stays.
pub(crate) fn upper(c: char) -> char {
    match c {
        // Greek with iota subscript: Rust's mapping writes the iota out.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        c => single(c, c.to_uppercase()),
    }
}

/// `unicode.ToLower`: one character to one character.
pub(crate) fn lower(c: char) -> char {
    match c {
        'İ' => 'i',
        c => single(c, c.to_lowercase()),
    }
}

/// `unicode.ToTitle`: as upper case, but for the digraphs that have a form of their own and Georgian, which has none.
pub(crate) fn title(c: char) -> char {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10ff}' => c,
        c => upper(c),
    }
}

fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// `strings.Title`: the first letter of each word in title case.
pub(crate) fn title_words(text: &[u8]) -> String {
    let mut previous = ' ';
    map(text, |c| {
        let starts = is_separator(previous);
        previous = c;
        if starts { title(c) } else { c }
    })
}

/// Title case by Unicode's words, where an apostrophe or an underscore stands within a word: the first letter of each
/// word in title case, the rest as it is.
pub(crate) fn title_unicode_words(text: &[u8]) -> Vec<u8> {
    let characters: Vec<(char, &[u8])> = pieces(text).collect();
    let is_letter = |at: Option<&(char, &[u8])>| at.is_some_and(|(c, _)| c.is_alphabetic());
    let push = |out: &mut Vec<u8>, c: char| {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    let mut out = Vec::with_capacity(text.len());
    let mut done = false;
    for (i, &(c, piece)) in characters.iter().enumerate() {
        let inside = c.is_alphanumeric() || c == '_' || is_mark(c);
        // One such mark between two letters does not end a word.
        let joins = matches!(
            c,
            '\'' | '.' | ':' | '\u{b7}' | '\u{2018}' | '\u{2019}' | '\u{2024}' | '\u{2027}'
        ) && is_letter(i.checked_sub(1).and_then(|i| characters.get(i)))
            && is_letter(characters.get(i + 1));
        if !inside && !joins {
            done = false;
        }
        let cased = upper(c) != c || lower(c) != c;
        let mut mapped = c.to_uppercase();
        if inside && !done && mapped.len() > 1 {
            // `ß` becomes `Ss`: of several letters only the first is a capital.
            for c in mapped.by_ref() {
                push(&mut out, if done { lower(c) } else { c });
                done |= c.is_alphabetic() && lower(c) != c;
            }
            done = true;
        } else if inside && !done && cased {
            push(&mut out, title(c));
            done = true;
        } else {
            out.extend_from_slice(piece);
        }
    }
    out
}

/// A combining mark of the common blocks.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    !c.is_alphanumeric() && c.is_whitespace()
}

/// Cuts characters off both ends while the condition holds.
pub(crate) fn trim_by(text: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    let kept: Vec<(usize, usize)> = {
        let mut at = 0;
        pieces(text)
            .filter_map(|(c, piece)| {
                let start = at;
                at += piece.len();
                (!cut(c)).then_some((start, at))
            })
            .collect()
    };
    match (kept.first(), kept.last()) {
        (Some((start, _)), Some((_, end))) => &text[*start..*end],
        _ => &[],
    }
}

/// `strings.TrimSpace`.
pub(crate) fn trim_space(text: &[u8]) -> &[u8] {
    trim_by(text, char::is_whitespace)
}

/// `strings.Trim` with a set of characters.
pub(crate) fn trim_set<'a>(text: &'a [u8], set: &[u8]) -> &'a [u8] {
    trim_by(text, |c| runes(set).any(|member| member == c))
}

/// `strings.SplitN`: at most `limit` parts, all of them if it is negative; an empty separator splits characters.
pub(crate) fn split<'a>(text: &'a [u8], separator: &[u8], limit: i64) -> Vec<&'a [u8]> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if limit == 0 {
        return parts;
    }
    let mut rest = text;
    if separator.is_empty() {
        for (_, piece) in pieces(text) {
            if parts.len() + 1 == limit {
                break;
            }
            parts.push(piece);
            rest = &rest[piece.len()..];
        }
        if !rest.is_empty() {
            parts.push(rest);
        }
        return parts;
    }
    while parts.len() + 1 < limit {
        let Some(at) = rest.find(separator) else {
            break;
        };
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

/// `strings.ReplaceAll`: an empty old text matches before each character and at the end.
pub(crate) fn replace_all(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    if !old.is_empty() {
        return text.replace(old, new);
    }
    let mut out = new.to_vec();
    for (_, piece) in pieces(text) {
        out.extend_from_slice(piece);
        out.extend_from_slice(new);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_follows_go() {
        let parts = |text: &str, separator: &str, limit| {
            split(text.as_bytes(), separator.as_bytes(), limit)
                .iter()
                .map(|p| p.to_str_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(parts("a,b,c", ",", 2), ["a", "b,c"]);
        assert_eq!(parts("", ",", -1), [""]);
        assert_eq!(parts("aé☃", "", -1), ["a", "é", "☃"]);
        assert_eq!(parts("abc", "", 2), ["a", "bc"]);
        assert!(parts("", "", -1).is_empty());
        assert!(parts("a", ",", 0).is_empty());
    }

    #[test]
    fn case_is_mapped_one_to_one() {
        assert_eq!(upper('ß'), 'ß');
        assert_eq!(upper('ᾳ'), 'ᾼ');
        assert_eq!(lower('İ'), 'i');
        assert_eq!(
            title_words("hello wORLD it's ǆa".as_bytes()),
            "Hello WORLD It'S ǅa"
        );
    }
}
