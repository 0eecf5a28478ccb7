//! A certificate with its key, checked to fit before anybody serves it.

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A usable certificate chain and key. Exists only when the two belong together.
#[derive(Clone)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate and a key make no pair. The words are those Go's library uses, for people who search for them.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The certificate's text has no PEM block of a certificate.
    #[error("tls: failed to find any PEM data in certificate input")]
    NoCertificate,
    /// The key's text has no PEM block of a private key.
    #[error("tls: failed to find any PEM data in key input")]
    NoKey,
    /// Certificate and key belong to different pairs; usual for a moment while files are replaced one by one.
    #[error("tls: private key does not match public key")]
    Mismatch,
    /// A PEM block is damaged.
    #[error("{what} is damaged: {detail}")]
    Damaged {
        /// `the certificate` or `the key`.
        what: &'static str,
        /// The decoder's words.
        detail: String,
    },
}

impl Pair {
    /// Reads a PEM chain (the leaf first) and a PEM key: PKCS#8, PKCS#1 or SEC 1.
    ///
    /// # Errors
    /// See [`PairError`]. Expiry is not checked here: whether an expired certificate is better than none is the
    /// caller's decision.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let damaged = |what: &'static str| {
            move |e: &dyn fmt::Display| PairError::Damaged {
                what,
                detail: e.to_string(),
            }
        };
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| damaged("the certificate")(&e))?;
        let leaf = chain.first().ok_or(PairError::NoCertificate)?;
        let (not_before, not_after) = validity(leaf).map_err(|e| damaged("the certificate")(&e))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => PairError::NoKey,
            other => damaged("the key")(&other),
        })?;
        let provider = rustls::crypto::ring::default_provider();
        let certified =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => PairError::Mismatch,
                // Version 1 most of all, which `openssl x509 -req` makes without extensions.
                rustls::Error::InvalidCertificate(reason) => PairError::Damaged {
                    what: "the certificate",
                    detail: format!("{reason:?}: expected an X.509 certificate of version 3"),
                },
                other => damaged("the key")(&other),
            })?;
        Ok(Self {
            certified: Arc::new(certified),
            not_before,
            not_after,
        })
    }

    /// What the TLS stack serves.
    #[must_use]
    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// The chain in DER, the leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// The leaf's start of validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The leaf's end of validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether the leaf is valid at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// Whether the leaf is for a server of this name (or IP address). What clients ask for and what only a certificate
    /// can hold, such as `*.example`, both count.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let Some(leaf) = self.chain().first() else {
            return false;
        };
        let address = host.parse::<IpAddr>().ok();
        let is_named = |name: &String| {
            name.eq_ignore_ascii_case(host) || address.is_some() && name.parse().ok() == address
        };
        if self.names().iter().any(is_named) {
            return true;
        }
        let (Ok(parsed), Ok(name)) = (
            ParsedCertificate::try_from(leaf),
            ServerName::try_from(host),
        ) else {
            return false;
        };
        rustls::client::verify_server_name(&parsed, &name).is_ok()
    }

    /// The DNS names and IP addresses the leaf is for.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let leaf = self
            .chain()
            .first()
            .and_then(|leaf| X509Certificate::from_der(leaf).ok());
        let names = leaf
            .as_ref()
            .and_then(|(_, leaf)| leaf.subject_alternative_name().ok().flatten());
        names
            .map(|names| names.value.general_names.iter().filter_map(name).collect())
            .unwrap_or_default()
    }

    /// The same certificates (the keys then are the same too).
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.chain() == other.chain()
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// From when to when a certificate is valid.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let at = |time: &x509_parser::time::ASN1Time| {
        Timestamp::from_second(time.timestamp()).map_err(|e| e.to_string())
    };
    Ok((
        at(&parsed.validity().not_before)?,
        at(&parsed.validity().not_after)?,
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::certificates::issue;

    #[test]
    fn a_pair_knows_its_validity() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let made = issue::issue(
            &["a.b.svc", "10.0.0.1", "fd00::1", "*.b.example", "no name"].map(str::to_owned),
            now,
            std::time::Duration::from_secs(60),
        )
        .unwrap();
        let pair = Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap();
        assert!(pair.is_valid_at(now));
        assert_eq!(pair.not_after().as_second() - now.as_second(), 60);
        assert!(!pair.is_valid_at(pair.not_after()));
        assert_eq!(
            pair.names(),
            ["a.b.svc", "10.0.0.1", "fd00::1", "*.b.example", "no name"]
        );
        for (host, expected) in [
            ("a.b.svc", true),
            ("10.0.0.1", true),
            ("fd00::1", true),
            ("fd00:0::1", true),
            ("A.B.svc", true),
            ("*.b.example", true),
            ("a.b.example", true),
            ("no name", true),
            ("*.y", false),
            ("a.a.b.example", false),
            ("b.svc", false),
            ("", false),
        ] {
            assert_eq!(pair.is_for(host), expected, "{host}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_in_gos_words() {
        let now = Timestamp::UNIX_EPOCH;
        let hour = std::time::Duration::from_secs(3600);
        let one = issue::issue(&[], now, hour).unwrap();
        let other = issue::issue(&[], now, hour).unwrap();
        let text = |certificate: &str, key: &str| {
            Pair::from_pem(certificate.as_bytes(), key.as_bytes())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            text("", one.key.expose()),
            "tls: failed to find any PEM data in certificate input"
        );
        assert_eq!(
            text(&one.certificate, "x"),
            "tls: failed to find any PEM data in key input"
        );
        assert_eq!(
            text(&one.certificate, other.key.expose()),
            "tls: private key does not match public key"
        );
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(text(broken, one.key.expose()).starts_with("the certificate is damaged: "));
    }
}
