//! The cache before a scripted server.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pannier_vault::{Address, ClientConfig};
use tokio::net::TcpListener;

use super::*;

/// Answers by path: `/v1/db` gives a new lease each time, `/v1/kv` plain data, `/v1/child` a new child token.
/// Renewals give what `renewal` says, in seconds.
struct Server {
    client: Client,
    calls: Arc<Mutex<Vec<String>>>,
    renewal: Arc<AtomicU32>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let renewal = Arc::new(AtomicU32::new(3600));
        let (seen, seconds) = (Arc::clone(&calls), Arc::clone(&renewal));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, seconds) = (Arc::clone(&seen), Arc::clone(&seconds));
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let (seen, seconds) = (Arc::clone(&seen), Arc::clone(&seconds));
                    async move {
                        Ok::<_, std::convert::Infallible>(
                            answer(&request, &seen, seconds.load(Ordering::Relaxed)).await,
                        )
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        let client = Client::new(ClientConfig::new(Address::parse(&address).unwrap())).unwrap();
        Self {
            client,
            calls,
            renewal,
        }
    }

    fn calls(&self, path: &str) -> usize {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .filter(|call| *call == path)
            .count()
    }
}

async fn answer(
    request: &hyper::Request<Incoming>,
    seen: &Mutex<Vec<String>>,
    seconds: u32,
) -> hyper::Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(path.clone());
        seen.iter().filter(|call| **call == path).count()
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (status, body) = match path.as_str() {
        "/v1/db" => (
            200,
            format!(
                r#"{{"lease_id":"db/{number}","renewable":true,"lease_duration":3600,"data":{{}}}}"#
            ),
        ),
        "/v1/child" => (
            200,
            format!(
                r#"{{"auth":{{"client_token":"child-{number}","accessor":"a","renewable":true,"lease_duration":3600,"orphan":false}}}}"#
            ),
        ),
        "/v1/sys/leases/renew" => (
            200,
            format!(r#"{{"lease_id":"db/1","renewable":true,"lease_duration":{seconds}}}"#),
        ),
        "/v1/auth/token/renew-self" => (
            200,
            format!(
                r#"{{"auth":{{"client_token":"x","renewable":true,"lease_duration":{seconds}}}}}"#
            ),
        ),
        "/v1/auth/token/revoke-self" => (204, String::new()),
        _ => (200, format!(r#"{{"data":{{"number":{number}}}}}"#)),
    };
    let mut response = hyper::Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    response
}

fn call(method: &str, path: &str, token: &str, body: &str) -> Call {
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("x-vault-token", token);
    Call::new(request.body(()).unwrap().into_parts().0, body.into())
}

async fn cache(server: &Server) -> Arc<Cache> {
    let cache = Cache::new(server.client.clone(), true, Arc::default());
    cache.own_token(&"own".into());
    cache
}

async fn body(cache: &Cache, server: &Server, call: &Call) -> (String, bool) {
    let answer = cache.send(call, &server.client).await.unwrap();
    (
        String::from_utf8(answer.body.to_vec()).unwrap(),
        answer.age.is_some(),
    )
}

#[tokio::test]
async fn a_lease_is_asked_for_once_and_then_kept() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    let first = body(&cache, &server, &call("GET", "/v1/db", "own", "")).await;
    let second = body(&cache, &server, &call("GET", "/v1/db", "own", "")).await;
    assert_eq!(
        (first.0.as_str(), first.1, second.1),
        (second.0.as_str(), false, true)
    );
    assert_eq!(server.calls("/v1/db"), 1);
    // Another token's is another request, and not ours to keep.
    for _ in 0..2 {
        assert!(
            !body(&cache, &server, &call("GET", "/v1/db", "other", ""))
                .await
                .1
        );
    }
    assert_eq!(server.calls("/v1/db"), 3);
}

#[tokio::test]
async fn equal_requests_at_once_go_to_the_server_once() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    for path in ["/v1/db", "/v1/kv"] {
        let one = call("GET", path, "own", "");
        let all = std::iter::repeat_with(|| body(&cache, &server, &one));
        let mut all: Vec<_> = all.take(10).map(Box::pin).collect();
        let mut bodies = Vec::new();
        // Polled together by hand: all of them are under way before the first has its answer.
        std::future::poll_fn(|cx| {
            all.retain_mut(|each| match each.as_mut().poll(cx) {
                std::task::Poll::Ready((body, _)) => {
                    bodies.push(body);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if all.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        bodies.dedup();
        assert_eq!((bodies.len(), server.calls(path)), (1, 1), "{path}");
    }
}

#[tokio::test]
async fn writes_at_once_are_never_shared() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    let one = call("PUT", "/v1/kv", "own", "{}");
    let (a, b) = tokio::join!(body(&cache, &server, &one), body(&cache, &server, &one));
    assert_ne!(a.0, b.0);
    assert_eq!(server.calls("/v1/kv"), 2);
}

#[tokio::test]
async fn a_revoked_child_takes_its_leases_along() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    body(&cache, &server, &call("POST", "/v1/child", "own", "")).await;
    body(&cache, &server, &call("GET", "/v1/db", "child-1", "")).await;
    assert!(
        body(&cache, &server, &call("GET", "/v1/db", "child-1", ""))
            .await
            .1
    );
    body(
        &cache,
        &server,
        &call("PUT", "/v1/auth/token/revoke-self", "child-1", ""),
    )
    .await;
    assert!(
        !body(&cache, &server, &call("GET", "/v1/db", "child-1", ""))
            .await
            .1
    );
    assert!(
        !body(&cache, &server, &call("POST", "/v1/child", "own", ""))
            .await
            .1
    );
}

#[tokio::test]
async fn a_renewal_near_the_end_makes_room_for_a_new_lease() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    body(&cache, &server, &call("GET", "/v1/db", "own", "")).await;
    let renew = call(
        "PUT",
        "/v1/sys/leases/renew",
        "own",
        r#"{"lease_id":"db/1"}"#,
    );
    assert!(
        !body(&cache, &server, &renew).await.1 && !body(&cache, &server, &renew).await.1,
        "renewals are never kept"
    );
    assert!(
        body(&cache, &server, &call("GET", "/v1/db", "own", ""))
            .await
            .1
    );
    server.renewal.store(1000, Ordering::Relaxed);
    body(&cache, &server, &renew).await;
    let (fresh, kept) = body(&cache, &server, &call("GET", "/v1/db", "own", "")).await;
    assert!(!kept && fresh.contains("db/2"), "{fresh}");
}

#[tokio::test]
async fn what_is_kept_is_renewed_at_once_and_goes_when_that_ends() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    // The server gives no more time at all.
    server.renewal.store(0, Ordering::Relaxed);
    body(&cache, &server, &call("GET", "/v1/db", "own", "")).await;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if server.calls("/v1/sys/leases/renew") == 1 && cache.state().store.entries().count() == 0 {
            return;
        }
    }
    panic!("the lease is still kept");
}

#[tokio::test]
async fn a_new_login_forgets_what_the_old_token_had() {
    let server = Server::start().await;
    let cache = cache(&server).await;
    body(&cache, &server, &call("GET", "/v1/db", "own", "")).await;
    cache.own_token(&"own".into());
    assert!(
        body(&cache, &server, &call("GET", "/v1/db", "own", ""))
            .await
            .1
    );
    cache.own_token(&"next".into());
    assert_eq!(cache.state().store.entries().count(), 0);
}
