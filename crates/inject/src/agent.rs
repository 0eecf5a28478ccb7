//! The agents that a pod asks for: every annotation read once into its type, in the order in which errors win.

use crate::annotations::{Key, key};
use crate::effective::Effective;
use crate::fault::Fault;
use crate::grammar;
use crate::json_patch::{self, Patch};
use crate::kube_version::KubeVersion;
use crate::pod::Pod;
use crate::secret::{self, Secret};
use crate::settings::DefaultTemplate;
use crate::token::{self, Token};

/// What both agents have in common.
#[derive(Debug)]
pub(crate) struct Agent<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) secrets: Vec<Secret<'a>>,
    /// Paths of the volumes beside the common one.
    pub(crate) custom_volumes: Vec<&'a str>,
    pub(crate) init_first: bool,
    /// Whether the init agent is wanted.
    pub(crate) init: bool,
    /// Whether the sidecar is wanted.
    pub(crate) sidecar: bool,
    /// Whether the sidecar is an init container that goes on running; it then does the init agent's work too.
    pub(crate) native: bool,
    /// The version of Kubernetes that is too old for the native sidecar that was asked for.
    pub(crate) too_old: Option<KubeVersion>,
    /// Whether the application waits for the files of a native sidecar.
    pub(crate) waits: bool,
    pub(crate) revoke_on_shutdown: bool,
    pub(crate) revoke_grace: u64,
    pub(crate) tls_skip_verify: bool,
    pub(crate) run_as_user: i64,
    pub(crate) run_as_group: i64,
    pub(crate) share_process_namespace: Option<bool>,
    pub(crate) set_security_context: bool,
    pub(crate) cache: bool,
    pub(crate) cache_exit_on_err: bool,
    pub(crate) inject_token: bool,
    pub(crate) exit_on_retry_failure: bool,
    pub(crate) max_connections_per_host: i64,
    pub(crate) lease_renewal_threshold: f64,
    pub(crate) enable_quit: bool,
    pub(crate) auto_auth_exit_on_err: bool,
    /// The user's ConfigMap instead of a generated configuration; empty for none.
    pub(crate) config_map: &'a str,
    pub(crate) init_patch: Option<Patch>,
    pub(crate) sidecar_patch: Option<Patch>,
}

/// Reads the patches of both agents, as the last step of filling in defaults.
pub(crate) fn patches(
    annotations: &Effective<'_>,
) -> Result<(Option<Patch>, Option<Patch>), Fault> {
    let read = |key: Key| match annotations.get(key) {
        "" => Ok(None),
        text => json_patch::read(text).map(Some).map_err(|error| {
            Fault::plain(format!(
                "error parsing JSON patch for annotation vault.hashicorp.com/{}: {error}",
                key.name()
            ))
        }),
    };
    let sidecar = read(key!("agent-json-patch"))?;
    Ok((read(key!("agent-init-json-patch"))?, sidecar))
}

/// Reads the rest.
pub(crate) fn read<'s>(
    pod: &'s Pod<'_>,
    annotations: &'s Effective<'_>,
    kubernetes: Option<KubeVersion>,
    (init_patch, sidecar_patch): (Option<Patch>, Option<Patch>),
) -> Result<Agent<'s>, Fault> {
    let bool = |key: Key| {
        grammar::bool(annotations.get(key)).map_err(|message| Fault::about(key.name(), message))
    };
    let bool_or =
        |key: Key, default: bool| annotations.present(key).map_or(Ok(default), |_| bool(key));
    let int = |key: Key| {
        grammar::int(annotations.get(key)).map_err(|message| Fault::about(key.name(), message))
    };

    let token_volume = annotations
        .on_pod(key!("agent-service-account-token-volume-name"))
        .unwrap_or_default();
    let token = token::find(pod, token_volume).map_err(Fault::plain)?;
    let default = default_template(annotations);
    let secrets = secret::read(annotations, default.as_ref().ok().copied())
        .map_err(|(key, message)| Fault::about(&key, message))?;
    bool(key!("agent-inject"))?;
    let init_first = bool(key!("agent-init-first"))?;
    let init = bool_or(key!("agent-pre-populate"), true)?;
    let sidecar = !bool(key!("agent-pre-populate-only"))?;
    let revoke_on_shutdown = bool(key!("agent-revoke-on-shutdown"))?;
    let revoke_grace = grammar::uint(annotations.get(key!("agent-revoke-grace")))
        .map_err(|message| Fault::about("agent-revoke-grace", message))?;
    let tls_skip_verify = bool(key!("tls-skip-verify"))?;
    let mut run_as_user = int(key!("agent-run-as-user"))?;
    let run_as_group = int(key!("agent-run-as-group"))?;
    if bool(key!("agent-run-as-same-user"))? {
        run_as_user = same_user(pod)?;
    }
    let share_process_namespace = share_process_namespace(pod, annotations)?;
    let set_security_context = bool(key!("agent-set-security-context"))?;
    let cache = bool(key!("agent-cache-enable"))?;
    let cache_exit_on_err = bool(key!("agent-cache-exit-on-err"))?;
    default?;
    let inject_token = bool(key!("agent-inject-token"))?;
    let exit_on_retry_failure = bool(key!("template-config-exit-on-retry-failure"))?;
    let max_connections_per_host = int(key!("template-max-connections-per-host"))?;
    let lease_renewal_threshold =
        match annotations.present(key!("template-lease-renewal-threshold")) {
            None => 0.0,
            Some(text) => grammar::float(text)
                .map_err(|message| Fault::about("template-lease-renewal-threshold", message))?,
        };
    let enable_quit = bool(key!("agent-enable-quit"))?;
    let auto_auth_exit_on_err = bool(key!("agent-auto-auth-exit-on-err"))?;
    let asks_for_native = bool(key!("agent-native-sidecar"))? && sidecar;
    // There the API server drops `restartPolicy` from the container, and the pod would wait for ever for it to end.
    let too_old = kubernetes
        .filter(|version| asks_for_native && *version < KubeVersion::WITH_NATIVE_SIDECARS);
    let native = asks_for_native && too_old.is_none();
    let waits = native && init;
    let custom_volumes =
        secret::custom_volume_paths(&secrets, annotations.get(key!("secret-volume-path")));
    Ok(Agent {
        token,
        secrets,
        custom_volumes,
        init_first,
        init: init && !native,
        sidecar,
        native,
        too_old,
        waits,
        revoke_on_shutdown,
        revoke_grace,
        tls_skip_verify,
        run_as_user,
        run_as_group,
        share_process_namespace,
        set_security_context,
        cache,
        cache_exit_on_err,
        inject_token,
        exit_on_retry_failure,
        max_connections_per_host,
        lease_renewal_threshold,
        enable_quit,
        auto_auth_exit_on_err,
        config_map: annotations.get(key!("agent-configmap")),
        init_patch,
        sidecar_patch,
    })
}

fn default_template(annotations: &Effective<'_>) -> Result<DefaultTemplate, Fault> {
    match grammar::lower(annotations.get(key!("agent-inject-default-template"))).as_str() {
        "map" => Ok(DefaultTemplate::Map),
        "json" => Ok(DefaultTemplate::Json),
        other => Err(Fault::plain(format!(
            "invalid default template type: {other}"
        ))),
    }
}

/// The user of the pod's first container.
fn same_user(pod: &Pod<'_>) -> Result<i64, Fault> {
    let Some(container) = pod.containers.first() else {
        return Err(Fault::plain("No containers found in Pod Spec"));
    };
    match container.security_context {
        None => Err(Fault::plain("No SecurityContext found for Container 0")),
        Some(None) => Err(Fault::plain(
            "RunAsUser is nil for Container 0's SecurityContext",
        )),
        Some(Some(0)) => Err(Fault::plain("container not allowed to run as root")),
        Some(Some(user)) => Ok(user),
    }
}

fn share_process_namespace(
    pod: &Pod<'_>,
    annotations: &Effective<'_>,
) -> Result<Option<bool>, Fault> {
    let key = key!("agent-share-process-namespace");
    let Some(text) = annotations.present(key) else {
        return Ok(None);
    };
    let share = grammar::bool(text).map_err(|error| {
        Fault::plain(format!(
            "invalid value {text} for annotation \"vault.hashicorp.com/{}\", err={error}",
            key.name()
        ))
    })?;
    if share && pod.share_process_namespace == Some(false) {
        return Err(Fault::plain(
            "shareProcessNamespace explicitly disabled on the pod, refusing to enable it",
        ));
    }
    Ok(Some(share))
}

impl Agent<'_> {
    /// Whether the cache is handed from the init agent to the sidecar.
    pub(crate) fn cache_persists(&self) -> bool {
        self.cache && self.init && self.sidecar
    }

    /// Whether the user's ConfigMap replaces the generated configuration.
    pub(crate) fn has_config_map(&self) -> bool {
        !self.config_map.is_empty()
    }
}

/// The checks that need the whole agent, in the order in which they win.
pub(crate) fn validate(agent: &Agent<'_>, annotations: &Effective<'_>) -> Result<(), Fault> {
    let empty = |key: Key| annotations.get(key).is_empty();
    let token = &agent.token;
    let no_role = annotations.get(key!("auth-type")) == "kubernetes"
        && empty(key!("role"))
        && annotations
            .member("auth-config-", "role")
            .unwrap_or_default()
            .is_empty();
    let generated = !agent.has_config_map();
    for (fails, text) in [
        (
            empty(key!("agent-request-namespace")),
            "namespace missing from request",
        ),
        (
            token.volume.is_empty() || token.mount_path.is_empty() || token.token_path.is_empty(),
            "no service account token volume name, mount path or token path found",
        ),
        (empty(key!("agent-image")), "no Vault image found"),
        (
            generated && empty(key!("auth-type")),
            "no Vault Auth Type found",
        ),
        (generated && no_role, "no Vault role found"),
        (
            generated && empty(key!("auth-path")),
            "no Vault Auth Path found",
        ),
        (
            generated && empty(key!("service")),
            "no Vault address found",
        ),
    ] {
        if fails {
            return Err(Fault::plain(text));
        }
    }
    Ok(())
}
