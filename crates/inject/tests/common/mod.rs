//! The settings and the pod that the documented examples start from.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses a part of this"
)]
#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::collections::BTreeMap;

use base64::Engine as _;
use pannier_inject::{Decision, Injection, Request, Settings, patch, review};
use serde_json::{Value, json};

/// Settings with these flags, over the address that the examples have.
pub fn settings(flags: &[&str]) -> Settings {
    let mut arguments = vec!["-vault-address=http://vault.vault.svc:8200".to_owned()];
    arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    Settings::new(&arguments, &BTreeMap::new()).unwrap()
}

/// The request that the examples have.
pub const REQUEST: Request<'static> = Request {
    namespace: "app",
    uid: "u-1",
    resource: "pods",
};

/// The base pod, with more annotations; a value of `null` takes one away.
pub fn base(annotations: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/role": "web",
            "vault.hashicorp.com/agent-inject-secret-config.txt": "secret/data/web",
        }},
        "spec": {
            "volumes": [{"name": "kube-api-access-abcde"}],
            "containers": [{"name": "app", "image": "app", "volumeMounts": [
                {"name": "kube-api-access-abcde", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
            ]}],
        },
    });
    let members = pod["metadata"]["annotations"].as_object_mut().unwrap();
    for (name, value) in annotations.as_object().unwrap() {
        let key = if name.contains('/') {
            name.clone()
        } else {
            format!("vault.hashicorp.com/{name}")
        };
        match value {
            Value::Null => members.remove(&key),
            value => members.insert(key, value.clone()),
        };
    }
    pod
}

/// The injection, or a panic with the reason why there is none.
pub fn injected(pod: &Value, settings: &Settings) -> Injection {
    match review(pod, &REQUEST, settings) {
        Decision::Inject(injection) => *injection,
        other => panic!("expected an injection, got {other:?}"),
    }
}

/// The pod after the patch.
pub fn after(pod: &Value, injection: &Injection) -> Value {
    let mut pod = pod.clone();
    patch::apply(&mut pod, &injection.patch).unwrap();
    pod
}

/// The message of a denial, or a panic.
pub fn denied(pod: &Value, request: &Request<'_>, settings: &Settings) -> String {
    match review(pod, request, settings) {
        Decision::Deny(denial) => denial.message,
        other => panic!("expected a denial, got {other:?}"),
    }
}

/// A container of the pod by its name.
pub fn container<'a>(pod: &'a Value, name: &str) -> &'a Value {
    let lists = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|list| pod["spec"][list].as_array());
    lists
        .flatten()
        .find(|container| container["name"] == name)
        .unwrap_or_else(|| panic!("no container {name} in {pod}"))
}

/// The names of a list's elements.
pub fn names(list: &Value) -> Vec<String> {
    list.as_array()
        .map(|items| {
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned())
                .collect()
        })
        .unwrap_or_default()
}

/// `name at path`, with ` (ro)` and the sub-path.
pub fn mounts(container: &Value) -> Vec<String> {
    let mounts = container["volumeMounts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    mounts
        .iter()
        .map(|mount| {
            let read_only = if mount["readOnly"] == true {
                " (ro)"
            } else {
                ""
            };
            let sub = mount["subPath"]
                .as_str()
                .map_or_else(String::new, |path| format!(" sub {path}"));
            format!(
                "{} at {}{sub}{read_only}",
                mount["name"].as_str().unwrap(),
                mount["mountPath"].as_str().unwrap()
            )
        })
        .collect()
}

/// The environment as `NAME` or `NAME=value`.
pub fn environment(container: &Value) -> Vec<String> {
    let entries = container["env"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| match entry["value"].as_str() {
            Some(value) => format!("{}={value}", entry["name"].as_str().unwrap()),
            None => entry["name"].as_str().unwrap().to_owned(),
        })
        .collect()
}

/// The configuration in an agent's environment.
pub fn config(container: &Value) -> String {
    let entries = container["env"].as_array().unwrap();
    let encoded = entries
        .iter()
        .find(|entry| entry["name"] == "VAULT_CONFIG")
        .unwrap()["value"]
        .as_str()
        .unwrap();
    String::from_utf8(
        base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .unwrap(),
    )
    .unwrap()
}
