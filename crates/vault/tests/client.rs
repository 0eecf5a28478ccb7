//! The client against a server that answers what a script says.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pannier_vault::{Address, Client, ClientConfig, Error, Keep, Policy, ProxySettings, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

/// Serves one scripted answer per request; an empty answer closes the connection. Returns the requests seen.
struct Script {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Script {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let answers = Arc::new(Mutex::new(
            answers
                .into_iter()
                .collect::<std::collections::VecDeque<_>>(),
        ));
        let (log, count) = (Arc::clone(&seen), Arc::clone(&connections));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        log.lock().unwrap().push(request);
                        let answer = answers
                            .lock()
                            .unwrap()
                            .pop_front()
                            .expect("a scripted answer is left");
                        if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            connections,
        }
    }

    fn client(&self, retries: u32) -> Client {
        client(&self.address, retries)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")
                .map(|text| text.parse().unwrap())
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn with_header(status: &str, header: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn client(address: &str, retries: u32) -> Client {
    let config = ClientConfig::new(Address::parse(address).unwrap());
    Client::new(config).unwrap().with_policy(Policy {
        user_agent: "Test/1".to_owned(),
        retries,
        ..Policy::default()
    })
}

#[tokio::test]
async fn a_request_carries_what_vault_expects() {
    let server = Script::start(vec![answer(
        "200 OK",
        "{\"data\":{\"a\":1.50},\"lease_duration\":7}",
    )])
    .await;
    let request = Request::put("auth/x y/login", "{\"jwt\":\"j\"}")
        .token("hvs.T".into())
        .wrap_ttl(Some(Duration::from_secs(300)));
    let client = server.client(0).with_namespace("ns1/");
    let secret = client
        .send(&request)
        .await
        .unwrap()
        .secret()
        .unwrap()
        .unwrap();
    assert_eq!(secret.lease_duration, 7);
    assert_eq!(secret.field("a").unwrap().as_number(), Some("1.50"));
    let seen = server.seen().remove(0);
    assert!(
        seen.starts_with("PUT /v1/auth/x%20y/login HTTP/1.1\r\n"),
        "{seen}"
    );
    for line in [
        "x-vault-request: true\r\n",
        "x-vault-token: hvs.T\r\n",
        "x-vault-namespace: ns1/\r\n",
        "x-vault-wrap-ttl: 5m0s\r\n",
        "user-agent: Test/1\r\n",
        "content-length: 11\r\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    assert!(seen.ends_with("\r\n\r\n{\"jwt\":\"j\"}"), "{seen}");
}

#[tokio::test]
async fn requests_in_a_row_share_one_connection() {
    let server = Script::start(vec![answer("204 No Content", ""); 5]).await;
    let client = server.client(0);
    for _ in 0..5 {
        assert!(
            client
                .send(&Request::get("x"))
                .await
                .unwrap()
                .secret()
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_spare_connection_is_opened_with_the_first_request_and_never_again() {
    for (spare, expected) in [(true, 2), (false, 1)] {
        let server = Script::start(vec![answer("200 OK", "{}"); 3]).await;
        let mut config = ClientConfig::new(Address::parse(&server.address).unwrap());
        config.spare = spare;
        let client = Client::new(config).unwrap();
        for _ in 0..3 {
            client.send(&Request::get("x")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(*server.connections.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_replaced() {
    let server = Script::start(vec![
        answer("200 OK", "{}"),
        String::new(),
        answer("200 OK", "{}"),
    ])
    .await;
    let client = server.client(0);
    client.send(&Request::get("a")).await.unwrap();
    client.send(&Request::get("b")).await.unwrap();
    assert_eq!(*server.connections.lock().unwrap(), 2);
}

#[tokio::test]
async fn who_keeps_no_connections_opens_one_for_each_request_and_takes_no_others() {
    for (keep, told) in [(Keep::Never, false), (Keep::Close, true)] {
        let server = Script::start(vec![answer("200 OK", "{}"); 3]).await;
        let client = server.client(0);
        let alone = client.with_policy(Policy {
            keep,
            ..Policy::default()
        });
        client.send(&Request::get("a")).await.unwrap();
        alone.send(&Request::get("b")).await.unwrap();
        client.send(&Request::get("c")).await.unwrap();
        assert_eq!(*server.connections.lock().unwrap(), 2, "{keep:?}");
        let seen = server.seen.lock().unwrap();
        let closes = seen
            .iter()
            .map(|request| request.contains("connection: close"))
            .collect::<Vec<_>>();
        assert_eq!(closes, [false, told, false], "{keep:?}");
    }
}

#[tokio::test]
async fn an_error_answer_reads_as_vaults_own_client_prints_it() {
    let server = Script::start(vec![
        answer("403 Forbidden", "{\"errors\":[\"permission denied\"]}"),
        answer("404 Not Found", "{\"errors\":[]}"),
        answer("400 Bad Request", "oops"),
    ])
    .await;
    let client = server.client(0);
    let url = format!("{}/v1/x", server.address);
    let error = client.send(&Request::get("x")).await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert_eq!(
        error.to_string(),
        format!(
            "Error making API request.\n\nURL: GET {url}\nCode: 403. Errors:\n\n* permission denied"
        )
    );
    let error = client.send(&Request::get("x")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Error making API request.\n\nURL: GET {url}\nCode: 404. Errors:\n\n")
    );
    let error = client.send(&Request::get("x")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Error making API request.\n\nURL: GET {url}\nCode: 400. Raw Message:\n\noops")
    );
}

#[tokio::test(start_paused = true)]
async fn retries_as_often_as_told_and_no_more() {
    let failing = || vec![answer("500 Internal Server Error", "{\"errors\":[\"e\"]}"); 3];
    let server = Script::start(failing()).await;
    assert_eq!(
        server
            .client(2)
            .send(&Request::get("x"))
            .await
            .unwrap_err()
            .status(),
        Some(500)
    );
    assert_eq!(server.seen().len(), 3);
    let server = Script::start(failing()).await;
    assert_eq!(
        server
            .client(0)
            .send(&Request::get("x"))
            .await
            .unwrap_err()
            .status(),
        Some(500)
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed() {
    let server = Script::start(vec![
        with_header("429 Too Many Requests", "Retry-After: 17", "{}"),
        answer("200 OK", "{}"),
    ])
    .await;
    let start = tokio::time::Instant::now();
    server.client(2).send(&Request::get("x")).await.unwrap();
    assert!(
        (17.0..17.5).contains(&start.elapsed().as_secs_f64()),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_covers_all_retries_and_the_last_answer_is_told() {
    let server = Script::start(vec![with_header(
        "503 Service Unavailable",
        "Retry-After: 3600",
        "{\"errors\":[\"sealed\"]}",
    )])
    .await;
    let start = tokio::time::Instant::now();
    let error = server.client(2).send(&Request::get("x")).await.unwrap_err();
    assert!(error.to_string().ends_with("* sealed"), "{error}");
    assert!((60.0..61.0).contains(&start.elapsed().as_secs_f64()));
}

#[tokio::test]
async fn an_answer_cut_short_is_an_error() {
    let closing = raw_once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"da").await;
    let error = client_error(&closing).await;
    assert!(error.to_string().contains("unexpected EOF"), "{error}");
}

/// A server that sends this text to the first connection and closes it.
async fn raw_once(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(text.as_bytes()).await.unwrap();
    });
    address
}

async fn client_error(address: &str) -> Error {
    client(address, 0)
        .send(&Request::get("x"))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn what_breaks_is_named_with_method_and_url() {
    let error = client_error("http://127.0.0.1:1").await.to_string();
    assert_eq!(
        error,
        "Get \"http://127.0.0.1:1/v1/x\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
    let error = client_error(&raw_once("").await).await.to_string();
    assert!(
        error.ends_with(": EOF") || error.ends_with(": unexpected EOF"),
        "{error}"
    );
    let error = client_error(&raw_once("garbage\r\n\r\n").await)
        .await
        .to_string();
    assert!(error.contains("malformed HTTP response"), "{error}");
    let error = client_error("unix:///nonexistent/socket").await.to_string();
    assert_eq!(
        error,
        "Get \"http://localhost/v1/x\": dial unix /nonexistent/socket: connect: no such file or directory"
    );
}

#[tokio::test]
async fn one_redirect_is_followed_with_method_and_body() {
    let goal = Script::start(vec![answer("200 OK", "{\"lease_id\":\"l\"}")]).await;
    let server = Script::start(vec![with_header(
        "307 Temporary Redirect",
        &format!("Location: {}/v1/other?x=1", goal.address),
        "",
    )])
    .await;
    let response = server
        .client(0)
        .send(&Request::put("x", "body"))
        .await
        .unwrap();
    assert_eq!(response.secret().unwrap().unwrap().lease_id, "l");
    let seen = goal.seen().remove(0);
    assert!(
        seen.starts_with("PUT /v1/other?x=1 ") && seen.ends_with("body"),
        "{seen}"
    );
}

#[tokio::test]
async fn redirects_can_be_switched_off_and_the_second_is_not_followed() {
    let redirect = with_header("302 Found", "Location: /v1/again", "");
    let server = Script::start(vec![redirect.clone(), redirect.clone()]).await;
    let response = server.client(0).exchange(&Request::get("x")).await.unwrap();
    assert_eq!((response.status, server.seen().len()), (302, 2));
    let server = Script::start(vec![redirect]).await;
    let mut config = ClientConfig::new(Address::parse(&server.address).unwrap());
    config.follow_redirects = false;
    let response = Client::new(config)
        .unwrap()
        .exchange(&Request::get("x"))
        .await
        .unwrap();
    assert_eq!((response.status, server.seen().len()), (302, 1));
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_refused_and_not_shown() {
    let client = client("http://127.0.0.1:1", 0);
    let error = client
        .send(&Request::get("x").token("hvs.a\nb".into()))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "configured Vault token contains non-printable characters and cannot be used"
    );
}

#[tokio::test]
async fn speaks_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = read_request(&mut stream).await.unwrap();
        stream
            .write_all(answer("200 OK", "{}").as_bytes())
            .await
            .unwrap();
        seen
    });
    client(&format!("unix://{}", path.display()), 0)
        .send(&Request::get("x"))
        .await
        .unwrap();
    assert!(server.await.unwrap().contains("host: localhost\r\n"));
}

#[tokio::test]
async fn a_plain_proxy_gets_the_absolute_form_and_its_credentials() {
    let proxy = Script::start(vec![answer("200 OK", "{}")]).await;
    let mut config = ClientConfig::new(Address::parse("http://vault.example:8200").unwrap());
    config.proxy = ProxySettings {
        http: Some(proxy.address.replace("http://", "http://user:pw@").into()),
        ..ProxySettings::default()
    };
    Client::new(config)
        .unwrap()
        .send(&Request::get("x"))
        .await
        .unwrap();
    let seen = proxy.seen().remove(0);
    assert!(
        seen.starts_with("GET http://vault.example:8200/v1/x HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("proxy-authorization: Basic dXNlcjpwdw==\r\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn many_requests_at_once_use_at_most_the_allowed_connections() {
    let server = Script::start(vec![answer("200 OK", "{}"); 60]).await;
    let client = server.client(0);
    let calls: Vec<_> = (0..60)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.send(&Request::get(format!("x{number}"))).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let connections = *server.connections.lock().unwrap();
    assert!((1..=10).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_request_that_is_passed_on_goes_out_as_it_came() {
    let server = Script::start(vec![answer("200 OK", "{}")]).await;
    let mut request = Request::new(hyper::Method::POST, "not/this");
    let mut headers = hyper::header::HeaderMap::new();
    headers.insert("user-agent", "somebody/1".parse().unwrap());
    headers.insert("x-vault-namespace", "theirs".parse().unwrap());
    request.passed_on = Some(pannier_vault::PassedOn {
        target: "/v1/a%20b?c=d%2Fe".to_owned(),
        headers,
    });
    request.token = Some("hvs.theirs".into());
    request.body = Some("{}".into());
    server
        .client(0)
        .with_namespace("ours/")
        .send(&request)
        .await
        .unwrap();
    let seen = server.seen().remove(0);
    assert!(
        seen.starts_with("POST /v1/a%20b?c=d%2Fe HTTP/1.1\r\n"),
        "{seen}"
    );
    for header in [
        "user-agent: somebody/1",
        "x-vault-namespace: theirs",
        "x-vault-token: hvs.theirs",
    ] {
        assert!(seen.contains(&format!("{header}\r\n")), "{header}: {seen}");
    }
    assert!(
        !seen.contains("x-vault-request") && !seen.contains("ours"),
        "{seen}"
    );
}
