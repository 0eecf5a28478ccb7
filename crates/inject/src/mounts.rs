//! Volumes, and where agents and applications mount them.

use serde_json::{Map, Value, json};

use crate::agent::Agent;
use crate::config::CACHE_FOLDER;
use crate::container::{Parts, Role};
use crate::effective::Effective;
use crate::pod::Mount;
use crate::warning::Warnings;

const HOME: &str = "/home/vault";

/// The volumes to add, in order.
pub(crate) fn volumes(agent: &Agent<'_>, annotations: &Effective<'_>) -> Vec<Value> {
    let mut volumes = Vec::new();
    let mut memory =
        |name: &str| volumes.push(json!({"name": name, "emptyDir": {"medium": "Memory"}}));
    if agent.init {
        memory("home-init");
    }
    if agent.sidecar {
        memory("home-sidecar");
    }
    memory("vault-secrets");
    for at in 0..agent.custom_volumes.len() {
        memory(&custom_name(at));
    }
    if agent.has_config_map() {
        volumes.push(json!({"name": "vault-config", "configMap": {"name": agent.config_map}}));
    }
    for (name, annotation) in [
        ("extra-secrets", "agent-extra-secret"),
        ("vault-tls-secrets", "tls-secret"),
    ] {
        let secret = annotations.get(annotation);
        if !secret.is_empty() {
            volumes.push(json!({"name": name, "secret": {"secretName": secret}}));
        }
    }
    if agent.cache_persists() {
        volumes.push(json!({"name": "vault-agent-cache", "emptyDir": {"medium": "Memory"}}));
    }
    volumes
}

fn custom_name(at: usize) -> String {
    format!("vault-secrets-custom-{at}")
}

/// The mounts that every application container and both agents get.
pub(crate) fn of_secrets(agent: &Agent<'_>, annotations: &Effective<'_>) -> Vec<Value> {
    let mut mounts = vec![writable(
        "vault-secrets",
        annotations.get("secret-volume-path"),
    )];
    mounts.extend(
        agent
            .custom_volumes
            .iter()
            .enumerate()
            .map(|(at, path)| writable(&custom_name(at), path)),
    );
    mounts
}

fn writable(name: &str, path: &str) -> Value {
    json!({"name": name, "mountPath": path})
}

fn read_only(name: &str, path: &str) -> Value {
    json!({"name": name, "readOnly": true, "mountPath": path})
}

/// An agent's mounts, in order.
pub(crate) fn of_agent(parts: &Parts<'_, '_>, role: Role, warnings: &mut Warnings) -> Vec<Value> {
    let Parts {
        pod,
        agent,
        annotations,
        ..
    } = parts;
    let mut token = read_only(agent.token.volume, agent.token.mount_path);
    if !agent.token.sub_path.is_empty() {
        token["subPath"] = agent.token.sub_path.into();
    }
    let mut mounts = match role {
        Role::Init => vec![writable("home-init", HOME), token],
        Role::Sidecar => vec![token, writable("home-sidecar", HOME)],
    };
    if annotations.get("auth-type") == "aws" {
        let mut all = pod
            .containers
            .iter()
            .flat_map(|container| &container.mounts);
        let found = all.find(|mount| mount.mount_path.contains("eks.amazonaws.com"));
        if let Some(mount) = found.filter(|mount| mount.mount_path != agent.token.mount_path) {
            mounts.push(read_only(mount.name, mount.mount_path));
        }
    }
    mounts.extend(of_secrets(agent, annotations));
    if !annotations.get("agent-extra-secret").is_empty() {
        mounts.push(read_only("extra-secrets", "/vault/custom"));
    }
    let mut later = Vec::new();
    if agent.has_config_map() {
        later.push(read_only("vault-config", "/vault/configs"));
    }
    if !annotations.get("tls-secret").is_empty() {
        later.push(read_only("vault-tls-secrets", "/vault/tls"));
    }
    if agent.cache_persists() {
        later.push(writable("vault-agent-cache", CACHE_FOLDER));
    }
    for mount in copied(parts) {
        let taken = |other: &Value| other["mountPath"] == mount.mount_path;
        if mounts.iter().chain(&later).any(taken) {
            warnings.about(
                "agent-copy-volume-mounts",
                format!(
                    "the mount at `{}` is not copied: the agents have one there already",
                    mount.mount_path
                ),
            );
        } else {
            mounts.push(known_members(mount));
        }
    }
    mounts.extend(later);
    mounts
}

/// The mounts of the container that the annotation names, but for those of service-account tokens.
fn copied<'p, 'a>(parts: &'p Parts<'_, 'a>) -> impl Iterator<Item = &'p Mount<'a>> {
    let name = parts.annotations.get("agent-copy-volume-mounts");
    let containers = parts
        .pod
        .containers
        .iter()
        .chain(&parts.pod.init_containers);
    containers
        .filter(move |container| !name.is_empty() && container.name == name)
        .flat_map(|container| &container.mounts)
        .filter(|mount| !mount.mount_path.to_lowercase().contains("serviceaccount"))
}

/// A mount complete with what the API knows of mounts, empty members left out as the API server does.
fn known_members(mount: &Mount<'_>) -> Value {
    let empty = |value: &Value| value.is_null() || *value == json!("") || *value == json!(false);
    let members = mount
        .raw
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !empty(value));
    let mut copy: Map<String, Value> = members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    copy.insert("name".to_owned(), mount.name.into());
    copy.insert("mountPath".to_owned(), mount.mount_path.into());
    Value::Object(copy)
}
