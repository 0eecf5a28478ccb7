//! Floating-point numbers as Go's `strconv.ParseFloat` reads and `FormatFloat` writes them.

use crate::number::{NumberError, underscores_separate_digits};

/// How [`format`] lays a number out; the letters are Go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `e`: `-d.dddde±dd`.
    Exponent,
    /// `f`: `-ddd.dddd`.
    Decimal,
    /// `g`: `e` for large and small exponents, else `f`.
    General,
    /// `x`: `-0x1.yyyyp±dd`.
    Hexadecimal,
    /// `b`: `-ddddp±ddd`, the mantissa as an integer.
    Binary,
}

/// `strconv.ParseFloat(text, 64)`: decimal, hexadecimal (`0x1p-2`), `inf`, `infinity`, `nan`, underscores between digits.
///
/// # Errors
///
/// `strconv.ParseFloat: parsing "x": invalid syntax`; `value out of range` when it rounds to infinity.
pub fn parse(text: impl AsRef<[u8]>) -> Result<f64, NumberError> {
    let text = text.as_ref();
    let syntax = || NumberError::syntax("ParseFloat", text);
    if let Some(special) = special(text) {
        return Ok(special);
    }
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if body.contains(&b'_') && !underscores_separate_digits(text) {
        return Err(syntax());
    }
    let clean: String = body
        .iter()
        .filter(|b| **b != b'_')
        .map(|b| char::from(*b))
        .collect();
    let magnitude = match clean
        .strip_prefix("0x")
        .or_else(|| clean.strip_prefix("0X"))
    {
        Some(hexadecimal) => parse_hexadecimal(hexadecimal).ok_or_else(syntax)?,
        None if is_decimal(&clean) => clean.parse::<f64>().map_err(|_| syntax())?,
        None => return Err(syntax()),
    };
    if magnitude.is_infinite() {
        return Err(NumberError::range("ParseFloat", text));
    }
    Ok(if negative { -magnitude } else { magnitude })
}

fn special(text: &[u8]) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    match lower.as_slice() {
        b"nan" => Some(f64::NAN),
        b"inf" | b"+inf" | b"infinity" | b"+infinity" => Some(f64::INFINITY),
        b"-inf" | b"-infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    is_mantissa(mantissa, u8::is_ascii_digit) && exponent.is_none_or(is_exponent)
}

fn is_mantissa(text: &str, digit: fn(&u8) -> bool) -> bool {
    let digits = text.bytes().filter(digit).count();
    let points = text.bytes().filter(|b| *b == b'.').count();
    digits > 0 && points <= 1 && digits + points == text.len()
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What follows `0x`. The exponent (`p`) is required, as in Go's literals.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_at_checked(text.find(['p', 'P'])?)?;
    let exponent = &exponent[1..];
    if !is_mantissa(mantissa, u8::is_ascii_hexdigit) || !is_exponent(exponent) {
        return None;
    }
    // An exponent beyond i64 is as good as the largest; the result is 0 or infinite either way.
    let (negative, digits) = match exponent.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let exponent = digits
        .iter()
        .fold(0_i64, |e, d| (e * 10 + i64::from(d - b'0')).min(1 << 40));
    let mut exponent = if negative { -exponent } else { exponent };
    let (mut bits, mut sticky, mut after_point) = (0_u64, false, false);
    for byte in mantissa.bytes() {
        if byte == b'.' {
            after_point = true;
            continue;
        }
        let digit = u64::from(char::from(byte).to_digit(16)?);
        if bits >> 59 == 0 {
            bits = bits << 4 | digit;
            exponent -= if after_point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if after_point { 0 } else { 4 };
        }
    }
    Some(assemble(bits, sticky, exponent))
}

/// `bits` × 2^`exponent`, rounded to nearest, ties to even; `sticky` says that lower bits were cut off.
fn assemble(mut bits: u64, sticky: bool, mut exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let shift = bits.leading_zeros();
    bits <<= shift;
    exponent -= i64::from(shift);
    // The value is 1.xxx × 2^(exponent + 63); below the normal range fewer bits of the mantissa remain.
    let top = exponent + 63;
    if top > 1023 {
        return f64::INFINITY;
    }
    let drop = if top < -1022 { 11 + (-1022 - top) } else { 11 };
    if drop > 64 {
        return 0.0;
    }
    let wide = u128::from(bits) << 1 | u128::from(sticky);
    let drop = drop + 1;
    let kept = (wide >> drop) as u64;
    let cut = wide & ((1 << drop) - 1);
    let half = 1_u128 << (drop - 1);
    let rounded = kept + u64::from(cut > half || (cut == half && kept & 1 == 1));
    // With a biased exponent the carry of a rounding moves into it by itself, up to infinity.
    let biased = if top < -1022 { 0 } else { (top + 1023) as u64 };
    let value = if biased == 0 {
        rounded
    } else {
        (biased << 52) + rounded - (1 << 52)
    };
    f64::from_bits(value)
}

/// Decimal digits d1 d2 ... with the value 0.d1d2... × 10^`point`, without trailing zeros.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

impl Digits {
    /// From Rust's exponent form, such as `1.25e-7`, whose digits are exact or shortest like Go's.
    fn from_exponent_form(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = if digits.is_empty() {
            0
        } else {
            exponent.parse::<i32>().unwrap_or(0) + 1
        };
        Self { digits, point }
    }
}

/// No float has more digits than this after its point, so that what comes later are zeros; Rust's own formatting stops at
/// 65,535 digits with a panic.
const ALL_DIGITS: usize = 1100;

/// `strconv.FormatFloat(value, form, precision, 64)`. Without a precision: as few digits as read back to the same value.
///
/// For [`Form::General`] the precision counts all digits, otherwise the digits after the point.
#[must_use]
pub fn format(value: f64, form: Form, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "+Inf".into()
        } else {
            "-Inf".into()
        };
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let magnitude = value.abs();
    let text = match (form, precision) {
        (Form::Binary, _) => format_binary(magnitude),
        (Form::Hexadecimal, precision) => format_hexadecimal(magnitude, precision),
        (Form::Decimal, Some(precision)) => {
            let exact = precision.min(ALL_DIGITS);
            let mut text = format!("{magnitude:.exact$}");
            text.extend(std::iter::repeat_n('0', precision - exact));
            text
        }
        (Form::Decimal, None) => {
            let digits = Digits::from_exponent_form(&format!("{magnitude:e}"));
            decimal(&digits, fraction_length(&digits))
        }
        (Form::Exponent, Some(precision)) => exponent(
            &Digits::from_exponent_form(&format!("{magnitude:.*e}", precision.min(ALL_DIGITS))),
            precision,
        ),
        (Form::Exponent, None) => {
            let digits = Digits::from_exponent_form(&format!("{magnitude:e}"));
            exponent(&digits, digits.digits.len().saturating_sub(1))
        }
        (Form::General, precision) => general(magnitude, precision),
    };
    format!("{sign}{text}")
}

fn fraction_length(digits: &Digits) -> usize {
    usize::try_from(digits.digits.len() as i64 - i64::from(digits.point)).unwrap_or(0)
}

fn general(magnitude: f64, precision: Option<usize>) -> String {
    let (digits, threshold) = match precision {
        None => (Digits::from_exponent_form(&format!("{magnitude:e}")), 6),
        Some(precision) => {
            let precision = precision.max(1);
            let exact = (precision - 1).min(ALL_DIGITS);
            let digits = Digits::from_exponent_form(&format!("{magnitude:.*e}", exact));
            let count = digits.digits.len();
            let whole = precision > count && i32::try_from(count).is_ok_and(|n| n >= digits.point);
            (digits, if whole { count } else { precision })
        }
    };
    let power = digits.point - 1;
    let threshold = i32::try_from(threshold).unwrap_or(i32::MAX);
    if power < -4 || power >= threshold {
        return exponent(&digits, digits.digits.len().saturating_sub(1));
    }
    decimal(&digits, fraction_length(&digits))
}

/// `d.ddde±dd` with so many digits after the point, padded with zeros.
fn exponent(digits: &Digits, precision: usize) -> String {
    let mut out = String::new();
    out.push(char::from(digits.digits.first().copied().unwrap_or(b'0')));
    if precision > 0 {
        out.push('.');
        out.extend(
            (1..=precision).map(|i| char::from(digits.digits.get(i).copied().unwrap_or(b'0'))),
        );
    }
    let power = if digits.digits.is_empty() {
        0
    } else {
        digits.point - 1
    };
    out.push_str(&format!(
        "e{}{:02}",
        if power < 0 { '-' } else { '+' },
        power.abs()
    ));
    out
}

/// `ddd.ddd` with so many digits after the point, padded with zeros.
fn decimal(digits: &Digits, precision: usize) -> String {
    let at = |i: i32| {
        usize::try_from(i)
            .ok()
            .and_then(|i| digits.digits.get(i).copied())
            .unwrap_or(b'0')
    };
    let mut out = String::new();
    if digits.point > 0 {
        out.extend((0..digits.point).map(|i| char::from(at(i))));
    } else {
        out.push('0');
    }
    if precision > 0 {
        out.push('.');
        out.extend((0..precision as i32).map(|i| char::from(at(digits.point + i))));
    }
    out
}

/// Mantissa with its hidden bit, and the power of two that goes with it as an integer.
fn parts(magnitude: f64) -> (u64, i32) {
    let bits = magnitude.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52) as i32 {
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased - 1075),
    }
}

fn format_binary(magnitude: f64) -> String {
    let (mantissa, power) = parts(magnitude);
    format!("{mantissa}p{power:+}")
}

fn format_hexadecimal(magnitude: f64, precision: Option<usize>) -> String {
    let (mut mantissa, mut power) = parts(magnitude);
    if mantissa == 0 {
        power = 0;
    } else {
        power += 52;
        // One hexadecimal digit before the point, fifteen after: bring the first set bit to 2^60.
        let shift = mantissa.leading_zeros() as i32 - 3;
        mantissa <<= shift;
        power -= shift - 8;
    }
    if let Some(precision) = precision.filter(|p| *p < 15) {
        let drop = (15 - precision) * 4;
        let extra = mantissa & ((1 << drop) - 1);
        mantissa >>= drop;
        let half = 1 << (drop - 1);
        if extra > half || (extra == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            power += 1;
        }
    }
    let fraction: String = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction: String = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => fraction
            .chars()
            .chain(std::iter::repeat('0'))
            .take(precision)
            .collect(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    format!(
        "0x{}{point}{fraction}p{sign}{:02}",
        mantissa >> 60,
        power.abs()
    )
}
