//! The API proxy: passes a client's request on to the server, with the agent's own token where that is allowed.

pub(crate) mod call;
mod strip;

use std::sync::Arc;

use hyper::header::{DATE, HeaderValue, USER_AGENT};
use pannier_agent_config::AutoAuthToken;
use pannier_redacted::Redacted;
use pannier_vault::{Client, Error};

use crate::cache::Cache;
use crate::metrics::Metrics;
use crate::token::Tokens;
use call::{Answer, Call};

const LOG: &str = "agent.apiproxy";

/// What the listeners share.
pub(crate) struct Proxy {
    /// Sends what is passed on; its policy has the retries and the agent's part of the `User-Agent`.
    pub(crate) client: Client,
    /// The agent's part of the `User-Agent` header.
    pub(crate) user_agent: String,
    pub(crate) cache: Option<Arc<Cache>>,
    /// Whether and when the agent's own token is used.
    pub(crate) own_token: AutoAuthToken,
    pub(crate) tokens: Tokens,
    pub(crate) metrics: Arc<Metrics>,
}

impl Proxy {
    /// Passes a request on and its answer back.
    ///
    /// # Errors
    ///
    /// When there is no answer at all.
    pub(crate) async fn answer(&self, mut call: Call) -> Result<Answer, Error> {
        tracing::info!(target: LOG, method = %call.method, path = %call.path, "received request");
        let own = self.own_token();
        if self.own_token == AutoAuthToken::Force {
            call.token = None;
        }
        if call.token.is_none() && self.own_token.enabled() {
            tracing::debug!(target: LOG, method = %call.method, path = %call.path, "using auto auth token");
            call.token.clone_from(&own);
        }
        self.name_itself(&mut call);
        let sent = match &self.cache {
            Some(cache) => cache.send(&call, &self.client).await,
            None => {
                tracing::info!(target: LOG, method = %call.method, path = %call.path, "forwarding request to Vault");
                self.client
                    .exchange(&call.request())
                    .await
                    .map(Answer::from)
            }
        };
        let mut answer = sent.inspect_err(|error| {
            self.metrics.count("agent.proxy.error");
            tracing::error!(target: LOG, method = %call.method, path = %call.path, %error, "failed to get the response");
        })?;
        let outcome = if answer.status < 400 {
            "agent.proxy.success"
        } else {
            "agent.proxy.client_error"
        };
        self.metrics.count(outcome);
        if let Some(own) = own
            && self.own_token.enabled()
            && strip::own_token(&call, &mut answer, &own)
        {
            tracing::info!(target: LOG, method = %call.method, path = %call.path, "stripping auto-auth token from the response");
        }
        mark(&mut answer);
        Ok(answer)
    }

    fn own_token(&self) -> Option<Redacted> {
        self.tokens
            .borrow()
            .as_ref()
            .and_then(|token| token.plain())
            .cloned()
    }

    /// Puts the agent before the client in the `User-Agent` header.
    fn name_itself(&self, call: &mut Call) {
        let client = call
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok());
        let both = match client {
            Some(client) => format!("{}; {client}", self.user_agent),
            None => self.user_agent.clone(),
        };
        if let Ok(both) = HeaderValue::try_from(both) {
            call.headers.insert(USER_AGENT, both);
        }
    }
}

/// Tells the client of a successful answer whether it comes from the cache.
fn mark(answer: &mut Answer) {
    if !(200..300).contains(&answer.status) {
        return;
    }
    let Some(age) = answer.age else {
        answer
            .headers
            .insert("x-cache", HeaderValue::from_static("MISS"));
        return;
    };
    answer
        .headers
        .insert("x-cache", HeaderValue::from_static("HIT"));
    answer
        .headers
        .insert("age", HeaderValue::from(age.as_secs_f64().round() as u64));
    // The server of the listener puts a fresh one.
    answer.headers.remove(DATE);
}
