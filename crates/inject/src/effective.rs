//! The annotations that count: those of the pod, and for absent ones the process-wide defaults, each with its origin.
//!
//! The defaults are looked up here and never written to the pod.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use pannier_go::Duration;

use crate::annotations::PREFIX;
use crate::fault::Fault;
use crate::pod::Pod;
use crate::settings::{DEFAULT_IMAGE, Origin as SettingOrigin, Settings};

/// Where the value of an annotation came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The pod has the annotation.
    Pod,
    /// A process-wide setting, by the name of its field in [`Settings`].
    Setting(&'static str),
    /// The injector itself.
    BuiltIn,
    /// The request or the pod's other fields.
    Request,
}

/// A value and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) source: Source,
}

/// Annotations under our prefix, by their names without it.
#[derive(Debug)]
pub(crate) struct Effective<'a> {
    values: BTreeMap<&'a str, Value<'a>>,
}

impl<'a> Effective<'a> {
    /// Only what the pod says.
    pub(crate) fn of(pod: &Pod<'a>) -> Self {
        let values = pod.annotations.range(PREFIX..).map_while(|(key, text)| {
            let name = key.strip_prefix(PREFIX)?;
            Some((
                name,
                Value {
                    text: Cow::Borrowed(*text),
                    source: Source::Pod,
                },
            ))
        });
        Self {
            values: values.collect(),
        }
    }

    /// The value, or `None` when neither the pod nor a default gives one.
    pub(crate) fn present(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| &*value.text)
    }

    /// The value, empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.present(name).unwrap_or_default()
    }

    /// Whether the pod itself says it.
    pub(crate) fn on_pod(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|value| value.source == Source::Pod)
    }

    /// The members of a family in the order of their names; the bare prefix is one with an empty name.
    pub(crate) fn members<'s>(
        &'s self,
        prefix: &'static str,
    ) -> impl Iterator<Item = (&'a str, &'s str)> {
        self.values
            .range(prefix..)
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, &*value.text)))
    }

    /// Everything, in the order of the names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, &Value<'a>)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    fn stamp(&mut self, name: &'static str, text: impl Into<Cow<'a, str>>, source: Source) {
        if let Entry::Vacant(entry) = self.values.entry(name) {
            entry.insert(Value {
                text: text.into(),
                source,
            });
        }
    }

    /// Fills in what the pod does not say. A present but empty annotation stays empty.
    ///
    /// # Errors
    ///
    /// The first problem.
    pub(crate) fn fill(
        &mut self,
        pod: &Pod<'a>,
        namespace: &'a str,
        settings: &'a Settings,
    ) -> Result<(), Fault> {
        for (missing, text) in [
            (
                settings.vault_address.is_empty(),
                "address for Vault required",
            ),
            (
                settings.vault_auth_path.is_empty(),
                "Vault Auth Path required",
            ),
            (namespace.is_empty(), "kubernetes namespace required"),
        ] {
            if missing {
                return Err(Fault::plain(text));
            }
        }
        // These decide whether the security context is switched on below, so look before any of them is filled in.
        let asks_for_user = [
            "agent-run-as-user",
            "agent-run-as-same-user",
            "agent-run-as-group",
        ]
        .iter()
        .any(|name| self.on_pod(name));
        for (name, id, text, fallback) in texts(settings) {
            let source = if settings.origin(id) == SettingOrigin::Default
                || text.is_empty() && !fallback.is_empty()
            {
                Source::BuiltIn
            } else {
                Source::Setting(id)
            };
            self.stamp(name, if text.is_empty() { fallback } else { text }, source);
        }
        for (name, id, value) in booleans(settings) {
            let source = if settings.origin(id) == SettingOrigin::Default {
                Source::BuiltIn
            } else {
                Source::Setting(id)
            };
            self.stamp(name, if value { "true" } else { "false" }, source);
        }
        if asks_for_user
            && !settings.set_security_context
            && !self.on_pod("agent-set-security-context")
        {
            let flipped = Value {
                text: Cow::Borrowed("true"),
                source: Source::Request,
            };
            self.values.insert("agent-set-security-context", flipped);
        }
        let source = if settings.origin("default_template") == SettingOrigin::Default {
            Source::BuiltIn
        } else {
            Source::Setting("default_template")
        };
        self.stamp(
            "agent-inject-default-template",
            settings.default_template.name(),
            source,
        );
        self.stamp("agent-request-namespace", namespace, Source::Request);
        let names: Vec<&str> = pod
            .containers
            .iter()
            .map(|container| container.name)
            .collect();
        self.stamp("agent-inject-containers", names.join(","), Source::Request);
        for (name, text) in BUILT_IN {
            self.stamp(name, *text, Source::BuiltIn);
        }
        let connections = settings.template_max_connections_per_host;
        let source = if connections == 0 {
            Source::BuiltIn
        } else {
            Source::Setting("template_max_connections_per_host")
        };
        self.stamp(
            "template-max-connections-per-host",
            connections.to_string(),
            source,
        );
        if settings.template_lease_renewal_threshold != 0.0 {
            let threshold = settings.template_lease_renewal_threshold.to_string();
            self.stamp(
                "template-lease-renewal-threshold",
                threshold,
                Source::Setting("template_lease_renewal_threshold"),
            );
        }
        self.backoff(
            "auth-min-backoff",
            "min",
            "auth_min_backoff",
            &settings.auth_min_backoff.0,
        )?;
        self.backoff(
            "auth-max-backoff",
            "max",
            "auth_max_backoff",
            &settings.auth_max_backoff.0,
        )
    }

    fn backoff(
        &mut self,
        name: &'static str,
        which: &str,
        id: &'static str,
        default: &'a str,
    ) -> Result<(), Fault> {
        if !default.is_empty() {
            self.stamp(name, default, Source::Setting(id));
        }
        match self.present(name) {
            None | Some("") => Ok(()),
            Some(text) => Duration::parse(text).map(|_| ()).map_err(|error| {
                Fault::about(
                    name,
                    format!("error parsing {which} backoff as duration: {error}"),
                )
            }),
        }
    }
}

/// Defaults that no setting changes.
static BUILT_IN: &[(&str, &str)] = &[
    ("secret-volume-path", "/vault/secrets"),
    ("agent-revoke-grace", "5"),
    ("log-level", "info"),
    ("log-format", "standard"),
    ("agent-service-account-token-volume-name", ""),
    ("agent-cache-enable", "false"),
    ("agent-cache-listener-port", "8200"),
    ("agent-cache-use-auto-auth-token", "true"),
    ("agent-cache-exit-on-err", "false"),
];

/// Annotation, setting, the setting's text, and what holds when that is empty.
fn texts(settings: &Settings) -> [(&'static str, &'static str, &str, &'static str); 17] {
    [
        ("service", "vault_address", &settings.vault_address, ""),
        (
            "auth-type",
            "vault_auth_type",
            &settings.vault_auth_type,
            "kubernetes",
        ),
        (
            "auth-path",
            "vault_auth_path",
            &settings.vault_auth_path,
            "",
        ),
        (
            "namespace",
            "vault_namespace",
            &settings.vault_namespace,
            "",
        ),
        (
            "proxy-address",
            "proxy_address",
            &settings.proxy_address,
            "",
        ),
        (
            "agent-image",
            "vault_image",
            &settings.vault_image,
            DEFAULT_IMAGE,
        ),
        ("agent-limits-cpu", "cpu_limit", &settings.cpu_limit.0, ""),
        (
            "agent-limits-mem",
            "memory_limit",
            &settings.memory_limit.0,
            "",
        ),
        (
            "agent-limits-ephemeral",
            "ephemeral_storage_limit",
            &settings.ephemeral_storage_limit.0,
            "",
        ),
        (
            "agent-requests-cpu",
            "cpu_request",
            &settings.cpu_request.0,
            "",
        ),
        (
            "agent-requests-mem",
            "memory_request",
            &settings.memory_request.0,
            "",
        ),
        (
            "agent-requests-ephemeral",
            "ephemeral_storage_request",
            &settings.ephemeral_storage_request.0,
            "",
        ),
        (
            "agent-run-as-user",
            "run_as_user",
            &settings.run_as_user.0,
            "100",
        ),
        (
            "agent-run-as-group",
            "run_as_group",
            &settings.run_as_group.0,
            "1000",
        ),
        (
            "template-static-secret-render-interval",
            "template_static_secret_render_interval",
            &settings.template_static_secret_render_interval.0,
            "",
        ),
        (
            "agent-disable-idle-connections",
            "disable_idle_connections",
            &settings.disable_idle_connections,
            "",
        ),
        (
            "agent-disable-keep-alives",
            "disable_keep_alives",
            &settings.disable_keep_alives,
            "",
        ),
    ]
}

fn booleans(settings: &Settings) -> [(&'static str, &'static str, bool); 5] {
    [
        (
            "agent-native-sidecar",
            "native_sidecar",
            settings.native_sidecar,
        ),
        (
            "agent-revoke-on-shutdown",
            "revoke_on_shutdown",
            settings.revoke_on_shutdown,
        ),
        (
            "agent-set-security-context",
            "set_security_context",
            settings.set_security_context,
        ),
        (
            "agent-run-as-same-user",
            "run_as_same_user",
            settings.run_as_same_user,
        ),
        (
            "template-config-exit-on-retry-failure",
            "template_exit_on_retry_failure",
            settings.template_exit_on_retry_failure,
        ),
    ]
}
