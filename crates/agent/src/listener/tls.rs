//! A listener's certificate, which follows its files: a rotated pair is used from the next connection on, and the last
//! good one stays while the files cannot be read.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use pannier_agent_config::{ListenerTls, TlsVersion};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

/// The certificate in use and what it was read from.
pub(super) struct Certificates {
    spec: ListenerTls,
    current: Mutex<(Option<Stamp>, Arc<ServerConfig>)>,
}

/// When the files were changed.
type Stamp = Vec<SystemTime>;

impl Certificates {
    pub(super) fn load(spec: &ListenerTls) -> Result<Self, String> {
        let stamp = stamp(spec);
        let config = Arc::new(config(spec)?);
        Ok(Self {
            spec: spec.clone(),
            current: Mutex::new((stamp, config)),
        })
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.spec);
        if stamp.is_some() && stamp != current.0 {
            match config(&self.spec) {
                Ok(config) => {
                    tracing::info!(target: super::LOG, file = %self.spec.cert_file, "listener certificate reloaded");
                    current.1 = Arc::new(config);
                }
                Err(error) => {
                    tracing::warn!(target: super::LOG, error, "listener certificate not reloaded")
                }
            }
            // A bad pair is not read again before it changes.
            current.0 = stamp;
        }
        TlsAcceptor::from(Arc::clone(&current.1))
    }
}

fn stamp(spec: &ListenerTls) -> Option<Stamp> {
    let files = [
        Some(&spec.cert_file),
        Some(&spec.key_file),
        spec.client_ca_file.as_ref(),
    ];
    files
        .into_iter()
        .flatten()
        .map(|file| Path::new(file).metadata().ok()?.modified().ok())
        .collect()
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(format!("{file}: no certificate in it")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("{file}: {error}")),
    }
}

fn config(spec: &ListenerTls) -> Result<ServerConfig, String> {
    if spec.disable_client_certs && spec.require_client_cert {
        return Err("'tls_disable_client_certs' and 'tls_require_and_verify_client_cert' are mutually exclusive".to_owned());
    }
    if spec.max_version < spec.min_version {
        return Err(
            "'tls_max_version' must be greater than or equal to 'tls_min_version'".to_owned(),
        );
    }
    let mut provider = default_provider();
    if !spec.cipher_suites.is_empty() {
        // rustls names some of them otherwise, and those of TLS 1.3 are not a choice in Go either.
        let wanted: Vec<String> = spec
            .cipher_suites
            .iter()
            .map(|name| {
                if name.ends_with("CHACHA20_POLY1305") {
                    format!("{name}_SHA256")
                } else {
                    name.clone()
                }
            })
            .collect();
        provider.cipher_suites.retain(|suite| {
            let name = format!("{:?}", suite.suite());
            name.starts_with("TLS13_") || wanted.contains(&name)
        });
    }
    let versions: Vec<&'static SupportedProtocolVersion> = [
        (TlsVersion::Tls13, &rustls::version::TLS13),
        (TlsVersion::Tls12, &rustls::version::TLS12),
    ]
    .into_iter()
    .filter(|(version, _)| (spec.min_version..=spec.max_version).contains(version))
    .map(|(_, version)| version)
    .collect();
    let builder = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions)
        .map_err(|error| {
            format!("tls_min_version, tls_max_version or tls_cipher_suites: {error}")
        })?;
    // Who presents a certificate without being asked to prove it is served like everybody else, as in the reference.
    let builder = match (spec.require_client_cert, &spec.client_ca_file) {
        (false, _) => builder.with_no_client_auth(),
        (true, None) => {
            return Err("tls_require_and_verify_client_cert needs tls_client_ca_file".to_owned());
        }
        (true, Some(file)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots
                    .add(certificate)
                    .map_err(|error| format!("{file}: {error}"))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                Arc::new(default_provider()),
            );
            builder.with_client_cert_verifier(
                verifier
                    .build()
                    .map_err(|error| format!("{file}: {error}"))?,
            )
        }
    };
    let chain = certificates(&spec.cert_file)?;
    let key = PrivateKeyDer::from_pem_file(&spec.key_file)
        .map_err(|error| format!("{}: {error}", spec.key_file))?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("{} and {}: {error}", spec.cert_file, spec.key_file))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
