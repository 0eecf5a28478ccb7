//! Errors with Go's text, the place, and an excerpt of the template.

use std::fmt;

use bstr::ByteSlice;

use crate::redact::Redactor;

/// Lines longer than this are shown in part.
const MAX_EXCERPT: usize = 100;

/// Why a template could not be parsed or rendered. Displays as Go's text; [`Error::report`] adds the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    place: Option<Place>,
    hint: Option<String>,
}

/// When the error arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// While parsing.
    Parse,
    /// While rendering.
    Execute,
    /// While rendering, because a limit was reached.
    Limit,
}

/// A place in the source of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The character within the line, counted from 1.
    pub column: usize,
    /// The line itself (a part of it if it is long).
    pub excerpt: String,
    /// Under which character of the excerpt the caret goes, counted from 0.
    pub caret: usize,
}

impl Error {
    pub(crate) fn parse(message: String, place: Option<Place>, hint: Option<String>) -> Self {
        Self {
            kind: ErrorKind::Parse,
            message,
            place,
            hint,
        }
    }

    pub(crate) fn execute(message: String, place: Option<Place>) -> Self {
        Self {
            kind: ErrorKind::Execute,
            message,
            place,
            hint: None,
        }
    }

    pub(crate) fn limit(message: String, place: Option<Place>) -> Self {
        Self {
            kind: ErrorKind::Limit,
            message,
            place,
            hint: None,
        }
    }

    /// When it arose.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Go's text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The place in the source, where there is one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Go's text, then the place with an excerpt and a caret, then the hint; several lines without a final newline.
    #[must_use]
    pub fn report(&self) -> String {
        let mut report = self.message.clone();
        if let Some(place) = &self.place {
            report.push('\n');
            report.push_str(&place.to_string());
        }
        if let Some(hint) = &self.hint {
            report.push_str("\nhint: ");
            report.push_str(hint);
        }
        report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Place {
    /// The place of a byte of the source.
    pub(crate) fn at(source: &[u8], pos: usize) -> Self {
        let pos = pos.min(source.len());
        let start = source[..pos].rfind_byte(b'\n').map_or(0, |i| i + 1);
        let end = source[pos..]
            .find_byte(b'\n')
            .map_or(source.len(), |i| pos + i);
        let line = 1 + source[..start].find_iter(b"\n").count();
        let before: Vec<char> = shown(&source[start..pos]);
        let after: Vec<char> = shown(&source[pos..end]);
        let column = before.len() + 1;
        let skipped = before.len().saturating_sub(MAX_EXCERPT / 2);
        let mut excerpt: String = before[skipped..].iter().collect();
        let mut caret = before.len() - skipped;
        excerpt.extend(after.iter().take(MAX_EXCERPT - caret));
        if skipped > 0 {
            excerpt.insert_str(0, "...");
            caret += 3;
        }
        if after.len() > MAX_EXCERPT - (before.len() - skipped) {
            excerpt.push_str("...");
        }
        Self {
            line,
            column,
            excerpt,
            caret,
        }
    }

    /// The place of a byte, but in the line that Go names, if the byte lies elsewhere.
    pub(crate) fn in_line_at_most(source: &[u8], pos: usize, line: usize) -> Self {
        let place = Self::at(source, pos);
        if place.line == line || line == 0 {
            return place;
        }
        let start = source
            .find_iter(b"\n")
            .nth(line.saturating_sub(2))
            .map_or(0, |i| i + 1);
        Self::at(source, if line == 1 { 0 } else { start })
    }

    /// The same without the text of any secret.
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        let redacted = redactor.redact(&self.excerpt);
        if redacted != self.excerpt {
            let before: String = self.excerpt.chars().take(self.caret).collect();
            self.caret = redactor.redact(&before).chars().count();
            self.excerpt = redacted;
        }
        self
    }
}

/// A line as it is shown: tabs and control characters take one place each, so that the caret stays right.
fn shown(text: &[u8]) -> Vec<char> {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The line number, the line, and a caret below.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let (margin, caret) = (number.len(), self.caret);
        write!(
            f,
            "{number} | {}\n{:margin$} | {:caret$}^",
            self.excerpt, "", ""
        )
    }
}
