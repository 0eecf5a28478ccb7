//! The endpoints: `/mutate`, `/health/ready`, `/health/live` and the metrics path.

mod body;

pub use body::BodyLimits;

use crate::admission::{Reviewer, Verdict};
use crate::metrics::{self, Metrics};
use crate::serving::Readiness;
use body::Budget;
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use jiff::Timestamp;
use pannier_go::quote::quote;
use pannier_inject::admission;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

/// Everything a request needs. Shared by all connections.
pub(crate) struct App {
    reviewer: Arc<dyn Reviewer>,
    readiness: Readiness,
    metrics: Metrics,
    metrics_path: Option<String>,
    limits: BodyLimits,
    budget: Budget,
}

type Reply = Response<Full<Bytes>>;

/// What the reference answers to a body of no bytes, and logs as an error.
const EMPTY: &str = "Empty request body";

impl App {
    /// `metrics_path` is served only if given; it begins with a slash.
    #[must_use]
    pub(crate) fn new(
        reviewer: Arc<dyn Reviewer>,
        readiness: Readiness,
        metrics: Metrics,
        metrics_path: Option<String>,
        limits: BodyLimits,
    ) -> Arc<Self> {
        Arc::new(Self {
            reviewer,
            readiness,
            metrics,
            metrics_path,
            limits,
            budget: Budget::default(),
        })
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers one request. The query of the URL counts for nothing.
    pub(crate) async fn respond<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        let is_http1 = request.version() <= Version::HTTP_11;
        let mut reply = match request.uri().path() {
            "/mutate" => self.mutate(request).await,
            "/health/ready" => self.ready(),
            "/health/live" => empty(StatusCode::NO_CONTENT),
            path if Some(path) == self.metrics_path.as_deref() => self.scrape(),
            _ => text(404, "404 page not found"),
        };
        if is_http1 && self.readiness.is_draining() {
            // The client goes elsewhere with its next request instead of meeting a closed connection.
            reply
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply
    }

    fn ready(&self) -> Reply {
        match self.readiness.check(Timestamp::now()) {
            Ok(()) => empty(StatusCode::NO_CONTENT),
            Err(reason) => text(503, &format!("not ready: {reason}")),
        }
    }

    fn scrape(&self) -> Reply {
        let is_ready = self.readiness.check(Timestamp::now()).is_ok();
        let not_after = self.readiness.pair().map(|pair| pair.not_after());
        let mut reply = Response::new(Full::new(self.metrics.text(is_ready, not_after).into()));
        reply.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static(metrics::CONTENT_TYPE),
        );
        reply
    }

    async fn mutate<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        let _in_progress = self.metrics.request();
        match self.admission(request).await {
            Ok(body) => {
                let mut reply = Response::new(Full::new(body.into()));
                reply
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                reply
            }
            Err((status, message)) => {
                self.metrics.refused(status);
                if status >= 500 {
                    tracing::error!(target: "handler", Error = message, Code = status, "error on request");
                } else if message == EMPTY {
                    tracing::error!(target: "handler", Warn = message, Code = status, "warning for request");
                } else {
                    tracing::warn!(target: "handler", Warn = message, Code = status, "warning for request");
                }
                let mut reply = text(status, &message);
                if status == 405 {
                    reply
                        .headers_mut()
                        .insert(ALLOW, HeaderValue::from_static("POST"));
                }
                reply
            }
        }
    }

    async fn admission<B>(&self, request: Request<B>) -> Result<Vec<u8>, (u16, String)>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        if request.method() != Method::POST {
            return Err((
                405,
                format!("method {} is not allowed: expected POST", request.method()),
            ));
        }
        let given = request
            .headers()
            .get(CONTENT_TYPE)
            .map_or(&b""[..], HeaderValue::as_bytes);
        if !is_json(given) {
            return Err((400, format!("Invalid content-type: {}", quote(given))));
        }
        let body = body::read(request.into_body(), self.limits, &self.budget).await;
        let body = body.map_err(|error| (error.status(), error.to_string()))?;
        if body.bytes().is_empty() {
            return Err((400, EMPTY.to_owned()));
        }
        // A bug in the review of one pod must not reach the others.
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| self.decide(body.bytes())));
        caught.unwrap_or_else(|_| {
            self.metrics.panicked();
            Err((
                500,
                "internal error: this pod met a bug in the injector; its log has the place"
                    .to_owned(),
            ))
        })
    }

    fn decide(&self, body: &[u8]) -> Result<Vec<u8>, (u16, String)> {
        let begun = Instant::now();
        let review =
            admission::read(body).map_err(|refusal| (refusal.status(), refusal.to_string()))?;
        let question = &review.question;
        let verdict = self.reviewer.review(question);
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (uid, namespace) = (&*question.uid, &*question.namespace);
        match &verdict {
            Verdict::Untouched { why, .. } => {
                tracing::debug!(target: "handler", namespace, owner = question.owner(), uid, why, micros, "admission: untouched");
            }
            Verdict::Injected { kind, .. } => {
                if let Some(kind) = kind {
                    self.metrics.injected(namespace, kind);
                }
                let kind = kind.unwrap_or("none");
                tracing::debug!(target: "handler", namespace, owner = question.owner(), uid, kind, micros, "admission: injected");
            }
            Verdict::Denied {
                message, reason, ..
            } => {
                self.metrics.denied(namespace, reason);
                tracing::info!(target: "handler", namespace, owner = question.owner(), uid, reason = message, "admission denied");
            }
        }
        for warning in verdict.warnings() {
            tracing::debug!(target: "handler", namespace, owner = question.owner(), uid, warning, "admission warning");
        }
        review.answer(&verdict).map_err(|error| {
            (
                500,
                format!("error marshalling admission response: {error}"),
            )
        })
    }
}

/// `application/json` with any parameters.
fn is_json(content_type: &[u8]) -> bool {
    let media_type = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    media_type
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
}

fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

/// An error as the reference's library writes it: plain text, a final newline, no guessing of types.
fn text(status: u16, message: &str) -> Reply {
    let mut reply = Response::new(Full::new(format!("{message}\n").into()));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    reply
}

#[cfg(test)]
mod tests;
