//! The endpoints, called in place.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::admission::Question;
use crate::serving::{Serving, Trust};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;

fn app(
    reviewer: impl Fn(&Question) -> Verdict + Send + Sync + 'static,
) -> (Arc<App>, watch::Sender<Serving>) {
    let (sender, receiver) = watch::channel(Serving::default());
    let metrics = Metrics::new("test").unwrap();
    let app = App::new(
        Arc::new(reviewer),
        Readiness::new(receiver),
        metrics,
        Some("/metrics".to_owned()),
        BodyLimits::default(),
    );
    (app, sender)
}

fn denies() -> Arc<App> {
    let denied = |_: &Question| Verdict::Denied {
        message: "no role".to_owned(),
        reason: "role".to_owned(),
        warnings: Vec::new(),
    };
    app(denied).0
}

async fn send(
    app: &App,
    method: &str,
    path: &str,
    content_type: Option<&str>,
    body: &str,
) -> (u16, String, Response<()>) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    let reply = app
        .respond(
            request
                .body(Full::new(Bytes::from(body.to_owned())))
                .unwrap(),
        )
        .await;
    let (parts, body) = reply.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (parts.status.as_u16(), body, Response::from_parts(parts, ()))
}

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn requests_that_are_no_admission_get_the_references_answers() {
    let app = denies();
    let table = [
        (
            "POST",
            Some("text/plain"),
            "{}",
            400,
            "Invalid content-type: \"text/plain\"\n",
        ),
        ("POST", None, "{}", 400, "Invalid content-type: \"\"\n"),
        (
            "POST",
            Some("text/x\"\\q"),
            "{}",
            400,
            "Invalid content-type: \"text/x\\\"\\\\q\"\n",
        ),
        ("POST", JSON, "", 400, "Empty request body\n"),
        (
            "GET",
            JSON,
            "",
            405,
            "method GET is not allowed: expected POST\n",
        ),
    ];
    for (method, content_type, body, status, text) in table {
        let (got, message, reply) =
            send(&app, method, "/mutate?timeout=10s", content_type, body).await;
        assert_eq!((got, message.as_str()), (status, text));
        assert_eq!(reply.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
    }
    let (status, message, _) = send(&app, "POST", "/mutate", JSON, "hello").await;
    assert_eq!(status, 500);
    assert!(
        message.starts_with("error decoding admission request: ") && message.ends_with('\n'),
        "{message}"
    );
}

#[tokio::test]
async fn content_types_with_parameters_are_accepted() {
    let body = json!({"request": {"uid": "u", "namespace": "app", "object": {}}}).to_string();
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;x=y",
    ] {
        let (status, text, reply) =
            send(&denies(), "POST", "/mutate", Some(content_type), &body).await;
        assert_eq!(
            (status, &reply.headers()["content-type"]),
            (200, &HeaderValue::from_static("application/json"))
        );
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["response"]["status"]["message"], "no role");
    }
}

#[tokio::test]
async fn only_the_exact_paths_exist() {
    let app = denies();
    for path in ["/", "/mutate/", "/health/ready/", "/health", "/nope"] {
        assert_eq!(send(&app, "GET", path, None, "").await.0, 404, "{path}");
    }
    assert_eq!(send(&app, "HEAD", "/health/live", None, "").await.0, 204);
}

#[tokio::test]
async fn readiness_follows_the_certificate_and_liveness_does_not() {
    let (app, sender) = app(|_| Verdict::Untouched {
        why: String::new(),
        warnings: Vec::new(),
    });
    let (status, text, _) = send(&app, "GET", "/health/ready", None, "").await;
    assert_eq!(
        (status, text.as_str()),
        (503, "not ready: no certificate to serve\n")
    );
    assert_eq!(send(&app, "GET", "/health/live", None, "").await.0, 204);
    let made = crate::certificates::issue::issue(
        &[],
        Timestamp::now(),
        std::time::Duration::from_secs(60),
    )
    .unwrap();
    let pair =
        crate::tls::Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap();
    sender
        .send(Serving {
            pair: Some(pair),
            trust: Trust::Seen,
        })
        .unwrap();
    assert_eq!(send(&app, "POST", "/health/ready", None, "").await.0, 204);
    let (_, page, _) = send(&app, "GET", "/metrics", None, "").await;
    assert!(page.contains("\npannier_webhook_ready 1\n"), "{page}");
}

#[tokio::test]
async fn while_draining_answers_ask_clients_to_go_elsewhere() {
    let app = denies();
    let (_, _, reply) = send(&app, "GET", "/health/live", None, "").await;
    assert!(!reply.headers().contains_key(CONNECTION));
    app.readiness.drain();
    let (_, _, reply) = send(&app, "GET", "/health/live", None, "").await;
    assert_eq!(reply.headers()[CONNECTION], "close");
    assert_eq!(
        send(&app, "GET", "/health/ready", None, "").await.1,
        "not ready: shutting down\n"
    );
}

#[tokio::test]
async fn a_panic_takes_only_its_own_request() {
    let (app, _) = app(|question| {
        assert!(question.namespace != "bad", "a bug");
        Verdict::Untouched {
            why: String::new(),
            warnings: Vec::new(),
        }
    });
    let body = |namespace: &str| {
        json!({"request": {"uid": "u", "namespace": namespace, "object": {}}}).to_string()
    };
    let (status, text, _) = send(&app, "POST", "/mutate", JSON, &body("bad")).await;
    assert_eq!(status, 500);
    assert!(text.starts_with("internal error: "));
    assert_eq!(
        send(&app, "POST", "/mutate", JSON, &body("good")).await.0,
        200
    );
    let page = send(&app, "GET", "/metrics", None, "").await.1;
    assert!(
        page.contains("\npannier_webhook_panics_total 1\n"),
        "{page}"
    );
    assert!(
        page.contains("\nvault_agent_injector_request_queue_length 0\n"),
        "{page}"
    );
}

#[tokio::test]
async fn admissions_are_counted_as_the_reference_counts_them() {
    let (app, _) = app(|question| match &*question.namespace {
        "denied" => Verdict::Denied {
            message: String::new(),
            reason: "role".to_owned(),
            warnings: Vec::new(),
        },
        "both" => Verdict::Injected {
            patch: b"[]".to_vec(),
            kind: Some("init_and_sidecar"),
            warnings: Vec::new(),
        },
        "neither" => Verdict::Injected {
            patch: b"[]".to_vec(),
            kind: None,
            warnings: Vec::new(),
        },
        _ => Verdict::Untouched {
            why: String::new(),
            warnings: Vec::new(),
        },
    });
    for namespace in ["denied", "both", "neither", "other"] {
        let body =
            json!({"request": {"uid": "u", "namespace": namespace, "object": {}}}).to_string();
        assert_eq!(send(&app, "POST", "/mutate", JSON, &body).await.0, 200);
    }
    send(&app, "POST", "/mutate", JSON, "").await;
    let page = send(&app, "GET", "/metrics", None, "").await.1;
    let counted: Vec<_> = page
        .lines()
        .filter(|l| l.contains("by_namespace_total{") || l.contains("refused_requests_total{"))
        .collect();
    assert_eq!(
        counted,
        [
            "pannier_webhook_refused_requests_total{code=\"400\"} 1",
            "vault_agent_injector_failed_injections_by_namespace_total{namespace=\"denied\"} 1",
            "vault_agent_injector_injections_by_namespace_total{injection_type=\"init_and_sidecar\",namespace=\"both\"} 1",
        ]
    );
    assert!(
        page.contains("\nvault_agent_injector_request_processing_duration_ms_count 5\n"),
        "{page}"
    );
}
