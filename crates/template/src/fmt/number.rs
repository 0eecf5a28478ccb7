//! Integers and characters.

use pannier_go::quote;

use super::Printer;

/// How the digits of an integer are written.
#[derive(Clone, Copy)]
pub(super) struct Base {
    pub(super) radix: u64,
    pub(super) upper: bool,
    /// Writes `0o` before octal digits.
    pub(super) octal_prefix: bool,
}

impl Base {
    pub(super) const DECIMAL: Self = Self::new(10);
    pub(super) const HEX: Self = Self::new(16);

    pub(super) const fn new(radix: u64) -> Self {
        Self {
            radix,
            upper: false,
            octal_prefix: false,
        }
    }
}

impl Printer {
    /// `magnitude` with its sign.
    pub(super) fn integer(&mut self, negative: bool, magnitude: u64, base: Base) {
        let flags = self.flags;
        if base.radix == 10
            && flags.width.is_none()
            && flags.precision.is_none()
            && !flags.plus
            && !flags.space
        {
            return self.plain_decimal(negative, magnitude);
        }
        let digits_wanted = match flags.precision {
            // Nothing at all but the padding.
            Some(0) if magnitude == 0 => {
                let zero = std::mem::take(&mut self.flags.zero);
                self.padding(flags.width.unwrap_or(0));
                self.flags.zero = zero;
                return;
            }
            Some(precision) => precision,
            None if flags.zero && !flags.minus && flags.width.is_some() => {
                let sign = usize::from(negative || flags.plus || flags.space);
                flags.width.unwrap_or(0).saturating_sub(sign)
            }
            None => 0,
        };
        // From the last digit to the first.
        let mut text = Vec::with_capacity(24);
        let mut rest = magnitude;
        loop {
            let digit = u32::try_from(rest % base.radix).unwrap_or(0);
            let c = char::from_digit(digit, 36).unwrap_or('?');
            text.push(if base.upper {
                c.to_ascii_uppercase()
            } else {
                c
            } as u8);
            rest /= base.radix;
            if rest == 0 {
                break;
            }
        }
        let wanted = digits_wanted.min(self.max.saturating_add(1));
        if text.len() < wanted {
            text.resize(wanted, b'0');
        }
        if flags.sharp {
            match base.radix {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(if base.upper { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if base.octal_prefix {
            text.extend_from_slice(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if flags.plus {
            text.push(b'+');
        } else if flags.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_with_spaces(&text);
    }

    fn plain_decimal(&mut self, negative: bool, magnitude: u64) {
        let mut buffer = [0; 20];
        let mut i = buffer.len();
        let mut rest = magnitude;
        loop {
            i -= 1;
            buffer[i] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if negative {
            self.push(b'-');
        }
        self.write(&buffer[i..]);
    }

    /// Hexadecimal digits, with or without `0x` whatever the flags say.
    pub(super) fn hex(&mut self, value: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.integer(false, value, Base::HEX);
        self.flags.sharp = sharp;
    }

    /// `%c`.
    pub(super) fn character(&mut self, code: u64) {
        let c = character(code);
        self.pad(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `%q` of an integer.
    pub(super) fn quoted_character(&mut self, code: u64) {
        let code = u32::from(character(code));
        let text = if self.flags.plus {
            quote::quote_rune_to_ascii(code)
        } else {
            quote::quote_rune(code)
        };
        self.pad(text.as_bytes());
    }

    /// `%U`.
    pub(super) fn code_point(&mut self, code: u64) {
        let precision = self.flags.precision.unwrap_or(4).clamp(4, self.max.max(4));
        let digits = format!("{code:X}");
        let mut text = String::from("U+");
        text.extend(std::iter::repeat_n(
            '0',
            precision.saturating_sub(digits.len()),
        ));
        text.push_str(&digits);
        if self.flags.sharp
            && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32)
            && quote::is_print(c)
        {
            text.push_str(" '");
            text.push(c);
            text.push('\'');
        }
        self.pad_with_spaces(text.as_bytes());
    }
}

/// The character of a code point, or U+FFFD.
fn character(code: u64) -> char {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
