//! The two agent containers.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64_simd::STANDARD;
use pannier_agent_config::emit;
use pannier_go::json;
use serde_json::Value;

use crate::agent::Agent;
use crate::annotations::{Key, key};
use crate::effective::Effective;
use crate::fault::Fault;
use crate::mounts;
use crate::node::Node;
use crate::pod::Pod;
use crate::quantity;
use crate::settings::Settings;
use crate::spec::{
    AgentContainer, Capabilities, Container, Exec, FieldRef, Handler, Lifecycle, Probe, Quantities,
    Resources, SecurityContext, ValueFrom, Variable,
};
use crate::warning::Warnings;
use crate::{container_type, json_patch, stop};

/// Which of the two agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The init container: writes the files once before the application starts.
    Init,
    /// The long-running container: keeps them fresh.
    Sidecar,
}

impl Role {
    /// The container's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "vault-agent-init",
            Self::Sidecar => "vault-agent",
        }
    }

    /// The annotation that patches this container, without its prefix.
    pub(crate) const fn patch_annotation(self) -> &'static str {
        match self {
            Self::Init => "agent-init-json-patch",
            Self::Sidecar => "agent-json-patch",
        }
    }
}

/// Linux gives one environment variable at most 32 pages, its name and the closing zero included.
const LONGEST_VARIABLE: usize = 128 * 1024;

/// Everything a container is built from.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    pub(crate) pod: &'p Pod<'p>,
    pub(crate) agent: &'p Agent<'p>,
    pub(crate) annotations: &'p Effective<'p>,
    pub(crate) settings: &'p Settings,
}

/// Builds one agent's container, its JSON patch applied, and the text of its configuration.
pub(crate) fn build<'p>(
    parts: Parts<'p>,
    config: Option<&emit::Config<'_>>,
    role: Role,
    resources: &Result<Resources, Fault>,
    warnings: &mut Warnings,
) -> Result<(AgentContainer<'p>, Option<String>), Fault> {
    let agent = parts.agent;
    let config = config
        .map(emit::to_json)
        .transpose()
        .map_err(|error| Fault::about("template-lease-renewal-threshold", error.to_string()))?;
    let is_sidecar = role == Role::Sidecar;
    let is_native = is_sidecar && agent.native;
    let probes = is_native && agent.waits && !agent.has_config_map() && !agent.secrets.is_empty();
    let container = Container {
        args: [argument(agent, role)],
        command: ["/bin/sh", "-ec"],
        env: environment(parts, config.as_deref(), warnings),
        image: parts.annotations.get(key!("agent-image")),
        lifecycle: is_sidecar.then(|| lifecycle(agent, parts.annotations)),
        name: role.name(),
        resources: resources.clone()?,
        restart_policy: is_native.then_some("Always"),
        security_context: agent.set_security_context.then(|| security_context(agent)),
        startup_probe: probes.then(|| startup_probe(agent)),
        volume_mounts: mounts::of_agent(parts, role, warnings),
    };
    let patch = match role {
        Role::Init => &agent.init_patch,
        Role::Sidecar => &agent.sidecar_patch,
    };
    let container = match patch {
        Some(patch) => AgentContainer::Patched(patched(&container, patch, role)?),
        None => AgentContainer::Built(Box::new(container)),
    };
    Ok((container, config))
}

fn argument(agent: &Agent<'_>, role: Role) -> &'static str {
    match (agent.has_config_map(), role) {
        (false, _) => {
            "echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent -config=/home/vault/config.json"
        }
        (true, Role::Init) => {
            "touch /home/vault/.vault-token && vault agent -config=/vault/configs/config-init.hcl"
        }
        (true, Role::Sidecar) => {
            "touch /home/vault/.vault-token && vault agent -config=/vault/configs/config.hcl"
        }
    }
}

fn patched(
    container: &Container<'_>,
    patch: &json_patch::Patch,
    role: Role,
) -> Result<Value, Fault> {
    let about = |operation: Option<usize>, text: String| Fault {
        subject: Some(match operation {
            Some(operation) => format!(
                "{}{}: operation {operation}",
                crate::annotations::PREFIX,
                role.patch_annotation()
            ),
            None => format!("{}{}", crate::annotations::PREFIX, role.patch_annotation()),
        }),
        text,
    };
    let text = serde_json::to_vec(container).map_err(|error| about(None, error.to_string()))?;
    let document = json::decode(text).map_err(|error| about(None, error.to_string()))?;
    let patched = json_patch::apply(&document, patch).map_err(|error| {
        about(
            Some(error.operation),
            format!("failed to apply JSON patch: {error}"),
        )
    })?;
    container_type::read(&patched).map_err(|text| about(None, text))
}

fn environment<'p>(
    parts: Parts<'p>,
    config: Option<&str>,
    warnings: &mut Warnings,
) -> Vec<Variable<'p>> {
    let Parts {
        agent,
        annotations,
        settings,
        ..
    } = parts;
    let mut env = Environment(Vec::with_capacity(12));
    env.field("NAMESPACE", "metadata.namespace");
    env.field("HOST_IP", "status.hostIP");
    env.field("POD_IP", "status.podIP");
    for (name, key) in [
        ("GOMAXPROCS", key!("go-max-procs")),
        ("VAULT_CLIENT_TIMEOUT", key!("client-timeout")),
        ("VAULT_MAX_RETRIES", key!("client-max-retries")),
        ("VAULT_LOG_LEVEL", key!("log-level")),
        ("VAULT_LOG_FORMAT", key!("log-format")),
        ("HTTPS_PROXY", key!("proxy-address")),
    ] {
        env.unless_empty(name, annotations.get(key));
    }
    match config {
        Some(config) => {
            let encoded = STANDARD.encode_to_string(config);
            if "VAULT_CONFIG=".len() + encoded.len() + 1 > LONGEST_VARIABLE {
                warnings.general(format!(
                    "the agent's configuration takes {} KiB as `VAULT_CONFIG`, over Linux's limit of 128 KiB, so the agent cannot start: \
                     put large templates into files (`agent-inject-template-file-*`) or use `agent-configmap`",
                    encoded.len() / 1024
                ));
            }
            env.value("VAULT_CONFIG", encoded);
        }
        None => {
            for (name, key) in [
                ("VAULT_ADDR", key!("service")),
                ("VAULT_CACERT", key!("ca-cert")),
                ("VAULT_CAPATH", key!("ca-key")),
                ("VAULT_CLIENT_CERT", key!("client-cert")),
                ("VAULT_CLIENT_KEY", key!("client-key")),
            ] {
                env.unless_empty(name, annotations.get(key));
            }
            env.value(
                "VAULT_SKIP_VERIFY",
                if agent.tls_skip_verify {
                    "true"
                } else {
                    "false"
                },
            );
            env.unless_empty(
                "VAULT_TLS_SERVER_NAME",
                annotations.get(key!("tls-server-name")),
            );
        }
    }
    env.unless_empty("VAULT_CACERT_BYTES", ca_bytes(&settings.vault_cacert_bytes));
    if annotations.get(key!("auth-type")) == "aws" {
        aws(&mut env, parts);
    }
    env.0
}

/// What the application's containers know about AWS, and the region of the annotation, which wins by coming last.
fn aws<'p>(env: &mut Environment<'p>, parts: Parts<'p>) {
    for name in [
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        let entries = parts
            .pod
            .containers
            .iter()
            .flat_map(|container| &container.env);
        if let Some((_, entry)) = entries.into_iter().find(|(known, _)| *known == name) {
            match entry
                .get("valueFrom")
                .filter(|source| **source != Node::Null)
            {
                Some(source) => env.0.push(Variable {
                    name,
                    value: Cow::Borrowed(""),
                    value_from: Some(ValueFrom::Copied(source.to_value())),
                }),
                None => env.value(
                    name,
                    entry
                        .get("value")
                        .and_then(Node::as_str)
                        .unwrap_or_default(),
                ),
            }
        }
    }
    if let Some(region) = parts.annotations.member("auth-config-", "region") {
        env.value("AWS_REGION", region);
    }
}

/// As Go decodes: bits behind the last byte may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// PEM as it is, or decoded when the whole text is base64.
fn ca_bytes(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        return Cow::Borrowed(text);
    }
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match LENIENT.decode(joined) {
        Ok(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => Cow::Borrowed(text),
    }
}

/// Environment variables in order.
struct Environment<'a>(Vec<Variable<'a>>);

impl<'a> Environment<'a> {
    fn field(&mut self, name: &'static str, field_path: &'static str) {
        self.0.push(Variable {
            name,
            value: Cow::Borrowed(""),
            value_from: Some(ValueFrom::Field {
                field: FieldRef { field_path },
            }),
        });
    }

    /// An empty value is left out, as Go does.
    fn value(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        self.0.push(Variable {
            name,
            value: value.into(),
            value_from: None,
        });
    }

    fn unless_empty(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        let value = value.into();
        if !value.is_empty() {
            self.value(name, value);
        }
    }
}

/// What the agents ask for and may use, the same for both.
pub(crate) fn resources(annotations: &Effective<'_>) -> Result<Resources, Fault> {
    let quantity = |key: Key| match annotations.get(key) {
        "" => Ok(String::new()),
        text => {
            quantity::canonical(text).map_err(|error| Fault::about(key.name(), error.to_string()))
        }
    };
    // The order in which they are read decides which of several mistakes is told.
    let quantities = |cpu, memory, ephemeral| {
        Ok(Quantities {
            cpu: quantity(cpu)?,
            memory: quantity(memory)?,
            ephemeral_storage: quantity(ephemeral)?,
        })
    };
    Ok(Resources {
        limits: quantities(
            key!("agent-limits-cpu"),
            key!("agent-limits-mem"),
            key!("agent-limits-ephemeral"),
        )?,
        requests: quantities(
            key!("agent-requests-cpu"),
            key!("agent-requests-mem"),
            key!("agent-requests-ephemeral"),
        )?,
    })
}

/// Holds back what starts after a native sidecar until all files are there; after an hour the agent is started anew.
fn startup_probe(agent: &Agent<'_>) -> Probe {
    let tests: Vec<String> = agent
        .secrets
        .iter()
        .map(|secret| format!("test -f {}", stop::quote(&secret.destination)))
        .collect();
    Probe {
        exec: Exec::shell(tests.join(" && ")),
        failure_threshold: 3600,
        period_seconds: 1,
    }
}

fn lifecycle(agent: &Agent<'_>, annotations: &Effective<'_>) -> Lifecycle {
    Lifecycle {
        pre_stop: agent.revoke_on_shutdown.then(|| Handler {
            exec: Exec::shell(stop::command(agent, annotations)),
        }),
    }
}

fn security_context(agent: &Agent<'_>) -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: false,
        capabilities: Capabilities { drop: ["ALL"] },
        read_only_root_filesystem: true,
        run_as_group: agent.run_as_group,
        run_as_non_root: agent.run_as_user != 0 && agent.run_as_group != 0,
        run_as_user: agent.run_as_user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_decoded_only_when_all_of_the_text_is_base64() {
        for (text, expected) in [
            ("", ""),
            ("aGVs\r\nbG8=\n", "hello"),
            // Bits that nobody can have meant, and an end that is missing.
            ("aGVsbG9=", "hello"),
            ("aGVsbG8", "aGVsbG8"),
            ("-----BEGIN", "-----BEGIN"),
        ] {
            assert_eq!(ca_bytes(text), expected, "{text}");
        }
    }
}
