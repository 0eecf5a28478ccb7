//! The two agent containers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_agent_config::emit;
use pannier_go::json;
use serde_json::{Map, Value, json};

use crate::agent::Agent;
use crate::effective::Effective;
use crate::fault::Fault;
use crate::mounts;
use crate::pod::Pod;
use crate::quantity;
use crate::settings::Settings;
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
pub(crate) struct Parts<'p, 'a> {
    pub(crate) pod: &'p Pod<'a>,
    pub(crate) agent: &'p Agent<'a>,
    pub(crate) annotations: &'p Effective<'a>,
    pub(crate) settings: &'p Settings,
}

/// Builds one agent's container, its JSON patch applied, and the text of its configuration.
pub(crate) fn build(
    parts: &Parts<'_, '_>,
    config: Option<&emit::Config>,
    role: Role,
    warnings: &mut Warnings,
) -> Result<(Value, Option<String>), Fault> {
    let agent = parts.agent;
    let mut container = Map::new();
    container.insert("name".to_owned(), role.name().into());
    container.insert(
        "image".to_owned(),
        parts.annotations.get("agent-image").into(),
    );
    container.insert("command".to_owned(), json!(["/bin/sh", "-ec"]));
    container.insert("args".to_owned(), json!([argument(agent, role)]));
    let config = config
        .map(emit::to_json)
        .transpose()
        .map_err(|error| Fault::about("template-lease-renewal-threshold", error.to_string()))?;
    container.insert(
        "env".to_owned(),
        Value::Array(environment(parts, config.as_deref(), warnings)),
    );
    container.insert("resources".to_owned(), resources(parts.annotations)?);
    container.insert(
        "volumeMounts".to_owned(),
        Value::Array(mounts::of_agent(parts, role, warnings)),
    );
    if role == Role::Sidecar {
        container.insert("lifecycle".to_owned(), lifecycle(agent, parts.annotations));
    }
    if agent.set_security_context {
        container.insert("securityContext".to_owned(), security_context(agent));
    }
    if role == Role::Sidecar && agent.native {
        container.insert("restartPolicy".to_owned(), "Always".into());
        if agent.waits && !agent.has_config_map() && !agent.secrets.is_empty() {
            container.insert("startupProbe".to_owned(), startup_probe(agent));
        }
    }
    let patch = match role {
        Role::Init => &agent.init_patch,
        Role::Sidecar => &agent.sidecar_patch,
    };
    let container = match patch {
        Some(patch) => patched(Value::Object(container), patch, role)?,
        None => Value::Object(container),
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

fn patched(container: Value, patch: &json_patch::Patch, role: Role) -> Result<Value, Fault> {
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
    let document =
        json::decode(container.to_string()).map_err(|error| about(None, error.to_string()))?;
    let patched = json_patch::apply(&document, patch).map_err(|error| {
        about(
            Some(error.operation),
            format!("failed to apply JSON patch: {error}"),
        )
    })?;
    container_type::read(&patched).map_err(|text| about(None, text))
}

fn environment(parts: &Parts<'_, '_>, config: Option<&str>, warnings: &mut Warnings) -> Vec<Value> {
    let Parts {
        agent,
        annotations,
        settings,
        ..
    } = parts;
    let mut env = Environment::default();
    env.field("NAMESPACE", "metadata.namespace");
    env.field("HOST_IP", "status.hostIP");
    env.field("POD_IP", "status.podIP");
    for (name, annotation) in [
        ("GOMAXPROCS", "go-max-procs"),
        ("VAULT_CLIENT_TIMEOUT", "client-timeout"),
        ("VAULT_MAX_RETRIES", "client-max-retries"),
        ("VAULT_LOG_LEVEL", "log-level"),
        ("VAULT_LOG_FORMAT", "log-format"),
        ("HTTPS_PROXY", "proxy-address"),
    ] {
        env.unless_empty(name, annotations.get(annotation));
    }
    match config {
        Some(config) => {
            let encoded = STANDARD.encode(config);
            if "VAULT_CONFIG=".len() + encoded.len() + 1 > LONGEST_VARIABLE {
                warnings.general(format!(
                    "the agent's configuration takes {} KiB as `VAULT_CONFIG`, over Linux's limit of 128 KiB, so the agent cannot start: \
                     put large templates into files (`agent-inject-template-file-*`) or use `agent-configmap`",
                    encoded.len() / 1024
                ));
            }
            env.value("VAULT_CONFIG", &encoded);
        }
        None => {
            for (name, annotation) in [
                ("VAULT_ADDR", "service"),
                ("VAULT_CACERT", "ca-cert"),
                ("VAULT_CAPATH", "ca-key"),
                ("VAULT_CLIENT_CERT", "client-cert"),
                ("VAULT_CLIENT_KEY", "client-key"),
            ] {
                env.unless_empty(name, annotations.get(annotation));
            }
            env.value(
                "VAULT_SKIP_VERIFY",
                if agent.tls_skip_verify {
                    "true"
                } else {
                    "false"
                },
            );
            env.unless_empty("VAULT_TLS_SERVER_NAME", annotations.get("tls-server-name"));
        }
    }
    env.unless_empty(
        "VAULT_CACERT_BYTES",
        &ca_bytes(&settings.vault_cacert_bytes),
    );
    if annotations.get("auth-type") == "aws" {
        aws(&mut env, parts);
    }
    env.0
}

/// What the application's containers know about AWS, and the region of the annotation, which wins by coming last.
fn aws(env: &mut Environment, parts: &Parts<'_, '_>) {
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
            match entry.get("valueFrom").filter(|source| !source.is_null()) {
                Some(source) => env.0.push(json!({"name": name, "valueFrom": source})),
                None => env.value(
                    name,
                    entry
                        .get("value")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                ),
            }
        }
    }
    if let Some(region) = parts.annotations.present("auth-config-region") {
        env.value("AWS_REGION", region);
    }
}

/// PEM as it is, or decoded when the whole text is base64.
fn ca_bytes(text: &str) -> String {
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match STANDARD.decode(joined) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => text.to_owned(),
    }
}

/// Environment variables in order.
#[derive(Default)]
struct Environment(Vec<Value>);

impl Environment {
    fn field(&mut self, name: &str, path: &str) {
        self.0
            .push(json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}));
    }

    /// An empty value is left out, as Go does.
    fn value(&mut self, name: &str, value: &str) {
        self.0.push(if value.is_empty() {
            json!({"name": name})
        } else {
            json!({"name": name, "value": value})
        });
    }

    fn unless_empty(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.value(name, value);
        }
    }
}

fn resources(annotations: &Effective<'_>) -> Result<Value, Fault> {
    let mut resources = Map::new();
    for (member, rows) in [
        (
            "limits",
            [
                ("cpu", "agent-limits-cpu"),
                ("memory", "agent-limits-mem"),
                ("ephemeral-storage", "agent-limits-ephemeral"),
            ],
        ),
        (
            "requests",
            [
                ("cpu", "agent-requests-cpu"),
                ("memory", "agent-requests-mem"),
                ("ephemeral-storage", "agent-requests-ephemeral"),
            ],
        ),
    ] {
        let mut quantities = Map::new();
        for (resource, annotation) in rows {
            let text = annotations.get(annotation);
            if !text.is_empty() {
                let quantity = quantity::canonical(text)
                    .map_err(|error| Fault::about(annotation, error.to_string()))?;
                quantities.insert(resource.to_owned(), quantity.into());
            }
        }
        if !quantities.is_empty() {
            resources.insert(member.to_owned(), Value::Object(quantities));
        }
    }
    Ok(Value::Object(resources))
}

/// Holds back what starts after a native sidecar until all files are there; after an hour the agent is started anew.
fn startup_probe(agent: &Agent<'_>) -> Value {
    let tests: Vec<String> = agent
        .secrets
        .iter()
        .map(|secret| format!("test -f {}", stop::quote(&secret.destination)))
        .collect();
    json!({"exec": {"command": ["/bin/sh", "-c", tests.join(" && ")]}, "periodSeconds": 1, "failureThreshold": 3600})
}

fn lifecycle(agent: &Agent<'_>, annotations: &Effective<'_>) -> Value {
    if !agent.revoke_on_shutdown {
        return json!({});
    }
    json!({"preStop": {"exec": {"command": ["/bin/sh", "-c", stop::command(agent, annotations)]}}})
}

fn security_context(agent: &Agent<'_>) -> Value {
    json!({
        "capabilities": {"drop": ["ALL"]},
        "runAsUser": agent.run_as_user,
        "runAsGroup": agent.run_as_group,
        "runAsNonRoot": agent.run_as_user != 0 && agent.run_as_group != 0,
        "readOnlyRootFilesystem": true,
        "allowPrivilegeEscalation": false,
    })
}
