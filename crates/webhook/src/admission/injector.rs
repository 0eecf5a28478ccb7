//! The real reviewer: asks `pannier_inject`.

use super::{Question, Reviewer, Verdict};
use pannier_inject::admission::decide;
use pannier_inject::{KubeVersion, Settings};
use std::sync::{Arc, PoisonError, RwLock};

/// Reviews pods with the process's settings.
#[derive(Debug)]
pub struct Injector {
    settings: RwLock<Arc<Settings>>,
}

impl Injector {
    /// Reviews with `settings`.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: RwLock::new(Arc::new(settings)),
        }
    }
}

impl Reviewer for Injector {
    fn review(&self, question: &Question) -> Verdict {
        let settings = Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner));
        decide(question, &settings)
    }

    fn cluster_is(&self, version: KubeVersion) {
        let mut settings = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut settings).kube_version = Some(version);
    }
}
