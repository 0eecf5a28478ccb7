//! Who decides about an admission.

mod injector;

pub use injector::Injector;
pub use pannier_inject::admission::{Question, Verdict};

/// Decides admissions. The one real implementation calls `pannier_inject::review`; tests have others.
pub trait Reviewer: Send + Sync + 'static {
    /// Decides one admission.
    fn review(&self, question: &Question) -> Verdict;
}

impl<F: Fn(&Question) -> Verdict + Send + Sync + 'static> Reviewer for F {
    fn review(&self, question: &Question) -> Verdict {
        self(question)
    }
}
