//! The keeper against an API server in memory that knows two objects, versions, watches and rights.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::certificates::contents::SECRET;
use crate::certificates::files::Files;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;

const HOST: &str = "injector.vault.svc";
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const SECRETS: &str = "/api/v1/namespaces/vault/secrets";

type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// The API server: objects by path, a version that counts writes, and everything that was asked.
struct Api {
    objects: Mutex<BTreeMap<String, Value>>,
    version: Mutex<u64>,
    events: broadcast::Sender<(String, Value)>,
    forbidden: Mutex<Vec<String>>,
    calls: Mutex<Vec<String>>,
}

impl Api {
    fn new() -> Arc<Self> {
        let api = Arc::new(Self {
            objects: Mutex::default(),
            version: Mutex::new(10),
            events: broadcast::channel(100).0,
            forbidden: Mutex::default(),
            calls: Mutex::default(),
        });
        let service =
            json!({"service": {"name": "injector", "namespace": "vault", "path": "/mutate"}});
        let webhook = json!({"name": "vault.hashicorp.com", "clientConfig": service, "sideEffects": "None", "admissionReviewVersions": ["v1"]});
        api.put(
            &format!("{CONFIGURATIONS}/cfg"),
            json!({"metadata": {"name": "cfg", "uid": "u"}, "webhooks": [webhook]}),
        );
        api.put(
            &format!("{SECRETS}/{SECRET}"),
            json!({"metadata": {"name": SECRET, "uid": "s", "labels": {"app": "x"}}}),
        );
        api
    }

    fn put(&self, path: &str, mut object: Value) -> Value {
        let mut version = self.version.lock().unwrap();
        *version += 1;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        self.objects
            .lock()
            .unwrap()
            .insert(path.to_owned(), object.clone());
        drop(self.events.send((
            path.to_owned(),
            json!({"type": "MODIFIED", "object": object}),
        )));
        object
    }

    fn get(&self, path: &str) -> Option<Value> {
        self.objects.lock().unwrap().get(path).cloned()
    }

    fn forbid(&self, what: &str) {
        self.forbidden.lock().unwrap().push(what.to_owned());
    }

    fn bundle(&self) -> String {
        let configuration = self.get(&format!("{CONFIGURATIONS}/cfg")).unwrap();
        configuration["webhooks"][0]["clientConfig"]["caBundle"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn set_bundle(&self, bundle: &str) {
        let path = format!("{CONFIGURATIONS}/cfg");
        let mut configuration = self.get(&path).unwrap();
        configuration["webhooks"][0]["clientConfig"]["caBundle"] = bundle.into();
        self.put(&path, configuration);
    }

    fn writes(&self, method: &str) -> usize {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .filter(|call| call.starts_with(method))
            .count()
    }

    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Answer> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (path, query) = (
            uri.path().to_owned(),
            uri.query().unwrap_or_default().to_owned(),
        );
        let body = request.into_body().collect().await.unwrap().to_bytes();
        self.calls.lock().unwrap().push(format!("{method} {path}"));
        let is_forbidden = |what: &String| format!("{method} {path}").contains(what.as_str());
        if self.forbidden.lock().unwrap().iter().any(is_forbidden) {
            return failure(403, "no right to do that");
        }
        if query.contains("fieldSelector") {
            let name = query
                .split("metadata.name%3D")
                .nth(1)
                .unwrap()
                .split('&')
                .next()
                .unwrap();
            let path = format!("{path}/{name}");
            return if query.contains("watch=true") {
                self.stream(path)
            } else {
                self.list(&path)
            };
        }
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        match method {
            Method::GET => self
                .get(&path)
                .map_or_else(|| failure(404, "not found"), |object| success(&object)),
            Method::POST => {
                let path = format!("{path}/{}", sent["metadata"]["name"].as_str().unwrap());
                if self.get(&path).is_some() {
                    failure(409, "exists")
                } else {
                    success(&self.put(&path, sent))
                }
            }
            Method::PUT => self.swap(&path, &sent, |_| sent.clone()),
            Method::PATCH => {
                assert!(
                    query.contains("fieldManager=pannier-injector") && query.contains("force=true"),
                    "{query}"
                );
                self.swap(&path, &sent, |old| {
                    let mut new = old.clone();
                    let bundle = &sent["webhooks"][0]["clientConfig"]["caBundle"];
                    new["webhooks"][0]["clientConfig"]["caBundle"] = bundle.clone();
                    new
                })
            }
            other => panic!("{other}"),
        }
    }

    fn swap(&self, path: &str, sent: &Value, change: impl Fn(&Value) -> Value) -> Response<Answer> {
        let Some(old) = self.get(path) else {
            return failure(404, "not found");
        };
        if sent["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"] {
            return failure(409, "the object has been modified");
        }
        success(&self.put(path, change(&old)))
    }

    fn list(&self, path: &str) -> Response<Answer> {
        let version = self.version.lock().unwrap().to_string();
        let items: Vec<Value> = self.get(path).into_iter().collect();
        success(
            &json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}),
        )
    }

    fn stream(&self, path: String) -> Response<Answer> {
        let events = self.events.subscribe();
        let lines = stream::unfold((events, path), |(mut events, path)| async move {
            loop {
                let (changed, event) = events.recv().await.ok()?;
                if changed == path {
                    let line = Bytes::from(format!("{event}\n"));
                    return Some((Ok::<_, Infallible>(Frame::data(line)), (events, path)));
                }
            }
        });
        Response::new(StreamBody::new(lines).boxed_unsync())
    }

    fn client(self: &Arc<Self>) -> Client {
        let api = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(service, "vault")
    }
}

fn success(object: &Value) -> Response<Answer> {
    Response::new(Full::new(Bytes::from(object.to_string())).boxed_unsync())
}

fn failure(code: u16, message: &str) -> Response<Answer> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "x", "code": code});
    Response::builder()
        .status(code)
        .body(Full::new(Bytes::from(status.to_string())).boxed_unsync())
        .unwrap()
}

struct Replica {
    serving: watch::Receiver<Serving>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn replica(api: &Arc<Api>, lifetime: Duration, with_secret: bool) -> Replica {
    let automatic = Automatic {
        hosts: vec![HOST.to_owned()],
        lifetime,
        webhook: Some("cfg".to_owned()),
        secret_namespace: with_secret.then(|| "vault".to_owned()),
    };
    let (publish, serving) = watch::channel(Serving::default());
    let keeper = Keeper::new(
        Some(api.client()),
        automatic,
        publish,
        Metrics::new("test").unwrap(),
    );
    Replica {
        serving,
        task: tokio::spawn(keeper.run()),
    }
}

impl Replica {
    async fn ready(&mut self) -> Pair {
        let is_ready = |serving: &Serving| serving.check(Timestamp::now()).is_ok();
        let waiting = self.serving.wait_for(is_ready);
        let serving = tokio::time::timeout(Duration::from_secs(15), waiting)
            .await
            .expect("ready in time")
            .unwrap();
        serving.pair.clone().unwrap()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn replicas_that_start_together_agree_on_one_certificate() {
    let api = Api::new();
    let mut replicas: Vec<Replica> = (0..3).map(|_| replica(&api, HOUR, true)).collect();
    for replica in &mut replicas {
        replica.ready().await;
    }
    // One of them put it into service; all have heard a moment later.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let pairs: Vec<Pair> = replicas
        .iter()
        .map(|replica| replica.serving.borrow().pair.clone().unwrap())
        .collect();
    assert!(pairs.iter().all(|pair| pair.same_as(&pairs[0])));
    let secret = api.get(&format!("{SECRETS}/{SECRET}")).unwrap();
    assert_eq!(
        secret["metadata"]["labels"]["app"], "x",
        "the chart's labels stay"
    );
    assert!(secret["data"]["cert"].is_string() && secret["data"]["key"].is_string());
    assert!(secret["data"]["next-cert"].is_null());
    // A newcomer serves it without any write.
    let writes = (api.writes("PUT"), api.writes("PATCH"));
    let mut late = replica(&api, HOUR, true);
    assert!(late.ready().await.same_as(&pairs[0]));
    assert_eq!((api.writes("PUT"), api.writes("PATCH")), writes);
}

#[tokio::test]
async fn an_emptied_bundle_is_put_right_within_a_second() {
    let api = Api::new();
    let mut one = replica(&api, HOUR, true);
    one.ready().await;
    let before = api.bundle();
    for _ in 0..3 {
        api.set_bundle("");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(api.bundle(), before);
        one.ready().await;
    }
}

#[tokio::test]
async fn without_a_secret_the_certificate_lives_in_memory() {
    let api = Api::new();
    let first = replica(&api, HOUR, false).ready().await;
    let before = api.bundle();
    let second = replica(&api, HOUR, false).ready().await;
    assert!(!second.same_as(&first));
    assert!(
        api.bundle().len() > before.len(),
        "the authority of the first one stays"
    );
    assert!(
        !api.calls
            .lock()
            .unwrap()
            .iter()
            .any(|call| call.contains("secrets"))
    );
}

#[tokio::test]
async fn without_a_right_on_the_secret_the_certificate_lives_in_memory_too() {
    for right in [
        "GET /api/v1/namespaces/vault/secrets",
        "PUT /api/v1/namespaces/vault/secrets",
    ] {
        let api = Api::new();
        api.forbid(right);
        let mut replicas = [replica(&api, HOUR, true), replica(&api, HOUR, true)];
        for replica in &mut replicas {
            replica.ready().await;
        }
    }
}

#[tokio::test]
async fn a_missing_secret_is_made() {
    let api = Api::new();
    let path = format!("{SECRETS}/{SECRET}");
    api.objects.lock().unwrap().remove(&path);
    let mut one = replica(&api, HOUR, true);
    one.ready().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(api.get(&path).unwrap()["data"]["cert"].is_string());
    assert_eq!(api.writes("POST"), 1);
}

#[tokio::test]
async fn a_bundle_that_cannot_be_written_means_not_ready_and_few_calls() {
    let api = Api::new();
    api.forbid("PATCH");
    let one = replica(&api, HOUR, true);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let serving = one.serving.borrow().clone();
    assert!(
        serving.pair.is_some(),
        "better an untrusted certificate than none"
    );
    assert!(matches!(serving.trust, Trust::Missing(_)));
    assert!(
        (1..=6).contains(&api.writes("PATCH")),
        "{} calls in 3 s",
        api.writes("PATCH")
    );
}

#[tokio::test]
async fn a_missing_configuration_is_waited_for() {
    let api = Api::new();
    let path = format!("{CONFIGURATIONS}/cfg");
    let configuration = api.objects.lock().unwrap().remove(&path).unwrap();
    let mut one = replica(&api, HOUR, true);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        one.serving.borrow().trust,
        Trust::Missing("webhook configuration `cfg` not found".to_owned())
    );
    api.put(&path, configuration);
    one.ready().await;
}

#[tokio::test]
async fn certificates_of_short_life_follow_each_other_without_a_gap() {
    let api = Api::new();
    let lifetime = Duration::from_secs(9);
    let mut replicas = vec![replica(&api, lifetime, true), replica(&api, lifetime, true)];
    for replica in &mut replicas {
        replica.ready().await;
    }
    let mut leaves = std::collections::BTreeSet::new();
    for tenth in 0..200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for replica in &replicas {
            let serving = replica.serving.borrow().clone();
            // One that has just begun may need a moment.
            if tenth % 70 > 20 || tenth < 70 {
                assert_eq!(
                    serving.check(Timestamp::now()),
                    Ok(()),
                    "after {tenth} tenths"
                );
            }
            leaves.extend(serving.pair.map(|pair| pair.chain()[0].to_vec()));
        }
        if tenth % 70 == 69 {
            replicas.remove(0);
            replicas.push(replica(&api, lifetime, true));
        }
    }
    assert!(
        (3..=8).contains(&leaves.len()),
        "{} certificates in 20 s",
        leaves.len()
    );
}

#[tokio::test]
async fn certificates_from_files_get_their_authority_into_the_bundle_before_they_serve() {
    let api = Api::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = || {
        let made = issue::issue(&[HOST.to_owned()], Timestamp::now(), HOUR).unwrap();
        std::fs::write(path("ca"), &made.ca).unwrap();
        std::fs::write(path("key"), made.key.expose()).unwrap();
        std::fs::write(path("cert"), &made.certificate).unwrap();
        Pair::from_pem(made.certificate.as_bytes(), made.key.expose_bytes()).unwrap()
    };
    let first = write();
    let files = Files {
        certificate: path("cert"),
        key: path("key"),
        ca: Some(path("ca")),
    };
    let (publish, serving) = watch::channel(Serving::default());
    let watcher = Watcher::new(files).unwrap();
    let task = tokio::spawn(keep_files(
        watcher,
        api.client(),
        "cfg".to_owned(),
        publish,
        Metrics::new("test").unwrap(),
    ));
    let mut one = Replica { serving, task };
    assert!(one.ready().await.same_as(&first));
    api.forbid("PATCH");
    let second = write();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        one.ready().await.same_as(&first),
        "served before anybody trusts it"
    );
    api.forbidden.lock().unwrap().clear();
    let until = |serving: &Serving| {
        serving
            .pair
            .as_ref()
            .is_some_and(|pair| pair.same_as(&second))
            && serving.trust == Trust::Seen
    };
    tokio::time::timeout(Duration::from_secs(10), one.serving.wait_for(until))
        .await
        .expect("served in time")
        .unwrap();
}
