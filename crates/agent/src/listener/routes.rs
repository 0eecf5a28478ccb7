//! Which path is answered by whom.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::ACCEPT;
use hyper::{Method, Request};
use pannier_agent_config::ListenerRole;
use tokio::sync::watch;

use super::reply::{self, Reply};
use crate::cache::Cache;
use crate::cache::revoke::Eviction;
use crate::metrics::exposition::{Format, Shown};
use crate::proxy::Proxy;
use crate::proxy::call::Call;

/// Longest body of a request: Vault's own limit, in bytes.
const LONGEST_BODY: usize = 32 << 20;

/// What one listener answers with.
pub(crate) struct Routes {
    pub(crate) role: ListenerRole,
    pub(crate) require_request_header: bool,
    /// Told to end the agent, if clients may ask for that.
    pub(crate) quit: Option<watch::Sender<bool>>,
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) shown: Arc<Shown>,
    pub(crate) proxy: Arc<Proxy>,
}

impl Routes {
    /// Answers a request; reading its body may take so long.
    pub(super) async fn answer(&self, request: Request<Incoming>, limit: Duration) -> Reply {
        let path = request.uri().path();
        match (path, self.role) {
            ("/agent/v1/metrics", _) => self.metrics(&request),
            ("/agent/v1/health", _) => self.health(request.method()),
            (_, ListenerRole::MetricsOnly) => reply::not_found(),
            ("/agent/v1/quit", _) => self.quit(request.method()),
            ("/agent/v1/cache-clear", _) => match self.body(request, limit).await {
                Ok((parts, body)) => self.cache_clear(&parts.method, &body),
                Err(reply) => reply,
            },
            _ => self.pass_on(request, limit).await,
        }
    }

    async fn pass_on(&self, request: Request<Incoming>, limit: Duration) -> Reply {
        if self.require_request_header {
            let mut given = request.headers().get_all("x-vault-request").iter();
            if given.next().is_none_or(|value| value != "true") || given.next().is_some() {
                return reply::error(412, "missing \"X-Vault-Request\" header");
            }
        }
        let (parts, body) = match self.body(request, limit).await {
            Ok(request) => request,
            Err(reply) => return reply,
        };
        match self.proxy.answer(Call::new(parts, body)).await {
            Ok(answer) => reply::passed_back(answer),
            Err(error) => {
                let cause = match &error {
                    // The end of all retries is nobody's request any more.
                    pannier_vault::Error::Transport { cause, .. }
                        if cause == "context deadline exceeded" =>
                    {
                        cause.clone()
                    }
                    error => error.to_string(),
                };
                reply::error(500, &format!("failed to get the response: {cause}"))
            }
        }
    }

    async fn body(
        &self,
        request: Request<Incoming>,
        limit: Duration,
    ) -> Result<(hyper::http::request::Parts, Vec<u8>), Reply> {
        let (parts, body) = request.into_parts();
        match tokio::time::timeout(limit, Limited::new(body, LONGEST_BODY).collect()).await {
            Ok(Ok(body)) => Ok((parts, body.to_bytes().to_vec())),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(reply::error(
                413,
                "failed to read request body: http: request body too large",
            )),
            Ok(Err(error)) => Err(reply::error(
                500,
                &format!("failed to read request body: {error}"),
            )),
            Err(_) => Err(reply::error(408, "failed to read request body: timeout")),
        }
    }

    fn quit(&self, method: &Method) -> Reply {
        let Some(quit) = &self.quit else {
            return reply::empty(404);
        };
        if method != Method::POST {
            return reply::empty(405);
        }
        tracing::debug!(target: super::LOG, "received quit request");
        quit.send_replace(true);
        reply::empty(200)
    }

    fn cache_clear(&self, method: &Method, body: &[u8]) -> Reply {
        let Some(cache) = self
            .cache
            .as_ref()
            .filter(|_| method == Method::POST || method == Method::PUT)
        else {
            return reply::empty(200);
        };
        match Eviction::cleared_by(body) {
            Ok(eviction) => {
                cache.evict(&eviction);
                reply::empty(200)
            }
            Err(error) => reply::error(error.status(), &error.to_string()),
        }
    }

    fn metrics(&self, request: &Request<Incoming>) -> Reply {
        if request.method() != Method::GET {
            return reply::json(405, "{\"errors\":[]}\n".to_owned());
        }
        let accept = request
            .headers()
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok());
        match Format::wanted(
            request.uri().query().unwrap_or_default(),
            accept.unwrap_or_default(),
        ) {
            Ok(Format::Json) => reply::json(200, self.shown.json()),
            Ok(Format::Prometheus) => match self.shown.prometheus() {
                Some(text) => reply::typed(200, "text/plain; version=0.0.4; charset=utf-8", text),
                None => reply::typed(400, "text/plain", "prometheus is not enabled"),
            },
            Err(unknown) => reply::typed(
                400,
                "text/plain",
                format!("metric response format \"{unknown}\" unknown"),
            ),
        }
    }

    fn health(&self, method: &Method) -> Reply {
        if method != Method::GET && method != Method::HEAD {
            return reply::empty(405);
        }
        let (healthy, body) = self.shown.health();
        reply::json(if healthy { 200 } else { 503 }, body)
    }
}
