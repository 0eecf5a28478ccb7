//! Two ways to judge a server's certificate: against roots, or not at all.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::x509;

/// Whom to trust.
#[derive(Debug)]
enum Trust {
    /// What chains to a root, and a certificate that the user named itself.
    ///
    /// Many small set-ups give the server a self-signed certificate and name that very file as the CA. Go accepts it; a
    /// strict path builder does not, because the certificate is no CA, or is one but is used by a server. It is accepted
    /// here when the bytes are equal, the name fits and the dates hold.
    Roots {
        chain: Option<Arc<WebPkiServerVerifier>>,
        named: Vec<CertificateDer<'static>>,
    },
    /// Anybody who holds the key of the certificate shown: `VAULT_SKIP_VERIFY`.
    Anybody,
}

/// Judges a server's certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Trusts what chains to one of `roots`, and the certificates `named`.
    pub(super) fn roots(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        // Without any root the builder refuses; then nothing but named certificates can be trusted.
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .ok();
        Self {
            trust: Trust::Roots { chain, named },
            provider,
        }
    }

    /// Trusts everybody.
    pub(super) fn anybody(provider: Arc<CryptoProvider>) -> Self {
        Self {
            trust: Trust::Anybody,
            provider,
        }
    }
}

/// A certificate that the user named: its name and dates count, its issuer does not.
fn as_named(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)?;
    match x509::validity(certificate) {
        Some((from, to)) if (from..=to).contains(&now.as_secs()) => {
            Ok(ServerCertVerified::assertion())
        }
        Some((from, _)) if now.as_secs() < from => Err(CertificateError::NotValidYet.into()),
        Some(_) => Err(CertificateError::Expired.into()),
        None => Err(CertificateError::BadEncoding.into()),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Roots { chain, named } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        if named
            .iter()
            .any(|named| named.as_ref() == end_entity.as_ref())
        {
            return as_named(end_entity, server_name, now);
        }
        match chain {
            Some(chain) => {
                chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
