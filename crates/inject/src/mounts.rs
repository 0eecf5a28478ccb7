//! Volumes, and where agents and applications mount them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::agent::Agent;
use crate::annotations::key;
use crate::config::CACHE_FOLDER;
use crate::container::{Parts, Role};
use crate::effective::Effective;
use crate::node::Node;
use crate::pod;
use crate::spec::{ConfigMapSource, CopiedMount, EmptyDir, Mount, OwnMount, SecretSource, Volume};
use crate::warning::Warnings;

const HOME: &str = "/home/vault";

/// The volumes to add, in order.
pub(crate) fn volumes<'a>(agent: &Agent<'a>, annotations: &'a Effective<'_>) -> Vec<Volume<'a>> {
    let mut volumes = Vec::with_capacity(8);
    let mut memory = |name: Cow<'static, str>| {
        volumes.push(Volume {
            empty_dir: Some(EmptyDir { medium: "Memory" }),
            name,
            ..Volume::default()
        });
    };
    if agent.init {
        memory("home-init".into());
    }
    if agent.sidecar {
        memory("home-sidecar".into());
    }
    memory("vault-secrets".into());
    for at in 0..agent.custom_volumes.len() {
        memory(custom_name(at).into());
    }
    if agent.has_config_map() {
        volumes.push(Volume {
            config_map: Some(ConfigMapSource {
                name: agent.config_map,
            }),
            name: "vault-config".into(),
            ..Volume::default()
        });
    }
    for (name, key) in [
        ("extra-secrets", key!("agent-extra-secret")),
        ("vault-tls-secrets", key!("tls-secret")),
    ] {
        let secret_name = annotations.get(key);
        if !secret_name.is_empty() {
            volumes.push(Volume {
                name: name.into(),
                secret: Some(SecretSource { secret_name }),
                ..Volume::default()
            });
        }
    }
    if agent.cache_persists() {
        volumes.push(Volume {
            empty_dir: Some(EmptyDir { medium: "Memory" }),
            name: "vault-agent-cache".into(),
            ..Volume::default()
        });
    }
    volumes
}

fn custom_name(at: usize) -> String {
    format!("vault-secrets-custom-{at}")
}

/// The mounts that every application container and both agents get.
pub(crate) fn of_secrets<'a>(agent: &Agent<'a>, annotations: &'a Effective<'_>) -> Vec<Mount<'a>> {
    let mut mounts = Vec::with_capacity(12);
    mounts.push(writable(
        "vault-secrets",
        annotations.get(key!("secret-volume-path")),
    ));
    mounts.extend(
        agent
            .custom_volumes
            .iter()
            .enumerate()
            .map(|(at, path)| writable(custom_name(at), path)),
    );
    mounts
}

fn writable<'a>(name: impl Into<Cow<'a, str>>, mount_path: &'a str) -> Mount<'a> {
    Mount::Own(OwnMount {
        mount_path,
        name: name.into(),
        ..OwnMount::default()
    })
}

fn read_only<'a>(name: &'a str, mount_path: &'a str) -> Mount<'a> {
    Mount::Own(OwnMount {
        mount_path,
        name: name.into(),
        read_only: true,
        ..OwnMount::default()
    })
}

/// An agent's mounts, in order.
pub(crate) fn of_agent<'p>(
    parts: Parts<'p>,
    role: Role,
    warnings: &mut Warnings,
) -> Vec<Mount<'p>> {
    let Parts {
        pod,
        agent,
        annotations,
        ..
    } = parts;
    let token = Mount::Own(OwnMount {
        mount_path: agent.token.mount_path,
        name: agent.token.volume.into(),
        read_only: true,
        sub_path: agent.token.sub_path,
    });
    let mut mounts = Vec::with_capacity(12);
    match role {
        Role::Init => mounts.extend([writable("home-init", HOME), token]),
        Role::Sidecar => mounts.extend([token, writable("home-sidecar", HOME)]),
    }
    if annotations.get(key!("auth-type")) == "aws" {
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
    if !annotations.get(key!("agent-extra-secret")).is_empty() {
        mounts.push(read_only("extra-secrets", "/vault/custom"));
    }
    let mut later = Vec::new();
    if agent.has_config_map() {
        later.push(read_only("vault-config", "/vault/configs"));
    }
    if !annotations.get(key!("tls-secret")).is_empty() {
        later.push(read_only("vault-tls-secrets", "/vault/tls"));
    }
    if agent.cache_persists() {
        later.push(writable("vault-agent-cache", CACHE_FOLDER));
    }
    for mount in copied(parts) {
        let taken = |other: &Mount<'_>| other.path() == mount.mount_path;
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
fn copied<'p>(parts: Parts<'p>) -> impl Iterator<Item = &'p pod::Mount<'p>> {
    let name = parts.annotations.get(key!("agent-copy-volume-mounts"));
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
fn known_members<'p>(mount: &pod::Mount<'p>) -> Mount<'p> {
    let empty = |value: &Node<'_>| {
        matches!(value, Node::Null | Node::Bool(false)) || value.as_str() == Some("")
    };
    let mut copy = Map::new();
    for (name, value) in mount.raw.members() {
        copy.insert(name.clone().into_owned(), value.to_value());
    }
    copy.retain(|name, _| mount.raw.get(name).is_some_and(|value| !empty(value)));
    copy.insert("name".to_owned(), mount.name.into());
    copy.insert("mountPath".to_owned(), mount.mount_path.into());
    Mount::Copied(CopiedMount {
        path: mount.mount_path,
        mount: Value::Object(copy),
    })
}
