//! The agents' configuration, from what the pod asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pannier_agent_config::emit;

use crate::agent::Agent;
use crate::annotations::{Key, key};
use crate::container::Role;
use crate::effective::Effective;
use crate::path;
use crate::secret::{Body, Secret};
use crate::telemetry::Telemetry;

/// The file that receives the token in both agents.
const TOKEN_FILE: &str = "/home/vault/.vault-token";
/// Where a cache is kept between init agent and sidecar.
pub(crate) const CACHE_FOLDER: &str = "/vault/agent-cache";

/// The configuration of the agents, [for one of them](for_role).
pub(crate) fn build<'p>(
    agent: &'p Agent<'_>,
    annotations: &'p Effective<'_>,
    telemetry: Option<Telemetry>,
) -> emit::Config<'p> {
    let text = |key: Key| Cow::Borrowed(annotations.get(key));
    let mut sink = vec![emit::Sink {
        path: TOKEN_FILE.into(),
    }];
    if agent.inject_token {
        sink.push(emit::Sink {
            path: path::join(annotations.get(key!("secret-volume-path")), "token").into(),
        });
    }
    emit::Config {
        auto_auth: emit::AutoAuth {
            method: emit::Method {
                kind: text(key!("auth-type")),
                mount_path: text(key!("auth-path")),
                min_backoff: text(key!("auth-min-backoff")),
                max_backoff: text(key!("auth-max-backoff")),
                namespace: text(key!("namespace")),
                config: method_config(agent, annotations),
                exit_on_err: agent.auto_auth_exit_on_err,
            },
            sink,
        },
        exit_after_auth: false,
        pid_file: "/home/vault/.pid".into(),
        vault: emit::Vault {
            address: text(key!("service")),
            ca_cert: text(key!("ca-cert")),
            // The annotation's name is a historical mistake: it has always been a folder.
            ca_path: text(key!("ca-key")),
            tls_skip_verify: agent.tls_skip_verify,
            client_cert: text(key!("client-cert")),
            client_key: text(key!("client-key")),
            tls_server_name: text(key!("tls-server-name")),
        },
        template: agent.secrets.iter().map(template).collect(),
        listener: Vec::new(),
        cache: None,
        template_config: emit::TemplateConfig {
            exit_on_retry_failure: agent.exit_on_retry_failure,
            static_secret_render_interval: text(key!("template-static-secret-render-interval")),
            max_connections_per_host: agent.max_connections_per_host,
            lease_renewal_threshold: agent.lease_renewal_threshold,
        },
        disable_idle_connections: list(annotations.get(key!("agent-disable-idle-connections"))),
        disable_keep_alives: list(annotations.get(key!("agent-disable-keep-alives"))),
        telemetry: telemetry.map(emit::Telemetry),
    }
}

/// What differs between the two agents.
pub(crate) fn for_role<'p>(
    config: &mut emit::Config<'p>,
    agent: &Agent<'_>,
    annotations: &'p Effective<'_>,
    role: Role,
) {
    config.exit_after_auth = role == Role::Init;
    (config.listener, config.cache) = listener_and_cache(agent, annotations, role);
}

/// Later ones win: the token's path, then `auth-config-*` in the order of their keys, then the role.
fn method_config<'p>(
    agent: &'p Agent<'_>,
    annotations: &'p Effective<'_>,
) -> BTreeMap<Cow<'p, str>, Cow<'p, str>> {
    let token_path = path::join(agent.token.mount_path, agent.token.token_path);
    let mut config = BTreeMap::from([("token_path".into(), token_path.into())]);
    for (parameter, text) in annotations.members("auth-config-") {
        config.insert(parameter.replace('-', "_").into(), text.into());
    }
    let role = annotations.get(key!("role"));
    if !role.is_empty() {
        config.insert("role".into(), role.into());
    }
    config
}

fn template<'p>(secret: &'p Secret<'_>) -> emit::Template<'p> {
    emit::Template {
        destination: Cow::Borrowed(&secret.destination),
        contents: secret.contents(),
        left_delimiter: secret.left.into(),
        right_delimiter: secret.right.into(),
        command: secret.command.into(),
        source: match secret.body {
            Body::File(source) => source.into(),
            _ => Cow::default(),
        },
        perms: secret.perms.into(),
        error_on_missing_key: secret.error_on_missing_key,
    }
}

/// The elements as they are; an empty text has none.
fn list(text: &str) -> Vec<Cow<'_, str>> {
    if text.is_empty() {
        Vec::new()
    } else {
        text.split(',').map(Cow::Borrowed).collect()
    }
}

fn listener_and_cache<'p>(
    agent: &Agent<'_>,
    annotations: &'p Effective<'_>,
    role: Role,
) -> (Vec<emit::Listener>, Option<emit::Cache<'p>>) {
    let persists = agent.cache_persists();
    // Without an init agent the sidecar caches for itself; an init agent alone has nobody to cache for.
    let caches = persists || agent.cache && !agent.init && role == Role::Sidecar;
    let cache = caches.then(|| emit::Cache {
        use_auto_auth_token: annotations
            .get(key!("agent-cache-use-auto-auth-token"))
            .into(),
        persist: persists.then(|| emit::Persist {
            kind: "kubernetes".into(),
            path: CACHE_FOLDER.into(),
            exit_on_err: agent.cache_exit_on_err,
        }),
    });
    if !caches && !agent.enable_quit {
        return (Vec::new(), None);
    }
    let listener = emit::Listener {
        address: format!(
            "127.0.0.1:{}",
            annotations.get(key!("agent-cache-listener-port"))
        ),
        enable_quit: agent.enable_quit,
    };
    (vec![listener], Some(cache.unwrap_or_default()))
}
