//! Sets of certificate authorities, as a caBundle holds them.

use crate::tls::{Pair, validity};
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;
use std::time::Duration;

/// One authority's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    der: CertificateDer<'static>,
    not_after: Timestamp,
}

/// The certificates in a PEM text that can be read; everything else is passed over.
pub(crate) fn parse(pem: &str) -> Vec<Authority> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    let mut authorities = Vec::new();
    for der in certificates {
        if let Ok((_, not_after)) = validity(&der) {
            let authority = Authority { der, not_after };
            if !authorities.contains(&authority) {
                authorities.push(authority);
            }
        }
    }
    authorities
}

/// As one PEM text, in a fixed order: what ends first comes first, so the newest is last. (The reference keeps only the
/// last one of a bundle it finds.)
pub(crate) fn to_pem(authorities: &[Authority]) -> String {
    let mut sorted: Vec<&Authority> = authorities.iter().collect();
    sorted.sort_by(|a, b| (a.not_after, &a.der[..]).cmp(&(b.not_after, &b.der[..])));
    sorted.dedup();
    sorted
        .into_iter()
        .map(|authority| pem_block(&authority.der))
        .collect()
}

/// Adds those of `more` that are not there yet.
pub(crate) fn merge(authorities: &mut Vec<Authority>, more: &[Authority]) {
    for authority in more {
        if !authorities.contains(authority) {
            authorities.push(authority.clone());
        }
    }
}

/// Drops what has ended.
pub(crate) fn prune(authorities: &mut Vec<Authority>, now: Timestamp) {
    authorities.retain(|authority| authority.not_after > now);
}

/// Drops what ends first until at most `most` are left.
pub(crate) fn keep_newest(authorities: &mut Vec<Authority>, most: usize) {
    authorities.sort_by_key(|authority| authority.not_after);
    authorities.drain(..authorities.len().saturating_sub(most));
}

/// Whether a client that knows only `authorities` accepts `pair` from a server called `name` at `now`.
pub(crate) fn accept(
    authorities: &[Authority],
    pair: &Pair,
    name: &str,
    now: Timestamp,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        // One that our library does not take is of no use to us; the others may do.
        drop(roots.add(authority.der.clone()));
    }
    if roots.is_empty() {
        return Err("no authority in the bundle".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| e.to_string())?;
    let name =
        ServerName::try_from(name.to_owned()).map_err(|error| format!("`{name}`: {error}"))?;
    let (leaf, others) = pair.chain().split_first().ok_or("empty chain")?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(
        u64::try_from(now.as_second()).unwrap_or(0),
    ));
    verifier
        .verify_server_cert(leaf, others, &name, &[], now)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn pem_block(der: &CertificateDer<'_>) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    for start in (0..text.len()).step_by(64) {
        out.push_str(&text[start..text.len().min(start + 64)]);
        out.push('\n');
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::certificates::issue::issue;

    fn now() -> Timestamp {
        "2030-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_client_accepts_what_its_bundle_signed_for_the_name_and_the_time() {
        let minute = Duration::from_secs(60);
        let made = issue(&["svc.ns.svc".to_owned()], now(), minute).unwrap();
        let other = issue(&["svc.ns.svc".to_owned()], now(), minute).unwrap();
        let pair = Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap();
        let both = parse(&format!("{}{}", other.ca, made.ca));
        assert_eq!(accept(&both, &pair, "svc.ns.svc", now()), Ok(()));
        assert!(accept(&both, &pair, "other.ns.svc", now()).is_err());
        assert!(
            accept(
                &both,
                &pair,
                "svc.ns.svc",
                now() + minute + Duration::from_secs(1)
            )
            .is_err()
        );
        assert!(accept(&parse(&other.ca), &pair, "svc.ns.svc", now()).is_err());
        assert_eq!(
            accept(&[], &pair, "svc.ns.svc", now()),
            Err("no authority in the bundle".to_owned())
        );
    }

    #[test]
    fn bundles_are_read_whatever_else_they_hold_and_written_newest_last() {
        let old = issue(&[], now(), Duration::from_secs(60)).unwrap();
        let new = issue(&[], now(), Duration::from_secs(120)).unwrap();
        let junk = "text\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let mut bundle = parse(&format!(
            "{}{junk}{}{}{}",
            new.ca,
            new.key.expose(),
            old.ca,
            new.ca
        ));
        assert_eq!(bundle.len(), 2);
        assert_eq!(
            to_pem(&bundle),
            format!("{}{}", old.ca, new.ca).replace("\r\n", "\n")
        );
        assert_eq!(parse(&to_pem(&bundle)).len(), 2);
        merge(&mut bundle, &parse(&old.ca));
        assert_eq!(bundle.len(), 2);
        prune(&mut bundle, now() + Duration::from_secs(60));
        assert_eq!(to_pem(&bundle), new.ca.replace("\r\n", "\n"));
        assert!(parse("CA").is_empty());
    }
}
