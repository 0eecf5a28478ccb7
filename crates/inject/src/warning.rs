//! What is accepted but looks wrong.

use std::fmt;

use crate::annotations::PREFIX;

/// A warning for the person who wrote the pod; kubectl shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The annotation it is about, whole; empty when it is about none.
    pub annotation: String,
    /// What looks wrong and what to do.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.annotation.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.annotation, self.message)
        }
    }
}

/// Collects warnings.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    /// Adds one about an annotation, named without its prefix.
    pub(crate) fn about(&mut self, name: &str, message: impl Into<String>) {
        self.0.push(Warning {
            annotation: format!("{PREFIX}{name}"),
            message: message.into(),
        });
    }

    /// Adds one about no single annotation.
    pub(crate) fn general(&mut self, message: impl Into<String>) {
        self.0.push(Warning {
            annotation: String::new(),
            message: message.into(),
        });
    }

    /// All of them, in the order of their annotations, each once.
    pub(crate) fn finish(mut self) -> Vec<Warning> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}
