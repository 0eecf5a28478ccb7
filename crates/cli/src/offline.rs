//! What the commands on manifests have in common: settings, the input file, and the review of each pod in it.

use std::collections::BTreeMap;
use std::io::Read as _;

use pannier_go::flag::{self, Flag, Kind};
use pannier_inject::settings::{self, Failure, Outside};
use pannier_inject::{Decision, Operation, Request, Settings, patch, service_account};
use serde_json::Value;

use crate::manifest::{self, Document, Form, Found};

/// `-f FILE`.
pub(crate) const FILE: Flag = Flag {
    name: "f",
    kind: Kind::Value("file"),
    env: "",
    default: "",
    help: "File with manifests, YAML or JSON; `-` is standard input.",
    hidden: false,
};

/// `-n NAMESPACE`.
pub(crate) const NAMESPACE: Flag = Flag {
    name: "n",
    kind: Kind::Value("namespace"),
    env: "",
    default: "default",
    help: "Namespace of the objects that do not name one.",
    hidden: false,
};

/// The address that the official chart configures for a release `vault` in the namespace `vault`.
const USUAL_ADDRESS: &str = "http://vault.vault.svc:8200";

/// Said when the token's volume was added.
pub(crate) const ADMITTED: &str = "a manifest has no service-account token, so the volume that the API server adds to every pod is added here too (`kube-api-access-...`)";

/// Why a command ends early.
pub(crate) enum Stop {
    /// The help was asked for.
    Help,
    /// Lines for standard error.
    Failed(Vec<String>),
}

impl Stop {
    pub(crate) fn one(line: impl Into<String>) -> Self {
        Self::Failed(vec![line.into()])
    }
}

/// The manifests of one file.
pub(crate) struct Input {
    /// What messages call the file.
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) documents: Vec<Document>,
    /// Namespace of objects that do not name one.
    pub(crate) namespace: String,
}

/// One pod and what was decided about it.
pub(crate) struct Reviewed {
    pub(crate) found: Found,
    /// What messages call it, such as `Deployment demo/web`.
    pub(crate) subject: String,
    /// What the API server's own admission would have added before.
    pub(crate) admitted: Vec<Operation>,
    pub(crate) decision: Decision,
}

/// Every setting of `agent-inject`, and the command's own flags.
pub(crate) fn settings(
    arguments: &[String],
    own: &'static [Flag],
) -> Result<(Settings, Outside), Stop> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Settings::with_flags(
        arguments,
        &environment,
        own,
        &[("vault_address", USUAL_ADDRESS)],
    )
    .map_err(|failure| match failure {
        Failure::Help => Stop::Help,
        Failure::Mistakes(mistakes) => {
            Stop::Failed(mistakes.iter().map(ToString::to_string).collect())
        }
    })
}

/// The help of a command.
pub(crate) fn help(command: &str, summary: &str, own: &[Flag]) -> String {
    format!(
        "Usage: pannier {command} -f FILE|- [options]\n\n  {summary}.\n\n{}\nSettings of `agent-inject` (without -vault-address: {USUAL_ADDRESS}):\n\n{}",
        flag::help(own),
        settings::help()
    )
}

/// Reads the file that the flags name.
pub(crate) fn input(outside: &Outside) -> Result<Input, Stop> {
    if let Some(word) = outside.stray.first() {
        return Err(Stop::one(format!(
            "unexpected argument `{word}`: a file is given with `-f`"
        )));
    }
    let files: Vec<&str> = outside.own.all("f").collect();
    let (name, text) = match files[..] {
        [] => {
            return Err(Stop::one(
                "no file is given: expected `-f FILE`, or `-f -` for standard input",
            ));
        }
        ["-"] => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| Stop::one(format!("standard input: {error}")))?;
            (
                "standard input",
                String::from_utf8(bytes).map_err(|_| "the text is no UTF-8".to_owned()),
            )
        }
        [file] => match std::fs::read(file) {
            Ok(bytes) => (
                file,
                String::from_utf8(bytes).map_err(|_| "the text is no UTF-8".to_owned()),
            ),
            Err(error) => return Err(Stop::one(format!("{file}: {error}"))),
        },
        _ => {
            return Err(Stop::one(
                "`-f` is given more than once: put the manifests into one file, or pipe them into `-f -`",
            ));
        }
    };
    let read = text.and_then(|text| manifest::read(&text).map_err(|error| error.to_string()));
    let (form, documents) = read.map_err(|error| Stop::one(format!("{name}: {error}")))?;
    if documents.iter().all(|document| document.value.is_none()) {
        return Err(Stop::one(format!(
            "{name}: expected at least one Kubernetes object"
        )));
    }
    let namespace = outside
        .own
        .last("n")
        .unwrap_or(NAMESPACE.default)
        .to_owned();
    Ok(Input {
        name: name.to_owned(),
        form,
        documents,
        namespace,
    })
}

/// Reviews every pod of a document, as the webhook would after the API server's own admission.
pub(crate) fn review(document: &Document, input: &Input, settings: &Settings) -> Vec<Reviewed> {
    let found = document
        .value
        .as_ref()
        .map(manifest::pods)
        .unwrap_or_default();
    found
        .into_iter()
        .map(|found| {
            let namespace = if found.namespace.is_empty() {
                &input.namespace
            } else {
                &found.namespace
            };
            let subject = found.subject(namespace);
            let admitted = service_account::admit(&found.pod);
            let mut pod = found.pod.clone();
            // Made for this very pod, so they fit; if not, the review below says what is wrong with it.
            let _ = patch::apply(&mut pod, &admitted);
            let request = Request {
                namespace,
                uid: "",
                resource: "pods",
            };
            let decision = pannier_inject::review(&pod, &request, settings);
            Reviewed {
                found,
                subject,
                admitted,
                decision,
            }
        })
        .collect()
}

/// A refusal with what to do about it in the manifest, where that is known.
pub(crate) fn with_hint(message: &str, pod: &Value) -> String {
    let hint = if message.ends_with("metadata.annotations of type string") {
        ": values of annotations are text, so put it in quotes"
    } else if !message.ends_with("failed to find service account volume mount") {
        ""
    } else if pod["spec"]["automountServiceAccountToken"] == false {
        ": the pod says `automountServiceAccountToken: false`; remove it, or name a projected token volume with \
         `vault.hashicorp.com/agent-service-account-token-volume-name`"
    } else {
        ": the pod has no container that a service-account token is mounted into"
    };
    format!("{message}{hint}")
}
