//! The JSON that the injector puts into `VAULT_CONFIG`.
//!
//! These types hold exactly what the injector can say, in the order in which it says it; what is absent is left out
//! as in the injector this one replaces, so that the same pod gets the same bytes. The reader's types are larger
//! (a person may write more than the injector does); a test of this crate reads back all that is written here.

use std::borrow::Cow;

use pannier_go::json;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A whole agent configuration, as the injector writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config<'a> {
    /// How to log in and where to put the token.
    pub auto_auth: AutoAuth<'a>,
    /// Whether the agent ends after the first complete round: true in an init container.
    pub exit_after_auth: bool,
    /// Where the agent writes its process id.
    pub pid_file: Cow<'a, str>,
    /// The server to talk to.
    pub vault: Vault<'a>,
    /// The files to render, in the order of their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub template: Vec<Template<'a>>,
    /// Local listeners (at most one).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listener: Vec<Listener>,
    /// The caching proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache<'a>>,
    /// Settings of the template engine.
    pub template_config: TemplateConfig<'a>,
    /// Parts of the agent that close idle connections.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disable_idle_connections: Vec<Cow<'a, str>>,
    /// Parts of the agent that open a new connection for each request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disable_keep_alives: Vec<Cow<'a, str>>,
    /// Telemetry parameters, in the documented order; `None` leaves the stanza out, an empty list writes `{}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
}

/// Logging in, and the files that receive the token.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AutoAuth<'a> {
    /// How to log in.
    pub method: Method<'a>,
    /// Token files.
    pub sink: Vec<Sink<'a>>,
}

/// One authentication method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Method<'a> {
    /// The method's name, such as `kubernetes`.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// Where the method is mounted, such as `auth/kubernetes`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub mount_path: Cow<'a, str>,
    /// Shortest wait between attempts (Go duration).
    #[serde(skip_serializing_if = "str::is_empty")]
    pub min_backoff: Cow<'a, str>,
    /// Longest wait between attempts (Go duration).
    #[serde(skip_serializing_if = "str::is_empty")]
    pub max_backoff: Cow<'a, str>,
    /// Vault namespace to log in to.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub namespace: Cow<'a, str>,
    /// The method's own parameters; all values are strings.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub config: std::collections::BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Whether the agent ends at the first failed login.
    #[serde(skip_serializing_if = "is_false")]
    pub exit_on_err: bool,
}

/// A file that receives the token.
#[derive(Clone, Debug, PartialEq)]
pub struct Sink<'a> {
    /// The file's path.
    pub path: Cow<'a, str>,
}

/// Address and TLS of the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Vault<'a> {
    /// Address, such as `https://vault.vault.svc:8200`.
    pub address: Cow<'a, str>,
    /// Path of a file with trusted certificates.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub ca_cert: Cow<'a, str>,
    /// Path of a folder with trusted certificates.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub ca_path: Cow<'a, str>,
    /// Whether the server's certificate is accepted unseen.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_skip_verify: bool,
    /// Path of the client's certificate.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub client_cert: Cow<'a, str>,
    /// Path of the client's key.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub client_key: Cow<'a, str>,
    /// Name to expect in the server's certificate.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub tls_server_name: Cow<'a, str>,
}

/// One file to render.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Template<'a> {
    /// The file to write.
    pub destination: Cow<'a, str>,
    /// The template's text; `None` when it is read from `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contents: Option<Cow<'a, str>>,
    /// Opening delimiter.
    pub left_delimiter: Cow<'a, str>,
    /// Closing delimiter.
    pub right_delimiter: Cow<'a, str>,
    /// Command to run after the file changed.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub command: Cow<'a, str>,
    /// Path of a file with the template's text.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub source: Cow<'a, str>,
    /// Permissions of the file, octal.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub perms: Cow<'a, str>,
    /// Whether a missing key is an error.
    #[serde(skip_serializing_if = "is_false")]
    pub error_on_missing_key: bool,
}

/// A local TCP listener without TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// `host:port`.
    pub address: String,
    /// Whether `/agent/v1/quit` ends the agent.
    pub enable_quit: bool,
}

/// The caching proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cache<'a> {
    /// `true`, `false` or `force`, as text.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub use_auto_auth_token: Cow<'a, str>,
    /// Where the cache is kept between init container and sidecar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persist: Option<Persist<'a>>,
}

/// A cache kept in files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Persist<'a> {
    /// The kind of storage: `kubernetes`.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The folder.
    pub path: Cow<'a, str>,
    /// Whether a broken cache ends the agent.
    #[serde(skip_serializing_if = "is_false")]
    pub exit_on_err: bool,
}

/// Settings of the template engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TemplateConfig<'a> {
    /// Whether the agent ends when a template failed after all tries.
    pub exit_on_retry_failure: bool,
    /// How often secrets without a lease are read again (Go duration).
    #[serde(skip_serializing_if = "str::is_empty")]
    pub static_secret_render_interval: Cow<'a, str>,
    /// Connections to one host; 0 leaves the engine's default.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_connections_per_host: i64,
    /// Part of a lease's life after which it is renewed; 0 leaves the engine's default.
    #[serde(skip_serializing_if = "is_zero_float")]
    pub lease_renewal_threshold: f64,
}

/// Telemetry parameters in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Telemetry(pub Vec<(&'static str, serde_json::Value)>);

/// Writes a configuration as compact JSON, member by member as documented, escaped as Go's encoder escapes
/// (`<`, `>`, `&`, U+2028 and U+2029 inside strings as `\u003c` and so on).
///
/// # Errors
///
/// When `lease_renewal_threshold` is not a number or infinite.
pub fn to_json(config: &Config<'_>) -> Result<String, json::Unwritable> {
    let bytes = json::to_vec(config, true)?;
    Ok(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

fn is_zero_float(value: &f64) -> bool {
    *value == 0.0
}

impl Serialize for Sink<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Path<'a> {
            path: &'a str,
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", "file")?;
        map.serialize_entry("config", &Path { path: &self.path })?;
        map.end()
    }
}

impl Serialize for Listener {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct AgentApi {
            enable_quit: bool,
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "tcp")?;
        map.serialize_entry("address", &self.address)?;
        map.serialize_entry("tls_disable", &true)?;
        if self.enable_quit {
            map.serialize_entry("agent_api", &AgentApi { enable_quit: true })?;
        }
        map.end()
    }
}

impl Serialize for Telemetry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest() -> Config<'static> {
        Config {
            auto_auth: AutoAuth {
                method: Method {
                    kind: "kubernetes".into(),
                    mount_path: "auth/kubernetes".into(),
                    min_backoff: Cow::default(),
                    max_backoff: Cow::default(),
                    namespace: Cow::default(),
                    config: [("role".into(), "web".into())].into(),
                    exit_on_err: false,
                },
                sink: vec![Sink {
                    path: "/home/vault/.vault-token".into(),
                }],
            },
            exit_after_auth: true,
            pid_file: "/home/vault/.pid".into(),
            vault: Vault {
                address: "http://vault:8200".into(),
                ..Vault::default()
            },
            template: Vec::new(),
            listener: Vec::new(),
            cache: None,
            template_config: TemplateConfig {
                exit_on_retry_failure: true,
                ..TemplateConfig::default()
            },
            disable_idle_connections: Vec::new(),
            disable_keep_alives: Vec::new(),
            telemetry: None,
        }
    }

    #[test]
    fn writes_only_what_is_said() {
        assert_eq!(
            to_json(&smallest()).as_deref(),
            Ok(concat!(
                r#"{"auto_auth":{"method":{"type":"kubernetes","mount_path":"auth/kubernetes","config":{"role":"web"}},"#,
                r#""sink":[{"type":"file","config":{"path":"/home/vault/.vault-token"}}]},"exit_after_auth":true,"#,
                r#""pid_file":"/home/vault/.pid","vault":{"address":"http://vault:8200"},"#,
                r#""template_config":{"exit_on_retry_failure":true}}"#
            ))
        );
    }

    #[test]
    fn escapes_as_gos_encoder_does() {
        let mut config = smallest();
        config.pid_file = "<a>&\u{2028}\u{2029}\u{8}\u{c}\n\"\\\u{1}😀/".into();
        let json = to_json(&config).expect("finite");
        assert!(json.contains(r#""<a>&\u2028\u2029\b\f\n\"\\\u0001😀/""#.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").as_str()), "{json}");
    }

    #[test]
    fn writes_floats_as_go_does_and_refuses_what_json_has_not() {
        let mut config = smallest();
        for (value, text) in [
            (0.75, "0.75"),
            (1.0, "1"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (1.5e300, "1.5e+300"),
            (-2.5, "-2.5"),
            (1e20, "100000000000000000000"),
        ] {
            config.template_config.lease_renewal_threshold = value;
            let json = to_json(&config).expect("finite");
            assert!(
                json.contains(&format!("\"lease_renewal_threshold\":{text}}}")),
                "{value}: {json}"
            );
        }
        for (value, text) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            config.template_config.lease_renewal_threshold = value;
            assert_eq!(
                to_json(&config).map_err(|error| error.to_string()),
                Err(format!("json: unsupported value: {text}"))
            );
        }
    }
}
