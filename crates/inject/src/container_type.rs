//! A container as the Kubernetes API types it: a patched container is read through this, so that unknown members are
//! dropped, wrong types refused and quantities written canonically.
//!
//! Source: the reference of the core/v1 API, <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>.

use std::collections::BTreeMap;

use pannier_go::json::{Json, Style};
use serde_json::{Map, Value};

use crate::json_patch::kind;
use crate::quantity;

/// What a member may hold.
#[derive(Clone, Copy)]
enum Type {
    Text,
    /// A text of a type of its own, by Go's name.
    Word(&'static str),
    Bool,
    Int32,
    Int64,
    /// A resource quantity: a string or a number.
    Quantity,
    /// A number or a string.
    IntOrString,
    Object(&'static Struct),
    List(&'static Type),
    /// Members with any name, all of one type.
    Map(&'static Type),
}

/// An object type of the API.
struct Struct {
    name: &'static str,
    members: &'static [Member],
}

/// A member of an object.
struct Member {
    name: &'static str,
    kind: Type,
    presence: Presence,
}

/// Whether a member without a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Left out when empty.
    Omitted,
    /// Written even when empty.
    Always,
    /// Left out when absent, but an empty value is kept (a pointer in Go).
    Pointer,
    /// Written as null when absent (a pointer in Go that is never left out).
    Null,
}

use Presence::{Always, Null, Omitted, Pointer};
use Type::{Bool, Int32, Int64, IntOrString, List, Map as MapOf, Object, Quantity, Text, Word};

const fn member(name: &'static str, kind: Type, presence: Presence) -> Member {
    Member {
        name,
        kind,
        presence,
    }
}

macro_rules! structs {
    ($( $constant:ident $go:literal { $( $name:literal: $kind:expr, $presence:ident; )* } )*) => {
        $( static $constant: Struct = Struct { name: $go, members: &[ $( member($name, $kind, $presence) ),* ] }; )*
    };
}

structs! {
    CONTAINER "Container" {
        "name": Text, Always;
        "image": Text, Omitted;
        "command": List(&Text), Omitted;
        "args": List(&Text), Omitted;
        "workingDir": Text, Omitted;
        "ports": List(&Object(&CONTAINER_PORT)), Omitted;
        "envFrom": List(&Object(&ENV_FROM)), Omitted;
        "env": List(&Object(&ENV_VAR)), Omitted;
        "resources": Object(&RESOURCES), Always;
        "resizePolicy": List(&Object(&RESIZE_POLICY)), Omitted;
        "restartPolicy": Word("ContainerRestartPolicy"), Pointer;
        "restartPolicyRules": List(&Object(&RESTART_RULE)), Omitted;
        "volumeMounts": List(&Object(&VOLUME_MOUNT)), Omitted;
        "volumeDevices": List(&Object(&VOLUME_DEVICE)), Omitted;
        "livenessProbe": Object(&PROBE), Pointer;
        "readinessProbe": Object(&PROBE), Pointer;
        "startupProbe": Object(&PROBE), Pointer;
        "lifecycle": Object(&LIFECYCLE), Pointer;
        "terminationMessagePath": Text, Omitted;
        "terminationMessagePolicy": Word("TerminationMessagePolicy"), Omitted;
        "imagePullPolicy": Word("PullPolicy"), Omitted;
        "securityContext": Object(&SECURITY_CONTEXT), Pointer;
        "stdin": Bool, Omitted;
        "stdinOnce": Bool, Omitted;
        "tty": Bool, Omitted;
    }
    CONTAINER_PORT "ContainerPort" {
        "name": Text, Omitted;
        "hostPort": Int32, Omitted;
        "containerPort": Int32, Always;
        "protocol": Word("Protocol"), Omitted;
        "hostIP": Text, Omitted;
    }
    ENV_FROM "EnvFromSource" {
        "prefix": Text, Omitted;
        "configMapRef": Object(&CONFIG_MAP_SOURCE), Pointer;
        "secretRef": Object(&SECRET_SOURCE), Pointer;
    }
    CONFIG_MAP_SOURCE "ConfigMapEnvSource" {
        "name": Text, Omitted;
        "optional": Bool, Pointer;
    }
    SECRET_SOURCE "SecretEnvSource" {
        "name": Text, Omitted;
        "optional": Bool, Pointer;
    }
    ENV_VAR "EnvVar" {
        "name": Text, Always;
        "value": Text, Omitted;
        "valueFrom": Object(&ENV_VAR_SOURCE), Pointer;
    }
    ENV_VAR_SOURCE "EnvVarSource" {
        "fieldRef": Object(&FIELD_REF), Pointer;
        "resourceFieldRef": Object(&RESOURCE_FIELD_REF), Pointer;
        "configMapKeyRef": Object(&CONFIG_MAP_KEY), Pointer;
        "secretKeyRef": Object(&SECRET_KEY), Pointer;
        "fileKeyRef": Object(&FILE_KEY_REF), Pointer;
    }
    FIELD_REF "ObjectFieldSelector" {
        "apiVersion": Text, Omitted;
        "fieldPath": Text, Always;
    }
    RESOURCE_FIELD_REF "ResourceFieldSelector" {
        "containerName": Text, Omitted;
        "resource": Text, Always;
        "divisor": Quantity, Always;
    }
    CONFIG_MAP_KEY "ConfigMapKeySelector" {
        "name": Text, Omitted;
        "key": Text, Always;
        "optional": Bool, Pointer;
    }
    SECRET_KEY "SecretKeySelector" {
        "name": Text, Omitted;
        "key": Text, Always;
        "optional": Bool, Pointer;
    }
    FILE_KEY_REF "FileKeySelector" {
        "volumeName": Text, Always;
        "path": Text, Always;
        "key": Text, Always;
        "optional": Bool, Pointer;
    }
    RESOURCES "ResourceRequirements" {
        "limits": MapOf(&Quantity), Omitted;
        "requests": MapOf(&Quantity), Omitted;
        "claims": List(&Object(&RESOURCE_CLAIM)), Omitted;
    }
    RESOURCE_CLAIM "ResourceClaim" {
        "name": Text, Always;
        "request": Text, Omitted;
    }
    RESIZE_POLICY "ContainerResizePolicy" {
        "resourceName": Word("ResourceName"), Always;
        "restartPolicy": Word("ResourceResizeRestartPolicy"), Always;
    }
    RESTART_RULE "ContainerRestartRule" {
        "action": Word("ContainerRestartRuleAction"), Omitted;
        "exitCodes": Object(&EXIT_CODES), Pointer;
    }
    EXIT_CODES "ContainerRestartRuleOnExitCodes" {
        "operator": Word("ContainerRestartRuleOnExitCodesOperator"), Omitted;
        "values": List(&Int32), Omitted;
    }
    VOLUME_MOUNT "VolumeMount" {
        "name": Text, Always;
        "readOnly": Bool, Omitted;
        "recursiveReadOnly": Word("RecursiveReadOnlyMode"), Pointer;
        "mountPath": Text, Always;
        "subPath": Text, Omitted;
        "mountPropagation": Word("MountPropagationMode"), Pointer;
        "subPathExpr": Text, Omitted;
    }
    VOLUME_DEVICE "VolumeDevice" {
        "name": Text, Always;
        "devicePath": Text, Always;
    }
    PROBE "Probe" {
        "exec": Object(&EXEC), Pointer;
        "httpGet": Object(&HTTP_GET), Pointer;
        "tcpSocket": Object(&TCP_SOCKET), Pointer;
        "grpc": Object(&GRPC), Pointer;
        "initialDelaySeconds": Int32, Omitted;
        "timeoutSeconds": Int32, Omitted;
        "periodSeconds": Int32, Omitted;
        "successThreshold": Int32, Omitted;
        "failureThreshold": Int32, Omitted;
        "terminationGracePeriodSeconds": Int64, Pointer;
    }
    EXEC "ExecAction" {
        "command": List(&Text), Omitted;
    }
    HTTP_GET "HTTPGetAction" {
        "path": Text, Omitted;
        "port": IntOrString, Always;
        "host": Text, Omitted;
        "scheme": Word("URIScheme"), Omitted;
        "httpHeaders": List(&Object(&HTTP_HEADER)), Omitted;
    }
    HTTP_HEADER "HTTPHeader" {
        "name": Text, Always;
        "value": Text, Always;
    }
    TCP_SOCKET "TCPSocketAction" {
        "port": IntOrString, Always;
        "host": Text, Omitted;
    }
    GRPC "GRPCAction" {
        "port": Int32, Always;
        "service": Text, Null;
    }
    SLEEP "SleepAction" {
        "seconds": Int64, Always;
    }
    LIFECYCLE "Lifecycle" {
        "postStart": Object(&LIFECYCLE_HANDLER), Pointer;
        "preStop": Object(&LIFECYCLE_HANDLER), Pointer;
        "stopSignal": Word("Signal"), Pointer;
    }
    LIFECYCLE_HANDLER "LifecycleHandler" {
        "exec": Object(&EXEC), Pointer;
        "httpGet": Object(&HTTP_GET), Pointer;
        "tcpSocket": Object(&TCP_SOCKET), Pointer;
        "sleep": Object(&SLEEP), Pointer;
    }
    SECURITY_CONTEXT "SecurityContext" {
        "capabilities": Object(&CAPABILITIES), Pointer;
        "privileged": Bool, Pointer;
        "seLinuxOptions": Object(&SELINUX), Pointer;
        "windowsOptions": Object(&WINDOWS), Pointer;
        "runAsUser": Int64, Pointer;
        "runAsGroup": Int64, Pointer;
        "runAsNonRoot": Bool, Pointer;
        "readOnlyRootFilesystem": Bool, Pointer;
        "allowPrivilegeEscalation": Bool, Pointer;
        "procMount": Word("ProcMountType"), Pointer;
        "seccompProfile": Object(&SECCOMP_PROFILE), Pointer;
        "appArmorProfile": Object(&APP_ARMOR_PROFILE), Pointer;
    }
    CAPABILITIES "Capabilities" {
        "add": List(&Word("Capability")), Omitted;
        "drop": List(&Word("Capability")), Omitted;
    }
    SELINUX "SELinuxOptions" {
        "user": Text, Omitted;
        "role": Text, Omitted;
        "type": Text, Omitted;
        "level": Text, Omitted;
    }
    WINDOWS "WindowsSecurityContextOptions" {
        "gmsaCredentialSpecName": Text, Pointer;
        "gmsaCredentialSpec": Text, Pointer;
        "runAsUserName": Text, Pointer;
        "hostProcess": Bool, Pointer;
    }
    SECCOMP_PROFILE "SeccompProfile" {
        "type": Word("SeccompProfileType"), Always;
        "localhostProfile": Text, Pointer;
    }
    APP_ARMOR_PROFILE "AppArmorProfile" {
        "type": Word("AppArmorProfileType"), Always;
        "localhostProfile": Text, Pointer;
    }
}

/// Reads a container: unknown members are dropped, quantities made canonical.
///
/// # Errors
///
/// A type error in the words of Go's decoder, or that of a quantity.
pub(crate) fn read(container: &Json) -> Result<Value, String> {
    match container {
        Json::Object(members) => object(&CONTAINER, members, ""),
        Json::Null => object(&CONTAINER, &BTreeMap::new(), ""),
        other => Err(format!(
            "json: cannot unmarshal {} into Go value of type v1.Container",
            kind(other)
        )),
    }
}

fn object(shape: &Struct, members: &BTreeMap<String, Json>, path: &str) -> Result<Value, String> {
    let mut read = Map::new();
    for (name, value) in members {
        // Go's decoder takes a member whose name differs in case when there is none that is equal.
        let exact = shape.members.iter().find(|member| member.name == name);
        let Some(member) = exact.or_else(|| {
            shape
                .members
                .iter()
                .find(|member| member.name.eq_ignore_ascii_case(name))
        }) else {
            continue;
        };
        if exact.is_none() && members.contains_key(member.name) || value.is_null() {
            continue;
        }
        let at = Place {
            shape,
            path: &format!("{path}{}", member.name),
        };
        let value = typed(member.kind, value, &at)?;
        if member.presence != Omitted || !is_empty(&value) {
            read.insert(member.name.to_owned(), value);
        }
    }
    for member in shape.members {
        if let Some(value) = unset(member)
            && !read.contains_key(member.name)
        {
            read.insert(member.name.to_owned(), value);
        }
    }
    Ok(Value::Object(read))
}

/// Where a value stands, for errors.
struct Place<'a> {
    shape: &'a Struct,
    path: &'a str,
}

impl Place<'_> {
    fn refuse(&self, value: &Json, expected: &str) -> String {
        let digits = match value {
            Json::Number(digits) if expected.starts_with("int") => format!(" {digits}"),
            _ => String::new(),
        };
        format!(
            "json: cannot unmarshal {}{digits} into Go struct field {}.{} of type {expected}",
            kind(value),
            self.shape.name,
            self.path
        )
    }
}

fn typed(expected: Type, value: &Json, at: &Place<'_>) -> Result<Value, String> {
    if value.is_null() {
        return Ok(zero(expected));
    }
    match (expected, value) {
        (Text, Json::String(text)) => Ok(Value::from(text.as_str())),
        (Text, other) => Err(at.refuse(other, "string")),
        (Word(_), Json::String(text)) => Ok(Value::from(text.as_str())),
        (Word(name), other) => Err(at.refuse(other, &format!("v1.{name}"))),
        (Bool, Json::Bool(value)) => Ok(Value::from(*value)),
        (Bool, other) => Err(at.refuse(other, "bool")),
        (Int32, other) => match other.as_i64().and_then(|number| i32::try_from(number).ok()) {
            Some(number) => Ok(Value::from(number)),
            None => Err(at.refuse(other, "int32")),
        },
        (Int64, other) => other
            .as_i64()
            .map(Value::from)
            .ok_or_else(|| at.refuse(other, "int64")),
        (Quantity, Json::String(text) | Json::Number(text)) => quantity::canonical(text.trim())
            .map(Value::from)
            .map_err(|error| error.to_string()),
        (Quantity, other) => quantity::canonical(&other.encode(Style::COMPACT))
            .map(Value::from)
            .map_err(|error| error.to_string()),
        (IntOrString, Json::String(text)) => Ok(Value::from(text.as_str())),
        (IntOrString, other) => {
            match other.as_i64().and_then(|number| i32::try_from(number).ok()) {
                Some(number) => Ok(Value::from(number)),
                None => Err(at.refuse(other, "int32")),
            }
        }
        (Object(shape), Json::Object(members)) => object(shape, members, &format!("{}.", at.path)),
        (Object(shape), other) => Err(at.refuse(other, &format!("v1.{}", shape.name))),
        (List(item), Json::Array(values)) => values
            .iter()
            .map(|value| typed(*item, value, at))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        (List(item), other) => Err(at.refuse(other, &format!("[]{}", go_name(*item)))),
        (MapOf(item), Json::Object(members)) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), typed(*item, value, at)?)))
            .collect::<Result<Map<_, _>, String>>()
            .map(Value::Object),
        (MapOf(_), other) => Err(at.refuse(other, "v1.ResourceList")),
    }
}

/// Go's name of a type.
fn go_name(kind: Type) -> String {
    match kind {
        Text => "string".to_owned(),
        Word(name) => format!("v1.{name}"),
        Bool => "bool".to_owned(),
        Int32 => "int32".to_owned(),
        Int64 => "int64".to_owned(),
        Quantity => "resource.Quantity".to_owned(),
        IntOrString => "intstr.IntOrString".to_owned(),
        Object(shape) => format!("v1.{}", shape.name),
        List(item) => format!("[]{}", go_name(*item)),
        MapOf(item) => format!("map[string]{}", go_name(*item)),
    }
}

/// What Go writes for a member that was never set.
fn zero(kind: Type) -> Value {
    match kind {
        Text | Word(_) => Value::from(""),
        Bool => Value::from(false),
        Int32 | Int64 | IntOrString => Value::from(0),
        Quantity => Value::from("0"),
        List(_) => Value::Array(Vec::new()),
        MapOf(_) => Value::Object(Map::new()),
        Object(shape) => {
            let written = shape.members.iter();
            Value::Object(
                written
                    .filter_map(|member| Some((member.name.to_owned(), unset(member)?)))
                    .collect(),
            )
        }
    }
}

/// What is written for a member without a value, if anything.
fn unset(member: &Member) -> Option<Value> {
    match member.presence {
        Always => Some(zero(member.kind)),
        Null => Some(Value::Null),
        Omitted | Pointer => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !*value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may end at the first surprise")]
mod tests {
    use super::*;
    use pannier_go::json::decode;
    use serde_json::json;

    #[test]
    fn unknown_members_go_and_quantities_become_canonical() {
        let text = r#"{"name":"a","nonsense":1,"resources":{"limits":{"cpu":0.50,"memory":"1024Mi"}},"ports":[{"containerPort":80,"x":1}],
            "lifecycle":{},"restartPolicy":"Always","imagePullPolicy":"","env":[{"name":"A","value":""}],"livenessProbe":{"httpGet":{"port":"http"}}}"#;
        assert_eq!(
            read(&decode(text).unwrap()).unwrap(),
            json!({"name":"a","resources":{"limits":{"cpu":"500m","memory":"1Gi"}},"ports":[{"containerPort":80}],
                "lifecycle":{},"restartPolicy":"Always","env":[{"name":"A"}],"livenessProbe":{"httpGet":{"port":"http"}}})
        );
    }

    #[test]
    fn a_probe_by_grpc_always_has_a_service() {
        for (text, service) in [
            ("", json!(null)),
            (r#","service":null"#, json!(null)),
            (r#","service":"""#, json!("")),
        ] {
            let text = format!(r#"{{"name":"a","livenessProbe":{{"grpc":{{"port":1{text}}}}}}}"#);
            assert_eq!(
                read(&decode(&text).unwrap()).unwrap(),
                json!({"name":"a","resources":{},"livenessProbe":{"grpc":{"port":1,"service":service}}})
            );
        }
    }

    #[test]
    fn type_errors_read_as_gos() {
        for (text, expected) in [
            (
                r#"{"name":5}"#,
                "json: cannot unmarshal number into Go struct field Container.name of type string",
            ),
            (
                r#"{"env":{}}"#,
                "json: cannot unmarshal object into Go struct field Container.env of type []v1.EnvVar",
            ),
            (
                r#"{"env":[{"name":true}]}"#,
                "json: cannot unmarshal bool into Go struct field EnvVar.env.name of type string",
            ),
            (
                r#"{"securityContext":{"runAsUser":1.5}}"#,
                "json: cannot unmarshal number 1.5 into Go struct field SecurityContext.securityContext.runAsUser of type int64",
            ),
            (
                r#"{"resources":{"limits":{"cpu":"x"}}}"#,
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            (
                r#"{"imagePullPolicy":1}"#,
                "json: cannot unmarshal number into Go struct field Container.imagePullPolicy of type v1.PullPolicy",
            ),
            (
                r#"{"env":[{"valueFrom":{"configMapKeyRef":{"key":[]}}}]}"#,
                "json: cannot unmarshal array into Go struct field ConfigMapKeySelector.env.valueFrom.configMapKeyRef.key of type string",
            ),
            (
                r#"{"livenessProbe":{"tcpSocket":{"port":{}}}}"#,
                "json: cannot unmarshal object into Go struct field TCPSocketAction.livenessProbe.tcpSocket.port of type int32",
            ),
            (
                r#"{"livenessProbe":{"tcpSocket":{"port":1.5}}}"#,
                "json: cannot unmarshal number 1.5 into Go struct field TCPSocketAction.livenessProbe.tcpSocket.port of type int32",
            ),
            (
                r#"{"securityContext":{"capabilities":{"add":"X"}}}"#,
                "json: cannot unmarshal string into Go struct field Capabilities.securityContext.capabilities.add of type []v1.Capability",
            ),
            (
                "[]",
                "json: cannot unmarshal array into Go value of type v1.Container",
            ),
        ] {
            assert_eq!(
                read(&decode(text).unwrap()),
                Err(expected.to_owned()),
                "{text}"
            );
        }
    }
}
