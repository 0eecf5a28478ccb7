//! Auto-auth: log in, hand the token on, keep it alive, log in again when that ends.
//!
//! ```text
//!   credentials ──► login ──► publish ──► renew, renew, … ──► (finished, refused, new credentials) ──► again
//!        └── failure: wait, longer each time ──┘
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pannier_agent_config::AutoAuth;
use pannier_go::json::Json;
use pannier_redacted::Redacted;
use pannier_vault::{Client, Error, Request, random};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::backoff::{LoginBackoff, OuterBackoff};
use crate::lifetime::{Lifetime, Renewal, Step};
use crate::metrics::Metrics;
use crate::token::{Token, publish};

mod approle;
mod aws;
mod azure;
mod cert;
mod consumed;
mod gcp;
mod jwt;
mod kubernetes;
mod ldap;
mod method;
#[cfg(test)]
mod stand_in;
mod token_file;
mod web;

pub use method::MethodError;
use method::{Credentials, Method};
pub(crate) use method::{Variables, is_built};

const LOG: &str = "agent.auth.handler";

const AUTHENTICATING: &str = "error authenticating";
const NO_AUTH: &str = "authentication returned nil auth info";
const NO_WRAPPING: &str = "authentication returned nil wrap info";

/// A login that ends sooner than this is not followed by the next at once, whatever the server says.
const SHORTEST_SESSION: Duration = Duration::from_secs(1);

/// Why auto-auth ended the agent (`exit_on_err`, or back-off bounds that make no sense).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AuthError(String);

/// Tells auto-auth that a request with this token was refused, so that it looks whether the token is still good.
pub(crate) type Refusals = mpsc::UnboundedSender<Redacted>;

/// The running of one `auto_auth` stanza.
#[derive(Debug)]
pub(crate) struct Handler {
    client: Client,
    method: Method,
    spec: AutoAuth,
    preloaded: Option<Redacted>,
    reusable: Vec<Redacted>,
    tokens: watch::Sender<Option<Token>>,
    refused: mpsc::UnboundedReceiver<Redacted>,
    metrics: Arc<Metrics>,
}

/// A token to keep alive.
struct Session {
    token: Token,
    /// Seconds.
    lease: i64,
    renewable: bool,
    /// A root token: nothing to keep alive.
    endless: bool,
}

/// A failed step of a login: what to log, and the error, if the step does not say it all.
struct Failure {
    step: &'static str,
    error: Option<String>,
}

impl Failure {
    fn cause(self) -> String {
        self.error.unwrap_or_else(|| self.step.to_owned())
    }
}

fn failure<E: std::fmt::Display>(step: &'static str) -> impl FnOnce(E) -> Failure {
    move |error| Failure {
        step,
        error: Some(error.to_string()),
    }
}

/// An answer without what a login gives.
fn unusable(step: &'static str) -> Failure {
    Failure { step, error: None }
}

/// Says that auto-auth is over, however it came to that.
struct Stopped;

impl Drop for Stopped {
    fn drop(&mut self) {
        tracing::info!(target: LOG, "auth handler stopped");
    }
}

/// Says that a session was cut off by the end of the agent.
struct Interrupted(Option<&'static str>);

impl Drop for Interrupted {
    fn drop(&mut self) {
        if let Some(text) = self.0 {
            tracing::info!(target: LOG, "{text}");
        }
    }
}

/// Why a session ended.
enum Ended {
    /// The token cannot be kept alive any longer.
    Lifetime,
    /// The server no longer takes it.
    Refused,
    /// There is something new to log in with.
    NewCredentials,
}

impl Handler {
    /// Creates the method; mistakes in its `config` end the start.
    pub(crate) fn new(
        client: Client,
        spec: &AutoAuth,
        tokens: watch::Sender<Option<Token>>,
        refused: mpsc::UnboundedReceiver<Redacted>,
        metrics: Arc<Metrics>,
        variables: Variables<'_>,
    ) -> Result<Self, MethodError> {
        let method = Method::new(&spec.method, variables)?;
        Ok(Self {
            client,
            method,
            spec: spec.clone(),
            preloaded: None,
            reusable: Vec::new(),
            tokens,
            refused,
            metrics,
        })
    }

    /// A token that the persistent cache kept: used in place of the first login.
    pub(crate) fn preload(&mut self, token: Redacted) {
        self.preloaded = Some(token);
    }

    /// Tokens found in sinks: the first that is still good and came from this method saves a login.
    pub(crate) fn reuse(&mut self, tokens: Vec<Redacted>) {
        if self.method.may_reuse() && self.spec.method.wrap_ttl.is_none() {
            self.reusable = tokens;
        }
    }

    /// Runs until it is dropped; returns only what ends the agent.
    pub(crate) async fn run(mut self) -> AuthError {
        tracing::info!(target: LOG, "starting auth handler");
        let spec = &self.spec.method;
        let Some(mut backoff) = LoginBackoff::new(spec.min_backoff, spec.max_backoff) else {
            return AuthError(
                "auth handler: min_backoff cannot be greater than max_backoff".to_owned(),
            );
        };
        let _stopped = Stopped;
        let mut pause = OuterBackoff::new(Some(SHORTEST_SESSION), None);
        loop {
            let session = match self.round().await {
                Ok(session) => session,
                Err(failure) => {
                    self.metrics.count("agent.auth.failure");
                    self.metrics.set("agent.authenticated", 0.0);
                    let wait = backoff.next(random::unit());
                    let step = failure.step;
                    tracing::error!(target: LOG, error = failure.error, backoff = shown(wait), "{step}");
                    if self.spec.method.exit_on_err {
                        return AuthError(failure.cause());
                    }
                    sleep(wait).await;
                    continue;
                }
            };
            backoff.reset();
            self.method.succeeded();
            self.metrics.count("agent.auth.success");
            self.metrics.set("agent.authenticated", 1.0);
            let lasts = u64::try_from(session.lease)
                .ok()
                .filter(|_| !session.endless);
            self.metrics
                .token_lasts(lasts.map(Duration::from_secs), SystemTime::now());
            let began = Instant::now();
            match self.session(session).await {
                Ended::Lifetime => {
                    tracing::info!(target: LOG, "lifetime watcher done channel triggered")
                }
                Ended::Refused => {
                    tracing::info!(target: LOG, "token is no longer valid, re-authenticating")
                }
                Ended::NewCredentials => {
                    tracing::info!(target: LOG, "auth method found new credentials, re-authenticating");
                }
            }
            // Sessions that end at once must not become a stream of logins.
            if began.elapsed() < SHORTEST_SESSION {
                sleep(pause.next(random::unit())).await;
            } else {
                pause.reset();
            }
        }
    }

    /// One login, for a preview: nothing is kept alive afterwards.
    pub(crate) async fn log_in_once(&mut self) -> Result<Token, String> {
        match self.round().await {
            Ok(session) => Ok(session.token),
            Err(Failure { step, error }) => Err(match error {
                Some(error) => format!("{step}: {error}"),
                None => step.to_owned(),
            }),
        }
    }

    /// One login.
    async fn round(&mut self) -> Result<Session, Failure> {
        if let Some(token) = self.preloaded.take() {
            tracing::debug!(target: LOG, "using preloaded token");
            tracing::debug!(target: LOG, "lookup-self with preloaded token");
            return self.look_up(token, "could not look up token").await;
        }
        for token in std::mem::take(&mut self.reusable) {
            if let Some(session) = self.take_over(token).await {
                return Ok(session);
            }
        }
        tracing::info!(target: LOG, "authenticating");
        let credentials = self.method.credentials(&self.client).await;
        match credentials.map_err(failure("error getting path or data from method"))? {
            Credentials::Token(token) => self.look_up(token, AUTHENTICATING).await,
            Credentials::Login {
                body,
                client,
                below,
            } => self.log_in(body, client, below).await,
        }
    }

    async fn log_in(
        &self,
        body: Redacted,
        client: Option<Client>,
        below: Option<String>,
    ) -> Result<Session, Failure> {
        let spec = &self.spec.method;
        let below = below.map(|below| format!("/{below}")).unwrap_or_default();
        let path = format!("{}/login{below}", spec.mount_path);
        let request = Request::put(path, body.expose_bytes().to_vec());
        let request = request.wrap_ttl(spec.wrap_ttl);
        let client = client.as_ref().unwrap_or(&self.client);
        let answer = client
            .send(&request)
            .await
            .and_then(|answer| answer.secret())
            .map_err(failure(AUTHENTICATING))?;
        if spec.wrap_ttl.is_some() {
            let info = answer.and_then(|secret| secret.wrap_info);
            let info = info.ok_or_else(|| unusable(NO_WRAPPING))?;
            if info.token.is_empty() {
                return Err(unusable(
                    "authentication returned empty wrapped client token",
                ));
            }
            return Ok(Session {
                token: Token::Wrapped(Arc::new(info)),
                lease: 0,
                renewable: false,
                endless: true,
            });
        }
        let auth = answer
            .and_then(|secret| secret.auth)
            .ok_or_else(|| unusable(NO_AUTH))?;
        if auth.client_token.is_empty() {
            return Err(unusable("authentication returned empty client token"));
        }
        Ok(Session {
            token: Token::Plain(auth.client_token),
            lease: auth.lease_duration,
            renewable: auth.renewable,
            endless: false,
        })
    }

    /// Asks the server what a token is worth.
    async fn look_up(&self, token: Redacted, step: &'static str) -> Result<Session, Failure> {
        let request = Request::get("auth/token/lookup-self").token(token.clone());
        let answer = self
            .client
            .send(&request)
            .await
            .and_then(|answer| answer.secret());
        let answer = answer
            .map_err(failure(step))?
            .ok_or_else(|| unusable(NO_AUTH))?;
        if self.spec.method.wrap_ttl.is_some() {
            return Err(unusable(NO_WRAPPING));
        }
        let lease = answer.field("ttl").and_then(Json::as_i64).unwrap_or(0);
        if answer.field("type").and_then(Json::as_str) == Some("batch") {
            tracing::info!(target: LOG, "note that this token type is batch and batch tokens cannot be renewed");
        }
        Ok(Session {
            token: Token::Plain(token),
            lease,
            renewable: answer
                .field("renewable")
                .and_then(Json::as_bool)
                .unwrap_or(false),
            endless: lease == 0,
        })
    }

    /// A session with the token of an earlier run of this container, if it is still good and was made by this login.
    async fn take_over(&self, token: Redacted) -> Option<Session> {
        let request = Request::get("auth/token/lookup-self").token(token.clone());
        let answer = self
            .client
            .send(&request)
            .await
            .and_then(|answer| answer.secret())
            .ok()
            .flatten()?;
        let text = |name| answer.field(name).and_then(Json::as_str);
        let role = answer
            .field("meta")
            .and_then(|meta| meta.get("role"))
            .and_then(Json::as_str);
        let ours = text("path") == Some(format!("{}/login", self.spec.method.mount_path).as_str())
            && (role.is_none() || self.method.role().is_none() || role == self.method.role());
        let lease = answer
            .field("ttl")
            .and_then(Json::as_i64)
            .filter(|ttl| *ttl > 0)?;
        if !ours {
            return None;
        }
        tracing::info!(target: LOG, "the token in the sink is still valid, not logging in again");
        let renewable = answer
            .field("renewable")
            .and_then(Json::as_bool)
            .unwrap_or(false);
        Some(Session {
            token: Token::Plain(token),
            lease,
            renewable,
            endless: false,
        })
    }

    /// Hands the token on and keeps it alive.
    async fn session(&mut self, session: Session) -> Ended {
        publish(&self.tokens, session.token.clone());
        let Token::Plain(token) = session.token else {
            tracing::info!(target: LOG, "authentication successful, sending wrapped token to sinks and pausing");
            return self.wait(&Redacted::default(), None).await;
        };
        tracing::info!(target: LOG, "authentication successful, sending token to sinks");
        if session.endless {
            tracing::info!(target: LOG, "not starting token renewal process, as token has unlimited TTL");
            return self.wait(&token, None).await;
        }
        tracing::info!(target: LOG, "starting renewal process");
        #[expect(
            clippy::cast_precision_loss,
            reason = "a lease of 2^52 seconds is as good as any"
        )]
        let lease = session.lease as f64;
        let life = Lifetime::new(lease, session.renewable, false, 0.0, random::unit());
        self.wait(&token, Some(life)).await
    }

    /// Renews as `life` says, until something ends the session.
    async fn wait(&mut self, token: &Redacted, life: Option<Lifetime>) -> Ended {
        let mut interrupted = Interrupted(Some(match life {
            Some(_) => "shutdown triggered, stopping lifetime watcher",
            None => "shutdown triggered",
        }));
        let ended = self.live(token, life).await;
        interrupted.0 = None;
        ended
    }

    async fn live(&mut self, token: &Redacted, mut life: Option<Lifetime>) -> Ended {
        let began = Instant::now();
        let mut renewal_at = began;
        let period = self
            .method
            .poll_period(self.spec.enable_reauth_on_new_credentials);
        let mut poll_at = began + period.unwrap_or_default();
        // A token that was renewed once and is now refused was revoked. Before that it may just lack the right.
        let mut proven = false;
        loop {
            tokio::select! {
                () = sleep_until(renewal_at), if life.is_some() => {
                    let Some(life) = life.as_mut() else { continue };
                    let renewal = if life.renewable() { self.renew(token, &mut proven).await } else { Ok(Renewal::NotRenewable) };
                    let Ok(renewal) = renewal else { return Ended::Refused };
                    match life.step(renewal, began.elapsed().as_secs_f64(), random::unit()) {
                        Step::Sleep(seconds) => renewal_at = Instant::now() + Duration::from_secs_f64(seconds.max(0.0)),
                        Step::Finish => return Ended::Lifetime,
                    }
                }
                Some(refused) = self.refused.recv() => {
                    if refused == *token && self.is_gone(token, proven).await {
                        return Ended::Refused;
                    }
                }
                () = sleep_until(poll_at), if period.is_some() => {
                    poll_at = Instant::now() + period.unwrap_or_default();
                    if self.method.poll(&self.client).await && self.spec.enable_reauth_on_new_credentials {
                        return Ended::NewCredentials;
                    }
                }
            }
        }
    }

    /// `Err` when the token was revoked, so that waiting for its end makes no sense.
    async fn renew(&self, token: &Redacted, proven: &mut bool) -> Result<Renewal, Error> {
        let request =
            Request::put("auth/token/renew-self", "{\"increment\":0}").token(token.clone());
        let answer = self
            .client
            .send(&request)
            .await
            .and_then(|answer| answer.secret());
        match answer.map(|secret| secret.and_then(|secret| secret.auth)) {
            Ok(Some(auth)) => {
                *proven = true;
                self.metrics.count("agent.auth.success");
                let lasts = u64::try_from(auth.lease_duration).ok();
                self.metrics
                    .token_lasts(lasts.map(Duration::from_secs), SystemTime::now());
                tracing::info!(target: LOG, "renewed auth token");
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a lease of 2^52 seconds is as good as any"
                )]
                Ok(Renewal::Renewed(auth.lease_duration as f64, auth.renewable))
            }
            Ok(None) => {
                tracing::warn!(target: LOG, error = "the answer has no `auth`", "error renewing token");
                Ok(Renewal::Failed)
            }
            Err(error) => {
                self.metrics.count("agent.auth.failure");
                tracing::warn!(target: LOG, error = error.to_string(), "error renewing token");
                if error.is_invalid_token() || (*proven && error.status() == Some(403)) {
                    return Err(error);
                }
                Ok(Renewal::Failed)
            }
        }
    }

    /// Whether the server no longer knows the token.
    async fn is_gone(&self, token: &Redacted, proven: bool) -> bool {
        let request = Request::get("auth/token/lookup-self").token(token.clone());
        match self.client.send(&request).await {
            Ok(_) => false,
            Err(error) => error.is_invalid_token() || (proven && error.status() == Some(403)),
        }
    }
}

/// A wait as the reference logs it: truncated to hundredths of a second.
fn shown(wait: Duration) -> String {
    let nanos = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
    pannier_go::Duration::from_nanos(nanos - nanos % 10_000_000).to_string()
}
