//! What counts in the end: flags, then environment, then configuration, then defaults.

use std::time::Duration;

use pannier_go::{Duration as GoDuration, integer};
use pannier_redacted::Redacted;

use crate::environment::{Environment, EnvironmentError};
use crate::flags::Arguments;
use crate::{Config, LogConfig, Subsystems, namespace};

/// Where the server is when nothing says it.
pub const DEFAULT_ADDRESS: &str = "https://127.0.0.1:8200";

/// How the agent reaches the server and writes its log.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server's URL.
    pub address: String,
    /// Whom to trust and who we are.
    pub tls: TlsFiles,
    /// `VAULT_TOKEN`: the token of requests that have no better one.
    pub token: Option<Redacted>,
    /// Namespace of proxied requests and of the first look at the server, with its slash at the end.
    pub namespace: Option<String>,
    /// Namespace of logins and of wrapping for sinks.
    pub auth_namespace: Option<String>,
    /// Namespace of requests for templates.
    pub template_namespace: Option<String>,
    /// `-header`.
    pub headers: Vec<(String, String)>,
    /// Limit of a whole call with its retries.
    pub timeout: Duration,
    /// `VAULT_MAX_RETRIES`: how often templates' and proxied requests are made again, if set.
    pub max_retries: Option<u32>,
    /// `VAULT_RATE_LIMIT`: requests per second, and how many may go at once.
    pub rate_limit: Option<(f64, u32)>,
    /// `VAULT_SRV_LOOKUP`.
    pub srv_lookup: bool,
    /// `-disable-redirects` or `VAULT_DISABLE_REDIRECTS`.
    pub disable_redirects: bool,
    /// Proxies to go through.
    pub proxy: Proxies,
    /// `disable_idle_connections`, or its variable.
    pub disable_idle_connections: Subsystems,
    /// `disable_keep_alives`, or its variable.
    pub disable_keep_alives: Subsystems,
    /// `-exit-after-auth` or `exit_after_auth`.
    pub exit_after_auth: bool,
    /// Level, format and file; a level or format of none is the default. Their texts are not checked here.
    pub log: LogConfig,
    /// `-combine-logs`.
    pub combine_logs: bool,
}

/// TLS as files or texts; empty is not set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsFiles {
    /// A PEM file with the certificates to trust. Comes before the next two.
    pub ca_cert: Option<String>,
    /// PEM text.
    pub ca_cert_bytes: Option<Redacted>,
    /// A directory of PEM files.
    pub ca_path: Option<String>,
    /// The agent's certificate, a PEM file.
    pub client_cert: Option<String>,
    /// The agent's key, a PEM file.
    pub client_key: Option<String>,
    /// The agent's certificate as text, where there is no file.
    pub client_cert_bytes: Option<Redacted>,
    /// The agent's key as text, where there is no file.
    pub client_key_bytes: Option<Redacted>,
    /// Name that is asked for and checked.
    pub server_name: Option<String>,
    /// Trust any certificate.
    pub skip_verify: bool,
}

/// The proxies that the environment names; they may hold passwords.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxies {
    /// `VAULT_PROXY_ADDR` or else `VAULT_HTTP_PROXY`: for every request.
    pub always: Option<Redacted>,
    /// `HTTP_PROXY` or `http_proxy`.
    pub http: Option<Redacted>,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https: Option<Redacted>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: String,
}

/// Why there are no settings; the sentences are the reference's. All of them end with code 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A variable.
    #[error("Error fetching client: {0}")]
    Environment(#[from] EnvironmentError),
    /// A header that only the agent itself sets.
    #[error(
        "Error fetching client: failed to setup Headers[{0}]: Header starting by 'X-Vault-' are for internal usage only"
    )]
    Header(String),
    /// Only one half of the agent's certificate.
    #[error(
        "Error fetching client: failed to setup TLS config: both client cert and client key must be provided"
    )]
    HalfCertificate,
    /// A list that replaces a key of the configuration.
    #[error("error loading configuration from {variable}: unknown {key} value: {value}")]
    UnknownSubsystem {
        /// The variable.
        variable: &'static str,
        /// The key.
        key: &'static str,
        /// What is no part of the agent.
        value: String,
    },
}

impl Settings {
    /// Puts together what counts.
    ///
    /// # Errors
    ///
    /// The first mistake in flags or environment.
    pub fn new(
        arguments: &Arguments,
        environment: &Environment,
        config: &Config,
    ) -> Result<Self, SettingsError> {
        let vault = &config.vault;
        // A variable counts as soon as it is set, also when it is empty.
        let pick = |flag: &str, variable: &str, configured: &Option<String>| {
            let value = arguments
                .last(flag)
                .or_else(|| environment.get(variable))
                .or(configured.as_deref());
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let secret = |variable: &str| environment.set(variable).map(Redacted::from);
        let tls = TlsFiles {
            ca_cert: pick("ca-cert", "VAULT_CACERT", &vault.ca_cert),
            ca_cert_bytes: secret("VAULT_CACERT_BYTES"),
            ca_path: pick("ca-path", "VAULT_CAPATH", &vault.ca_path),
            client_cert: pick("client-cert", "VAULT_CLIENT_CERT", &vault.client_cert),
            client_key: pick("client-key", "VAULT_CLIENT_KEY", &vault.client_key),
            client_cert_bytes: secret("VAULT_CLIENT_CERT_BYTES"),
            client_key_bytes: secret("VAULT_CLIENT_KEY_BYTES"),
            server_name: pick(
                "tls-server-name",
                "VAULT_TLS_SERVER_NAME",
                &vault.tls_server_name,
            ),
            skip_verify: skip_verify(arguments, environment, config)?,
        };
        if (tls.client_cert.is_some() || tls.client_cert_bytes.is_some())
            != (tls.client_key.is_some() || tls.client_key_bytes.is_some())
        {
            return Err(SettingsError::HalfCertificate);
        }
        let namespaces = Namespaces::new(arguments, environment, config);
        let disable_redirects = environment.bool("VAULT_DISABLE_REDIRECTS")?;
        Ok(Self {
            address: pick("address", "VAULT_ADDR", &vault.address)
                .unwrap_or_else(|| DEFAULT_ADDRESS.to_owned()),
            tls,
            token: secret("VAULT_TOKEN"),
            namespace: namespaces.general,
            auth_namespace: namespaces.auth,
            template_namespace: namespaces.template,
            headers: headers(arguments)?,
            timeout: environment
                .seconds("VAULT_CLIENT_TIMEOUT")?
                .unwrap_or(Duration::from_secs(60)),
            max_retries: environment.count("VAULT_MAX_RETRIES")?,
            rate_limit: environment.rate("VAULT_RATE_LIMIT")?,
            srv_lookup: environment.bool("VAULT_SRV_LOOKUP")?.unwrap_or(false),
            disable_redirects: arguments
                .switch("disable-redirects")
                .or(disable_redirects)
                .unwrap_or(false),
            proxy: Proxies::new(environment),
            disable_idle_connections: subsystems(
                environment,
                "VAULT_AGENT_DISABLE_IDLE_CONNECTIONS",
                "disable_idle_connections",
                config.disable_idle_connections,
            )?,
            disable_keep_alives: subsystems(
                environment,
                "VAULT_AGENT_DISABLE_KEEP_ALIVES",
                "disable_keep_alives",
                config.disable_keep_alives,
            )?,
            exit_after_auth: arguments
                .switch("exit-after-auth")
                .unwrap_or(config.exit_after_auth),
            log: log(arguments, environment, &config.log),
            combine_logs: arguments.switch("combine-logs").unwrap_or(false),
        })
    }
}

/// Parsed as a boolean, where the reference takes any text, even `false`, for true.
fn skip_verify(
    arguments: &Arguments,
    environment: &Environment,
    config: &Config,
) -> Result<bool, EnvironmentError> {
    const VARIABLE: &str = "VAULT_SKIP_VERIFY";
    let parsed = environment.bool(VARIABLE)?;
    let by_environment = environment.get(VARIABLE).map(|_| parsed.unwrap_or(false));
    let by_flag = arguments.switch("tls-skip-verify");
    Ok(by_flag
        .or(by_environment)
        .or(config.vault.tls_skip_verify)
        .unwrap_or(false))
}

struct Namespaces {
    general: Option<String>,
    auth: Option<String>,
    template: Option<String>,
}

impl Namespaces {
    /// Flag and variable govern everything. Else the `vault` stanza's governs all but logins, for which the method's
    /// comes first; and the method's is the templates' too where the stanza has none.
    fn new(arguments: &Arguments, environment: &Environment, config: &Config) -> Self {
        let given = arguments
            .last("ns")
            .or_else(|| arguments.last("namespace"))
            .or_else(|| environment.set("VAULT_NAMESPACE"))
            .filter(|given| !given.is_empty());
        if let Some(given) = given {
            let all = namespace(given);
            return Self {
                general: all.clone(),
                auth: all.clone(),
                template: all,
            };
        }
        let stanza = &config.vault.namespace;
        let method = config
            .auto_auth
            .as_ref()
            .and_then(|auto_auth| auto_auth.method.namespace.clone());
        Self {
            general: stanza.clone(),
            auth: method.clone().or_else(|| stanza.clone()),
            template: stanza.clone().or(method),
        }
    }
}

fn headers(arguments: &Arguments) -> Result<Vec<(String, String)>, SettingsError> {
    const OURS: &str = "x-vault-";
    let mut headers = Vec::new();
    for header in arguments.all("header") {
        let Some((name, value)) = header.split_once('=') else {
            continue;
        };
        if name.to_lowercase().starts_with(OURS) {
            return Err(SettingsError::Header(name.to_owned()));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

impl Proxies {
    fn new(environment: &Environment) -> Self {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| environment.set(name));
        Self {
            always: first(["VAULT_PROXY_ADDR", "VAULT_HTTP_PROXY"]).map(Redacted::from),
            http: first(["HTTP_PROXY", "http_proxy"]).map(Redacted::from),
            https: first(["HTTPS_PROXY", "https_proxy"]).map(Redacted::from),
            no_proxy: first(["NO_PROXY", "no_proxy"])
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

fn subsystems(
    environment: &Environment,
    variable: &'static str,
    key: &'static str,
    configured: Subsystems,
) -> Result<Subsystems, SettingsError> {
    let Some(list) = environment.get(variable) else {
        return Ok(configured);
    };
    Subsystems::from_list(list).map_err(|value| SettingsError::UnknownSubsystem {
        variable,
        key,
        value,
    })
}

fn log(arguments: &Arguments, environment: &Environment, configured: &LogConfig) -> LogConfig {
    let text = |flag: &str, variable: &str, configured: &Option<String>| {
        let given = arguments
            .last(flag)
            .or_else(|| environment.set(variable))
            .map(str::to_owned);
        given
            .filter(|given| !given.is_empty())
            .or_else(|| configured.clone())
    };
    // Checked when the command line was read.
    let number = |flag: &str| {
        arguments
            .last(flag)
            .and_then(|value| integer::parse_int(value, 0).ok())
    };
    let duration = arguments
        .last("log-rotate-duration")
        .and_then(|value| GoDuration::parse_seconds(value).ok())
        .and_then(GoDuration::to_std);
    LogConfig {
        level: text("log-level", "VAULT_LOG_LEVEL", &configured.level),
        format: text("log-format", "VAULT_LOG_FORMAT", &configured.format),
        file: text("log-file", "", &configured.file),
        rotate_bytes: number("log-rotate-bytes").map_or(configured.rotate_bytes, |bytes| {
            u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)
        }),
        rotate_duration: duration.or(configured.rotate_duration),
        rotate_max_files: number("log-rotate-max-files").or(configured.rotate_max_files),
    }
}
