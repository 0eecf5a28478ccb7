//! The error that Go's `strconv` gives for every kind of number.

use crate::quote;

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFault {
    /// The text is not written as such a value.
    Syntax,
    /// The value is written properly but does not fit.
    Range,
}

/// `strconv.NumError`: the function, the text it was given, and the fault.
///
/// The message repeats the text. A caller that parses secrets must redact it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberError {
    /// Name of Go's function, for example `ParseInt`.
    pub function: &'static str,
    /// The text that was refused.
    pub text: Vec<u8>,
    /// Why it was refused.
    pub fault: NumberFault,
}

impl NumberError {
    pub(crate) fn syntax(function: &'static str, text: &[u8]) -> Self {
        Self {
            function,
            text: text.to_vec(),
            fault: NumberFault::Syntax,
        }
    }

    pub(crate) fn range(function: &'static str, text: &[u8]) -> Self {
        Self {
            function,
            text: text.to_vec(),
            fault: NumberFault::Range,
        }
    }
}

impl std::fmt::Display for NumberError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fault = match self.fault {
            NumberFault::Syntax => "invalid syntax",
            NumberFault::Range => "value out of range",
        };
        write!(
            f,
            "strconv.{}: parsing {}: {fault}",
            self.function,
            quote::quote(&self.text)
        )
    }
}

impl std::error::Error for NumberError {}

/// Whether underscores stand only between digits, or between a base prefix and a digit.
pub(crate) fn underscores_separate_digits(text: &[u8]) -> bool {
    let mut rest = match text {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    let mut last = b'^';
    let mut hexadecimal = false;
    if let [b'0', prefix, tail @ ..] = rest {
        let prefix = prefix.to_ascii_lowercase();
        if matches!(prefix, b'b' | b'o' | b'x') {
            hexadecimal = prefix == b'x';
            last = b'0';
            rest = tail;
        }
    }
    for &byte in rest {
        if byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit()) {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}
