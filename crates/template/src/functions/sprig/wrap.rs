//! Cutting text short and into lines, byte by byte as the `goutils` library does.

use bstr::ByteSlice;

/// `goutils.AbbreviateFull`; `None` where that gives an error.
pub(super) fn abbreviate(text: &[u8], offset: i64, width: i64) -> Option<Vec<u8>> {
    let length = text.len() as i64;
    if text.is_empty() {
        return Some(Vec::new());
    }
    if width < 4 {
        return None;
    }
    if length <= width {
        return Some(text.to_vec());
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    let marked = |head: &[u8]| [head, b"..."].concat();
    if offset <= 4 {
        return Some(marked(&text[..(width - 3) as usize]));
    }
    if width < 7 {
        return None;
    }
    let rest = if offset + width - 3 < length {
        abbreviate(&text[offset as usize..], 0, width - 3).unwrap_or_default()
    } else {
        text[(length - (width - 3)) as usize..].to_vec()
    };
    Some([b"...".as_slice(), &rest].concat())
}

/// `goutils.WrapCustom`: lines of at most `width` bytes, broken at spaces; longer words are cut if `cut_words`.
pub(super) fn wrap(text: &[u8], width: i64, line_end: &[u8], cut_words: bool) -> Vec<u8> {
    let line_end = if line_end.is_empty() { b"\n" } else { line_end };
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let (line, skipped) = match rest[..=width].rfind_byte(b' ') {
            Some(space) => (space, 1),
            None if cut_words => (width, 0),
            None => match rest[width..].find_byte(b' ') {
                Some(space) => (width + space, 1),
                None => break,
            },
        };
        out.extend_from_slice(&rest[..line]);
        out.extend_from_slice(line_end);
        rest = &rest[line + skipped..];
    }
    out.extend_from_slice(rest);
    out
}
