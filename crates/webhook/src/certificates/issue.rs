//! Making a certificate authority and one server certificate signed by it.
//!
//! Each certificate gets an authority of its own whose key is dropped as soon as it has signed: there is no key
//! that could sign another one, nothing to share but the pair itself, and an authority is of no use to anybody
//! after its one certificate has expired.

use jiff::Timestamp;
use pannier_redacted::Redacted;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use std::net::IpAddr;
use std::time::Duration;
use time::OffsetDateTime;

/// How far certificates are dated back, for nodes whose clock is behind (the reference: one minute).
const BACKDATED: Duration = Duration::from_secs(5 * 60);

/// The subject of authorities (as in the reference).
pub(crate) const CA_NAME: &str = "Agent Inject CA";

/// A new certificate with its authority, all as PEM.
pub(crate) struct Issued {
    /// The authority's certificate.
    pub(crate) ca: String,
    /// The server's certificate alone, without the authority.
    pub(crate) certificate: String,
    /// The server's key, PKCS#8.
    pub(crate) key: Redacted,
}

/// Makes an authority and a server certificate for `hosts` (names, or IP addresses) that both end at
/// `now + lifetime`.
pub(crate) fn issue(
    hosts: &[String],
    now: Timestamp,
    lifetime: Duration,
) -> Result<Issued, rcgen::Error> {
    let mut ca = parameters(CA_NAME, now, lifetime)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
    ];
    let issuer_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&issuer_key)?;
    let issuer = Issuer::new(ca, issuer_key);

    let mut leaf = parameters("Agent Inject Service", now, lifetime)?;
    leaf.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    leaf.use_authority_key_identifier_extension = true;
    for host in hosts {
        leaf.subject_alt_names.push(match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.as_str().try_into()?),
        });
    }
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?;
    Ok(Issued {
        ca: ca_certificate.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem().into(),
    })
}

fn parameters(
    name: &str,
    now: Timestamp,
    lifetime: Duration,
) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = at(now) - BACKDATED;
    parameters.not_after = at(now) + lifetime;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.serial_number = Some(SerialNumber::from_slice(&random_serial()?));
    Ok(parameters)
}

/// A random number from 0 to 1, for spreading work of replicas; 0.5 where there is no randomness to be had.
pub(crate) fn random_fraction() -> f64 {
    let mut bytes = [0; 4];
    let filled = rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes);
    if filled.is_ok() {
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    } else {
        0.5
    }
}

/// 20 bytes below 2^159, as RFC 5280 allows at most.
fn random_serial() -> Result<[u8; 20], rcgen::Error> {
    let mut serial = [0; 20];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random
        .fill(&mut serial)
        .map_err(|_| rcgen::Error::RingUnspecified)?;
    serial[0] &= 0x7f;
    Ok(serial)
}

fn at(time: Timestamp) -> OffsetDateTime {
    // Jiff's range is smaller than the other's, so the fallback is never taken.
    OffsetDateTime::from_unix_timestamp(time.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

    #[test]
    fn a_certificate_has_the_names_and_usages_of_the_reference() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let hosts = ["svc.ns.svc".to_owned(), "10.0.0.1".to_owned()];
        let issued = issue(&hosts, now, Duration::from_secs(24 * 3600)).unwrap();
        let der = |pem: &str| {
            x509_parser::pem::parse_x509_pem(pem.as_bytes())
                .unwrap()
                .1
                .contents
        };
        let (ca_der, leaf_der) = (der(&issued.ca), der(&issued.certificate));
        let (_, ca) = X509Certificate::from_der(&ca_der).unwrap();
        let (_, leaf) = X509Certificate::from_der(&leaf_der).unwrap();
        assert_eq!(ca.subject().to_string(), "CN=Agent Inject CA");
        assert_eq!(leaf.subject().to_string(), "CN=Agent Inject Service");
        assert_eq!(leaf.issuer(), ca.subject());
        assert!(ca.is_ca() && !leaf.is_ca());
        let usage = leaf.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && usage.key_encipherment() && !usage.key_cert_sign());
        assert!(
            leaf.extended_key_usage()
                .unwrap()
                .unwrap()
                .value
                .server_auth
        );
        let names = &leaf
            .subject_alternative_name()
            .unwrap()
            .unwrap()
            .value
            .general_names;
        assert_eq!(
            names[..],
            [
                GeneralName::DNSName("svc.ns.svc"),
                GeneralName::IPAddress(&[10, 0, 0, 1])
            ]
        );
        assert_eq!(
            leaf.validity().not_before.timestamp(),
            now.as_second() - 300
        );
        assert_eq!(
            leaf.validity().not_after.timestamp(),
            now.as_second() + 86_400
        );
        assert_eq!(ca.validity().not_after, leaf.validity().not_after);
    }

    #[test]
    fn names_that_are_no_dns_names_are_refused() {
        assert!(
            issue(
                &["größe".to_owned()],
                Timestamp::UNIX_EPOCH,
                Duration::from_secs(60)
            )
            .is_err()
        );
    }
}
