//! Floating-point and complex numbers.

use pannier_go::float::{self, Form};

use super::Printer;

impl Printer {
    /// A float by `verb`; false if the verb does not go with floats.
    pub(super) fn float(&mut self, value: f64, verb: char) -> bool {
        let (form, precision) = match verb {
            'v' | 'g' | 'G' => (Form::General, None),
            'b' => (Form::Binary, None),
            'x' | 'X' => (Form::Hexadecimal, None),
            'f' | 'F' => (Form::Decimal, Some(6)),
            'e' | 'E' => (Form::Exponent, Some(6)),
            _ => return false,
        };
        self.formatted_float(
            value,
            form,
            verb.is_ascii_uppercase() && verb != 'F',
            precision,
        );
        true
    }

    fn formatted_float(&mut self, value: f64, form: Form, upper: bool, precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut number = float::format(value, form, precision.map(|p| p.min(self.max)));
        if !number.starts_with(['-', '+']) {
            number.insert(0, '+');
        }
        if flags.space && number.starts_with('+') && !flags.plus {
            number.replace_range(..1, " ");
        }
        if number[1..].starts_with(['I', 'N']) {
            // These do not look like numbers, so zeros do not go before them.
            let shown = if number[1..].starts_with('N') && !flags.space && !flags.plus {
                &number[1..]
            } else {
                &number
            };
            return self.pad_with_spaces(shown.as_bytes());
        }
        if upper {
            number.make_ascii_uppercase();
        }
        if flags.sharp && form != Form::Binary {
            number = with_point(&number, form, upper, precision);
        }
        if flags.plus || !number.starts_with('+') {
            let width = flags.width.unwrap_or(0);
            if flags.zero && !flags.minus && width > number.len() {
                self.write(&number[..1]);
                self.padding(width - number.len());
                return self.write(&number[1..]);
            }
            return self.pad(number.as_bytes());
        }
        self.pad(&number.as_bytes()[1..]);
    }

    /// A complex number by `verb`; false if the verb does not go with them.
    pub(super) fn complex(&mut self, re: f64, im: f64, verb: char) -> bool {
        if !"vbgGxXfFeE".contains(verb) {
            return false;
        }
        self.push(b'(');
        self.float(re, verb);
        // The imaginary part always has a sign.
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(im, verb);
        self.write("i)");
        self.flags.plus = plus;
        true
    }
}

/// With a decimal point in any case and, for `%g` and `%x`, the zeros that the precision (6 if none) asks for.
fn with_point(number: &str, form: Form, upper: bool, precision: Option<usize>) -> String {
    let hexadecimal = form == Form::Hexadecimal;
    let mut digits = match form {
        // `%#X` is not among those that Go fills up.
        Form::Hexadecimal if upper => 0,
        Form::General | Form::Hexadecimal => {
            i64::try_from(precision.unwrap_or(6)).unwrap_or(i64::MAX)
        }
        _ => 0,
    };
    let exponent = number.find(if hexadecimal { ['p', 'P'] } else { ['e', 'E'] });
    let (mantissa, tail) = number.split_at(exponent.unwrap_or(number.len()));
    let mut seen_nonzero = false;
    for c in mantissa[1..].chars().filter(|c| *c != '.') {
        seen_nonzero = seen_nonzero || c != '0';
        if seen_nonzero {
            digits -= 1;
        }
    }
    let mut text = mantissa.to_owned();
    if !mantissa.contains('.') {
        if mantissa.len() == 2 && mantissa.ends_with('0') {
            digits -= 1;
        }
        text.push('.');
    }
    for _ in 0..digits.max(0) {
        text.push('0');
    }
    text + tail
}
