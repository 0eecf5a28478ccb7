//! The secrets that a pod declares, and the file each of them becomes.

use std::collections::BTreeMap;

use crate::effective::Effective;
use crate::grammar;
use crate::path;
use crate::settings::DefaultTemplate;

/// The families that declare a secret; the first that fits a key decides its name.
const DECLARING: [&str; 3] = [
    "agent-inject-secret-",
    "agent-inject-template-file-",
    "agent-inject-template-",
];

/// Where a secret's template comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The default template, filled with the secret's path.
    Default(DefaultTemplate),
    /// The annotation's text.
    Inline(String),
    /// A file inside the agents.
    File(String),
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct Secret<'a> {
    /// The rest of the annotation's key, in its own case.
    pub(crate) name: &'a str,
    /// Path in Vault; may be empty.
    pub(crate) path: String,
    pub(crate) body: Body,
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) command: String,
    pub(crate) perms: String,
    pub(crate) error_on_missing_key: bool,
    /// Where the secret's volume is mounted.
    pub(crate) volume_path: String,
    /// The file.
    pub(crate) destination: String,
}

/// The names that the pod declares, in ascending order of their bytes, each with the name of its file.
fn declared<'a>(annotations: &Effective<'a>) -> BTreeMap<&'a str, String> {
    let mut names = BTreeMap::new();
    for (key, value) in annotations.all() {
        if value.text.trim().is_empty() {
            continue;
        }
        let fitting = DECLARING
            .iter()
            .filter_map(|prefix| key.strip_prefix(prefix))
            .find(|name| !name.is_empty());
        if let Some(name) = fitting {
            names
                .entry(name)
                .or_insert_with(|| display_name(annotations, name));
        }
    }
    names
}

/// The raw name, lower-cased unless its case is to be kept. What cannot be parsed counts as false.
fn display_name(annotations: &Effective<'_>, name: &str) -> String {
    let own = annotations.present(&format!("preserve-secret-case-{name}"));
    let keep = own.unwrap_or_else(|| annotations.get("preserve-secret-case"));
    if grammar::bool(keep).unwrap_or_default() {
        return name.to_owned();
    }
    // Letter by letter, as Go does: no rules that look at the neighbours.
    name.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}

/// Reads all secrets. An `error-on-missing-key-*` that is no boolean is the only error, given with its key.
pub(crate) fn read<'a>(
    annotations: &Effective<'a>,
    default: Option<DefaultTemplate>,
) -> Result<Vec<Secret<'a>>, (String, String)> {
    declared(annotations)
        .into_iter()
        .map(|(name, display)| one(annotations, name, &display, default))
        .collect()
}

fn one<'a>(
    annotations: &Effective<'a>,
    name: &'a str,
    display: &str,
    default: Option<DefaultTemplate>,
) -> Result<Secret<'a>, (String, String)> {
    let of = |family: &str| annotations.get(&format!("{family}{name}")).to_owned();
    let or = |text: String, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text
        }
    };
    let key = format!("error-on-missing-key-{name}");
    let error_on_missing_key =
        grammar::bool(annotations.get(&key)).map_err(|message| (key, message))?;
    let volume_path = annotations
        .present(&format!("secret-volume-path-{name}"))
        .unwrap_or_else(|| annotations.get("secret-volume-path"))
        .to_owned();
    let file = of("agent-inject-file-");
    let destination = if file.is_empty() {
        format!("{volume_path}/{display}")
    } else {
        path::join(&volume_path, &file)
    };
    let (inline, source) = (
        of("agent-inject-template-"),
        of("agent-inject-template-file-"),
    );
    let body = if !inline.is_empty() {
        Body::Inline(inline)
    } else if !source.is_empty() {
        Body::File(source)
    } else {
        // Which one is checked later than this, so as to keep the order in which errors win.
        Body::Default(default.unwrap_or(DefaultTemplate::Map))
    };
    Ok(Secret {
        name,
        path: of("agent-inject-secret-"),
        body,
        left: or(of("agent-template-left-delim-"), "{{"),
        right: or(of("agent-template-right-delim-"), "}}"),
        command: of("agent-inject-command-"),
        perms: of("agent-inject-perms-"),
        error_on_missing_key,
        volume_path,
        destination,
    })
}

impl Secret<'_> {
    /// The template's text, or `None` when it is read from a file.
    pub(crate) fn contents(&self) -> Option<String> {
        match &self.body {
            Body::Inline(text) => Some(text.clone()),
            Body::File(_) => None,
            Body::Default(form) => {
                // Quotes and backslashes would end the string that the path becomes.
                let path = self.path.replace('\\', "\\\\").replace('"', "\\\"");
                Some(match form {
                    DefaultTemplate::Map => {
                        format!(
                            "{{{{ with secret \"{path}\" }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}"
                        )
                    }
                    DefaultTemplate::Json => format!(
                        "{{{{ with secret \"{path}\" }}}}{{{{ .Data | toJSON }}}}\n{{{{ end }}}}"
                    ),
                })
            }
        }
    }
}

/// The volumes beside the common one: each path once, in the order of the secrets.
pub(crate) fn custom_volume_paths(secrets: &[Secret<'_>], common: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for secret in secrets {
        if secret.volume_path != common && !paths.contains(&secret.volume_path) {
            paths.push(secret.volume_path.clone());
        }
    }
    paths
}
