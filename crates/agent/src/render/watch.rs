//! The life of one dependency: fetch, keep true, fetch again; on failure wait and try again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pannier_template::{Answer, Dependency};
use pannier_vault::{Error, Request, Secret, random};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};

use super::answer;
use super::clock;
use super::fetch::{Context, FetchError, Fetched};
use super::key::Key;
use super::schedule::Upkeep;
use crate::backoff::OuterBackoff;
use crate::lifetime::{Lifetime, Renewal, Step};

const LOG: &str = "agent";

/// How often a local file is looked at.
const FILE_POLL: Duration = Duration::from_secs(2);

/// Between two fetches of one dependency there is at least this, whatever the server says about lifetimes.
const SHORTEST: Duration = Duration::from_secs(1);

/// A request that is refused from the start makes auto-auth look at the token only if the token is older than this: with a
/// new one the right is missing, not the token.
const NEW_TOKEN: Duration = Duration::from_secs(5);

/// What a watcher tells the runner.
#[derive(Debug)]
pub(crate) enum News {
    /// A value.
    Value(Answer),
    /// It could not be fetched this time. The watcher tries again soon.
    Trouble,
    /// The retries are used up, with the last error. The watcher goes on after a pause.
    Failed(String),
}

/// Runs until aborted.
pub(crate) async fn watch(
    key: Key,
    dependency: Dependency,
    destination: String,
    context: Arc<Context>,
    news: UnboundedSender<(Key, News)>,
) {
    let mut outer = OuterBackoff::new(context.outer.0, context.outer.1);
    let mut attempt = 0;
    // Whether the token had the right once, and whether auto-auth has been told since that it has it no more.
    let (mut granted, mut told) = (false, false);
    loop {
        let began = Instant::now();
        let stamp = stamp(&dependency);
        let outcome = fetch(&context, &dependency, &destination).await;
        let (value, chore) = match outcome {
            Ok(found) => {
                (granted, told) = (true, false);
                found
            }
            Err(error) => {
                told = told || suspect(&context, &error, granted);
                let wait = match context.backoff.after(attempt) {
                    // A file that is missing is no matter of patience with a server.
                    Some(wait) if !matches!(dependency, Dependency::File { .. }) => {
                        attempt += 1;
                        let shown = pannier_go::Duration::from_nanos(
                            i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX),
                        );
                        tracing::warn!(target: LOG, "(view) {key}: {error} (retry attempt {attempt} after \"{shown}\")");
                        if news.send((key.clone(), News::Trouble)).is_err() {
                            return;
                        }
                        wait
                    }
                    _ => {
                        if !matches!(dependency, Dependency::File { .. }) {
                            tracing::error!(target: LOG, "(view) {key}: {error} (exceeded maximum retries)");
                        }
                        context.metrics.count("agent.template.dependency_failure");
                        if news
                            .send((key.clone(), News::Failed(format!("{key}: {error}"))))
                            .is_err()
                        {
                            return;
                        }
                        attempt = 0;
                        outer.next(random::unit())
                    }
                };
                sleep(wait).await;
                continue;
            }
        };
        attempt = 0;
        outer.reset();
        if news
            .send((key.clone(), News::Value(answer::of(value))))
            .is_err()
        {
            return;
        }
        keep(&key, &context, chore, stamp, &dependency).await;
        if let Some(rest) = SHORTEST.checked_sub(began.elapsed()) {
            sleep(rest).await;
        }
    }
}

async fn fetch(
    context: &Context,
    dependency: &Dependency,
    destination: &str,
) -> Result<(Fetched, Chore), FetchError> {
    let value = context.fetch(dependency, destination).await?;
    let interval = context.schedule.interval;
    let chore = match &value {
        Fetched::Secret(Some(secret)) => {
            let upkeep = context
                .schedule
                .upkeep(secret, clock::unix_now().0, random::unit());
            Chore::of(
                secret,
                upkeep.map_err(|error| FetchError::Other(error.to_string()))?,
            )
        }
        Fetched::Secret(None) | Fetched::List(_) => Chore::Wait(interval),
        Fetched::Certificates(found) => {
            let left = found.time_left(context.schedule.threshold, clock::unix_now().0);
            Chore::Wait(left.unwrap_or(interval))
        }
        Fetched::File(_) => Chore::Look,
    };
    Ok((value, chore))
}

/// What keeps a value true, without the value.
enum Chore {
    /// Fetch again after this time.
    Wait(Duration),
    /// Look whether the local file changed.
    Look,
    /// Renew a lease of so many seconds with this request.
    Renew(i64, Box<Request>),
}

impl Chore {
    fn of(secret: &Secret, upkeep: Upkeep) -> Self {
        match (upkeep, &secret.auth) {
            (Upkeep::Wait(wait), _) => Self::Wait(wait),
            (Upkeep::RenewToken, Some(auth)) => {
                let request = Request::put("auth/token/renew-self", "{\"increment\":0}");
                Self::Renew(
                    auth.lease_duration,
                    Box::new(request.token(auth.client_token.clone())),
                )
            }
            (Upkeep::RenewToken | Upkeep::RenewLease, _) => {
                let mut body = b"{\"increment\":0,\"lease_id\":".to_vec();
                pannier_go::json::encode_string(&mut body, secret.lease_id.as_bytes(), true);
                body.push(b'}');
                Self::Renew(
                    secret.lease_duration,
                    Box::new(Request::put("sys/leases/renew", body)),
                )
            }
        }
    }
}

/// Returns when the value is to be fetched again.
async fn keep(key: &Key, context: &Context, chore: Chore, stamp: Stamp, dependency: &Dependency) {
    match chore {
        Chore::Wait(wait) => sleep(wait).await,
        Chore::Look => loop {
            sleep(FILE_POLL).await;
            if self::stamp(dependency) != stamp {
                return;
            }
        },
        Chore::Renew(lease, request) => {
            renew(key, context, lease, &request).await;
            lasts(key, context, None);
            tracing::warn!(target: LOG, "{key}: renewer done (maybe the lease expired)");
        }
    }
}

/// Renews a lease, or the token an answer brought, until that is no longer possible.
async fn renew(key: &Key, context: &Context, lease: i64, request: &Request) {
    lasts(key, context, Some(lease));
    let began = Instant::now();
    let mut life = Lifetime::new(seconds(lease), true, true, 0.0, random::unit());
    loop {
        let renewal = match context
            .upstream
            .send(request)
            .await
            .and_then(|answer| answer.secret())
        {
            Ok(Some(answer)) => match &answer.auth {
                Some(auth) => Renewal::Renewed(seconds(auth.lease_duration), auth.renewable),
                None => Renewal::Renewed(seconds(answer.lease_duration), answer.renewable),
            },
            Ok(None) => Renewal::Failed,
            Err(error) => {
                // A token of its own that is refused says nothing of ours.
                if request.token.is_none() {
                    suspect(context, &FetchError::Vault(error), true);
                }
                Renewal::Failed
            }
        };
        if let Renewal::Renewed(seconds, _) = renewal {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it was a whole number of seconds"
            )]
            lasts(key, context, Some(seconds as i64));
        }
        match life.step(renewal, began.elapsed().as_secs_f64(), random::unit()) {
            Step::Sleep(wait) => sleep(Duration::from_secs_f64(wait.max(0.0))).await,
            Step::Finish => return,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a lease of 2^52 seconds is as good as any"
)]
fn seconds(lease: i64) -> f64 {
    lease as f64
}

/// Tells how many seconds a lease is good for, or that it is given up.
fn lasts(key: &Key, context: &Context, lease: Option<i64>) {
    let lease = lease
        .and_then(|lease| u64::try_from(lease).ok())
        .map(Duration::from_secs);
    context
        .metrics
        .lease_lasts(&key.to_string(), lease, SystemTime::now());
}

/// Lets auto-auth look at the token when the server refused it; true if it was told. `granted`: an earlier request like this
/// one was answered.
fn suspect(context: &Context, error: &FetchError, granted: bool) -> bool {
    let FetchError::Vault(error @ Error::Api(_)) = error else {
        return false;
    };
    let maybe = error.status() == Some(403) && (granted || context.since.elapsed() > NEW_TOKEN);
    let suspicious = error.is_invalid_token() || maybe;
    if let Some(refusals) = context.refusals.as_ref().filter(|_| suspicious) {
        let _ = refusals.send(context.token.clone());
    }
    suspicious
}

type Stamp = Option<(SystemTime, u64)>;

/// Size and time of change of a local file.
fn stamp(dependency: &Dependency) -> Stamp {
    let Dependency::File { path } = dependency else {
        return None;
    };
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
