//! The agents' configuration, from what the pod asks for.

use std::collections::BTreeMap;

use pannier_agent_config::emit;
use serde_json::Value;

use crate::agent::Agent;
use crate::container::Role;
use crate::effective::Effective;
use crate::path;

/// The file that receives the token in both agents.
const TOKEN_FILE: &str = "/home/vault/.vault-token";
/// Where a cache is kept between init agent and sidecar.
pub(crate) const CACHE_FOLDER: &str = "/vault/agent-cache";

/// The configuration of one of the two agents.
pub(crate) fn build(
    agent: &Agent<'_>,
    annotations: &Effective<'_>,
    telemetry: Option<Vec<(&'static str, Value)>>,
    role: Role,
) -> emit::Config {
    let text = |name: &str| annotations.get(name).to_owned();
    let mut sink = vec![emit::Sink {
        path: TOKEN_FILE.to_owned(),
    }];
    if agent.inject_token {
        sink.push(emit::Sink {
            path: path::join(annotations.get("secret-volume-path"), "token"),
        });
    }
    let (listener, cache) = listener_and_cache(agent, annotations, role);
    emit::Config {
        auto_auth: emit::AutoAuth {
            method: emit::Method {
                kind: text("auth-type"),
                mount_path: text("auth-path"),
                min_backoff: text("auth-min-backoff"),
                max_backoff: text("auth-max-backoff"),
                namespace: text("namespace"),
                config: method_config(agent, annotations),
                exit_on_err: agent.auto_auth_exit_on_err,
            },
            sink,
        },
        exit_after_auth: role == Role::Init,
        pid_file: "/home/vault/.pid".to_owned(),
        vault: emit::Vault {
            address: text("service"),
            ca_cert: text("ca-cert"),
            // The annotation's name is a historical mistake: it has always been a folder.
            ca_path: text("ca-key"),
            tls_skip_verify: agent.tls_skip_verify,
            client_cert: text("client-cert"),
            client_key: text("client-key"),
            tls_server_name: text("tls-server-name"),
        },
        template: agent.secrets.iter().map(template).collect(),
        listener,
        cache,
        template_config: emit::TemplateConfig {
            exit_on_retry_failure: agent.exit_on_retry_failure,
            static_secret_render_interval: text("template-static-secret-render-interval"),
            max_connections_per_host: agent.max_connections_per_host,
            lease_renewal_threshold: agent.lease_renewal_threshold,
        },
        disable_idle_connections: list(annotations.get("agent-disable-idle-connections")),
        disable_keep_alives: list(annotations.get("agent-disable-keep-alives")),
        telemetry: telemetry.map(emit::Telemetry),
    }
}

/// Later ones win: the token's path, then `auth-config-*` in the order of their keys, then the role.
fn method_config(agent: &Agent<'_>, annotations: &Effective<'_>) -> BTreeMap<String, String> {
    let token_path = path::join(agent.token.mount_path, agent.token.token_path);
    let mut config = BTreeMap::from([("token_path".to_owned(), token_path)]);
    for (parameter, text) in annotations.members("auth-config-") {
        config.insert(parameter.replace('-', "_"), text.to_owned());
    }
    if !annotations.get("role").is_empty() {
        config.insert("role".to_owned(), annotations.get("role").to_owned());
    }
    config
}

fn template(secret: &crate::secret::Secret<'_>) -> emit::Template {
    emit::Template {
        destination: secret.destination.clone(),
        contents: secret.contents(),
        left_delimiter: secret.left.clone(),
        right_delimiter: secret.right.clone(),
        command: secret.command.clone(),
        source: match &secret.body {
            crate::secret::Body::File(source) => source.clone(),
            _ => String::new(),
        },
        perms: secret.perms.clone(),
        error_on_missing_key: secret.error_on_missing_key,
    }
}

/// The elements as they are; an empty text has none.
fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        Vec::new()
    } else {
        text.split(',').map(str::to_owned).collect()
    }
}

fn listener_and_cache(
    agent: &Agent<'_>,
    annotations: &Effective<'_>,
    role: Role,
) -> (Vec<emit::Listener>, Option<emit::Cache>) {
    let persists = agent.cache_persists();
    // Without an init agent the sidecar caches for itself; an init agent alone has nobody to cache for.
    let caches = persists || agent.cache && !agent.init && role == Role::Sidecar;
    let cache = caches.then(|| emit::Cache {
        use_auto_auth_token: annotations
            .get("agent-cache-use-auto-auth-token")
            .to_owned(),
        persist: persists.then(|| emit::Persist {
            kind: "kubernetes".to_owned(),
            path: CACHE_FOLDER.to_owned(),
            exit_on_err: agent.cache_exit_on_err,
        }),
    });
    if !caches && !agent.enable_quit {
        return (Vec::new(), None);
    }
    let listener = emit::Listener {
        address: format!("127.0.0.1:{}", annotations.get("agent-cache-listener-port")),
        enable_quit: agent.enable_quit,
    };
    (vec![listener], Some(cache.unwrap_or_default()))
}
