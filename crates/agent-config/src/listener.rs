use std::time::Duration;

use crate::Position;

/// A `listener` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where it stands.
    pub at: Position,
    /// What it binds.
    pub address: ListenerAddress,
    /// The certificate and its rules, unless `tls_disable`. Always `None` for a unix socket.
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
