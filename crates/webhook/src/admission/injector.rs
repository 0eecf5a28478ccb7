//! The real reviewer: asks `pannier_inject` and turns its decision into an answer.

use super::{Question, Reviewer, Verdict};
use pannier_inject::{Decision, Injection, Request, Role, Settings, review};

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
        let Question {
            uid,
            namespace,
            resource,
            object,
        } = question;
        let decision = review(
            object,
            &Request {
                namespace,
                uid,
                resource,
            },
            &self.settings,
        );
        let warnings = decision
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect();
        match decision {
            Decision::Skip(skip) => Verdict::Untouched {
                why: skip.reason.to_string(),
                warnings,
            },
            Decision::Deny(denial) => Verdict::Denied {
                message: denial.message,
                reason: denial.reason.label().to_owned(),
                warnings,
            },
            Decision::Inject(injection) => injected(&injection, warnings),
        }
    }
}

fn injected(injection: &Injection, warnings: Vec<String>) -> Verdict {
    match serde_json::to_vec(&injection.patch) {
        Ok(patch) => Verdict::Injected {
            patch,
            kind: kind(injection),
            warnings,
        },
        // Operations are plain JSON, so this is a bug; a denial says so where a panic would only cut the connection.
        Err(error) => Verdict::Denied {
            message: format!("cannot encode the patch: {error}"),
            reason: "encoding".to_owned(),
            warnings,
        },
    }
}

/// The label of the reference's counter.
fn kind(injection: &Injection) -> Option<&'static str> {
    let has = |role: Role| injection.plan.agents.iter().any(|agent| agent.role == role);
    match (has(Role::Init), has(Role::Sidecar)) {
        (true, true) => Some("init_and_sidecar"),
        (true, false) => Some("init_only"),
        (false, true) => Some("sidecar_only"),
        (false, false) => None,
    }
}
