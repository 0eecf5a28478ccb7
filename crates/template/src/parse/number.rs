//! Number constants: the text, and every kind of number it can stand for.

use pannier_go::{NumberFault, float, integer, quote};

use super::token::Kind;

/// A constant as Go keeps it: one text that may serve as an integer, a float or a complex number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Number {
    pub(crate) text: Box<str>,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// The value of a constant where any type is accepted.
pub(crate) enum Ideal {
    Int(i64),
    Float(f64),
    Complex(f64, f64),
    Overflow,
}

impl Number {
    /// Reads a number or character constant. The error is Go's text.
    pub(super) fn parse(text: &[u8], kind: Kind) -> Result<Self, String> {
        let mut number = Self {
            text: String::from_utf8_lossy(text).into(),
            ..Self::default()
        };
        match kind {
            Kind::CharConstant => number.read_char(text)?,
            Kind::Complex => number.read_complex(text)?,
            _ => number.read_number(text)?,
        }
        Ok(number)
    }

    fn read_char(&mut self, text: &[u8]) -> Result<(), String> {
        let code = match quote::unquote_rune(text) {
            Ok(code) => code,
            Err(error) if starts_with_char(text) => {
                let _ = error;
                return Err(format!("malformed character constant: {}", self.text));
            }
            Err(error) => return Err(error.to_string()),
        };
        self.int = Some(i64::from(code));
        self.uint = Some(u64::from(code));
        self.float = Some(f64::from(code));
        Ok(())
    }

    fn read_complex(&mut self, text: &[u8]) -> Result<(), String> {
        let body = text.strip_suffix(b"i").unwrap_or(text);
        // The sign between the parts is the last one that does not belong to an exponent.
        let split = (1..body.len())
            .rev()
            .find(|&i| matches!(body[i], b'+' | b'-') && !ends_in_exponent(&body[..i]))
            .unwrap_or(body.len());
        let part = |bytes: &[u8]| float::parse(bytes).map_err(|e| e.to_string());
        self.set_complex(part(&body[..split])?, part(&body[split..])?);
        Ok(())
    }

    fn read_number(&mut self, text: &[u8]) -> Result<(), String> {
        if let Some(imaginary) = text.strip_suffix(b"i")
            && let Ok(value) = float::parse(imaginary)
        {
            self.set_complex(0.0, value);
            return Ok(());
        }
        self.uint = integer::parse_uint(text, 0).ok();
        self.int = integer::parse_int(text, 0).ok();
        if self.int == Some(0) {
            self.uint = Some(0); // `-0` is not an unsigned text, but an unsigned value
        }
        if let Some(int) = self.int {
            self.float = Some(int as f64);
        } else if let Some(uint) = self.uint {
            self.float = Some(uint as f64);
        } else {
            match float::parse(text) {
                Ok(value) => {
                    if !text.iter().any(|b| b".eEpP".contains(b)) {
                        return Err(format!("integer overflow: {}", quote::quote(text)));
                    }
                    self.set_float(value);
                }
                Err(error) => {
                    debug_assert!(matches!(
                        error.fault,
                        NumberFault::Syntax | NumberFault::Range
                    ));
                    return Err(format!("illegal number syntax: {}", quote::quote(text)));
                }
            }
        }
        Ok(())
    }

    fn set_float(&mut self, value: f64) {
        self.float = Some(value);
        self.int = whole_i64(value);
        self.uint = whole_u64(value);
    }

    fn set_complex(&mut self, re: f64, im: f64) {
        self.complex = Some((re, im));
        if im == 0.0 {
            self.set_float(re);
        }
    }

    /// What the constant is where any type goes.
    pub(crate) fn ideal(&self) -> Option<Ideal> {
        let hex = self.text.starts_with("0x") || self.text.starts_with("0X");
        let hex_int = hex && !self.text.contains(['p', 'P']);
        let rune = self.text.starts_with('\'');
        if let Some((re, im)) = self.complex {
            return Some(Ideal::Complex(re, im));
        }
        match self.float {
            Some(value) if !hex_int && !rune && self.text.contains(['.', 'e', 'E', 'p', 'P']) => {
                Some(Ideal::Float(value))
            }
            _ => match (self.int, self.uint) {
                (Some(int), _) => Some(Ideal::Int(int)),
                (None, Some(_)) => Some(Ideal::Overflow),
                (None, None) => None,
            },
        }
    }
}

/// Whether something that is a character comes after the first quote mark.
fn starts_with_char(text: &[u8]) -> bool {
    let body = &text[1..];
    for end in 1..body.len() {
        let mut one = vec![b'\''];
        one.extend_from_slice(&body[..end]);
        one.push(b'\'');
        if quote::unquote_rune(&one).is_ok() {
            return true;
        }
        if end > 12 {
            break;
        }
    }
    false
}

fn ends_in_exponent(text: &[u8]) -> bool {
    let hex = text.iter().any(|b| b.eq_ignore_ascii_case(&b'x'));
    match text.last() {
        Some(b'e' | b'E') => !hex,
        Some(b'p' | b'P') => true,
        _ => false,
    }
}

fn whole_i64(value: f64) -> Option<i64> {
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    (in_range && value.trunc() == value).then_some(value as i64)
}

fn whole_u64(value: f64) -> Option<u64> {
    let in_range = (0.0..18_446_744_073_709_551_616.0).contains(&value);
    (in_range && value.trunc() == value).then_some(value as u64)
}
