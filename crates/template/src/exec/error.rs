//! How an execution ends before its time.

use crate::fmt::FmtError;
use crate::functions::MAX_NESTING;

/// An execution error with everything Go's text needs.
#[derive(Debug)]
pub(crate) struct ExecError {
    /// The name of the template that was executing.
    pub(crate) template: String,
    /// The byte of the source where the failing node starts; `None` before any node was reached.
    pub(crate) pos: Option<usize>,
    /// The node, printed.
    pub(crate) context: String,
    /// What went wrong.
    pub(crate) text: String,
    /// Whether a limit was reached.
    pub(crate) is_limit: bool,
}

pub(crate) type Result<T> = std::result::Result<T, Box<ExecError>>;

impl FmtError {
    /// A sentence for the error text.
    pub(crate) fn text(self, max: usize) -> String {
        match self {
            Self::TooDeep => format!("value is nested deeper than {MAX_NESTING} levels"),
            Self::TooLong => format!("text is longer than the limit of {max} bytes"),
        }
    }
}
