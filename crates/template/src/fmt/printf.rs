//! Formats: verbs, flags, width, precision, argument indexes, and what goes wrong with them.

use super::{Flags, Printer};
use crate::parse::chars::decode;
use crate::value::Value;

/// Widths and precisions beyond this are refused, as in Go.
const MAX_NUMBER: i64 = 1_000_000;

/// The place in the arguments.
struct Cursor {
    next: usize,
    /// Whether the format used an explicit index.
    reordered: bool,
    /// Whether the index of the current verb is a good one.
    good: bool,
    after_index: bool,
}

impl Printer {
    /// `fmt.Fprintf`.
    pub(crate) fn printf(&mut self, format: &[u8], args: &[Value]) {
        let mut cursor = Cursor {
            next: 0,
            reordered: false,
            good: true,
            after_index: false,
        };
        let mut i = 0;
        while i < format.len() && !self.is_full() {
            cursor.good = true;
            let percent = format[i..]
                .iter()
                .position(|b| *b == b'%')
                .map_or(format.len(), |n| i + n);
            self.write(&format[i..percent]);
            if percent >= format.len() {
                break;
            }
            self.flags = Flags::default();
            i = self.flags_at(format, percent + 1);
            i = self.width_and_precision(format, i, args, &mut cursor);
            let Some((verb, width)) = decode(&format[i..]) else {
                self.write("%!(NOVERB)");
                break;
            };
            i += width;
            self.verb(verb, args, &mut cursor);
        }
        if !cursor.reordered && cursor.next < args.len() {
            self.extra(&args[cursor.next..]);
        }
        self.flags = Flags::default();
    }

    fn flags_at(&mut self, format: &[u8], mut i: usize) -> usize {
        while let Some(byte) = format.get(i) {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            i += 1;
        }
        i
    }

    fn width_and_precision(
        &mut self,
        format: &[u8],
        mut i: usize,
        args: &[Value],
        cursor: &mut Cursor,
    ) -> usize {
        if format.get(i).is_some_and(u8::is_ascii_lowercase) {
            return i;
        }
        i = cursor.index(format, i, args.len());
        if format.get(i) == Some(&b'*') {
            i += 1;
            match cursor.number(args) {
                Some(width) => {
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                    self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.write("%!(BADWIDTH)"),
            }
            cursor.after_index = false;
        } else {
            let (width, end) = number(format, i, format.len());
            self.flags.width = width;
            i = end;
            if cursor.after_index && width.is_some() {
                cursor.good = false; // `%[3]2d`
            }
        }
        // A point at the very end is taken for the verb.
        if format.get(i) == Some(&b'.') && i + 1 < format.len() {
            i += 1;
            if cursor.after_index {
                cursor.good = false; // `%[3].2d`
            }
            i = cursor.index(format, i, args.len());
            if format.get(i) == Some(&b'*') {
                i += 1;
                let precision = cursor.number(args).and_then(|n| usize::try_from(n).ok());
                self.flags.precision = precision;
                if precision.is_none() {
                    self.write("%!(BADPREC)");
                }
                cursor.after_index = false;
            } else {
                let (precision, end) = number(format, i, format.len());
                self.flags.precision = Some(precision.unwrap_or(0));
                i = end;
            }
        }
        if !cursor.after_index {
            i = cursor.index(format, i, args.len());
        }
        i
    }

    fn verb(&mut self, verb: char, args: &[Value], cursor: &mut Cursor) {
        if verb == '%' {
            self.push(b'%');
        } else if !cursor.good {
            self.complain(verb, "BADINDEX");
        } else if let Some(arg) = args.get(cursor.next) {
            if matches!(verb, 'v' | 'w') {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            self.arg(arg, verb);
            cursor.next += 1;
        } else {
            self.complain(verb, "MISSING");
        }
    }

    fn complain(&mut self, verb: char, what: &str) {
        self.write("%!");
        self.push_char(verb);
        self.push(b'(');
        self.write(what);
        self.push(b')');
    }

    fn extra(&mut self, args: &[Value]) {
        self.flags = Flags::default();
        self.write("%!(EXTRA ");
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                self.write(", ");
            }
            if matches!(arg, Value::Nil) {
                self.write("<nil>");
            } else {
                self.write(arg.type_name());
                self.push(b'=');
                self.arg(arg, 'v');
            }
        }
        self.push(b')');
    }
}

impl Cursor {
    /// An explicit index such as `[2]` at `i`; the place after it.
    fn index(&mut self, format: &[u8], i: usize, count: usize) -> usize {
        self.after_index = false;
        if format.get(i) != Some(&b'[') {
            return i;
        }
        self.reordered = true;
        let rest = &format[i..];
        let close = if rest.len() < 3 {
            None
        } else {
            rest.iter().position(|b| *b == b']')
        };
        let Some(close) = close else {
            self.good = false;
            return i + 1;
        };
        let (index, end) = number(rest, 1, close);
        let index = if end == close { index } else { None };
        let Some(index) = index else {
            self.good = false;
            return i + close + 1;
        };
        self.after_index = true;
        match index.checked_sub(1) {
            Some(index) if index < count => self.next = index,
            _ => self.good = false,
        }
        i + close + 1
    }

    /// The next argument as a width or precision.
    fn number(&mut self, args: &[Value]) -> Option<i64> {
        let arg = args.get(self.next)?;
        self.next += 1;
        let n = match arg {
            Value::Int(_, n) => *n,
            Value::Uint(_, n) => i64::try_from(*n).ok()?,
            _ => return None,
        };
        (-MAX_NUMBER..=MAX_NUMBER).contains(&n).then_some(n)
    }
}

/// The number at `start`, and where it ends. A number too large ends at `end` and is none.
fn number(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    if start >= end {
        return (None, end);
    }
    let mut i = start;
    let mut value: i64 = 0;
    while i < end && text[i].is_ascii_digit() {
        if value > MAX_NUMBER {
            return (None, end);
        }
        value = value * 10 + i64::from(text[i] - b'0');
        i += 1;
    }
    if i == start {
        (None, i)
    } else {
        (usize::try_from(value).ok(), i)
    }
}
