//! One admission on the wire: the API server's question, the answer to it, and their bytes. No I/O.

mod pruned;
mod wire;

pub use wire::{Refusal, Review, read};

use std::borrow::Cow;

use pannier_go::json;

use crate::node::Node;
use crate::plan::InjectionType;
use crate::review::{self, Judgement, Request};
use crate::settings::Settings;
use crate::warning::Warning;

/// What the API server asks.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The request's id, repeated in the answer and in log lines.
    pub uid: Cow<'a, str>,
    /// Where the pod is to be created.
    pub namespace: Cow<'a, str>,
    /// `pods`, or `resource.group` of something else.
    pub resource: Cow<'a, str>,
    /// What a review looks at of the object; null when there was none.
    pub object: Node<'a>,
}

impl Question<'_> {
    /// Who the pod belongs to, for people: `ReplicaSet/web-7d4b9` or `Pod/web`.
    #[must_use]
    pub fn owner(&self) -> String {
        let metadata = self.object.get("metadata").unwrap_or(&Node::Null);
        let text = |node: &'_ Node<'_>, member: &str| {
            let text = node.get(member)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let owner = metadata
            .get("ownerReferences")
            .and_then(|owners| owners.items().first())
            .unwrap_or(&Node::Null);
        if let (Some(kind), Some(name)) = (text(owner, "kind"), text(owner, "name")) {
            return format!("{kind}/{name}");
        }
        let name = text(metadata, "name").or_else(|| text(metadata, "generateName"));
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

/// Room for a patch at first; the usual one is a little smaller.
const PATCH_BYTES: usize = 8 << 10;

/// Decides about a question as [`review`](crate::review()) does, and puts it into the form of an answer.
#[must_use]
pub fn decide(question: &Question<'_>, settings: &Settings) -> Verdict {
    let request = Request {
        namespace: &question.namespace,
        uid: &question.uid,
        resource: &question.resource,
    };
    let judgement = review::judge(&question.object, &request, settings, |_, built, patch| {
        let mut text = Vec::with_capacity(PATCH_BYTES);
        let written = json::append(&mut text, patch, false);
        (written.map(|()| text), built.injection_type())
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
        Judgement::Inject(warnings, (patch, kind)) => match patch {
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
                uid: Cow::default(),
                namespace: Cow::default(),
                resource: Cow::default(),
                object: Node::from(&object),
            };
            assert_eq!(question.owner(), expected);
        }
    }
}
