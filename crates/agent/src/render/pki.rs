//! `pkiCert`: a certificate that is kept in the file it is rendered to, and issued again when it is due.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_go::json::Json;
use pannier_redacted::Redacted;
use pannier_vault::{Request, x509};

use super::clock;
use super::fetch::{Context, FetchError, object};

/// What the PEM blocks of an answer or a file are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Certificates {
    /// The certificate itself.
    pub(crate) cert: String,
    /// Its private key.
    pub(crate) key: Redacted,
    /// The first authority.
    pub(crate) ca: String,
    /// All authorities, each once.
    pub(crate) ca_chain: Vec<String>,
    /// Seconds since 1970 between which the certificate holds.
    pub(crate) validity: Option<(u64, u64)>,
}

impl Certificates {
    /// Sorts PEM blocks by what they are; anything between them is skipped.
    pub(crate) fn from_pem(text: &str) -> Self {
        let mut found = Self::default();
        let mut rest = text;
        while let Some((block, after)) = next_block(rest) {
            rest = after;
            if block.label.ends_with("PRIVATE KEY") {
                found.key = Redacted::from(block.text());
            } else if block.label == "CERTIFICATE"
                && let Some(der) = block.bytes()
            {
                let text = block.text();
                if !x509::is_ca(&der) {
                    found.validity = x509::validity(&der);
                    found.cert = text;
                } else if !found.ca_chain.contains(&text) {
                    found.ca_chain.push(text);
                }
            }
        }
        found.ca = found.ca_chain.first().cloned().unwrap_or_default();
        found
    }

    /// How long the certificate is good: until `threshold` of its lifetime has passed. `None` when it is absent, and zero
    /// when it is due.
    pub(crate) fn time_left(&self, threshold: f64, now: i64) -> Option<Duration> {
        let (from, to) = self.validity?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 are far below 2^52"
        )]
        let due = from as f64 + to.saturating_sub(from) as f64 * threshold;
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 are far below 2^52"
        )]
        let left = due - now as f64;
        Some(Duration::from_secs_f64(left.max(0.0)))
    }
}

struct Block<'a> {
    label: &'a str,
    body: &'a str,
}

impl Block<'_> {
    fn text(&self) -> String {
        format!(
            "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n",
            self.label,
            self.body.trim()
        )
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let digits: String = self.body.split_ascii_whitespace().collect();
        STANDARD.decode(digits).ok()
    }
}

fn next_block(text: &str) -> Option<(Block<'_>, &str)> {
    let start = text.find("-----BEGIN ")?;
    let (label, rest) = text[start + 11..].split_once("-----")?;
    let end = format!("-----END {label}-----");
    let at = rest.find(&end)?;
    Some((
        Block {
            label,
            body: &rest[..at],
        },
        &rest[at + end.len()..],
    ))
}

/// The certificate in the file while it is good, otherwise a new one.
pub(super) async fn obtain(
    context: &Context,
    path: &str,
    parameters: &BTreeMap<String, String>,
    destination: &str,
) -> Result<Certificates, FetchError> {
    let now = clock::unix_now().0;
    let threshold = context.schedule.threshold;
    if let Ok(text) = std::fs::read(destination) {
        let kept = Redacted::from(text);
        let kept = Certificates::from_pem(kept.expose());
        if kept
            .time_left(threshold, now)
            .is_some_and(|left| !left.is_zero())
        {
            return Ok(kept);
        }
    }
    let answer = context
        .upstream
        .send(&Request::put(path, object(parameters)))
        .await?
        .secret()?;
    let secret = answer.ok_or_else(|| FetchError::Other(format!("no secret exists at {path}")))?;
    let mut text = zeroize::Zeroizing::new(String::new());
    for value in secret
        .data
        .as_ref()
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(BTreeMap::values)
    {
        let list = value.as_array().unwrap_or(std::slice::from_ref(value));
        for part in list.iter().filter_map(Json::as_str) {
            text.push_str(part);
            text.push('\n');
        }
    }
    let issued = Certificates::from_pem(&text);
    if issued.validity.is_none() {
        return Err(FetchError::Other(format!(
            "the answer of {path} holds no usable certificate"
        )));
    }
    Ok(issued)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    fn chain() -> (String, String, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["web".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 11);
        let leaf = params.signed_by(&key, &issuer).unwrap().pem();
        (leaf, key.serialize_pem(), ca)
    }

    #[test]
    fn blocks_are_told_apart_wherever_they_stand() {
        let (leaf, key, ca) = chain();
        for text in [
            format!("{leaf}{key}{ca}"),
            format!("# comment\n{ca}\n\n{key}noise{leaf}{ca}"),
        ] {
            let found = Certificates::from_pem(&text.replace("\r\n", "\n"));
            assert!(found.cert.starts_with("-----BEGIN CERTIFICATE-----\n"));
            assert!(found.cert.ends_with("-----END CERTIFICATE-----\n"));
            assert!(
                found
                    .key
                    .expose()
                    .starts_with("-----BEGIN PRIVATE KEY-----\n")
            );
            assert_eq!(found.ca_chain, std::slice::from_ref(&found.ca));
            assert_ne!(found.ca, found.cert);
        }
        assert_eq!(
            Certificates::from_pem("-----BEGIN X----- no end"),
            Certificates::default()
        );
    }

    #[test]
    fn a_certificate_is_due_at_the_threshold_of_its_life() {
        let (leaf, ..) = chain();
        let found = Certificates::from_pem(&leaf);
        let start = 1_767_225_600;
        let day = 86_400;
        assert_eq!(
            found.time_left(0.9, start),
            Some(Duration::from_secs(9 * 86_400))
        );
        assert_eq!(found.time_left(0.9, start + 9 * day), Some(Duration::ZERO));
        assert_eq!(found.time_left(0.9, start + 20 * day), Some(Duration::ZERO));
        assert_eq!(Certificates::default().time_left(0.9, start), None);
    }
}
