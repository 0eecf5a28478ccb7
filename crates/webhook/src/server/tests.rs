//! The server over real connections on the loopback interface.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::admission::{Question, Verdict};
use crate::certificates::issue::issue;
use crate::http::BodyLimits;
use crate::metrics::Metrics;
use crate::serving::{Readiness, Resolver, Serving, Trust};
use crate::tls::{Pair, TlsOptions};
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

struct Running {
    address: SocketAddr,
    connector: TlsConnector,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    _serving: watch::Sender<Serving>,
}

async fn start(
    limits: Limits,
    body: BodyLimits,
    review: impl Fn(&Question) -> Verdict + Send + Sync + 'static,
) -> Running {
    let made = issue(
        &["localhost".to_owned()],
        Timestamp::now(),
        Duration::from_secs(600),
    )
    .unwrap();
    let pair = Some(Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap());
    let (sender, receiver) = watch::channel(Serving {
        pair,
        trust: Trust::NotOurs,
    });
    let config = TlsOptions::default()
        .server_config(Arc::new(Resolver(receiver.clone())))
        .unwrap();
    let metrics = Metrics::new("test").unwrap();
    let app = App::new(
        Arc::new(review),
        Readiness::new(receiver),
        metrics,
        None,
        body,
    );
    let listener = bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(serve(
        listener,
        TlsAcceptor::from(Arc::new(config)),
        app,
        limits,
        stopping,
    ));
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(made.ca.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    Running {
        address,
        connector: TlsConnector::from(Arc::new(client)),
        stop,
        task,
        _serving: sender,
    }
}

impl Running {
    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.connector
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
            .unwrap()
    }
}

fn untouched(_: &Question) -> Verdict {
    Verdict::Untouched {
        why: String::new(),
        warnings: Vec::new(),
    }
}

fn quick() -> Limits {
    let soon = Duration::from_millis(300);
    Limits {
        handshake: soon,
        header: soon,
        idle: soon,
        farewell: soon,
        ..Limits::default()
    }
}

/// Everything until the server closes, or `None` if it does not within five seconds.
async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let reading =
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
    // A reset is an end too.
    reading
        .ok()
        .map(|_| String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_is_cut_off() {
    let running = start(quick(), BodyLimits::default(), untouched).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(until_closed(&mut stream).await.as_deref(), Some(""));
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off_without_a_farewell() {
    let limits = Limits {
        idle: Duration::from_secs(60),
        farewell: Duration::from_secs(60),
        ..quick()
    };
    let running = start(limits, BodyLimits::default(), untouched).await;
    let mut stream = running.connect().await;
    stream
        .write_all(b"POST /mutate HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    assert!(until_closed(&mut stream).await.is_some());
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_a_header_but_not_for_ever() {
    let limits = Limits {
        idle: Duration::from_secs(1),
        ..quick()
    };
    let running = start(limits, BodyLimits::default(), untouched).await;
    let mut stream = running.connect().await;
    let request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    stream.write_all(request).await.unwrap();
    let text = until_closed(&mut stream).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 204 ").count(), 1, "{text}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_answered_and_cut_off() {
    let body = BodyLimits {
        time: Duration::from_millis(300),
        ..BodyLimits::default()
    };
    let running = start(quick(), body, untouched).await;
    let mut stream = running.connect().await;
    let head = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    let text = until_closed(&mut stream).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
}

#[tokio::test]
async fn headers_and_bodies_have_a_largest_size() {
    let running = start(Limits::default(), BodyLimits::default(), untouched).await;
    let mut stream = running.connect().await;
    let long = format!(
        "GET /health/live HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(64 << 10)
    );
    drop(stream.write_all(long.as_bytes()).await);
    let text = until_closed(&mut stream).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
    let mut stream = running.connect().await;
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let text = until_closed(&mut stream).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}

/// Clients that send everything before they read anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_still_sending_too_large_a_body_reads_the_refusal_and_no_reset() {
    let running = start(Limits::default(), BodyLimits::default(), untouched).await;
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let body = vec![b' '; 9 << 20];
    let (length, chunk) = (body.len(), format!("{:x}", body.len()));
    let declared = [
        format!("{head}Content-Length: {length}\r\n\r\n").as_bytes(),
        &body,
    ]
    .concat();
    let chunked = [
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}\r\n").as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    for (name, request) in [("declared", declared), ("chunked", chunked)] {
        for attempt in 0..5 {
            let mut stream = running.connect().await;
            stream
                .write_all(&request)
                .await
                .unwrap_or_else(|error| panic!("{name}, attempt {attempt}: {error}"));
            let mut answer = [0; 13];
            stream
                .read_exact(&mut answer)
                .await
                .unwrap_or_else(|error| panic!("{name}, attempt {attempt}: {error}"));
            assert_eq!(&answer, b"HTTP/1.1 413 ", "{name}");
        }
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let running = start(limits, BodyLimits::default(), untouched).await;
    let first = running.connect().await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), running.connect()).await;
    assert!(waiting.is_err(), "a second connection was accepted");
    drop(first);
    assert!(
        tokio::time::timeout(Duration::from_secs(5), running.connect())
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_progress_are_answered_before_the_end() {
    let slow = |_: &Question| {
        std::thread::sleep(Duration::from_millis(500));
        Verdict::Untouched {
            why: String::new(),
            warnings: Vec::new(),
        }
    };
    let running = start(Limits::default(), BodyLimits::default(), slow).await;
    let mut stream = running.connect().await;
    let mut idle = running.connect().await;
    let body = r#"{"request":{"uid":"u"}}"#;
    let head = format!(
        "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop.send(true).unwrap();
    let text = until_closed(&mut stream).await.unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200 ") && text.ends_with(r#""allowed":true}}"#),
        "{text}"
    );
    assert!(
        until_closed(&mut idle).await.is_some(),
        "an idle connection stayed open"
    );
    tokio::time::timeout(Duration::from_secs(5), running.task)
        .await
        .unwrap()
        .unwrap();
    assert!(
        TcpStream::connect(running.address).await.is_err(),
        "the port is still open"
    );
}
