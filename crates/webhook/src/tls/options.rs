//! Which TLS versions and cipher suites are offered.
//!
//! The names are Go's, as the reference takes them. Suites with RC4, 3DES, CBC or static RSA are not in our TLS stack:
//! their names are accepted, a warning says so, and what remains is offered.

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion, version};
use std::sync::Arc;

/// What the TLS options mean.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    provider: Arc<CryptoProvider>,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// One sentence for each thing asked for that cannot be offered.
    pub warnings: Vec<String>,
}

/// A list of cipher suites of which nothing can be offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "none of the cipher suites \"{0}\" can be offered: expected one of \
     TLS_ECDHE_{{RSA,ECDSA}}_WITH_{{AES_128_GCM_SHA256,AES_256_GCM_SHA384,CHACHA20_POLY1305}}"
)]
pub struct NothingLeft(String);

const TLS12_SUITES: &[(&str, CipherSuite)] = &[
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Suites of TLS 1.3 cannot be chosen; they are always offered.
const TLS13_SUITES: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

impl TlsOptions {
    /// Offers TLS 1.3 and, unless `only_tls13`, 1.2 with the suites of that version in `suites` (Go's names; none: all).
    ///
    /// # Errors
    /// A list that names only suites that our TLS stack leaves out.
    pub fn new(only_tls13: bool, suites: &[&str]) -> Result<Self, NothingLeft> {
        let mut options = Self::default();
        if only_tls13 {
            options.versions = vec![&version::TLS13];
        } else if !suites.is_empty() {
            options.choose(suites)?;
        }
        Ok(options)
    }

    fn choose(&mut self, suites: &[&str]) -> Result<(), NothingLeft> {
        let mut chosen = Vec::new();
        let mut names_tls13 = false;
        for name in suites {
            if let Some((_, suite)) = TLS12_SUITES.iter().find(|(known, _)| known == name) {
                chosen.push(*suite);
            } else if TLS13_SUITES.contains(name) {
                names_tls13 = true;
            } else {
                self.warnings.push(format!(
                    "cipher suite `{name}` is not available and is left out"
                ));
            }
        }
        if chosen.is_empty() && !names_tls13 {
            return Err(NothingLeft(suites.join(",")));
        }
        if chosen.is_empty() {
            self.versions = vec![&version::TLS13];
        }
        let is_kept = |suite: &SupportedCipherSuite| {
            suite.tls13().is_some() || chosen.contains(&suite.suite())
        };
        let mut provider = rustls::crypto::ring::default_provider();
        provider.cipher_suites.retain(is_kept);
        self.provider = Arc::new(provider);
        Ok(())
    }

    /// A server configuration with these options; certificates come from `resolver`.
    ///
    /// # Errors
    /// The versions have no suite in common with the list; [`TlsOptions::new`] does not let that happen.
    pub fn server_config(
        &self,
        resolver: Arc<dyn rustls::server::ResolvesServerCert>,
    ) -> Result<rustls::ServerConfig, rustls::Error> {
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&self.versions)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl Default for TlsOptions {
    /// TLS 1.2 and 1.3 with every suite.
    fn default() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self {
            provider,
            versions: vec![&version::TLS12, &version::TLS13],
            warnings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn offered(options: &TlsOptions) -> (usize, usize) {
        let of = |tls13: bool| {
            options
                .provider
                .cipher_suites
                .iter()
                .filter(|s| s.tls13().is_some() == tls13)
                .count()
        };
        (of(false), of(true))
    }

    #[test]
    fn the_oldest_version_is_1_2_or_1_3() {
        assert_eq!(TlsOptions::new(false, &[]).unwrap().versions.len(), 2);
        assert_eq!(
            TlsOptions::new(true, &["TLS_RSA_WITH_RC4_128_SHA"])
                .unwrap()
                .versions
                .len(),
            1
        );
    }

    #[test]
    fn a_list_chooses_among_the_suites_of_tls_1_2() {
        let list = [
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        ];
        let options = TlsOptions::new(false, &list).unwrap();
        assert_eq!(offered(&options), (2, 3));
        assert!(options.warnings.is_empty());
    }

    #[test]
    fn suites_of_the_past_are_left_out_with_a_warning() {
        let list = [
            "TLS_RSA_WITH_RC4_128_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ];
        let options = TlsOptions::new(false, &list).unwrap();
        assert_eq!(
            options.warnings,
            ["cipher suite `TLS_RSA_WITH_RC4_128_SHA` is not available and is left out"]
        );
        assert_eq!(offered(&options), (1, 3));
        let error = TlsOptions::new(false, &list[..1]).unwrap_err().to_string();
        assert!(error.starts_with("none of the cipher suites \"TLS_RSA_WITH_RC4_128_SHA\" can be offered: expected one of TLS_ECDHE_{RSA,"), "{error}");
    }

    #[test]
    fn only_tls_1_3_names_leave_only_tls_1_3() {
        let options = TlsOptions::new(false, &["TLS_AES_128_GCM_SHA256"]).unwrap();
        assert_eq!((offered(&options), options.versions.len()), ((0, 3), 1));
    }
}
