//! Where the served certificate comes from.
//!
//! Either from files ([`files`]), or made here and shared through a Secret ([`machine`], with [`keeper`] as its edge).

mod authorities;
mod cluster;
mod contents;
pub(crate) mod files;
mod hooks;
pub(crate) mod issue;
pub(crate) mod keeper;
mod machine;

use std::time::Duration;

/// Automatic certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automatic {
    /// Names (or IP addresses) that the certificate is for (`-tls-auto-hosts`).
    pub hosts: Vec<String>,
    /// Life of a certificate; a new one is made after half of it.
    pub lifetime: Duration,
    /// The MutatingWebhookConfiguration whose caBundle is kept (`-tls-auto`).
    pub webhook: Option<String>,
    /// Where the Secret is that replicas agree through; `None` for certificates in memory.
    pub secret_namespace: Option<String>,
}
