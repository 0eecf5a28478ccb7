//! The types of the settings: each reads its text once and cannot be wrong afterwards.

use std::fmt;
use std::time::Duration as StdDuration;

use pannier_go::Duration;

use crate::grammar;
use crate::kube_version::KubeVersion;
use crate::quantity;

/// A type that a setting can have.
pub(super) trait SettingValue: Sized {
    /// What the help calls it.
    const KIND: &'static str;
    /// Whether it is given as `-name` alone.
    const IS_BOOL: bool = false;
    /// Reads it; `from_environment` chooses the wording of the program this one replaces.
    fn read(text: &str, from_environment: bool) -> Result<Self, String>;
}

/// How an error of an environment variable began in the program that this one replaces.
const ENVIRONMENT: &str = "Error parsing environment variables: ";

fn environment(from_environment: bool, error: impl fmt::Display) -> String {
    if from_environment {
        format!("{ENVIRONMENT}{error}")
    } else {
        error.to_string()
    }
}

impl SettingValue for String {
    const KIND: &'static str = "string";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl SettingValue for bool {
    const KIND: &'static str = "bool";
    const IS_BOOL: bool = true;
    fn read(text: &str, from_environment: bool) -> Result<Self, String> {
        grammar::bool(text).map_err(|error| environment(from_environment, error))
    }
}

impl SettingValue for i64 {
    const KIND: &'static str = "int64";
    fn read(text: &str, from_environment: bool) -> Result<Self, String> {
        grammar::int(text).map_err(|error| environment(from_environment, error))
    }
}

/// A part of a whole.
impl SettingValue for f64 {
    const KIND: &'static str = "float64";
    fn read(text: &str, from_environment: bool) -> Result<Self, String> {
        let value = grammar::float(text).map_err(|error| environment(from_environment, error))?;
        if (0.0..=1.0).contains(&value) {
            Ok(value)
        } else {
            Err(format!("expected a number from 0 to 1, got `{text}`"))
        }
    }
}

/// Where to listen: `host:port`, the host may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress(pub String);

impl SettingValue for ListenAddress {
    const KIND: &'static str = "host:port";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        match text.rsplit_once(':') {
            Some((_, port)) if !port.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(format!("expected `host:port` or `:port`, got `{text}`")),
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// For finding faults.
    Debug,
    /// The usual.
    Info,
    /// Only what may be wrong.
    Warn,
    /// Only what is wrong.
    Error,
}

impl SettingValue for LogLevel {
    const KIND: &'static str = "level";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        match text.trim().to_lowercase().as_str() {
            "trace" => Ok(Self::Trace),
            "debug" => Ok(Self::Debug),
            "info" | "notice" | "" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warn),
            "err" | "error" => Ok(Self::Error),
            _ => Err(format!(
                "Error setting log level: unknown log level: {text}"
            )),
        }
    }
}

impl LogLevel {
    /// The level's name, such as `info`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain lines.
    Standard,
    /// One JSON object a line.
    Json,
}

impl SettingValue for LogFormat {
    const KIND: &'static str = "standard|json";
    /// Any text that is not `json` is standard, as in the program this one replaces; the odd ones are noted.
    fn read(text: &str, _: bool) -> Result<Self, String> {
        Ok(if text.trim().eq_ignore_ascii_case("json") {
            Self::Json
        } else {
            Self::Standard
        })
    }
}

/// How a secret without a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultTemplate {
    /// One `key: value` line for each member.
    Map,
    /// One JSON object.
    Json,
}

impl DefaultTemplate {
    /// The name in annotations and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Json => "json",
        }
    }
}

impl SettingValue for DefaultTemplate {
    const KIND: &'static str = "map|json";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "map" => Ok(Self::Map),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "Invalid default flag type: {text}: expected `map` or `json`"
            )),
        }
    }
}

/// A quantity as it was written, or empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityText(pub String);

impl SettingValue for QuantityText {
    const KIND: &'static str = "quantity";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        if !text.is_empty() {
            quantity::canonical(text).map_err(|error| {
                format!("expected a quantity such as `250m` or `64Mi`, got `{text}`: {error}")
            })?;
        }
        Ok(Self(text.to_owned()))
    }
}

/// A Go duration as it was written, or empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationText(pub String);

impl SettingValue for DurationText {
    const KIND: &'static str = "duration";
    /// The reference parses these with its variables also when they are given as flags.
    fn read(text: &str, _: bool) -> Result<Self, String> {
        if !text.is_empty() {
            Duration::parse(text).map_err(|error| environment(true, error))?;
        }
        Ok(Self(text.to_owned()))
    }
}

/// A duration within bounds, of which the text names an example when it is refused.
fn bounded(
    text: &str,
    least: StdDuration,
    most: StdDuration,
    example: &str,
) -> Result<StdDuration, String> {
    let duration = Duration::parse(text).ok().and_then(Duration::to_std);
    let within = duration.filter(|duration| (least..=most).contains(duration));
    within.ok_or_else(|| {
        let (least, most) = (least.as_secs(), most.as_secs());
        format!("expected a duration from {least}s to {most}s such as `{example}`, got `{text}`")
    })
}

/// Life of an automatic certificate: long enough that one can be made, published and seen within a third of it, and no
/// longer than public servers may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateLifetime(pub StdDuration);

impl SettingValue for CertificateLifetime {
    const KIND: &'static str = "duration";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        bounded(
            text,
            StdDuration::from_secs(15),
            StdDuration::from_secs(398 * 24 * 3600),
            "24h",
        )
        .map(Self)
    }
}

/// Time between the signal to end and the end of accepting requests; none to five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownDelay(pub StdDuration);

impl SettingValue for ShutdownDelay {
    const KIND: &'static str = "duration";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        bounded(text, StdDuration::ZERO, StdDuration::from_secs(300), "5s").map(Self)
    }
}

/// A duration or a bare number of seconds, as the agent's configuration takes it, or empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalText(pub String);

impl SettingValue for IntervalText {
    const KIND: &'static str = "duration";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        if !text.is_empty() {
            Duration::parse_seconds(text)
                .map_err(|_| format!("expected a duration such as `5m`, got `{text}`"))?;
        }
        Ok(Self(text.to_owned()))
    }
}

/// A user or group number as it was written, or empty for the built-in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdText(pub String);

impl SettingValue for IdText {
    const KIND: &'static str = "number";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        let id = grammar::int(text)
            .map_err(|error| format!("expected a user or group number, got `{text}`: {error}"))?;
        if id < 0 {
            Err(format!(
                "expected a user or group number of at least 0, got `{text}`"
            ))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// Values separated by commas, blanks around them cut off, empty ones left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrimmedList(pub Vec<String>);

impl SettingValue for TrimmedList {
    const KIND: &'static str = "list";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        Ok(Self(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    }
}

/// Path of the metrics, or empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryPath(pub String);

impl SettingValue for TelemetryPath {
    const KIND: &'static str = "path";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!(
                "expected a path that begins with `/`, got `{text}`"
            ));
        }
        if matches!(text, "/mutate" | "/" | "/health/ready" | "/health/live") {
            return Err(format!(
                "the path `{text}` is taken: choose another such as `/metrics`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Nothing is known when it is empty.
impl SettingValue for Option<KubeVersion> {
    const KIND: &'static str = "version";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        KubeVersion::parse(text)
            .map(Some)
            .ok_or_else(|| format!("expected a version of Kubernetes such as `1.29`, got `{text}`"))
    }
}

/// The oldest TLS version that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0: accepted as a name; TLS 1.2 is the oldest that is spoken.
    Tls10,
    /// TLS 1.1: as for TLS 1.0.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl SettingValue for TlsVersion {
    const KIND: &'static str = "version";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        match text {
            "tls10" => Ok(Self::Tls10),
            "tls11" => Ok(Self::Tls11),
            "tls12" => Ok(Self::Tls12),
            "tls13" => Ok(Self::Tls13),
            _ => Err(format!(
                "Failed to configure TLS: invalid or unsupported TLS version {}",
                pannier_go::quote::quote(text)
            )),
        }
    }
}

/// Names of TLS cipher suites; empty leaves the choice to the TLS library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CipherSuites(pub Vec<&'static str>);

impl SettingValue for CipherSuites {
    const KIND: &'static str = "list";
    fn read(text: &str, _: bool) -> Result<Self, String> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names
            .map(|name| {
                CIPHER_SUITES.iter().find(|known| **known == name).copied().ok_or_else(|| {
                    let list = pannier_go::quote::quote(text);
                    let name = pannier_go::quote::quote(name);
                    format!("Failed to configure TLS: failed to parse TLS cipher suites list {list}: unsupported cipher {name}")
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// The names that are accepted; a modern TLS library offers only some of them.
static CIPHER_SUITES: &[&str] = &[
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];
