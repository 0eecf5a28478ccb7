//! Who decides about an admission.

mod injector;

pub use injector::Injector;
use pannier_inject::KubeVersion;
pub use pannier_inject::admission::{Question, Verdict};

/// Decides admissions. The one real implementation calls `pannier_inject::review`; tests have others.
pub trait Reviewer: Send + Sync + 'static {
    /// Decides one admission.
    fn review(&self, question: &Question) -> Verdict;

    /// The cluster turned out to have this version; it may change while the server runs.
    fn cluster_is(&self, _version: KubeVersion) {}
}

impl<F: Fn(&Question) -> Verdict + Send + Sync + 'static> Reviewer for F {
    fn review(&self, question: &Question) -> Verdict {
        self(question)
    }
}
