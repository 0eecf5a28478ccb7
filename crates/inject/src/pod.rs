//! What the injector reads of a pod, checked for its types; everything else of the pod is never looked at.
//!
//! Errors read as those of Go's JSON decoder, because the program that this one replaces answers with them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// A pod, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) name: &'a str,
    pub(crate) annotations: BTreeMap<&'a str, &'a str>,
    pub(crate) phase: &'a str,
    pub(crate) share_process_namespace: Option<bool>,
    pub(crate) host_pid: bool,
    pub(crate) containers: Vec<Container<'a>>,
    pub(crate) init_containers: Vec<Container<'a>>,
    pub(crate) volumes: Vec<Volume<'a>>,
}

/// A container of the pod.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) name: &'a str,
    pub(crate) mounts: Vec<Mount<'a>>,
    /// Name and whole entry of each environment variable.
    pub(crate) env: Vec<(&'a str, &'a Value)>,
    /// `None` without a security context, else its `runAsUser`.
    pub(crate) security_context: Option<Option<i64>>,
}

/// A volume mount of a container.
#[derive(Debug)]
pub(crate) struct Mount<'a> {
    pub(crate) name: &'a str,
    pub(crate) mount_path: &'a str,
    pub(crate) sub_path: &'a str,
    /// The whole mount.
    pub(crate) raw: &'a Value,
}

/// A volume of the pod.
#[derive(Debug)]
pub(crate) struct Volume<'a> {
    pub(crate) name: &'a str,
    /// Path of the first service-account token that a projected volume holds.
    pub(crate) token_path: Option<&'a str>,
}

/// A type error, as Go's decoder says it.
pub(crate) type DecodeError = String;

/// Reads a pod.
pub(crate) fn read(pod: &Value) -> Result<Pod<'_>, DecodeError> {
    let root = match pod {
        Value::Object(members) => At {
            members,
            holder: "Pod",
            path: String::new(),
        },
        Value::Null => return Err("unexpected end of JSON input".to_owned()),
        other => {
            return Err(format!(
                "json: cannot unmarshal {} into Go value of type v1.Pod",
                kind(other)
            ));
        }
    };
    let metadata = root.object("metadata", "ObjectMeta", "v1.ObjectMeta")?;
    let spec = root.object("spec", "PodSpec", "v1.PodSpec")?;
    let status = root.object("status", "PodStatus", "v1.PodStatus")?;
    let name = metadata.as_ref().map_or(Ok(""), |at| at.text("name"))?;
    let annotations = metadata
        .as_ref()
        .map_or_else(|| Ok(BTreeMap::new()), At::annotations)?;
    let phase = status.as_ref().map_or(Ok(""), |at| at.text("phase"))?;
    let mut read = Pod {
        name,
        annotations,
        phase,
        share_process_namespace: None,
        host_pid: false,
        containers: Vec::new(),
        init_containers: Vec::new(),
        volumes: Vec::new(),
    };
    if let Some(spec) = spec {
        read.share_process_namespace = spec.boolean("shareProcessNamespace")?;
        read.host_pid = spec.boolean("hostPID")?.unwrap_or_default();
        read.volumes = spec.list("volumes", "Volume", "[]v1.Volume", volume)?;
        read.init_containers =
            spec.list("initContainers", "Container", "[]v1.Container", container)?;
        read.containers = spec.list("containers", "Container", "[]v1.Container", container)?;
    }
    Ok(read)
}

fn container<'a>(at: &At<'a>, _: &'a Value) -> Result<Container<'a>, DecodeError> {
    let security_context = at.object("securityContext", "SecurityContext", "v1.SecurityContext")?;
    Ok(Container {
        name: at.text("name")?,
        mounts: at.list("volumeMounts", "VolumeMount", "[]v1.VolumeMount", mount)?,
        env: at.list("env", "EnvVar", "[]v1.EnvVar", |at, raw| {
            Ok((at.text("name")?, raw))
        })?,
        security_context: security_context
            .map(|context| context.integer("runAsUser"))
            .transpose()?,
    })
}

fn mount<'a>(at: &At<'a>, raw: &'a Value) -> Result<Mount<'a>, DecodeError> {
    Ok(Mount {
        name: at.text("name")?,
        mount_path: at.text("mountPath")?,
        sub_path: at.text("subPath")?,
        raw,
    })
}

fn volume<'a>(at: &At<'a>, _: &'a Value) -> Result<Volume<'a>, DecodeError> {
    let sources = match at.object(
        "projected",
        "ProjectedVolumeSource",
        "v1.ProjectedVolumeSource",
    )? {
        Some(projected) => projected.list(
            "sources",
            "VolumeProjection",
            "[]v1.VolumeProjection",
            |source, _| {
                let token = source.object(
                    "serviceAccountToken",
                    "ServiceAccountTokenProjection",
                    "v1.ServiceAccountTokenProjection",
                )?;
                token.map(|token| token.text("path")).transpose()
            },
        )?,
        None => Vec::new(),
    };
    let token_path = sources.into_iter().flatten().find(|path| !path.is_empty());
    Ok(Volume {
        name: at.text("name")?,
        token_path,
    })
}

/// An object, and where it was found.
struct At<'a> {
    members: &'a Map<String, Value>,
    /// Go's name of the object's type.
    holder: &'static str,
    /// Names of the members that lead here, each with a dot behind it.
    path: String,
}

impl<'a> At<'a> {
    fn refuse(&self, member: &str, value: &Value, expected: &str) -> DecodeError {
        format!(
            "json: cannot unmarshal {} into Go struct field {}.{}{member} of type {expected}",
            kind(value),
            self.holder,
            self.path
        )
    }

    fn object(
        &self,
        member: &str,
        holder: &'static str,
        expected: &str,
    ) -> Result<Option<Self>, DecodeError> {
        match self.members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self {
                members,
                holder,
                path: format!("{}{member}.", self.path),
            })),
            Some(other) => Err(self.refuse(member, other, expected)),
        }
    }

    fn text(&self, member: &str) -> Result<&'a str, DecodeError> {
        match self.members.get(member) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.refuse(member, other, "string")),
        }
    }

    fn boolean(&self, member: &str) -> Result<Option<bool>, DecodeError> {
        match self.members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.refuse(member, other, "bool")),
        }
    }

    fn integer(&self, member: &str) -> Result<Option<i64>, DecodeError> {
        match self.members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64()),
            Some(other) => Err(self.refuse(member, other, "int64")),
        }
    }

    fn list<T>(
        &self,
        member: &str,
        holder: &'static str,
        expected: &str,
        item: impl Fn(&At<'a>, &'a Value) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let values = match self.members.get(member) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(other) => return Err(self.refuse(member, other, expected)),
        };
        static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        values
            .iter()
            .map(|value| {
                let members = match value {
                    Value::Object(members) => members,
                    Value::Null => &NOTHING,
                    other => {
                        return Err(self.refuse(member, other, expected.trim_start_matches("[]")));
                    }
                };
                item(
                    &At {
                        members,
                        holder,
                        path: format!("{}{member}.", self.path),
                    },
                    value,
                )
            })
            .collect()
    }

    fn annotations(&self) -> Result<BTreeMap<&'a str, &'a str>, DecodeError> {
        let members = match self.members.get("annotations") {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Object(members)) => members,
            Some(other) => return Err(self.refuse("annotations", other, "map[string]string")),
        };
        members
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.as_str(), text.as_str())),
                Value::Null => Ok((key.as_str(), "")),
                // The reference does not say which one it is.
                other => Err(format!(
                    "{key}: {}",
                    self.refuse("annotations", other, "string")
                )),
            })
            .collect()
    }
}

/// Go's word for a JSON value; numbers that are no integers come with their digits.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_i64() || number.is_u64() => "number".to_owned(),
        Value::Number(number) => format!("number {number}"),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn type_errors_read_as_gos() {
        for (pod, expected) in [
            (json!(null), "unexpected end of JSON input"),
            (
                json!("x"),
                "json: cannot unmarshal string into Go value of type v1.Pod",
            ),
            (
                json!({"spec": 1}),
                "json: cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec",
            ),
            (
                json!({"spec": {"containers": [{"name": 1}]}}),
                "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string",
            ),
            (
                json!({"metadata": {"annotations": {"a": true}}}),
                "a: json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string",
            ),
            (
                json!({"spec": {"containers": [{"securityContext": {"runAsUser": 1.5}}]}}),
                "json: cannot unmarshal number 1.5 into Go struct field SecurityContext.spec.containers.securityContext.runAsUser of type int64",
            ),
        ] {
            assert_eq!(read(&pod).map(|_| ()), Err(expected.to_owned()), "{pod}");
        }
    }

    #[test]
    fn absent_and_null_members_are_the_same() {
        let pod = json!({"metadata": null, "spec": {"volumes": null, "containers": [null, {"name": null}]}});
        let pod = read(&pod).expect("valid");
        assert_eq!(
            (pod.containers.len(), pod.volumes.len(), pod.name),
            (2, 0, "")
        );
    }
}
