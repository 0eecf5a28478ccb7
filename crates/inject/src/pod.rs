//! What the injector reads of a pod, checked for its types; everything else of the pod is never looked at.
//!
//! Errors read as those of Go's JSON decoder, because the program that this one replaces answers with them.

use std::borrow::Cow;
use std::fmt;

use crate::node::{self, Node};

/// A pod, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) name: &'a str,
    /// In the order of their keys, each key once.
    pub(crate) annotations: Vec<(&'a str, &'a str)>,
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
    pub(crate) env: Vec<(&'a str, &'a Node<'a>)>,
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
    pub(crate) raw: &'a Node<'a>,
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
pub(crate) fn read<'a>(pod: &'a Node<'a>) -> Result<Pod<'a>, DecodeError> {
    let root = match pod {
        Node::Object(members) => At {
            members,
            holder: "Pod",
            path: Path::Root,
        },
        Node::Null => return Err("unexpected end of JSON input".to_owned()),
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
        .map_or_else(|| Ok(Vec::new()), At::annotations)?;
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

fn container<'a>(at: &At<'a, '_>, _: &'a Node<'a>) -> Result<Container<'a>, DecodeError> {
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

fn mount<'a>(at: &At<'a, '_>, raw: &'a Node<'a>) -> Result<Mount<'a>, DecodeError> {
    Ok(Mount {
        name: at.text("name")?,
        mount_path: at.text("mountPath")?,
        sub_path: at.text("subPath")?,
        raw,
    })
}

fn volume<'a>(at: &At<'a, '_>, _: &'a Node<'a>) -> Result<Volume<'a>, DecodeError> {
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

type Members<'a> = [(Cow<'a, str>, Node<'a>)];

/// The members that lead to an object; put together only for an error.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Below(&'p Path<'p>, &'p str),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Below(parent, member) => write!(f, "{parent}{member}."),
        }
    }
}

/// An object, and where it was found.
struct At<'a, 'p> {
    members: &'a Members<'a>,
    /// Go's name of the object's type.
    holder: &'static str,
    path: Path<'p>,
}

impl<'a> At<'a, '_> {
    fn get(&self, member: &str) -> Option<&'a Node<'a>> {
        node::member(self.members, member)
    }

    fn refuse(&self, member: &str, value: &Node<'_>, expected: &str) -> DecodeError {
        format!(
            "json: cannot unmarshal {} into Go struct field {}.{}{member} of type {expected}",
            kind(value),
            self.holder,
            self.path
        )
    }

    fn object<'s>(
        &'s self,
        member: &'s str,
        holder: &'static str,
        expected: &str,
    ) -> Result<Option<At<'a, 's>>, DecodeError> {
        match self.get(member) {
            None | Some(Node::Null) => Ok(None),
            Some(Node::Object(members)) => Ok(Some(At {
                members,
                holder,
                path: Path::Below(&self.path, member),
            })),
            Some(other) => Err(self.refuse(member, other, expected)),
        }
    }

    fn text(&self, member: &str) -> Result<&'a str, DecodeError> {
        match self.get(member) {
            None | Some(Node::Null) => Ok(""),
            Some(Node::Text(text)) => Ok(text),
            Some(other) => Err(self.refuse(member, other, "string")),
        }
    }

    fn boolean(&self, member: &str) -> Result<Option<bool>, DecodeError> {
        match self.get(member) {
            None | Some(Node::Null) => Ok(None),
            Some(Node::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.refuse(member, other, "bool")),
        }
    }

    fn integer(&self, member: &str) -> Result<Option<i64>, DecodeError> {
        match self.get(member) {
            None | Some(Node::Null) => Ok(None),
            Some(Node::Number(number)) if number.is_i64() => Ok(number.as_i64()),
            Some(other) => Err(self.refuse(member, other, "int64")),
        }
    }

    fn list<T>(
        &self,
        member: &str,
        holder: &'static str,
        expected: &str,
        item: impl Fn(&At<'a, '_>, &'a Node<'a>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let values = match self.get(member) {
            None | Some(Node::Null) => return Ok(Vec::new()),
            Some(Node::List(values)) => values,
            Some(other) => return Err(self.refuse(member, other, expected)),
        };
        values
            .iter()
            .map(|value| {
                let members: &Members<'a> = match value {
                    Node::Object(members) => members,
                    Node::Null => &[],
                    other => {
                        return Err(self.refuse(member, other, expected.trim_start_matches("[]")));
                    }
                };
                item(
                    &At {
                        members,
                        holder,
                        path: Path::Below(&self.path, member),
                    },
                    value,
                )
            })
            .collect()
    }

    fn annotations(&self) -> Result<Vec<(&'a str, &'a str)>, DecodeError> {
        let mut members: Vec<&(Cow<'a, str>, Node<'a>)> = match self.get("annotations") {
            None | Some(Node::Null) => return Ok(Vec::new()),
            Some(Node::Object(members)) => members.iter().collect(),
            Some(other) => return Err(self.refuse("annotations", other, "map[string]string")),
        };
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut read: Vec<(&str, &str)> = Vec::with_capacity(members.len());
        for (at, (key, value)) in members.iter().enumerate() {
            // Of several with one key the last one counts, as in a map.
            if members.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            match value {
                Node::Text(text) => read.push((key, text)),
                Node::Null => read.push((key, "")),
                // The reference does not say which one it is.
                other => {
                    return Err(format!(
                        "{key}: {}",
                        self.refuse("annotations", other, "string")
                    ));
                }
            }
        }
        Ok(read)
    }
}

/// Go's word for a JSON value; numbers that are no integers come with their digits.
fn kind(value: &Node<'_>) -> String {
    match value {
        Node::Null => "null".to_owned(),
        Node::Bool(_) => "bool".to_owned(),
        Node::Number(number) if number.is_i64() || number.is_u64() => "number".to_owned(),
        Node::Number(number) => format!("number {number}"),
        Node::Text(_) => "string".to_owned(),
        Node::List(_) => "array".to_owned(),
        Node::Object(_) => "object".to_owned(),
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
            assert_eq!(
                read(&Node::from(&pod)).map(|_| ()),
                Err(expected.to_owned()),
                "{pod}"
            );
        }
    }

    #[test]
    fn absent_and_null_members_are_the_same() {
        let pod = json!({"metadata": null, "spec": {"volumes": null, "containers": [null, {"name": null}]}});
        let pod = Node::from(&pod);
        let pod = read(&pod).expect("valid");
        assert_eq!(
            (pod.containers.len(), pod.volumes.len(), pod.name),
            (2, 0, "")
        );
    }
}
