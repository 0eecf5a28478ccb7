use std::time::Duration;

use crate::Position;
use crate::stanza::{Reading, Stanza};

/// A `listener` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where it stands.
    pub at: Position,
    /// What it binds.
    pub address: ListenerAddress,
    /// The certificate and its rules, unless `tls_disable`. `None` too for a unix socket that names no certificate.
    pub tls: Option<ListenerTls>,
    /// `require_request_header`: refuse requests without `X-Vault-Request: true`.
    pub require_request_header: bool,
    /// `role`.
    pub role: ListenerRole,
    /// `agent_api.enable_quit`.
    pub enable_quit: bool,
    /// `http_read_header_timeout`, 10 s unless given.
    pub read_header_timeout: Duration,
    /// `http_read_timeout`, 30 s unless given.
    pub read_timeout: Duration,
    /// `http_idle_timeout`, 5 min unless given.
    pub idle_timeout: Duration,
}

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerAddress {
    /// `host:port`.
    Tcp(String),
    /// A socket file and, if all three of its keys are given, its owner.
    Unix(String, Option<SocketOwner>),
}

/// `socket_mode`, `socket_user` and `socket_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOwner {
    /// Permission bits.
    pub mode: u32,
    /// User name or number.
    pub user: String,
    /// Group name or number.
    pub group: String,
}

/// What a listener answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListenerRole {
    /// Everything.
    #[default]
    Default,
    /// `/agent/v1/metrics` and nothing else.
    MetricsOnly,
}

/// A listener's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// `tls_cert_file`.
    pub cert_file: String,
    /// `tls_key_file`.
    pub key_file: String,
    /// `tls_min_version`.
    pub min_version: TlsVersion,
    /// `tls_max_version`.
    pub max_version: TlsVersion,
    /// `tls_cipher_suites`, names as in Go's `crypto/tls`; empty is the library's own choice.
    pub cipher_suites: Vec<String>,
    /// `tls_client_ca_file`.
    pub client_ca_file: Option<String>,
    /// `tls_require_and_verify_client_cert`.
    pub require_client_cert: bool,
    /// `tls_disable_client_certs`.
    pub disable_client_certs: bool,
}

/// A version of TLS that Pannier speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Listener {
    /// `number` is its place among the listeners of its file, from 0.
    pub(crate) fn read(stanza: Stanza<'_>, number: usize, reading: &mut Reading) -> Self {
        let prefix = format!("error parsing 'listener': listeners.{number}");
        let stanza = stanza.on_its_own(&format!("{prefix}: "));
        let kind = stanza
            .set_text(reading, "type")
            .or_else(|| stanza.label().map(str::to_owned));
        let kind = kind.map(|kind| kind.to_lowercase());
        let unix = match kind.as_deref() {
            Some("tcp") => false,
            Some("unix") => true,
            Some(kind) => {
                let text = format!("unsupported listener type \"{}\"", kind.escape_debug());
                stanza.problem(reading, stanza.place_of("type"), &text);
                reading.hint("expected `tcp` or `unix`");
                false
            }
            None => {
                stanza.problem(reading, stanza.at, "listener type must be specified");
                reading.hint("write `listener \"tcp\" { ... }` or `listener \"unix\" { ... }`");
                false
            }
        };
        let address = stanza.set_text(reading, "address");
        let address = if unix {
            let path = address.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
            ListenerAddress::Unix(path, SocketOwner::read(&stanza, reading))
        } else {
            ListenerAddress::Tcp(address.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned()))
        };
        // A value that cannot be read asks for no certificate.
        let tls_disable = stanza.get("tls_disable").is_some()
            && switch(&stanza, reading, &prefix, "tls_disable") != Some(false);
        // Files' own permissions guard a socket, so that one without a certificate is no mistake.
        let plain_socket = unix && stanza.get("tls_cert_file").is_none();
        let mut enable_quit = false;
        for block in stanza.blocks(reading, "agent_api") {
            enable_quit = block
                .strict_bool(reading, "enable_quit")
                .unwrap_or(enable_quit);
        }
        let mut limit = |key, default| match stanza
            .clone()
            .called(&format!("{prefix} error parsing {key}: "))
            .seconds(reading, key)
        {
            Some(limit) if !limit.is_zero() => limit,
            _ => default,
        };
        let read_header_timeout = limit("http_read_header_timeout", Duration::from_secs(10));
        let read_timeout = limit("http_read_timeout", Duration::from_secs(30));
        let idle_timeout = limit("http_idle_timeout", Duration::from_mins(5));
        Self {
            at: reading.place(stanza.at),
            address,
            tls: if !(unix || kind.as_deref() == Some("tcp")) || plain_socket || tls_disable {
                None
            } else {
                ListenerTls::read(&stanza, reading, &prefix)
            },
            require_request_header: switch(&stanza, reading, &prefix, "require_request_header")
                .unwrap_or(false),
            role: ListenerRole::read(&stanza, reading),
            enable_quit,
            read_header_timeout,
            read_timeout,
            idle_timeout,
        }
    }
}

/// A boolean, whose key the reference names in a listener's messages.
fn switch(stanza: &Stanza<'_>, reading: &mut Reading, prefix: &str, key: &str) -> Option<bool> {
    stanza
        .clone()
        .called(&format!("{prefix} invalid value for {key}: "))
        .loose_bool(reading, key)
}

/// What is bound when there is no `address`, as in the reference.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8200";

impl ListenerRole {
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        match stanza.text(reading, "role").as_deref() {
            None | Some("" | "default") => Self::Default,
            Some("metrics_only") => Self::MetricsOnly,
            Some(role) => {
                let text = format!("unsupported listener role \"{}\"", role.escape_debug());
                stanza.problem(reading, stanza.place_of("role"), &text);
                reading.hint("expected `default` or `metrics_only`");
                Self::Default
            }
        }
    }
}

impl SocketOwner {
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Option<Self> {
        let mode = stanza.set_text(reading, "socket_mode");
        let user = stanza.set_text(reading, "socket_user");
        let group = stanza.set_text(reading, "socket_group");
        let (mode, user, group) = (mode?, user?, group?);
        let mode = match u32::from_str_radix(&mode, 8) {
            Ok(mode) if mode <= 0o777 => mode,
            _ => {
                let text = format!("invalid socket_mode \"{}\"", mode.escape_debug());
                stanza.problem(reading, stanza.place_of("socket_mode"), &text);
                reading.hint("expected an octal mode in quotes, such as \"0600\"");
                return None;
            }
        };
        Some(Self { mode, user, group })
    }
}

impl ListenerTls {
    /// `None` only beside a problem.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading, prefix: &str) -> Option<Self> {
        let cert_file = stanza.set_text(reading, "tls_cert_file");
        let key_file = stanza.set_text(reading, "tls_key_file");
        let min_version = TlsVersion::read(stanza, reading, "tls_min_version", TlsVersion::Tls12);
        let max_version = TlsVersion::read(stanza, reading, "tls_max_version", TlsVersion::Tls13);
        let cipher_suites = cipher_suites(stanza, reading, prefix);
        let client_ca_file = stanza.set_text(reading, "tls_client_ca_file");
        let mut on = |key| switch(stanza, reading, prefix, key).unwrap_or(false);
        let require_client_cert = on("tls_require_and_verify_client_cert");
        let disable_client_certs = on("tls_disable_client_certs");
        let (Some(cert_file), Some(key_file)) = (cert_file, key_file) else {
            reading.creating(
                stanza.at,
                "Error starting listener: 'tls_cert_file' and 'tls_key_file' are not set"
                    .to_owned(),
            );
            reading.hint("name both files, or set `tls_disable = true`");
            return None;
        };
        Some(Self {
            cert_file,
            key_file,
            min_version,
            max_version,
            cipher_suites,
            client_ca_file,
            require_client_cert,
            disable_client_certs,
        })
    }
}

impl TlsVersion {
    /// TLS 1.0 and 1.1, which nothing of ours speaks, count as 1.2 for the least version.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading, key: &str, default: Self) -> Self {
        match stanza.text(reading, key).as_deref() {
            None | Some("") => default,
            Some("tls13") => Self::Tls13,
            Some("tls10" | "tls11" | "tls12") => Self::Tls12,
            Some(version) => {
                let version = version.escape_debug();
                let text = format!(
                    "'{key}' value \"{version}\" not supported, please specify one of [tls10,tls11,tls12,tls13]"
                );
                reading.creating(
                    stanza.place_of(key),
                    format!("Error starting listener: {text}"),
                );
                reading.hint("`tls10` and `tls11` are read as `tls12`");
                default
            }
        }
    }
}

/// The names of Go's `crypto/tls`. Of these a listener offers the ones with forward secrecy and AEAD; the others are
/// known and never chosen.
const CIPHER_SUITES: [&str; 25] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

/// A list with commas.
fn cipher_suites(stanza: &Stanza<'_>, reading: &mut Reading, prefix: &str) -> Vec<String> {
    const KEY: &str = "tls_cipher_suites";
    let list = stanza.text(reading, KEY).unwrap_or_default();
    let mut suites = Vec::new();
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        if CIPHER_SUITES.contains(&name) {
            suites.push(name.to_owned());
        } else {
            let cause = format!("unsupported cipher \"{}\"", name.escape_debug());
            reading.problem(
                stanza.place_of(KEY),
                format!("{prefix} invalid value for {KEY}: {cause}"),
            );
        }
    }
    suites
}
