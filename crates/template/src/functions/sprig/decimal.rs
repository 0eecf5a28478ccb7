//! Decimal arithmetic without rounding, so that `addf 0.1 0.2` is 0.3.

use pannier_go::float::{self, Form};

/// A decimal number: digits from the lowest on, times ten to the power of `exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// Digits after the point that a division keeps.
const DIVISION_PRECISION: i64 = 16;

impl Decimal {
    /// The shortest decimal that stands for the float; `None` if it is not finite.
    pub(super) fn from_float(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = float::format(value.abs(), Form::Exponent, None);
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.len().saturating_sub(2);
        let mut digits: Vec<u8> = mantissa
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|b| b - b'0')
            .collect();
        digits.reverse();
        let exponent = exponent.parse::<i64>().ok()? - fraction as i64;
        Some(
            Self {
                negative: value < 0.0,
                digits,
                exponent,
            }
            .trimmed(),
        )
    }

    /// The nearest float.
    pub(super) fn to_float(&self) -> f64 {
        let digits: String = self
            .digits
            .iter()
            .rev()
            .map(|d| char::from(b'0' + d))
            .collect();
        let sign = if self.negative { "-" } else { "" };
        let digits = if digits.is_empty() { "0" } else { &digits };
        format!("{sign}{digits}e{}", self.exponent)
            .parse()
            .unwrap_or(0.0)
    }

    /// How much work it is to compute with this.
    pub(super) fn size(&self) -> usize {
        self.digits.len()
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Without zeros at either end.
    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        let low = self.digits.iter().take_while(|d| **d == 0).count();
        self.digits.drain(..low);
        self.exponent = if self.digits.is_empty() {
            0
        } else {
            self.exponent + low as i64
        };
        self.negative &= !self.digits.is_empty();
        self
    }

    /// The digits as if the exponent were `exponent`, which is not greater than its own.
    fn aligned(&self, exponent: i64) -> Vec<u8> {
        let zeros = usize::try_from(self.exponent - exponent).unwrap_or(0);
        let mut digits = vec![0; zeros];
        digits.extend_from_slice(&self.digits);
        digits
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return if self.is_zero() {
                other.clone()
            } else {
                self.clone()
            };
        }
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.aligned(exponent), other.aligned(exponent));
        let (negative, digits) = if self.negative == other.negative {
            (self.negative, sum(&a, &b))
        } else if at_least(&a, &b) {
            (self.negative, difference(&a, &b))
        } else {
            (other.negative, difference(&b, &a))
        };
        Self {
            negative,
            digits,
            exponent,
        }
        .trimmed()
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        if other.is_zero() {
            return self.clone(); // not 0 + -0
        }
        self.add(&Self {
            negative: !other.negative,
            ..other.clone()
        })
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        let mut digits = vec![0_u8; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.digits.iter().enumerate() {
                let value = u32::from(digits[i + j]) + u32::from(*a) * u32::from(*b) + carry;
                digits[i + j] = (value % 10) as u8;
                carry = value / 10;
            }
            digits[i + other.digits.len()] = carry as u8;
        }
        Self {
            negative: self.negative != other.negative,
            digits,
            exponent: self.exponent + other.exponent,
        }
        .trimmed()
    }

    /// The quotient, rounded half away from zero after 16 digits; `None` for a division by zero.
    pub(super) fn div(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        // Quotient of integers: both brought to one exponent, the dividend by the precision further.
        let exponent = (self.exponent + DIVISION_PRECISION).min(other.exponent);
        let shifted = Self {
            exponent: self.exponent + DIVISION_PRECISION,
            ..self.clone()
        };
        let (dividend, divisor) = (shifted.aligned(exponent), other.aligned(exponent));
        let (mut quotient, remainder) = divide(&dividend, &divisor);
        if at_least(&sum(&remainder, &remainder), &divisor) {
            quotient = sum(&quotient, &[1]);
        }
        let negative = self.negative != other.negative;
        Some(
            Self {
                negative,
                digits: quotient,
                exponent: -DIVISION_PRECISION,
            }
            .trimmed(),
        )
    }
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let length = a.len().max(b.len());
    let digit = |text: &[u8], i: usize| text.get(i).copied().unwrap_or(0);
    let mut out: Vec<u8> = (0..length)
        .map(|i| {
            let value = digit(a, i) + digit(b, i) + carry;
            carry = value / 10;
            value % 10
        })
        .collect();
    out.push(carry);
    out
}

/// `a` − `b` where `a` is not smaller.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let digit = |i: usize| b.get(i).copied().unwrap_or(0);
    a.iter()
        .enumerate()
        .map(|(i, a)| {
            let taken = digit(i) + borrow;
            borrow = u8::from(*a < taken);
            a + 10 * borrow - taken
        })
        .collect()
}

fn at_least(a: &[u8], b: &[u8]) -> bool {
    let length = a.len().max(b.len());
    let digit = |text: &[u8], i: usize| text.get(i).copied().unwrap_or(0);
    (0..length)
        .rev()
        .map(|i| digit(a, i).cmp(&digit(b, i)))
        .find(|o| o.is_ne())
        .is_none_or(std::cmp::Ordering::is_gt)
}

/// Long division: quotient and remainder.
fn divide(a: &[u8], b: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut remainder: Vec<u8> = Vec::new();
    let mut quotient = Vec::with_capacity(a.len());
    for &digit in a.iter().rev() {
        remainder.insert(0, digit);
        while remainder.last() == Some(&0) {
            remainder.pop();
        }
        let mut times = 0;
        while at_least(&remainder, b) {
            remainder = difference(&remainder, b);
            while remainder.last() == Some(&0) {
                remainder.pop();
            }
            times += 1;
        }
        quotient.push(times);
    }
    quotient.reverse();
    (quotient, remainder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        let of = |value| Decimal::from_float(value).unwrap_or_else(|| unreachable!("finite"));
        assert_eq!(of(0.1).add(&of(0.2)).to_float(), 0.3);
        assert_eq!(of(0.3).sub(&of(0.1)).to_float(), 0.2);
        assert_eq!(of(-1.5).mul(&of(2.0)).to_float(), -3.0);
        assert_eq!(
            of(2.0).div(&of(3.0)).map(|d| d.to_float()),
            Some(0.666_666_666_666_666_7)
        );
        assert_eq!(of(1e20).add(&of(1.0)).to_float(), 1e20);
        assert_eq!(of(1e200).mul(&of(1e200)).to_float(), f64::INFINITY);
        assert!(of(1.0).div(&of(0.0)).is_none());
    }
}
