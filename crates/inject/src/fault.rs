//! Why a pod is refused, before the stage at which it happened is put in front.

use crate::annotations::PREFIX;

/// A reason to refuse, in the words of the program that this one replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What the text is about when it does not say so itself: an annotation, and the operation of its patch.
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
}

impl Fault {
    /// A text that says what it is about.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self {
            subject: None,
            text: text.into(),
        }
    }

    /// A text that does not name the annotation it is about.
    pub(crate) fn about(name: &str, text: impl Into<String>) -> Self {
        Self {
            subject: Some(format!("{PREFIX}{name}")),
            text: text.into(),
        }
    }

    /// The whole message: subject, stage, text. The reference text stays whole at the end.
    pub(crate) fn message(self, stage: &str) -> String {
        match self.subject {
            Some(subject) => format!("{subject}: {stage}{}", self.text),
            None => format!("{stage}{}", self.text),
        }
    }
}
