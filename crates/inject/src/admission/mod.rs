//! One admission on the wire: the API server's question, the answer to it, and their bytes. No I/O.

mod pruned;
mod wire;

pub use wire::{Refusal, Review, read};

use serde_json::Value;

use crate::plan::InjectionType;
use crate::review::{self, Judgement, Request};
use crate::settings::Settings;
use crate::warning::Warning;

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

/// Decides about a question as [`review`](crate::review()) does, and puts it into the form of an answer.
#[must_use]
pub fn decide(question: &Question, settings: &Settings) -> Verdict {
    let request = Request {
        namespace: &question.namespace,
        uid: &question.uid,
        resource: &question.resource,
    };
    let judgement = review::judge(&question.object, &request, settings, |_, built| {
        built.injection_type()
    });
    let text = |warnings: Vec<Warning>| warnings.iter().map(ToString::to_string).collect();
    match judgement {
        Judgement::Skip(skip) => Verdict::Untouched {
            why: skip.reason.to_string(),
            warnings: text(skip.warnings),
        },
        Judgement::Deny(denial) => Verdict::Denied {
            message: denial.message,
            reason: denial.reason.label().to_owned(),
            warnings: text(denial.warnings),
        },
        Judgement::Inject(patch, warnings, kind) => match serde_json::to_vec(&patch) {
            Ok(patch) => Verdict::Injected {
                patch,
                kind: kind.map(InjectionType::label),
                warnings: text(warnings),
            },
            // Operations are plain JSON, so this is a bug; a denial says so where a panic would only cut the connection.
            Err(error) => Verdict::Denied {
                message: format!("cannot encode the patch: {error}"),
                reason: "encoding".to_owned(),
                warnings: text(warnings),
            },
        },
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
