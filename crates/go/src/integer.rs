//! Integers as Go's `strconv.ParseInt`, `ParseUint` and `Atoi` read them.

use crate::number::{NumberError, NumberFault, underscores_separate_digits};

/// Reads a signed integer of 64 bits. With base 0 the text may have a prefix (`0x`, `0o`, `0`, `0b`) and underscores.
///
/// `base` is 0 or 2 to 36; other bases are a mistake of the caller and read as base 10.
///
/// # Errors
///
/// `strconv.ParseInt: parsing "x": invalid syntax` or `...: value out of range`.
pub fn parse_int(text: impl AsRef<[u8]>, base: u32) -> Result<i64, NumberError> {
    signed("ParseInt", text.as_ref(), base)
}

/// Reads an unsigned integer of 64 bits; a sign is refused.
///
/// # Errors
///
/// `strconv.ParseUint: parsing "-1": invalid syntax` or `...: value out of range`.
pub fn parse_uint(text: impl AsRef<[u8]>, base: u32) -> Result<u64, NumberError> {
    unsigned("ParseUint", text.as_ref(), base)
}

/// Reads a decimal integer as `strconv.Atoi` does; only the error's text differs from [`parse_int`].
///
/// # Errors
///
/// `strconv.Atoi: parsing "x": invalid syntax`.
pub fn atoi(text: impl AsRef<[u8]>) -> Result<i64, NumberError> {
    signed("Atoi", text.as_ref(), 10)
}

fn signed(function: &'static str, text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = match unsigned(function, digits, base) {
        Ok(magnitude) => magnitude,
        Err(error) => {
            return Err(NumberError {
                text: text.to_vec(),
                ..error
            });
        }
    };
    let value = if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    };
    value.ok_or_else(|| NumberError::range(function, text))
}

fn unsigned(function: &'static str, text: &[u8], base: u32) -> Result<u64, NumberError> {
    let syntax = || NumberError::syntax(function, text);
    let prefixed = base == 0;
    let (base, digits) = match (base, text) {
        (0, [b'0', b'x' | b'X', rest @ ..]) if !rest.is_empty() => (16, rest),
        (0, [b'0', b'o' | b'O', rest @ ..]) if !rest.is_empty() => (8, rest),
        (0, [b'0', b'b' | b'B', rest @ ..]) if !rest.is_empty() => (2, rest),
        (0, [b'0', rest @ ..]) if !rest.is_empty() => (8, rest),
        (0, rest) => (10, rest),
        (base @ 2..=36, rest) => (base, rest),
        (_, rest) => (10, rest),
    };
    if digits.is_empty() {
        return Err(syntax());
    }
    let mut value = Some(0_u64);
    let mut underscores = false;
    for &byte in digits {
        if byte == b'_' && prefixed {
            underscores = true;
            continue;
        }
        let digit = char::from(byte).to_digit(base).ok_or_else(syntax)?;
        value = value.and_then(|v| {
            v.checked_mul(u64::from(base))?
                .checked_add(u64::from(digit))
        });
        if value.is_none() {
            // Go stops reading at the first digit too many, so garbage after it is never seen.
            return Err(NumberError {
                function,
                text: text.to_vec(),
                fault: NumberFault::Range,
            });
        }
    }
    if underscores && !underscores_separate_digits(text) {
        return Err(syntax());
    }
    value.ok_or_else(syntax)
}
