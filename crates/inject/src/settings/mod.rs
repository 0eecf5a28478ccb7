//! The one table of process-wide settings, and [`Settings`], which is built from it.
//!
//! For each row: environment variable (if non-empty) > command-line flag > default. All mistakes come back at once, each
//! naming its flag and variable. Help and reference page come from the same table.

mod read;
mod value;

use std::collections::BTreeMap;

use pannier_go::flag::{Flag, Kind};

use crate::kube_version::KubeVersion;

pub use read::{Failure, Mistake, Outside};
use value::SettingValue;
pub use value::{
    CertificateLifetime, CipherSuites, DefaultTemplate, DurationText, IdText, IntervalText,
    ListenAddress, LogFormat, LogLevel, QuantityText, ShutdownDelay, TelemetryPath, TlsVersion,
    TrimmedList,
};

/// The image of the agents when nothing else is said.
pub const DEFAULT_IMAGE: &str = "hashicorp/vault:2.0.4";

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name of the field of [`Settings`].
    pub id: &'static str,
    /// The flag's name without its dash; empty when there is none.
    pub flag: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What the help calls its type.
    pub kind: &'static str,
    /// Whether it is given as `-name` alone.
    pub is_bool: bool,
    /// The default as text.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// Where a setting's value came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    #[default]
    Default,
    /// A flag.
    Flag,
    /// An environment variable.
    Variable,
}

macro_rules! settings {
    ($( $(#[doc = $doc:literal])+ $field:ident: $kind:ty, $flag:literal, $variable:literal, $default:expr; )+) => {
        /// Every process-wide setting, checked.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $( $(#[doc = $doc])+ pub $field: $kind, )+
            /// What is accepted but looks wrong; worth a line in the log at start.
            pub notes: Vec<String>,
            origins: BTreeMap<&'static str, Origin>,
        }

        /// The table.
        pub static TABLE: &[Setting] = &[$( Setting {
            id: stringify!($field),
            flag: $flag,
            variable: $variable,
            kind: <$kind as SettingValue>::KIND,
            is_bool: <$kind as SettingValue>::IS_BOOL,
            default: $default,
            doc: concat!($($doc),+),
        } ),+];

        /// The rows that have a flag, for Go's flag grammar.
        static FLAGS: &[Flag] = &[$( Flag {
            name: $flag,
            kind: if <$kind as SettingValue>::IS_BOOL { Kind::Bool } else { Kind::Value(<$kind as SettingValue>::KIND) },
            env: $variable,
            default: $default,
            help: concat!($($doc),+),
            hidden: $flag.is_empty(),
        } ),+];

        impl Settings {
            /// Reads each field from its text; what is wrong is added to `mistakes`.
            fn from_texts(texts: &read::Texts<'_>, mistakes: &mut Vec<Mistake>) -> Option<Self> {
                $( let $field = texts.read::<$kind>(stringify!($field), mistakes); )+
                Some(Self { $( $field: $field?, )+ notes: Vec::new(), origins: texts.origins() })
            }
        }
    };
}

settings! {
    /// Address to listen on.
    listen: ListenAddress, "listen", "AGENT_INJECT_LISTEN", ":8080";
    /// How much is logged: `trace`, `debug`, `info`, `warn` or `error`.
    log_level: LogLevel, "log-level", "AGENT_INJECT_LOG_LEVEL", "info";
    /// Form of the log: `standard` or `json`.
    log_format: LogFormat, "log-format", "AGENT_INJECT_LOG_FORMAT", "standard";
    /// The agents end when a template failed after all tries.
    template_exit_on_retry_failure: bool, "template-config-exit-on-retry-failure", "AGENT_INJECT_TEMPLATE_CONFIG_EXIT_ON_RETRY_FAILURE", "true";
    /// How often the agents read secrets without a lease again.
    template_static_secret_render_interval: IntervalText, "template-static-secret-render-interval", "AGENT_INJECT_TEMPLATE_STATIC_SECRET_RENDER_INTERVAL", "";
    /// Connections of the agents' template engine to one host; 0 leaves the choice to the agent.
    template_max_connections_per_host: i64, "", "AGENT_INJECT_TEMPLATE_MAX_CONNECTIONS_PER_HOST", "0";
    /// Part of a lease's life after which the agents renew it; 0 leaves the choice to the agent.
    template_lease_renewal_threshold: f64, "", "AGENT_INJECT_TEMPLATE_LEASE_RENEWAL_THRESHOLD", "0";
    /// Name of the MutatingWebhookConfiguration whose CA bundle is kept.
    tls_auto: String, "tls-auto", "AGENT_INJECT_TLS_AUTO", "";
    /// Host names of the generated certificate, separated by commas.
    tls_auto_hosts: TrimmedList, "tls-auto-hosts", "AGENT_INJECT_TLS_AUTO_HOSTS", "";
    /// Life of an automatic certificate; a new one is made after half of it.
    tls_auto_lifetime: CertificateLifetime, "tls-auto-lifetime", "AGENT_INJECT_TLS_AUTO_LIFETIME", "24h";
    /// File with the CA's certificate, for certificates from files.
    tls_ca_cert_file: String, "tls-ca-cert-file", "AGENT_INJECT_TLS_CA_CERT_FILE", "";
    /// File with the certificate; setting it turns automatic certificates off.
    tls_cert_file: String, "tls-cert-file", "AGENT_INJECT_TLS_CERT_FILE", "";
    /// File with the certificate's key.
    tls_key_file: String, "tls-key-file", "AGENT_INJECT_TLS_KEY_FILE", "";
    /// Image of the agents.
    vault_image: String, "vault-image", "AGENT_INJECT_VAULT_IMAGE", DEFAULT_IMAGE;
    /// Address of Vault; required.
    vault_address: String, "vault-address", "AGENT_INJECT_VAULT_ADDR", "";
    /// Certificates that the agents trust: PEM, or base64 of PEM.
    vault_cacert_bytes: String, "vault-cacert-bytes", "AGENT_INJECT_VAULT_CACERT_BYTES", "";
    /// Proxy of the agents (their `HTTPS_PROXY`).
    proxy_address: String, "proxy-address", "AGENT_INJECT_PROXY_ADDR", "";
    /// Authentication method of the agents.
    vault_auth_type: String, "vault-auth-type", "AGENT_INJECT_VAULT_AUTH_TYPE", "kubernetes";
    /// Where the authentication method is mounted.
    vault_auth_path: String, "vault-auth-path", "AGENT_INJECT_VAULT_AUTH_PATH", "auth/kubernetes";
    /// Vault namespace that the agents log in to.
    vault_namespace: String, "vault-namespace", "AGENT_INJECT_VAULT_NAMESPACE", "";
    /// The sidecar revokes its token when it is stopped.
    revoke_on_shutdown: bool, "revoke-on-shutdown", "AGENT_INJECT_REVOKE_ON_SHUTDOWN", "false";
    /// User of the agents.
    run_as_user: IdText, "run-as-user", "AGENT_INJECT_RUN_AS_USER", "100";
    /// Group of the agents.
    run_as_group: IdText, "run-as-group", "AGENT_INJECT_RUN_AS_GROUP", "1000";
    /// The agents run as the user of the pod's first container.
    run_as_same_user: bool, "run-as-same-user", "AGENT_INJECT_RUN_AS_SAME_USER", "false";
    /// The agents get a security context.
    set_security_context: bool, "set-security-context", "AGENT_INJECT_SET_SECURITY_CONTEXT", "true";
    /// Path of the metrics; empty for none.
    telemetry_path: TelemetryPath, "telemetry-path", "AGENT_INJECT_TELEMETRY_PATH", "";
    /// Accepted and not needed: replicas agree without a leader.
    use_leader_elector: bool, "use-leader-elector", "AGENT_INJECT_USE_LEADER_ELECTOR", "false";
    /// How secrets without a template are written: `map` or `json`.
    default_template: DefaultTemplate, "default-template", "AGENT_INJECT_DEFAULT_TEMPLATE", "map";
    /// CPU request of the agents.
    cpu_request: QuantityText, "cpu-request", "AGENT_INJECT_CPU_REQUEST", "250m";
    /// Memory request of the agents.
    memory_request: QuantityText, "memory-request", "AGENT_INJECT_MEM_REQUEST", "64Mi";
    /// Ephemeral storage request of the agents.
    ephemeral_storage_request: QuantityText, "ephemeral-storage-request", "AGENT_INJECT_EPHEMERAL_REQUEST", "";
    /// CPU limit of the agents.
    cpu_limit: QuantityText, "cpu-limit", "AGENT_INJECT_CPU_LIMIT", "500m";
    /// Memory limit of the agents.
    memory_limit: QuantityText, "memory-limit", "AGENT_INJECT_MEM_LIMIT", "128Mi";
    /// Ephemeral storage limit of the agents.
    ephemeral_storage_limit: QuantityText, "ephemeral-storage-limit", "AGENT_INJECT_EPHEMERAL_LIMIT", "";
    /// Oldest TLS version: `tls12` or `tls13` (`tls10` and `tls11` are accepted and mean `tls12`).
    tls_min_version: TlsVersion, "tls-min-version", "AGENT_INJECT_TLS_MIN_VERSION", "tls12";
    /// TLS 1.2 cipher suites, separated by commas; empty leaves the choice to the TLS library.
    tls_cipher_suites: CipherSuites, "tls-cipher-suites", "AGENT_INJECT_TLS_CIPHER_SUITES", "";
    /// Shortest wait between login attempts of the agents.
    auth_min_backoff: DurationText, "auth-min-backoff", "AGENT_INJECT_AUTH_MIN_BACKOFF", "";
    /// Longest wait between login attempts of the agents.
    auth_max_backoff: DurationText, "auth-max-backoff", "AGENT_INJECT_AUTH_MAX_BACKOFF", "";
    /// Parts of the agents that close idle connections: `auto-auth`, `caching`, `templating`.
    disable_idle_connections: String, "disable-idle-connections", "AGENT_INJECT_DISABLE_IDLE_CONNECTIONS", "";
    /// Parts of the agents that open a connection for each request: `auto-auth`, `caching`, `templating`.
    disable_keep_alives: String, "disable-keep-alives", "AGENT_INJECT_DISABLE_KEEP_ALIVES", "";
    /// One agent for each pod instead of two: an init container that goes on running (Kubernetes 1.29 and later).
    native_sidecar: bool, "native-sidecar", "AGENT_INJECT_NATIVE_SIDECAR", "false";
    /// Version of Kubernetes that the agents run on, such as `1.29`. Without it the injector asks the API server now and then, and commands on manifests take it to be new enough.
    kube_version: Option<KubeVersion>, "kube-version", "AGENT_INJECT_KUBE_VERSION", "";
    /// Deny a pod for anything that would otherwise be a warning.
    strict: bool, "strict", "AGENT_INJECT_STRICT", "false";
    /// How long requests are still accepted after SIGTERM, until every node has heard that this replica ends.
    shutdown_delay: ShutdownDelay, "shutdown-delay", "AGENT_INJECT_SHUTDOWN_DELAY", "5s";
    /// Kubernetes namespace of the certificate Secret.
    namespace: String, "", "NAMESPACE", "default";
    /// Name of the injector's own pod.
    pod_name: String, "", "POD_NAME", "";
}

impl Settings {
    /// Builds the settings from the arguments after the subcommand and the environment.
    ///
    /// Flags are read past stray arguments. The stray argument `2>&1` (which the official chart passes) is expected; others
    /// give a note.
    ///
    /// # Errors
    ///
    /// [`Failure::Help`] when the arguments ask for it, else all mistakes at once.
    pub fn new(
        arguments: &[String],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        Self::with_flags(arguments, environment, &[], &[]).map(|(settings, _)| settings)
    }

    /// As [`Settings::new`], for a command with flags of its own and other defaults (`(field, text)`).
    ///
    /// # Errors
    ///
    /// As [`Settings::new`].
    pub fn with_flags(
        arguments: &[String],
        environment: &BTreeMap<String, String>,
        own: &'static [Flag],
        defaults: &[(&'static str, &str)],
    ) -> Result<(Self, Outside), Failure> {
        read::settings(arguments, environment, own, defaults)
    }

    /// Where a field's value came from.
    #[must_use]
    pub fn origin(&self, id: &str) -> Origin {
        self.origins.get(id).copied().unwrap_or_default()
    }

    /// What the user would type to change a field, such as `-vault-image / AGENT_INJECT_VAULT_IMAGE`.
    #[must_use]
    pub fn names(id: &str) -> String {
        TABLE
            .iter()
            .find(|setting| setting.id == id)
            .map_or_else(|| id.to_owned(), Setting::names)
    }
}

impl Setting {
    /// What the user would type.
    #[must_use]
    pub fn names(&self) -> String {
        if self.flag.is_empty() {
            self.variable.to_owned()
        } else {
            format!("-{} / {}", self.flag, self.variable)
        }
    }
}

/// The help of all settings, as text.
#[must_use]
pub fn help() -> String {
    pannier_go::flag::help(FLAGS)
}
