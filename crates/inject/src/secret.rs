//! The secrets that a pod declares, and the file each of them becomes.

use std::borrow::Cow;

use crate::annotations::key;
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
pub(crate) enum Body<'a> {
    /// The default template, filled with the secret's path.
    Default(DefaultTemplate),
    /// The annotation's text.
    Inline(&'a str),
    /// A file inside the agents.
    File(&'a str),
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct Secret<'a> {
    /// The rest of the annotation's key, in its own case.
    pub(crate) name: &'a str,
    /// Path in Vault; may be empty.
    pub(crate) path: &'a str,
    pub(crate) body: Body<'a>,
    pub(crate) left: &'a str,
    pub(crate) right: &'a str,
    pub(crate) command: &'a str,
    pub(crate) perms: &'a str,
    pub(crate) error_on_missing_key: bool,
    /// Where the secret's volume is mounted.
    pub(crate) volume_path: &'a str,
    /// The file.
    pub(crate) destination: String,
}

/// The names that the pod declares, in ascending order of their bytes.
fn declared<'a>(annotations: &Effective<'a>) -> Vec<&'a str> {
    let mut names: Vec<&str> = annotations
        .others()
        .filter(|(_, text)| !text.trim().is_empty())
        .filter_map(|(key, _)| {
            DECLARING
                .iter()
                .filter_map(|prefix| key.strip_prefix(prefix))
                .find(|name| !name.is_empty())
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The name of the file: the raw name, lower-cased unless its case is to be kept. What cannot be parsed counts as false.
fn display_name<'a>(annotations: &Effective<'_>, name: &'a str) -> Cow<'a, str> {
    if !name
        .bytes()
        .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
    {
        return Cow::Borrowed(name);
    }
    let own = annotations.member("preserve-secret-case-", name);
    let keep = own.unwrap_or_else(|| annotations.get(key!("preserve-secret-case")));
    if grammar::bool(keep).unwrap_or_default() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(grammar::lower(name))
}

/// Reads all secrets. An `error-on-missing-key-*` that is no boolean is the only error, given with its key.
pub(crate) fn read<'s>(
    annotations: &'s Effective<'_>,
    default: Option<DefaultTemplate>,
) -> Result<Vec<Secret<'s>>, (String, String)> {
    declared(annotations)
        .into_iter()
        .map(|name| one(annotations, name, default))
        .collect()
}

fn one<'s>(
    annotations: &'s Effective<'_>,
    name: &'s str,
    default: Option<DefaultTemplate>,
) -> Result<Secret<'s>, (String, String)> {
    let of = |family: &str| annotations.member(family, name).unwrap_or_default();
    let or = |text: &'s str, default: &'static str| if text.is_empty() { default } else { text };
    let error_on_missing_key = grammar::bool(of("error-on-missing-key-"))
        .map_err(|message| (format!("error-on-missing-key-{name}"), message))?;
    let volume_path = annotations
        .member("secret-volume-path-", name)
        .unwrap_or_else(|| annotations.get(key!("secret-volume-path")));
    let file = of("agent-inject-file-");
    let destination = if file.is_empty() {
        format!("{volume_path}/{}", display_name(annotations, name))
    } else {
        path::join(volume_path, file)
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

impl<'a> Secret<'a> {
    /// The template's text, or `None` when it is read from a file.
    pub(crate) fn contents(&self) -> Option<Cow<'a, str>> {
        match self.body {
            Body::Inline(text) => Some(Cow::Borrowed(text)),
            Body::File(_) => None,
            Body::Default(form) => {
                // Quotes and backslashes would end the string that the path becomes.
                let path = self.path.replace('\\', "\\\\").replace('"', "\\\"");
                Some(Cow::Owned(match form {
                    DefaultTemplate::Map => {
                        format!(
                            "{{{{ with secret \"{path}\" }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}"
                        )
                    }
                    DefaultTemplate::Json => format!(
                        "{{{{ with secret \"{path}\" }}}}{{{{ .Data | toJSON }}}}\n{{{{ end }}}}"
                    ),
                }))
            }
        }
    }
}

/// The volumes beside the common one: each path once, in the order of the secrets.
pub(crate) fn custom_volume_paths<'a>(secrets: &[Secret<'a>], common: &str) -> Vec<&'a str> {
    let mut paths = Vec::new();
    for secret in secrets {
        if secret.volume_path != common && !paths.contains(&secret.volume_path) {
            paths.push(secret.volume_path);
        }
    }
    paths
}
