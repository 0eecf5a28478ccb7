//! Kubernetes resource quantities: checked and written in the canonical form of the API server's library.
//!
//! A quantity is a decimal number with a suffix: none, `n` `u` `m` `k` `M` `G` `T` `P` `E`, `Ki` `Mi` `Gi` `Ti` `Pi` `Ei`,
//! or a decimal exponent. The canonical form has no fraction and the largest suffix that keeps the number whole.
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>

/// Why a text is no quantity, in the words of the API server's library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number followed by something like a suffix.
    #[error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    /// The suffix is none of those known.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// There is a suffix but no number.
    #[error("unable to parse numeric part of quantity")]
    Number,
}

/// How a quantity counts, which decides the suffix it is written with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `n` to `E`.
    Decimal,
    /// `e3` and the like.
    Exponent,
    /// `Ki` to `Ei`.
    Binary,
}

/// The canonical form of a quantity.
///
/// # Errors
///
/// As the API server's library says it.
///
/// ```
/// assert_eq!(pannier_inject::quantity::canonical("0.5").as_deref(), Ok("500m"));
/// assert_eq!(pannier_inject::quantity::canonical("1.5Gi").as_deref(), Ok("1536Mi"));
/// ```
pub fn canonical(text: &str) -> Result<String, QuantityError> {
    let parts = Parts::split(text)?;
    let (form, exponent) = parts.suffix()?;
    if parts.whole.is_empty() && parts.fraction.is_empty() && exponent < -9 {
        return Err(QuantityError::Number);
    }
    if parts.is_kept(form, exponent) {
        return Ok(text.to_owned());
    }
    // Both are plain digits, so together they are the number without its point.
    let digits = format!("{}{}", parts.whole, parts.fraction);
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok("0".to_owned());
    }
    let scale = if form == Form::Binary { 0 } else { exponent }
        - i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
    // A number that cannot be held exactly is left to the API server, which reads the same text.
    let Ok(mantissa) = digits.parse::<u128>() else {
        return Ok(text.to_owned());
    };
    let written = match form {
        Form::Binary => binary(mantissa, scale, exponent),
        Form::Decimal | Form::Exponent => decimal(mantissa, scale, form),
    };
    let Some((number, suffix)) = written else {
        return Ok(text.to_owned());
    };
    let sign = if parts.negative { "-" } else { "" };
    Ok(format!("{sign}{number}{suffix}"))
}

/// Roughly how much a quantity is, for comparing two of them.
pub(crate) fn amount(text: &str) -> Option<f64> {
    let parts = Parts::split(text).ok()?;
    let (form, exponent) = parts.suffix().ok()?;
    let number: f64 = format!("0{}.{}0", parts.whole, parts.fraction)
        .parse()
        .ok()?;
    let base: f64 = if form == Form::Binary { 2.0 } else { 10.0 };
    let sign = if parts.negative { -1.0 } else { 1.0 };
    Some(sign * number * base.powi(i32::try_from(exponent).ok()?))
}

/// A quantity taken apart.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point.
    whole: &'a str,
    /// Digits behind it.
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let negative = text.starts_with('-');
        let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, rest) = take_digits(rest);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), take_digits);
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let (_, junk) = take_digits(letters.strip_prefix(['+', '-']).unwrap_or(letters));
        if !junk.is_empty() {
            return Err(QuantityError::Format);
        }
        Ok(Self {
            negative,
            whole,
            fraction,
            suffix,
        })
    }

    /// Whether the library writes the text itself, sign and point and all. It does so where a quick look at a number of
    /// moderate length finds nothing to change, which is not the same as the canonical form: `1.001` stays.
    fn is_kept(&self, form: Form, exponent: i64) -> bool {
        let whole = match self.whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        if form == Form::Binary {
            // Three tenths of a power of two is about that many decimal digits.
            let length = whole.len() as i64 + exponent * 3 / 10;
            let is_odd = whole.parse::<u64>().is_ok_and(|value| value % 8 != 0);
            return self.fraction.is_empty() && length <= 14 && is_odd;
        }
        let scale = exponent - self.fraction.len() as i64;
        whole.len() + self.fraction.len() <= 18
            && scale >= -9
            && scale % 3 == 0
            && !whole.starts_with('0')
            && !format!("{whole}{}", self.fraction).ends_with("000")
    }

    /// The form and the power (of ten, or of two for the binary form) that the suffix stands for.
    fn suffix(&self) -> Result<(Form, i64), QuantityError> {
        if let Some(at) = DECIMAL.iter().position(|suffix| *suffix == self.suffix) {
            return Ok((Form::Decimal, 3 * at as i64 - 9));
        }
        if let Some(at) = BINARY.iter().position(|suffix| *suffix == self.suffix) {
            return Ok((Form::Binary, 10 * (at as i64 + 1)));
        }
        let exponent = self
            .suffix
            .strip_prefix(['e', 'E'])
            .ok_or(QuantityError::Suffix)?;
        exponent
            .parse::<i32>()
            .map(|exponent| (Form::Exponent, i64::from(exponent)))
            .map_err(|_| QuantityError::Suffix)
    }
}

/// Suffixes by steps of 1000, from 10⁻⁹.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// Suffixes by steps of 1024, from 2¹⁰.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

fn take_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// `mantissa · 10^scale` with a suffix; what is below a billionth is rounded up, as the library does.
fn decimal(mut mantissa: u128, mut scale: i64, form: Form) -> Option<(u128, String)> {
    while scale < -9 {
        mantissa = mantissa.div_ceil(10);
        scale += 1;
        if mantissa == 1 {
            scale = -9;
        }
    }
    while mantissa.is_multiple_of(10) {
        mantissa /= 10;
        scale += 1;
    }
    let over = scale.rem_euclid(3);
    mantissa = mantissa.checked_mul(10u128.pow(u32::try_from(over).ok()?))?;
    scale -= over;
    let suffix = match form {
        Form::Exponent if scale == 0 => String::new(),
        Form::Exponent => format!("e{scale}"),
        _ => (*DECIMAL.get(usize::try_from(scale / 3 + 3).ok()?)?).to_owned(),
    };
    Some((mantissa, suffix))
}

/// `mantissa · 10^scale · 2^power` with a binary suffix where it is whole and at least 1024, else with a decimal one.
fn binary(mantissa: u128, scale: i64, power: i64) -> Option<(u128, String)> {
    let shift = u32::try_from(power).ok()?;
    let product = mantissa.checked_mul(1u128.checked_shl(shift)?)?;
    let divisor = 10u128.checked_pow(u32::try_from(-scale).ok()?)?;
    // The library caps here at the largest 64-bit number.
    let is_capped = product / divisor >= i64::MAX as u128;
    if !is_capped && !product.is_multiple_of(divisor) {
        return decimal(product, scale, Form::Decimal);
    }
    let mut whole = (product / divisor).min(i64::MAX as u128);
    if whole < 1024 {
        return decimal(whole, 0, Form::Decimal);
    }
    let mut step = 0;
    while whole.is_multiple_of(1024) && step < BINARY.len() {
        whole /= 1024;
        step += 1;
    }
    let suffix = if step == 0 {
        String::new()
    } else {
        BINARY[step - 1].to_owned()
    };
    Some((whole, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_the_documented_examples() {
        for (text, expected) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1.5Gi", "1536Mi"),
            ("0.1Ki", "102400m"),
            ("0.1m", "100u"),
            ("0.0000000001", "1n"),
            ("1e3", "1e3"),
            ("500Mi", "500Mi"),
            ("0", "0"),
            ("-1.5Gi", "-1536Mi"),
            ("10", "10"),
            ("64Mi", "64Mi"),
            // As kubectl 1.32 writes them.
            ("1.001", "1.001"),
            ("1.001k", "1.001k"),
            ("5.0e1", "5.0e1"),
            ("+1.001", "+1.001"),
            ("+1000", "1k"),
            ("9223372036854775807E3", "9223372036854775807e3"),
            ("9223372036854775807.10Ki", "9223372036854775807"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, error) in [
            ("", QuantityError::Format),
            ("1k1", QuantityError::Suffix),
            ("500mi", QuantityError::Suffix),
            (".e-20", QuantityError::Number),
            ("a", QuantityError::Format),
            ("1..5", QuantityError::Format),
            ("1e99999999999", QuantityError::Suffix),
        ] {
            assert_eq!(canonical(text), Err(error), "{text}");
        }
    }

    #[test]
    fn amounts_compare() {
        for (smaller, larger) in [
            ("499m", "0.5"),
            ("64Mi", "128Mi"),
            ("1000Ki", "1Mi"),
            ("1M", "1Mi"),
            ("-1", "0"),
            ("1e-3", "2m"),
        ] {
            assert!(amount(smaller) < amount(larger), "{smaller} {larger}");
        }
        assert_eq!(amount("1Gi"), amount("1024Mi"));
        assert_eq!(amount("x"), None);
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(number in "[+-]?[0-9]{0,12}(\\.[0-9]{0,12})?", suffix in "(n|u|m|k|M|G|T|P|Ki|Mi|Gi|Ti|e-?[0-9])?") {
            if let Ok(once) = canonical(&format!("{number}{suffix}")) {
                prop_assert_eq!(canonical(&once), Ok(once.clone()));
            }
        }

        #[test]
        fn never_panics(text in "[-+.0-9eEinumkKMGTPx ]{0,30}") {
            let _ = canonical(&text);
        }
    }
}
