//! One admission: the question, the decision and what is told about it.

mod injector;
mod review;

pub use injector::Injector;
pub use review::Refusal;
pub(crate) use review::read;

use serde_json::Value;

/// What the API server asks.
#[derive(Clone, Debug)]
pub struct Question {
    /// The request's id, repeated in the answer and in log lines.
    pub uid: String,
    /// Where the pod is to be created.
    pub namespace: String,
    /// `pods`, or `resource.group` of something else.
    pub resource: String,
    /// The object as it came; null when there was none.
    pub object: Value,
}

impl Question {
    /// Who the pod belongs to, for people: `ReplicaSet/web-7d4b9` or `Pod/web`.
    #[must_use]
    pub fn owner(&self) -> String {
        let metadata = &self.object["metadata"];
        let text = |value: &Value| {
            value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let owner = &metadata["ownerReferences"][0];
        if let (Some(kind), Some(name)) = (text(&owner["kind"]), text(&owner["name"])) {
            return format!("{kind}/{name}");
        }
        let name = text(&metadata["name"]).or_else(|| text(&metadata["generateName"]));
        name.map_or_else(|| "unknown".to_owned(), |name| format!("Pod/{name}"))
    }
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The pod goes through as it is.
    Untouched {
        /// A sentence for people.
        why: String,
        /// For the user, shown by kubectl.
        warnings: Vec<String>,
    },
    /// The pod gets agents.
    Injected {
        /// The JSON patch.
        patch: Vec<u8>,
        /// Which agents it got: `init_and_sidecar`, `init_only`, `sidecar_only`; `None` for none.
        kind: Option<&'static str>,
        /// For the user, shown by kubectl.
        warnings: Vec<String>,
    },
    /// The pod is refused.
    Denied {
        /// What the user reads.
        message: String,
        /// A short stable word for metrics, such as the annotation it is about.
        reason: String,
        /// For the user, shown by kubectl.
        warnings: Vec<String>,
    },
}

impl Verdict {
    /// What the user is told besides.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        match self {
            Self::Untouched { warnings, .. }
            | Self::Injected { warnings, .. }
            | Self::Denied { warnings, .. } => warnings,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_owner_is_named_as_people_know_it() {
        let table = [
            (
                json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web-1"}], "generateName": "web-1-"}}),
                "ReplicaSet/web-1",
            ),
            (json!({"metadata": {"name": "web"}}), "Pod/web"),
            (json!({"metadata": {"generateName": "web-"}}), "Pod/web-"),
            (json!(null), "unknown"),
            (
                json!({"metadata": {"ownerReferences": "x", "name": 3}}),
                "unknown",
            ),
        ];
        for (object, expected) in table {
            let question = Question {
                uid: String::new(),
                namespace: String::new(),
                resource: String::new(),
                object,
            };
            assert_eq!(question.owner(), expected);
        }
    }
}
