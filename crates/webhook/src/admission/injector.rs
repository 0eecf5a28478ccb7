//! The real reviewer: asks `pannier_inject`.

use super::{Question, Reviewer, Verdict};
use pannier_inject::Settings;
use pannier_inject::admission::decide;

/// Reviews pods with the process's settings.
#[derive(Clone, Debug)]
pub struct Injector {
    settings: Settings,
}

impl Injector {
    /// Reviews with `settings`.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Reviewer for Injector {
    fn review(&self, question: &Question) -> Verdict {
        decide(question, &self.settings)
    }
}
