//! Spans of time as Go's `time` package reads and writes them, and as Vault's configuration does.

use crate::quote;

/// A span of time in nanoseconds, as Go's `time.Duration`; its `Display` is `Duration.String`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

const NANOSECOND: i64 = 1;
const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Why a text is not a duration, in Go's words. The text is repeated in the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not written as a duration, or too large.
    #[error("time: invalid duration {}", quote_go(.0))]
    Invalid(Vec<u8>),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", quote_go(.0))]
    MissingUnit(Vec<u8>),
    /// A unit that Go does not know; it is named before the text.
    #[error("time: unknown unit {} in duration {}", quote_go(.0), quote_go(.1))]
    UnknownUnit(Vec<u8>, Vec<u8>),
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span, about 292 years.
    pub const MAX: Self = Self(i64::MAX);

    /// A span of so many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of so many seconds, at most [`Duration::MAX`].
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The span in whole seconds, rounded towards zero.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0 / SECOND
    }

    /// The span as Rust's own type; `None` when it is negative.
    #[must_use]
    pub fn to_std(self) -> Option<std::time::Duration> {
        u64::try_from(self.0)
            .ok()
            .map(std::time::Duration::from_nanos)
    }

    /// `time.ParseDuration`: signed decimal numbers, each with a unit (`ns us µs ms s m h`), such as `1h15m30.9s`.
    ///
    /// # Errors
    ///
    /// `time: invalid duration "x"`, `time: missing unit in duration "5"`, `time: unknown unit "d" in duration "1d"`.
    ///
    /// ```
    /// use pannier_go::Duration;
    /// assert_eq!(Duration::parse("1h1h").unwrap().to_string(), "2h0m0s");
    /// ```
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, DurationError> {
        let whole = text.as_ref();
        let invalid = || DurationError::Invalid(whole.to_vec());
        let (negative, mut rest) = match whole {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if rest == b"0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        // 2^63 is allowed until the end, for the most negative span.
        const LIMIT: u64 = 1 << 63;
        let mut total = 0_u64;
        while !rest.is_empty() {
            if !(rest[0] == b'.' || rest[0].is_ascii_digit()) {
                return Err(invalid());
            }
            let (integer, after) = leading_integer(rest).ok_or_else(invalid)?;
            let mut seen = after.len() != rest.len();
            rest = after;
            let mut fraction = (0, 1.0);
            if let [b'.', after @ ..] = rest {
                let (numerator, scale, remaining) = leading_fraction(after);
                seen |= remaining.len() != after.len();
                fraction = (numerator, scale);
                rest = remaining;
            }
            if !seen {
                return Err(invalid());
            }
            let end = rest
                .iter()
                .position(|b| *b == b'.' || b.is_ascii_digit())
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return Err(DurationError::MissingUnit(whole.to_vec()));
            }
            let unit = unit(name)
                .ok_or_else(|| DurationError::UnknownUnit(name.to_vec(), whole.to_vec()))?;
            rest = after;
            let mut value = integer
                .checked_mul(unit)
                .filter(|v| *v <= LIMIT)
                .ok_or_else(invalid)?;
            if fraction.0 > 0 {
                // Go computes the fraction in floating point as well; the cast truncates like Go's conversion.
                value += (fraction.0 as f64 * (unit as f64 / fraction.1)) as u64;
                if value > LIMIT {
                    return Err(invalid());
                }
            }
            total = total
                .checked_add(value)
                .filter(|v| *v <= LIMIT)
                .ok_or_else(invalid)?;
        }
        let value = if negative {
            0_i64.checked_sub_unsigned(total)
        } else {
            i64::try_from(total).ok()
        };
        value.map(Self).ok_or_else(invalid)
    }

    /// A duration as most of Vault's configuration takes it: digits alone are seconds, `1d` is a day, otherwise
    /// [`Duration::parse`]. An empty text is no time.
    ///
    /// # Errors
    ///
    /// As [`Duration::parse`]; a number of seconds or days that is too large is an invalid duration.
    pub fn parse_seconds(text: impl AsRef<[u8]>) -> Result<Self, DurationError> {
        let text = text.as_ref();
        let scaled = |digits: &[u8], unit: i64| {
            let number = crate::integer::parse_int(digits, 10).ok()?;
            Some(
                number
                    .checked_mul(unit)
                    .map(Self)
                    .ok_or_else(|| DurationError::Invalid(text.to_vec())),
            )
        };
        if text.is_empty() {
            return Ok(Self::ZERO);
        }
        let seconds = scaled(text, SECOND);
        let days = text
            .strip_suffix(b"d")
            .and_then(|digits| scaled(digits, 24 * HOUR));
        seconds.or(days).unwrap_or_else(|| Self::parse(text))
    }
}

fn quote_go(text: &[u8]) -> String {
    // Package time has its own quoting: ASCII only, every other byte as \xNN.
    let mut out = String::from("\"");
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    debug_assert!(!text.iter().all(|b| matches!(b, b' '..=b'~')) || out == quote::quote(text));
    out
}

fn unit(name: &[u8]) -> Option<u64> {
    let nanos = match name {
        b"ns" => NANOSECOND,
        // The micro sign U+00B5 and the Greek letter U+03BC.
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => MICROSECOND,
        b"ms" => MILLISECOND,
        b"s" => SECOND,
        b"m" => MINUTE,
        b"h" => HOUR,
        _ => return None,
    };
    Some(nanos.unsigned_abs())
}

/// The digits at the start as a number; `None` above 2^63.
fn leading_integer(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let mut value = 0_u64;
    for byte in &text[..end] {
        value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        if value > 1 << 63 {
            return None;
        }
    }
    Some((value, &text[end..]))
}

/// The digits after the point as numerator and power of ten; digits that no longer fit are dropped.
fn leading_fraction(text: &[u8]) -> (u64, f64, &[u8]) {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let (mut value, mut scale) = (0_u64, 1.0);
    for byte in &text[..end] {
        if value > (i64::MAX as u64) / 10 {
            break;
        }
        let next = value * 10 + u64::from(byte - b'0');
        if next > 1 << 63 {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value, scale, &text[end..])
}

impl std::fmt::Display for Duration {
    /// `72h3m0.5s`: hours, minutes and seconds; below a second one unit with a fraction; `0s` for nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = self.0.unsigned_abs();
        let mut out = String::from(if self.0 < 0 { "-" } else { "" });
        let second = SECOND.unsigned_abs();
        if nanos == 0 {
            out.push_str("0s");
        } else if nanos < second {
            let (digits, unit) = match nanos {
                0..1_000 => (0, "ns"),
                1_000..1_000_000 => (3, "µs"),
                _ => (6, "ms"),
            };
            push_decimal(&mut out, nanos, digits);
            out.push_str(unit);
        } else {
            let (minutes, hours) = (nanos / second / 60, nanos / second / 3600);
            if hours > 0 {
                out.push_str(&format!("{hours}h"));
            }
            if minutes > 0 {
                out.push_str(&format!("{}m", minutes % 60));
            }
            push_decimal(&mut out, nanos % (60 * second), 9);
            out.push('s');
        }
        f.pad(&out)
    }
}

/// `value` / 10^`digits`, without trailing zeros.
fn push_decimal(out: &mut String, value: u64, digits: usize) {
    let scale = 10_u64.pow(digits as u32);
    out.push_str(&(value / scale).to_string());
    let fraction = format!("{:0digits$}", value % scale);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
}
