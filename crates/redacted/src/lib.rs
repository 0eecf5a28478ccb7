//! Text that never reaches a log and is zeroed when dropped.
//!
//! [`Redacted`] holds a token, a password or the body of a secret. It prints nothing of what it holds, in any
//! format; [`Redacted::expose`] (and [`Redacted::expose_bytes`] for what need not be UTF-8) is the one way to
//! read it, so a search for `expose` finds every place where a secret leaves its box.

use std::fmt;

use zeroize::Zeroizing;

/// What is printed in place of the text.
const SHOWN: &str = "[redacted]";

/// A secret text.
///
/// `Debug` and `Display` show `[redacted]`, whatever the length; equality takes the same time wherever the
/// first difference lies (lengths are compared first and are not hidden); the memory is zeroed on drop. A clone
/// is a second copy with the same promises.
#[derive(Clone, Default)]
pub struct Redacted(Zeroizing<Vec<u8>>);

impl Redacted {
    /// Takes the text over without copying it.
    #[must_use]
    pub fn new(text: impl Into<Self>) -> Self {
        text.into()
    }

    /// The text itself. The only other way to it is [`Self::expose_bytes`].
    ///
    /// What is not UTF-8 (only possible when built from bytes) reads as the empty text: no program of ours sends
    /// such a value as text, and a half-shown secret would help nobody.
    #[must_use]
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl PartialEq for Redacted {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(other.0.iter());
        self.len() == other.len() && pairs.fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

impl Eq for Redacted {}

impl From<String> for Redacted {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }
}

impl From<&str> for Redacted {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

impl From<Vec<u8>> for Redacted {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<&[u8]> for Redacted {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_in_any_format() {
        let secret = Redacted::from("hvs.abcdef");
        for shown in [
            format!("{secret}"),
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", Some(&secret)),
        ] {
            assert!(!shown.contains("hvs"), "{shown}");
            assert!(shown.contains("[redacted]"), "{shown}");
        }
    }

    #[test]
    fn the_empty_text_looks_like_any_other() {
        assert_eq!(
            format!("{}", Redacted::default()),
            format!("{}", Redacted::from("x"))
        );
    }

    #[test]
    fn opens_to_what_it_was_built_from() {
        assert_eq!(Redacted::from("é").expose(), "é");
        assert_eq!(Redacted::from(String::from("a")).expose(), "a");
        assert_eq!(Redacted::from(vec![0xff, 0]).expose_bytes(), [0xff, 0]);
        assert_eq!(Redacted::from(vec![0xff]).expose(), "");
        assert_eq!(Redacted::from(&b"ab"[..]).len(), 2);
    }

    #[test]
    fn equality_is_that_of_the_bytes() {
        assert_eq!(Redacted::from("abc"), Redacted::from("abc"));
        for other in ["", "ab", "abd", "abcd", "xbc"] {
            assert_ne!(Redacted::from("abc"), Redacted::from(other));
        }
    }
}
