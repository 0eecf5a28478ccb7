//! What is added to a pod, as the Kubernetes API types it. Members stand in alphabetical order, as in a `serde_json::Value`.
//!
//! Texts are borrowed: an admission writes them once and forgets them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// A volume; exactly one of the sources is there.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_map: Option<ConfigMapSource<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) empty_dir: Option<EmptyDir>,
    pub(crate) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<SecretSource<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct ConfigMapSource<'a> {
    pub(crate) name: &'a str,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct EmptyDir {
    pub(crate) medium: &'static str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretSource<'a> {
    pub(crate) secret_name: &'a str,
}

/// A mount of a volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Mount<'a> {
    /// One of the injector's own.
    Own(OwnMount<'a>),
    /// A copy of another container's, whatever it says.
    Copied(CopiedMount<'a>),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct CopiedMount<'a> {
    #[serde(skip)]
    pub(crate) path: &'a str,
    pub(crate) mount: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnMount<'a> {
    pub(crate) mount_path: &'a str,
    pub(crate) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) read_only: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) sub_path: &'a str,
}

impl Mount<'_> {
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Own(mount) => mount.mount_path,
            Self::Copied(mount) => mount.path,
        }
    }
}

/// An environment variable.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variable<'a> {
    pub(crate) name: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) value: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_from: Option<ValueFrom>,
}

/// Where a variable's value comes from.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum ValueFrom {
    /// A field of the pod.
    Field {
        #[serde(rename = "fieldRef")]
        field: FieldRef,
    },
    /// A copy of another container's.
    Copied(Value),
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldRef {
    pub(crate) field_path: &'static str,
}

/// A container.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container<'a> {
    pub(crate) args: [&'static str; 1],
    pub(crate) command: [&'static str; 2],
    pub(crate) env: Vec<Variable<'a>>,
    pub(crate) image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lifecycle: Option<Lifecycle>,
    pub(crate) name: &'static str,
    pub(crate) resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restart_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) security_context: Option<SecurityContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) startup_probe: Option<Probe>,
    pub(crate) volume_mounts: Vec<Mount<'a>>,
}

/// An agent's container.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum AgentContainer<'a> {
    /// As it was built.
    Built(Box<Container<'a>>),
    /// As the pod's JSON patch left it.
    Patched(Value),
}

impl AgentContainer<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Built(container) => container.name,
            Self::Patched(container) => container["name"].as_str().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lifecycle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pre_stop: Option<Handler>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Handler {
    pub(crate) exec: Exec,
}

/// A line for the shell.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Exec {
    command: (&'static str, &'static str, String),
}

impl Exec {
    pub(crate) fn shell(line: String) -> Self {
        Self {
            command: ("/bin/sh", "-c", line),
        }
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probe {
    pub(crate) exec: Exec,
    pub(crate) failure_threshold: u32,
    pub(crate) period_seconds: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Resources {
    #[serde(skip_serializing_if = "Quantities::is_empty")]
    pub(crate) limits: Quantities,
    #[serde(skip_serializing_if = "Quantities::is_empty")]
    pub(crate) requests: Quantities,
}

/// Canonical quantities; an empty one is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Quantities {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) cpu: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) ephemeral_storage: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) memory: String,
}

impl Quantities {
    fn is_empty(&self) -> bool {
        self.cpu.is_empty() && self.ephemeral_storage.is_empty() && self.memory.is_empty()
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecurityContext {
    pub(crate) allow_privilege_escalation: bool,
    pub(crate) capabilities: Capabilities,
    pub(crate) read_only_root_filesystem: bool,
    pub(crate) run_as_group: i64,
    pub(crate) run_as_non_root: bool,
    pub(crate) run_as_user: i64,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Capabilities {
    pub(crate) drop: [&'static str; 1],
}

fn is_false(value: &bool) -> bool {
    !*value
}
