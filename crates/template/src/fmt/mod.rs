//! Go's `fmt`: `print`, `println`, `printf`, on template values.

mod float;
mod number;
mod printf;
mod text;
mod value;

use crate::value::Value;

/// Why a value could not be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FmtError {
    /// Lists and maps are nested too deep; perhaps a map holds itself.
    TooDeep,
    /// The text is longer than allowed.
    TooLong,
}

/// Writes values as Go's `fmt` does.
#[derive(Debug)]
pub(crate) struct Printer {
    out: Vec<u8>,
    max: usize,
    error: Option<FmtError>,
    flags: Flags,
    /// While a bad verb is being reported: the value prints without its methods.
    erroring: bool,
}

/// The flags, width and precision of one verb.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`, where the plus is not for numbers.
    plus_v: bool,
    /// `%#v`.
    sharp_v: bool,
}

impl Printer {
    /// Appends to `out`, up to `max` bytes in all.
    pub(crate) fn new(out: Vec<u8>, max: usize) -> Self {
        Self {
            out,
            max,
            error: None,
            flags: Flags::default(),
            erroring: false,
        }
    }

    /// What was written, and whether all of it.
    pub(crate) fn finish(self) -> (Vec<u8>, Result<(), FmtError>) {
        let result = match self.error {
            Some(error) => Err(error),
            None if self.out.len() > self.max => Err(FmtError::TooLong),
            None => Ok(()),
        };
        (self.out, result)
    }

    /// `fmt.Fprint`: a space between two operands when neither is a string.
    pub(crate) fn print(&mut self, args: &[Value]) {
        let mut previous_is_string = false;
        for (i, arg) in args.iter().enumerate() {
            let is_string = matches!(arg, Value::String(_) | Value::Number(_));
            if i > 0 && !is_string && !previous_is_string {
                self.push(b' ');
            }
            self.arg(arg, 'v');
            previous_is_string = is_string;
        }
    }

    /// `fmt.Fprint` of one value.
    pub(crate) fn print_one(&mut self, value: &Value) {
        self.arg(value, 'v');
    }

    /// `fmt.Fprintln`: spaces between all operands, and a newline.
    pub(crate) fn println(&mut self, args: &[Value]) {
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                self.push(b' ');
            }
            self.arg(arg, 'v');
        }
        self.push(b'\n');
    }

    /// Whether there is no point in going on.
    fn is_full(&mut self) -> bool {
        if self.error.is_none() && self.out.len() > self.max {
            self.error = Some(FmtError::TooLong);
        }
        self.error.is_some()
    }

    fn push(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if self.out.len().saturating_add(bytes.len()) > self.max {
            self.error.get_or_insert(FmtError::TooLong);
            return;
        }
        self.out.extend_from_slice(bytes);
    }

    fn push_char(&mut self, c: char) {
        self.write(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Sprint: the text of the values as `print` gives it.
///
/// # Errors
/// See [`FmtError`].
pub fn sprint(args: &[Value]) -> Result<Vec<u8>, FmtError> {
    let mut printer = Printer::new(Vec::new(), usize::MAX);
    printer.print(args);
    let (out, result) = printer.finish();
    result.map(|()| out)
}

/// Sprintln: the text of the values as `println` gives it.
///
/// # Errors
/// See [`FmtError`].
pub fn sprintln(args: &[Value]) -> Result<Vec<u8>, FmtError> {
    let mut printer = Printer::new(Vec::new(), usize::MAX);
    printer.println(args);
    let (out, result) = printer.finish();
    result.map(|()| out)
}

/// Sprintf: the values laid out by a format.
///
/// # Errors
/// See [`FmtError`].
pub fn sprintf(format: &[u8], args: &[Value]) -> Result<Vec<u8>, FmtError> {
    let mut printer = Printer::new(Vec::new(), usize::MAX);
    printer.printf(format, args);
    let (out, result) = printer.finish();
    result.map(|()| out)
}
