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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn pods_are_made_for_the_version_that_the_cluster_has_now() {
        let flags = ["-vault-address=http://vault:8200", "-native-sidecar"].map(str::to_owned);
        let injector = Injector::new(Settings::new(&flags, &BTreeMap::new()).unwrap());
        let annotations =
            json!({"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "web"});
        let mount =
            json!({"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
        let review = json!({"request": {"uid": "u", "namespace": "app", "object": {
            "metadata": {"name": "web", "annotations": annotations},
            "spec": {"containers": [{"name": "app", "volumeMounts": [mount]}]},
        }}});
        let review = review.to_string();
        let review = pannier_inject::admission::read(review.as_bytes()).unwrap();
        let warnings = || injector.review(&review.question).warnings().to_vec();
        assert_eq!(warnings(), [""; 0]);
        injector.cluster_is(KubeVersion::parse("1.28").unwrap());
        assert!(warnings()[0].contains("the cluster is Kubernetes 1.28"));
        injector.cluster_is(KubeVersion::parse("1.29").unwrap());
        assert_eq!(warnings(), [""; 0]);
    }
}
