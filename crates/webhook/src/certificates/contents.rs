//! What replicas share: the certificate in service, the one that follows it, and their authorities.
//!
//! It lives in the Secret `vault-injector-certs`. The members `cert` and `key` are the reference's, so that both kinds
//! of replica can serve each other's certificate; the others are ours, optional, and erased when a reference replica
//! writes the Secret.

use super::authorities::{self, Authority};
use super::issue::Issued;
use crate::tls::Pair;
use pannier_redacted::Redacted;
use std::collections::BTreeMap;

/// The Secret's name (as in the reference).
pub(crate) const SECRET: &str = "vault-injector-certs";

const CERTIFICATE: &str = "cert";
const KEY: &str = "key";
const NEXT_CERTIFICATE: &str = "next-cert";
const NEXT_KEY: &str = "next-key";
const AUTHORITIES: &str = "ca";

/// A certificate and its key as PEM texts; whether they fit is seen when they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    certificate: String,
    key: Redacted,
}

impl Texts {
    /// The pair, if it is one.
    pub(crate) fn pair(&self) -> Option<Pair> {
        Pair::from_pem(self.certificate.as_bytes(), self.key.expose_bytes()).ok()
    }
}

impl From<&Issued> for Texts {
    fn from(issued: &Issued) -> Self {
        Self {
            certificate: issued.certificate.clone(),
            key: issued.key.clone(),
        }
    }
}

/// The shared state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// In service.
    pub(crate) current: Option<Texts>,
    /// Made, but not in service before its authority was seen in the caBundle.
    pub(crate) next: Option<Texts>,
    /// The authorities of both, and those before them that have not ended.
    pub(crate) authorities: Vec<Authority>,
}

impl Contents {
    /// From a Secret's data.
    pub(crate) fn read(data: &BTreeMap<String, Vec<u8>>) -> Self {
        let text = |name: &str| {
            data.get(name)
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let texts = |certificate: &str, key: &str| {
            let certificate = text(certificate).filter(|text| !text.is_empty())?;
            Some(Texts {
                certificate,
                key: Redacted::from(data.get(key).map_or(&[][..], Vec::as_slice)),
            })
        };
        Self {
            current: texts(CERTIFICATE, KEY),
            next: texts(NEXT_CERTIFICATE, NEXT_KEY),
            authorities: text(AUTHORITIES)
                .map(|text| authorities::parse(&text))
                .unwrap_or_default(),
        }
    }

    /// Into a Secret's data; members that are not ours stay.
    pub(crate) fn write(&self, data: &mut BTreeMap<String, Vec<u8>>) {
        for (certificate, key, texts) in [
            (CERTIFICATE, KEY, &self.current),
            (NEXT_CERTIFICATE, NEXT_KEY, &self.next),
        ] {
            data.remove(certificate);
            data.remove(key);
            if let Some(texts) = texts {
                data.insert(
                    certificate.to_owned(),
                    texts.certificate.clone().into_bytes(),
                );
                data.insert(key.to_owned(), texts.key.expose_bytes().to_vec());
            }
        }
        data.insert(
            AUTHORITIES.to_owned(),
            authorities::to_pem(&self.authorities).into_bytes(),
        );
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::certificates::issue::issue;
    use jiff::Timestamp;
    use std::time::Duration;

    fn made() -> Issued {
        issue(&[], Timestamp::UNIX_EPOCH, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_and_the_rest_stays() {
        let (one, two) = (made(), made());
        let mut list = authorities::parse(&one.ca);
        authorities::merge(&mut list, &authorities::parse(&two.ca));
        let list = authorities::parse(&authorities::to_pem(&list));
        let contents = Contents {
            current: Some(Texts::from(&one)),
            next: Some(Texts::from(&two)),
            authorities: list,
        };
        let mut data = BTreeMap::from([("other".to_owned(), b"x".to_vec())]);
        contents.write(&mut data);
        assert_eq!(Contents::read(&data), contents);
        assert_eq!(data["other"], b"x");
        assert_eq!(data["cert"], one.certificate.as_bytes());
        assert!(contents.next.as_ref().unwrap().pair().is_some());
        let after = Contents {
            current: contents.next,
            next: None,
            authorities: Vec::new(),
        };
        after.write(&mut data);
        assert_eq!(Contents::read(&data), after);
        assert!(!data.contains_key("next-key"));
    }

    #[test]
    fn an_empty_or_foreign_secret_is_read_as_far_as_it_goes() {
        assert_eq!(Contents::read(&BTreeMap::new()), Contents::default());
        let foreign = made();
        let data = BTreeMap::from([
            ("cert".to_owned(), foreign.certificate.clone().into_bytes()),
            ("key".to_owned(), foreign.key.expose_bytes().to_vec()),
        ]);
        let contents = Contents::read(&data);
        assert!(contents.current.unwrap().pair().is_some());
        let half = BTreeMap::from([("cert".to_owned(), b"junk".to_vec())]);
        assert!(Contents::read(&half).current.unwrap().pair().is_none());
    }
}
