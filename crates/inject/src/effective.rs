//! The annotations that count: those of the pod, and for absent ones the process-wide defaults, each with its origin.
//!
//! The defaults are looked up here and never written to the pod.

use std::borrow::Cow;

use pannier_go::Duration;

use crate::annotations::{ANNOTATIONS, Key, PREFIX, key};
use crate::fault::Fault;
use crate::pod::Pod;
use crate::settings::{DEFAULT_IMAGE, Origin, Settings};

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

/// Annotations under our prefix, by their names without it.
#[derive(Debug)]
pub(crate) struct Effective<'a> {
    /// What the pod says under the keys that stand alone.
    alone: [Option<&'a str>; ANNOTATIONS.len()],
    /// Everything else it says under our prefix, in the order of the names: members of families, and unknown ones.
    others: Vec<(&'a str, &'a str)>,
    /// What holds where the pod says nothing; `None` until it is filled in.
    defaults: Option<Defaults<'a>>,
}

/// What the defaults are read from.
#[derive(Debug)]
struct Defaults<'a> {
    settings: &'a Settings,
    namespace: &'a str,
    containers: String,
    connections: Cow<'a, str>,
    threshold: String,
    /// Whether the pod asks for a user or group, which switches the security context on.
    asks_for_user: bool,
}

/// Where the default of a key comes from.
enum Default {
    /// There is none.
    Absent,
    /// No setting changes it.
    BuiltIn(&'static str),
    /// A setting's text, and what holds when that is empty.
    Text(
        &'static str,
        for<'s> fn(&'s Settings) -> &'s str,
        &'static str,
    ),
    /// A setting's text; none when it is empty.
    Perhaps(&'static str, for<'s> fn(&'s Settings) -> &'s str),
    /// A setting that is a boolean.
    Switch(&'static str, fn(&Settings) -> bool),
    /// The namespace of the request.
    Namespace,
    /// All containers of the pod.
    Containers,
    /// A number of connections.
    Connections,
    /// A part of a lease.
    Threshold,
}

/// The defaults, each at the place of its key.
static DEFAULTS: [Default; ANNOTATIONS.len()] = {
    use Default::{Absent, BuiltIn, Perhaps, Switch, Text};
    let mut all = [const { Absent }; ANNOTATIONS.len()];
    macro_rules! set {
        ($( $name:literal = $default:expr; )+) => { $( all[key!($name).0] = $default; )+ };
    }
    set! {
        "service" = Text("vault_address", |s| &s.vault_address, "");
        "auth-type" = Text("vault_auth_type", |s| &s.vault_auth_type, "kubernetes");
        "auth-path" = Text("vault_auth_path", |s| &s.vault_auth_path, "");
        "namespace" = Text("vault_namespace", |s| &s.vault_namespace, "");
        "proxy-address" = Text("proxy_address", |s| &s.proxy_address, "");
        "agent-image" = Text("vault_image", |s| &s.vault_image, DEFAULT_IMAGE);
        "agent-limits-cpu" = Text("cpu_limit", |s| &s.cpu_limit.0, "");
        "agent-limits-mem" = Text("memory_limit", |s| &s.memory_limit.0, "");
        "agent-limits-ephemeral" = Text("ephemeral_storage_limit", |s| &s.ephemeral_storage_limit.0, "");
        "agent-requests-cpu" = Text("cpu_request", |s| &s.cpu_request.0, "");
        "agent-requests-mem" = Text("memory_request", |s| &s.memory_request.0, "");
        "agent-requests-ephemeral" = Text("ephemeral_storage_request", |s| &s.ephemeral_storage_request.0, "");
        "agent-run-as-user" = Text("run_as_user", |s| &s.run_as_user.0, "100");
        "agent-run-as-group" = Text("run_as_group", |s| &s.run_as_group.0, "1000");
        "template-static-secret-render-interval" =
            Text("template_static_secret_render_interval", |s| &s.template_static_secret_render_interval.0, "");
        "agent-disable-idle-connections" = Text("disable_idle_connections", |s| &s.disable_idle_connections, "");
        "agent-disable-keep-alives" = Text("disable_keep_alives", |s| &s.disable_keep_alives, "");
        "agent-inject-default-template" = Text("default_template", |s| s.default_template.name(), "");
        "auth-min-backoff" = Perhaps("auth_min_backoff", |s| &s.auth_min_backoff.0);
        "auth-max-backoff" = Perhaps("auth_max_backoff", |s| &s.auth_max_backoff.0);
        "agent-native-sidecar" = Switch("native_sidecar", |s| s.native_sidecar);
        "agent-revoke-on-shutdown" = Switch("revoke_on_shutdown", |s| s.revoke_on_shutdown);
        "agent-set-security-context" = Switch("set_security_context", |s| s.set_security_context);
        "agent-run-as-same-user" = Switch("run_as_same_user", |s| s.run_as_same_user);
        "template-config-exit-on-retry-failure" = Switch("template_exit_on_retry_failure", |s| s.template_exit_on_retry_failure);
        "agent-request-namespace" = Default::Namespace;
        "agent-inject-containers" = Default::Containers;
        "template-max-connections-per-host" = Default::Connections;
        "template-lease-renewal-threshold" = Default::Threshold;
        "secret-volume-path" = BuiltIn("/vault/secrets");
        "agent-revoke-grace" = BuiltIn("5");
        "log-level" = BuiltIn("info");
        "log-format" = BuiltIn("standard");
        "agent-service-account-token-volume-name" = BuiltIn("");
        "agent-cache-enable" = BuiltIn("false");
        "agent-cache-listener-port" = BuiltIn("8200");
        "agent-cache-use-auto-auth-token" = BuiltIn("true");
        "agent-cache-exit-on-err" = BuiltIn("false");
    }
    all
};

const SECURITY_CONTEXT: Key = Key::of("agent-set-security-context");

impl Defaults<'_> {
    /// Whether the security context is on although the settings say no.
    fn flips(&self, key: Key) -> bool {
        key == SECURITY_CONTEXT && self.asks_for_user && !self.settings.set_security_context
    }

    fn text(&self, key: Key) -> Option<&str> {
        Some(match &DEFAULTS[key.0] {
            Default::Absent => return None,
            Default::BuiltIn(text) => text,
            Default::Text(_, of, otherwise) => match of(self.settings) {
                "" => otherwise,
                text => text,
            },
            Default::Perhaps(_, of) => match of(self.settings) {
                "" => return None,
                text => text,
            },
            Default::Switch(_, of) if of(self.settings) || self.flips(key) => "true",
            Default::Switch(..) => "false",
            Default::Namespace => self.namespace,
            Default::Containers => &self.containers,
            Default::Connections => &self.connections,
            Default::Threshold if self.threshold.is_empty() => return None,
            Default::Threshold => &self.threshold,
        })
    }

    fn source(&self, key: Key) -> Source {
        let setting = |id| match self.settings.origin(id) {
            Origin::Default => Source::BuiltIn,
            _ => Source::Setting(id),
        };
        match &DEFAULTS[key.0] {
            Default::Absent | Default::BuiltIn(_) => Source::BuiltIn,
            Default::Text(id, of, otherwise) => {
                if of(self.settings).is_empty() && !otherwise.is_empty() {
                    Source::BuiltIn
                } else {
                    setting(id)
                }
            }
            Default::Perhaps(id, _) => Source::Setting(id),
            Default::Switch(..) if self.flips(key) => Source::Request,
            Default::Switch(id, _) => setting(id),
            Default::Namespace | Default::Containers => Source::Request,
            Default::Connections if self.settings.template_max_connections_per_host == 0 => {
                Source::BuiltIn
            }
            Default::Connections => Source::Setting("template_max_connections_per_host"),
            Default::Threshold => Source::Setting("template_lease_renewal_threshold"),
        }
    }
}

impl<'a> Effective<'a> {
    /// Only what the pod says.
    pub(crate) fn of(pod: &Pod<'a>) -> Self {
        let mut alone = [None; ANNOTATIONS.len()];
        let mut others = Vec::new();
        let names = pod
            .annotations
            .iter()
            .filter_map(|(key, text)| Some((key.strip_prefix(PREFIX)?, *text)));
        for (name, text) in names {
            match Key::find(name) {
                Some(key) => alone[key.0] = Some(text),
                None => others.push((name, text)),
            }
        }
        Self {
            alone,
            others,
            defaults: None,
        }
    }

    /// The value, or `None` when neither the pod nor a default gives one.
    pub(crate) fn present(&self, key: Key) -> Option<&str> {
        self.on_pod(key)
            .or_else(|| self.defaults.as_ref()?.text(key))
    }

    /// The value, empty when there is none.
    pub(crate) fn get(&self, key: Key) -> &str {
        self.present(key).unwrap_or_default()
    }

    /// What the pod itself says.
    pub(crate) fn on_pod(&self, key: Key) -> Option<&'a str> {
        self.alone[key.0]
    }

    /// The value of a family's member.
    pub(crate) fn member(&self, family: &str, name: &str) -> Option<&'a str> {
        self.members(family)
            .find(|(known, _)| *known == name)
            .map(|(_, text)| text)
    }

    /// The members of a family in the order of their names; the bare prefix is one with an empty name.
    pub(crate) fn members<'s>(
        &'s self,
        family: &'s str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 's {
        let begin = self.others.partition_point(|(name, _)| *name < family);
        self.others[begin..]
            .iter()
            .map_while(move |(name, text)| Some((name.strip_prefix(family)?, *text)))
    }

    /// What the pod says under keys that do not stand alone, in the order of the names.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.others.iter().copied()
    }

    /// What holds by default, in the order of the names.
    pub(crate) fn defaults(&self) -> impl Iterator<Item = (&'static str, &str, Source)> {
        let absent = (0..ANNOTATIONS.len())
            .map(Key)
            .filter(|key| self.on_pod(*key).is_none());
        absent.filter_map(|key| {
            let defaults = self.defaults.as_ref()?;
            Some((key.name(), defaults.text(key)?, defaults.source(key)))
        })
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
        let asks_for_user = [
            key!("agent-run-as-user"),
            key!("agent-run-as-same-user"),
            key!("agent-run-as-group"),
        ]
        .iter()
        .any(|key| self.on_pod(*key).is_some());
        let names: Vec<&str> = pod
            .containers
            .iter()
            .map(|container| container.name)
            .collect();
        let threshold = settings.template_lease_renewal_threshold;
        self.defaults = Some(Defaults {
            settings,
            namespace,
            containers: names.join(","),
            connections: match settings.template_max_connections_per_host {
                0 => Cow::Borrowed("0"),
                number => Cow::Owned(number.to_string()),
            },
            threshold: if threshold == 0.0 {
                String::new()
            } else {
                threshold.to_string()
            },
            asks_for_user,
        });
        self.check_backoff(key!("auth-min-backoff"), "min")?;
        self.check_backoff(key!("auth-max-backoff"), "max")
    }

    fn check_backoff(&self, key: Key, which: &str) -> Result<(), Fault> {
        match self.get(key) {
            "" => Ok(()),
            text => Duration::parse(text).map(|_| ()).map_err(|error| {
                Fault::about(
                    key.name(),
                    format!("error parsing {which} backoff as duration: {error}"),
                )
            }),
        }
    }
}
