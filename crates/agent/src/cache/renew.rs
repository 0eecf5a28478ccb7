//! Keeps one answer alive until it can no longer be renewed.

use std::sync::Weak;
use std::time::{Duration, SystemTime};

use pannier_go::json::{Json, Style};
use pannier_redacted::Redacted;
use pannier_vault::{Client, Request, random};
use tokio::time::{Instant, sleep};

use super::key::Key;
use super::policy::Brought;
use super::store::Entry;
use super::{Cache, LOG};
use crate::lifetime::{Lifetime, Renewal, Step};

/// Renews by the rules for tokens and leases, with patience for failures, and tells the cache what came of it.
pub(super) async fn keep_alive(cache: Weak<Cache>, client: Client, key: Key, entry: Entry) {
    let request = request(&entry);
    let start = Instant::now();
    let now = || start.elapsed().as_secs_f64();
    // A restored answer has lived for some time already.
    let lived = SystemTime::now()
        .duration_since(entry.renewed)
        .unwrap_or_default()
        .as_secs_f64();
    let mut life = Lifetime::new(
        entry.duration() as f64 - lived,
        true,
        false,
        now(),
        random::unit(),
    );
    loop {
        let renewal = match client
            .send(&request)
            .await
            .and_then(|answer| answer.secret())
        {
            Ok(Some(secret)) => {
                let (seconds, renewable) = match secret.auth {
                    Some(auth) => (auth.lease_duration, auth.renewable),
                    None => (secret.lease_duration, secret.renewable),
                };
                let Some(cache) = cache.upgrade() else { return };
                if !cache.renewed(&key, seconds) {
                    return;
                }
                tracing::debug!(target: LOG, path = %entry.path, "secret renewed");
                Renewal::Renewed(seconds as f64, renewable)
            }
            Ok(None) => Renewal::Failed,
            Err(error) => {
                tracing::debug!(target: LOG, path = %entry.path, %error, "error renewing secret");
                Renewal::Failed
            }
        };
        match life.step(renewal, now(), random::unit()) {
            Step::Sleep(seconds) => {
                sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()).await
            }
            Step::Finish => break,
        }
    }
    tracing::debug!(target: LOG, path = %entry.path, "renewal halted; evicting from cache");
    if let Some(cache) = cache.upgrade() {
        cache.ended(&key);
    }
}

fn request(entry: &Entry) -> Request {
    let with = |request: Request, token: Option<&Redacted>| {
        let mut request = request;
        request.token = token.cloned();
        if !entry.namespace.is_empty() {
            request.namespace = Some(format!("{}/", entry.namespace));
        }
        request
    };
    match &entry.brought {
        Brought::Token { token, .. } => with(
            Request::put("auth/token/renew-self", r#"{"increment":0}"#),
            Some(token),
        ),
        Brought::Lease { lease_id, .. } => {
            let lease = Json::String(lease_id.clone()).encode(Style::COMPACT);
            let body = format!(r#"{{"increment":0,"lease_id":{lease}}}"#);
            with(Request::put("sys/leases/renew", body), entry.token.as_ref())
        }
    }
}
