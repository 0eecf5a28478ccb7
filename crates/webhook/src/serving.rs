//! What is being served right now, and whether the API server can use it.
//!
//! Certificate sources write a [`Serving`] into a watch channel; the TLS stack, readiness and metrics read it.

use crate::tls::Pair;
use jiff::Timestamp;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Whether the API server trusts the served certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Somebody else keeps the `caBundle` (certificates from files), so nothing is known against it.
    NotOurs,
    /// The `caBundle` was seen to hold the certificate's authority.
    Seen,
    /// It does not, or has not been seen yet; the sentence says what is missing.
    Missing(String),
}

/// The pair in service.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    /// What clients get; `None` until there is one.
    pub(crate) pair: Option<Pair>,
    /// Whether the API server trusts it.
    pub(crate) trust: Trust,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            pair: None,
            trust: Trust::Missing("no certificate yet".to_owned()),
        }
    }
}

/// Why the server is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    /// The process is ending.
    Draining,
    /// There is no certificate.
    NoCertificate,
    /// The certificate in service ended then (or begins then).
    OutOfDate(Timestamp),
    /// The API server does not trust the certificate.
    Untrusted(String),
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining => f.write_str("shutting down"),
            Self::NoCertificate => f.write_str("no certificate to serve"),
            Self::OutOfDate(time) => write!(
                f,
                "the certificate in service is not valid now: its limit is {time}"
            ),
            Self::Untrusted(reason) => write!(
                f,
                "the API server does not trust the certificate in service: {reason}"
            ),
        }
    }
}

impl Serving {
    /// Whether the API server can use what is served, at `now`.
    ///
    /// # Errors
    /// The reason why not.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), NotReady> {
        let pair = self.pair.as_ref().ok_or(NotReady::NoCertificate)?;
        if now >= pair.not_after() {
            return Err(NotReady::OutOfDate(pair.not_after()));
        }
        if now < pair.not_before() {
            return Err(NotReady::OutOfDate(pair.not_before()));
        }
        match &self.trust {
            Trust::Missing(reason) => Err(NotReady::Untrusted(reason.clone())),
            Trust::NotOurs | Trust::Seen => Ok(()),
        }
    }
}

/// Readiness as the health endpoint asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    serving: watch::Receiver<Serving>,
    draining: Arc<AtomicBool>,
}

impl Readiness {
    /// Follows `serving`.
    #[must_use]
    pub(crate) fn new(serving: watch::Receiver<Serving>) -> Self {
        Self {
            serving,
            draining: Arc::default(),
        }
    }

    /// From now on the process is ending.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the process is ending.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether requests should come here, at `now`.
    ///
    /// # Errors
    /// The reason why not.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), NotReady> {
        if self.is_draining() {
            return Err(NotReady::Draining);
        }
        self.serving.borrow().check(now)
    }

    /// The pair in service.
    #[must_use]
    pub(crate) fn pair(&self) -> Option<Pair> {
        self.serving.borrow().pair.clone()
    }
}

/// Says in the log, once an hour, that the certificate in service ends soon and nobody has renewed it.
pub(crate) async fn warn_before_the_end(serving: watch::Receiver<Serving>) {
    const PAUSE: Duration = Duration::from_secs(3600);
    let mut pause = tokio::time::interval(PAUSE);
    loop {
        pause.tick().await;
        let (pair, now) = (serving.borrow().pair.clone(), Timestamp::now());
        if let Some(pair) = pair.filter(|pair| is_near_the_end(pair, now)) {
            let until = pair.not_after();
            tracing::warn!(target: "handler.certwatcher", %until, "the certificate in service ends soon and has not been renewed");
        }
    }
}

/// Less than a tenth of its life is left.
fn is_near_the_end(pair: &Pair, now: Timestamp) -> bool {
    let life = pair.not_after().duration_since(pair.not_before()).as_secs();
    pair.not_after().duration_since(now).as_secs() < life / 10
}

/// Hands the pair in service to the TLS stack, with or without a server name in the hello.
#[derive(Debug)]
pub(crate) struct Resolver(pub(crate) watch::Receiver<Serving>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0
            .borrow()
            .pair
            .as_ref()
            .map(|pair| Arc::clone(pair.certified()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::certificates::issue::issue;

    #[test]
    fn ready_means_a_valid_certificate_that_the_api_server_trusts() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let made = issue(&[], now, Duration::from_secs(60)).unwrap();
        let pair =
            Some(Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap());
        let later = now + Duration::from_secs(60);
        let missing = || Trust::Missing("caBundle is empty".to_owned());
        let table = [
            (None, Trust::NotOurs, now, Err(NotReady::NoCertificate)),
            (pair.clone(), Trust::NotOurs, now, Ok(())),
            (pair.clone(), Trust::Seen, now, Ok(())),
            (
                pair.clone(),
                missing(),
                now,
                Err(NotReady::Untrusted("caBundle is empty".to_owned())),
            ),
            (pair, Trust::Seen, later, Err(NotReady::OutOfDate(later))),
        ];
        for (pair, trust, at, expected) in table {
            let (sender, receiver) = watch::channel(Serving { pair, trust });
            let readiness = Readiness::new(receiver);
            assert_eq!(readiness.check(at), expected);
            readiness.drain();
            assert_eq!(readiness.check(at), Err(NotReady::Draining));
            drop(sender);
        }
    }

    #[test]
    fn the_last_tenth_of_a_life_is_worth_a_warning() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        // Dated back by 300 s, so its life is 1000 s.
        let made = issue(&[], now, Duration::from_secs(700)).unwrap();
        let pair = Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap();
        assert!(!is_near_the_end(&pair, now + Duration::from_secs(600)));
        assert!(is_near_the_end(&pair, now + Duration::from_secs(601)));
        assert!(is_near_the_end(&pair, now + Duration::from_secs(800)));
    }
}
