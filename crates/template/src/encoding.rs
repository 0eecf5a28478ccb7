//! Base 64 and base 32 with Go's habits: line ends are skipped, and an error tells the place.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// `illegal base64 data at input byte 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("illegal base{base} data at input byte {offset}")]
pub(crate) struct CorruptInput {
    base: u8,
    offset: usize,
}

/// The two alphabets of base 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// With `+` and `/`.
    Standard,
    /// With `-` and `_`.
    Url,
}

pub(crate) fn base64_encode(bytes: &[u8], alphabet: Alphabet) -> String {
    match alphabet {
        Alphabet::Standard => STANDARD.encode(bytes),
        Alphabet::Url => URL_SAFE.encode(bytes),
    }
}

/// Reads padded base 64 as Go does, with Go's offset in an error.
pub(crate) fn base64_decode(text: &[u8], alphabet: Alphabet) -> Result<Vec<u8>, CorruptInput> {
    let corrupt = |offset| CorruptInput { base: 64, offset };
    let digit = |byte: u8| match (byte, alphabet) {
        (b'A'..=b'Z', _) => Some(byte - b'A'),
        (b'a'..=b'z', _) => Some(byte - b'a' + 26),
        (b'0'..=b'9', _) => Some(byte - b'0' + 52),
        (b'+', Alphabet::Standard) | (b'-', Alphabet::Url) => Some(62),
        (b'/', Alphabet::Standard) | (b'_', Alphabet::Url) => Some(63),
        _ => None,
    };
    let is_line_end = |at: usize| matches!(text.get(at), Some(b'\n' | b'\r'));
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    loop {
        let mut quantum = [0_u8; 4];
        let mut filled = 0;
        let mut ended = false;
        while filled < 4 {
            let Some(&byte) = text.get(at) else {
                if filled == 0 {
                    return Ok(out);
                }
                return Err(corrupt(at - filled));
            };
            at += 1;
            match (digit(byte), byte) {
                (Some(value), _) => {
                    quantum[filled] = value;
                    filled += 1;
                }
                (None, b'\n' | b'\r') => {}
                (None, b'=') => {
                    if filled < 2 {
                        return Err(corrupt(at - 1));
                    }
                    if filled == 2 {
                        while is_line_end(at) {
                            at += 1;
                        }
                        match text.get(at) {
                            None => return Err(corrupt(text.len())),
                            Some(b'=') => at += 1,
                            Some(_) => return Err(corrupt(at - 1)),
                        }
                    }
                    while is_line_end(at) {
                        at += 1;
                    }
                    if at < text.len() {
                        return Err(corrupt(at));
                    }
                    ended = true;
                    break;
                }
                (None, _) => return Err(corrupt(at - 1)),
            }
        }
        let value = quantum.iter().fold(0_u32, |v, d| v << 6 | u32::from(*d));
        out.extend_from_slice(&value.to_be_bytes()[1..filled.max(1)]);
        if ended {
            return Ok(out);
        }
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(crate) fn base32_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0_u8; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let value = u64::from_be_bytes(group);
        let digits = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let digit = (value >> (35 - 5 * i)) & 31;
            out.push(if i < digits {
                char::from(BASE32[digit as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// Reads padded base 32 as Go does, with Go's offset in an error.
pub(crate) fn base32_decode(text: &[u8]) -> Result<Vec<u8>, CorruptInput> {
    let corrupt = |offset| CorruptInput { base: 32, offset };
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'\n' | b'\r'))
        .collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    let mut ended = false;
    while at < text.len() && !ended {
        let mut value = 0_u64;
        let mut filled = 0;
        while filled < 8 {
            let Some(&byte) = text.get(at) else {
                return Err(corrupt(at - filled));
            };
            at += 1;
            let left = text.len() - at;
            if byte == b'=' && filled >= 2 && left < 8 {
                if left + filled < 7 {
                    return Err(corrupt(text.len()));
                }
                for k in 0..7 - filled {
                    if text.get(at + k).is_some_and(|b| *b != b'=') {
                        return Err(corrupt((at + k).saturating_sub(1)));
                    }
                }
                if matches!(filled, 1 | 3 | 6) {
                    return Err(corrupt(at - 1));
                }
                ended = true;
                break;
            }
            let digit = BASE32
                .iter()
                .position(|d| *d == byte)
                .ok_or_else(|| corrupt(at - 1))?;
            value |= (digit as u64) << (35 - 5 * filled);
            filled += 1;
        }
        out.extend_from_slice(&value.to_be_bytes()[3..3 + filled * 5 / 8]);
    }
    Ok(out)
}
