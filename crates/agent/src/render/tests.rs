//! The template server under paused time, against a server that is a function.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pannier_agent_config::{Config, Source, load};
use pannier_redacted::Redacted;
use pannier_vault::{HeaderMap, Request, Response};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::host::Variables;
use super::runner::{Options, Progress, Runner, RunnerError};
use super::schedule::Schedule;
use super::template::Template;
use crate::backoff::FetchBackoff;
use crate::metrics::Metrics;
use crate::token::Token;
use crate::upstream::{Answering, Upstream};

/// How long the server takes for each answer.
const LATENCY: Duration = Duration::from_millis(100);

type Script = dyn Fn(&Request, u64) -> (u16, String) + Send + Sync;

/// Answers by a function of the request and the milliseconds since the start, and keeps a log.
struct Server {
    answer: Box<Script>,
    log: Mutex<Vec<(u64, String)>>,
    start: Instant,
}

impl Server {
    fn new(answer: impl Fn(&Request, u64) -> (u16, String) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            log: Mutex::default(),
            start: Instant::now(),
        })
    }

    fn seen(&self, what: &str) -> Vec<u64> {
        let log = self.log.lock().unwrap();
        log.iter()
            .filter(|(_, line)| line.contains(what))
            .map(|(at, _)| *at)
            .collect()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }
}

impl Upstream for Arc<Server> {
    fn send<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let line = format!("{} {}", request.method, request.target(""));
            self.log.lock().unwrap().push((self.now(), line.clone()));
            sleep(LATENCY).await;
            let (status, body) = (self.answer)(request, self.now());
            let response = Response {
                status,
                headers: HeaderMap::new(),
                body: body.into_bytes().into(),
            };
            if status < 400 {
                Ok(response)
            } else {
                Err(response.into_error(request.method.as_str(), &line, ""))
            }
        })
    }
}

/// A key-value mount of version 2 whose values are their own names.
fn kv(request: &Request) -> (u16, String) {
    if request.path.starts_with("sys/internal/ui/mounts/") {
        let mount = r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#;
        return (200, mount.to_owned());
    }
    let name = request.path.rsplit('/').next().unwrap();
    (
        200,
        format!(r#"{{"data":{{"data":{{"v":"{name}"}},"metadata":{{"deletion_time":""}}}}}}"#),
    )
}

struct Bench {
    folder: tempfile::TempDir,
    tokens: watch::Sender<Option<Token>>,
    progress: watch::Receiver<Progress>,
    metrics: Arc<Metrics>,
    refused: mpsc::UnboundedReceiver<Redacted>,
    ended: Arc<Mutex<Option<RunnerError>>>,
    local: tokio::task::LocalSet,
}

impl Bench {
    /// Starts a runner on templates written as HCL; `@` stands for the folder.
    fn start(server: &Arc<Server>, templates: &str, change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(templates, folder.path());
        let (sender, progress) = watch::channel(Progress::default());
        let (tokens, receiver) = watch::channel(None);
        let (refusals, refused) = mpsc::unbounded_channel();
        let metrics = Arc::new(Metrics::default());
        let server = Arc::clone(server);
        let mut options = Options {
            connect: Box::new(move |_| Arc::new(Arc::clone(&server))),
            namespace: String::new(),
            schedule: Schedule {
                interval: Duration::from_mins(5),
                threshold: 0.9,
            },
            backoff: FetchBackoff::new(None, None, Some(12)),
            outer: (None, None),
            exit_on_failure: false,
            exit_after_auth: false,
            variables: Variables::default(),
            root: None,
            side_effects: true,
            writes: true,
            refusals: Some(refusals),
            metrics: Arc::clone(&metrics),
        };
        change(&mut options);
        let templates = config
            .templates
            .iter()
            .map(|spec| Template::file(spec).unwrap())
            .collect();
        let runner = Runner::new(templates, options, sender);
        let local = tokio::task::LocalSet::new();
        let ended = Arc::new(Mutex::new(None));
        let end = Arc::clone(&ended);
        local.spawn_local(async move {
            let error = runner.run(receiver).await;
            *end.lock().unwrap() = Some(error);
        });
        let bench = Self {
            folder,
            tokens,
            progress,
            metrics,
            refused,
            ended,
            local,
        };
        bench.token("t1");
        bench
    }

    fn token(&self, text: &str) {
        self.tokens.send_replace(Some(Token::Plain(text.into())));
    }

    async fn pass(&self, time: Duration) {
        self.local.run_until(sleep(time)).await;
    }

    fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ended(&self) -> Option<String> {
        self.ended.lock().unwrap().as_ref().map(ToString::to_string)
    }
}

fn config(templates: &str, folder: &Path) -> Config {
    let head = "auto_auth { method \"token_file\" { config = { token_file_path = \"/x\" } } }\n";
    let text = format!("{head}{}", templates.replace('@', folder.to_str().unwrap()));
    load(&[Source {
        name: "test".to_owned(),
        text,
    }])
    .unwrap()
}

/// A template block that reads these secrets.
fn reading(destination: &str, names: &[&str]) -> String {
    let text: String = names
        .iter()
        .map(|name| {
            format!("{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.v }}}} {{{{ end }}}}")
        })
        .collect();
    template(destination, &text, "")
}

fn template(destination: &str, text: &str, more: &str) -> String {
    format!(
        "template {{\n destination = \"@/{destination}\"\n contents = <<X\n{text}\nX\n{more}\n}}\n"
    )
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn twenty_secrets_cost_as_long_as_the_longest_chain() {
    let server = Server::new(|request, _| kv(request));
    let names: Vec<String> = (0..20).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::start(
        &server,
        &(reading("a", &names) + &reading("b", &names[..7])),
        |_| {},
    );
    bench.pass(2 * LATENCY + Duration::from_millis(50)).await;
    assert!(bench.file("a").unwrap().starts_with("s0 s1 s2 ") && bench.file("b").is_some());
    // One look at the mount, one read for each secret, however many templates want it.
    assert_eq!(
        (
            server.seen("/sys/internal/ui/mounts/").len(),
            server.seen("/secret/data/").len()
        ),
        (1, 20)
    );
    assert!(bench.progress.borrow().complete);
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_lease_is_read_again_after_about_the_interval() {
    let server = Server::new(|request, now| {
        let (status, body) = kv(request);
        (
            status,
            if now < 200_000 {
                body
            } else {
                body.replace("one", "two")
            },
        )
    });
    let bench = Bench::start(&server, &reading("a", &["one"]), |_| {});
    bench.pass(250 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "one \n");
    bench.pass(40 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "two \n");
    assert_eq!(server.seen("/sys/internal/ui/mounts/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_template_that_fails_holds_nobody_up_and_is_tried_again() {
    let server = Server::new(|request, now| {
        if request.path == "secret/data/denied" && now < 30_000 {
            return (403, r#"{"errors":["permission denied"]}"#.to_owned());
        }
        kv(request)
    });
    let templates = [
        reading("denied", &["denied"]),
        template("broken", "{{ nosuch }}", ""),
        template(
            "failing",
            "{{ with secret \"secret/x\" }}{{ .Data.data.v | parseInt }}{{ end }}",
            "",
        ),
        reading("blocked/file", &["y"]),
        reading("good", &["good"]),
    ];
    let bench = Bench::start(&server, &templates.concat(), |_| {});
    std::fs::write(bench.path("blocked"), "a file where a folder is wanted").unwrap();
    bench.pass(SECOND).await;
    assert_eq!(bench.file("good").unwrap(), "good \n");
    let failures = bench.progress.borrow().failures.clone();
    assert_eq!(failures.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(
        failures[&1].starts_with("(dynamic): parse: template: :1: function \"nosuch\" not defined"),
        "{failures:?}"
    );
    assert!(
        failures[&2].contains("[redacted]") && !failures[&2].contains("parsing \"x\""),
        "{failures:?}"
    );
    let counters = bench.metrics.counters();
    let failed = counters.iter().filter(|(series, count)| {
        series.name.contains("failure") && series.label.is_some() && **count > 0
    });
    // The fourth is the one that waits for the denied secret.
    assert_eq!(failed.count(), 4, "{counters:?}");
    assert_eq!(bench.metrics.stale_templates().len(), 4);
    std::fs::remove_file(bench.path("blocked")).unwrap();
    bench.pass(60 * SECOND).await;
    assert_eq!(bench.file("denied").unwrap(), "denied \n");
    assert_eq!(bench.file("blocked/file").unwrap(), "y \n");
    assert_eq!(bench.ended(), None);
    // Failing fetches are spaced out: 250 ms, 500 ms, 1 s and so on.
    let tries = server.seen("/secret/data/denied");
    let gaps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..4], [350, 600, 1100, 2100]);
}

#[tokio::test(start_paused = true)]
async fn exit_on_retry_failure_ends_the_agent_when_retries_are_used_up() {
    let server = Server::new(|request, _| {
        if request.path == "secret/data/none" {
            (404, r#"{"errors":[]}"#.to_owned())
        } else {
            kv(request)
        }
    });
    let bench = Bench::start(&server, &reading("a", &["none"]), |options| {
        options.exit_on_failure = true;
        options.backoff = FetchBackoff::new(None, None, Some(2));
    });
    bench.pass(5 * SECOND).await;
    assert_eq!(
        bench.ended().unwrap(),
        "template server: vault.read(secret/none): no secret exists at secret/data/none"
    );
    assert_eq!(server.seen("/secret/data/none").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_it_the_secret_is_asked_for_ever_with_pauses() {
    let server = Server::new(|request, _| {
        if request.path == "secret/data/none" {
            (404, String::new())
        } else {
            kv(request)
        }
    });
    let bench = Bench::start(&server, &reading("a", &["none"]), |options| {
        options.backoff = FetchBackoff::new(None, None, Some(2));
    });
    bench.pass(3600 * SECOND).await;
    let tries = server.seen("/secret/data/none").len();
    assert!((20..100).contains(&tries), "{tries}");
    assert_eq!((bench.ended(), bench.file("a")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_never_harms_a_good_file() {
    let server = Server::new(|request, now| match now {
        0..1_000 => kv(request),
        1_000..600_000 => (500, "oops".to_owned()),
        _ => (200, kv(request).1.replace("one", "new")),
    });
    let bench = Bench::start(&server, &reading("a", &["one"]), |options| {
        options.schedule.interval = 10 * SECOND;
    });
    for _ in 0..59 {
        bench.pass(10 * SECOND).await;
        assert_eq!(bench.file("a").unwrap(), "one \n");
    }
    bench.pass(400 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "new \n");
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_does_not_replace_a_good_file() {
    let server = Server::new(|request, now| match now {
        0..1_000 => kv(request),
        1_000..100_000 => (200, "{}".to_owned()),
        _ => (200, kv(request).1.replace("one", "new")),
    });
    let bench = Bench::start(&server, &reading("a", &["one"]), |options| {
        options.schedule.interval = 10 * SECOND;
    });
    bench.pass(90 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "one \n");
    bench.pass(120 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "new \n");
}

#[tokio::test(start_paused = true)]
async fn a_new_token_fetches_everything_again() {
    let server = Server::new(|request, _| kv(request));
    let bench = Bench::start(&server, &reading("a", &["one", "two"]), |_| {});
    bench.pass(SECOND).await;
    bench.token("t1");
    bench.pass(SECOND).await;
    assert_eq!(server.seen("/secret/data/").len(), 4);
    let once = Server::new(|request, _| kv(request));
    let bench = Bench::start(&once, &reading("a", &["one"]), |options| {
        options.exit_after_auth = true
    });
    bench.pass(SECOND).await;
    bench.token("t2");
    bench.pass(SECOND).await;
    assert_eq!(once.seen("/secret/data/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_until_that_ends_and_then_replaced() {
    let server = Server::new(|request, now| {
        if request.path == "sys/leases/renew" {
            // The lease may live for 40 seconds, so renewals give less and less.
            let left = (40_000_u64.saturating_sub(now % 45_000) / 1000).min(10);
            return (
                200,
                format!(r#"{{"lease_id":"l","renewable":true,"lease_duration":{left}}}"#),
            );
        }
        let (status, body) = kv(request);
        if !request.path.starts_with("sys/") {
            let body = format!(
                r#"{{"lease_id":"database/creds/app/{now}","renewable":true,"lease_duration":10,"data":{{"username":"u{now}"}}}}"#
            );
            return (200, body);
        }
        (
            status,
            body.replace("secret/", "database/")
                .replace("kv", "database"),
        )
    });
    let text = "{{ with secret \"database/creds/app\" }}{{ .Data.username }}{{ end }}";
    let bench = Bench::start(&server, &template("a", text, ""), |_| {});
    bench.pass(SECOND).await;
    let first = bench.file("a").unwrap();
    let renewals = server.seen("/sys/leases/renew");
    assert_eq!(renewals.len(), 1, "the first renewal is at once");
    bench.pass(25 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), first);
    bench.pass(20 * SECOND).await;
    assert_ne!(bench.file("a").unwrap(), first);
    let reads = server.seen("/database/creds/app");
    assert!(reads[1] < 40_100, "replaced before it expires: {reads:?}");
}

#[tokio::test(start_paused = true)]
async fn names_are_listed_and_then_read() {
    let server = Server::new(|request, _| {
        if request.query == "list=true" {
            (200, r#"{"data":{"keys":["b","a"]}}"#.to_owned())
        } else {
            kv(request)
        }
    });
    let text = "{{ range secrets \"secret/\" }}{{ with secret (print \"secret/\" .) }}{{ .Data.data.v }}{{ end }}{{ end }}";
    let bench = Bench::start(&server, &template("a", text, ""), |_| {});
    bench.pass(SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "ab\n");
    assert_eq!(server.seen("GET /v1/secret/metadata?list=true").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_wrapped_for_version_two() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&bodies);
    let server = Server::new(move |request, _| {
        if request.method == "PUT" {
            log.lock().unwrap().push(request.clone());
        }
        kv(request)
    });
    let text = "{{ with secret \"secret/app\" \"b=2\" \"a=1\" }}{{ .Data.data.v }}{{ end }}";
    let bench = Bench::start(&server, &template("a", text, ""), |_| {});
    bench.pass(SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "app\n");
    let bodies = bodies.lock().unwrap();
    assert_eq!(
        (bodies.len(), bodies[0].target("")),
        (1, "/v1/secret/data/app".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_an_error_for_version_two_only() {
    for (version, file) in [("2", None), ("1", Some("none\n"))] {
        let server = Server::new(
            move |request, _| match request.method.to_string().as_str() {
                "PUT" => (204, String::new()),
                _ => {
                    let (status, body) = kv(request);
                    (status, body.replace("\"2\"", &format!("{version:?}")))
                }
            },
        );
        let text = "{{ with secret \"secret/metadata/app\" \"a=1\" }}some{{ else }}none{{ end }}";
        let bench = Bench::start(&server, &template("a", text, ""), |options| {
            options.backoff = FetchBackoff::new(None, None, None);
        });
        bench.pass(SECOND).await;
        assert_eq!(bench.file("a").as_deref(), file);
        let failures = bench.progress.borrow().failures.clone();
        let told = failures
            .values()
            .any(|text| text.contains("no secret exists at secret/metadata/app"));
        assert_eq!(told, file.is_none(), "{failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_settle_before_a_template_with_wait_is_rendered() {
    let server = Server::new(|request, now| {
        (
            200,
            kv(request).1.replace("one", &format!("v{}", now / 1000)),
        )
    });
    let more = "wait { min = \"4s\" max = \"9s\" }";
    let text = "{{ with secret \"secret/one\" }}{{ .Data.data.v }}{{ end }}";
    let bench = Bench::start(&server, &template("a", text, more), |options| {
        options.schedule.interval = 3 * SECOND;
    });
    bench.pass(SECOND).await;
    let first = bench.file("a").unwrap();
    // A change every three seconds keeps it quiet for the longest time allowed and no longer.
    bench.pass(8 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), first);
    bench.pass(6 * SECOND).await;
    assert_ne!(bench.file("a").unwrap(), first);
}

#[tokio::test]
async fn a_command_runs_once_for_the_files_that_changed() {
    let server = Server::new(|request, _| kv(request));
    let more = "exec { command = [\"echo x >> @/ran\"] }";
    let text = "{{ with secret \"secret/one\" }}{{ .Data.data.v }}{{ end }}";
    let templates =
        template("a", text, more) + &template("b", text, more) + &reading("c", &["one"]);
    let bench = Bench::start(&server, &templates, |_| {});
    bench.pass(SECOND).await;
    assert_eq!(bench.file("ran").unwrap(), "x\n");
    assert!(bench.file("b").is_some() && bench.file("c").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_reported_to_auto_auth() {
    let server = Server::new(|request, now| {
        if now > 100_000 {
            return (
                403,
                r#"{"errors":["permission denied","invalid token"]}"#.to_owned(),
            );
        }
        kv(request)
    });
    let mut bench = Bench::start(&server, &reading("a", &["one"]), |_| {});
    bench.pass(100 * SECOND).await;
    assert!(bench.refused.try_recv().is_err());
    bench.pass(200 * SECOND).await;
    assert_eq!(bench.refused.try_recv().expect("a refusal").expose(), "t1");
}

#[tokio::test(start_paused = true)]
async fn a_local_file_is_watched() {
    let server = Server::new(|request, _| kv(request));
    let bench = Bench::start(&server, &template("a", "{{ file \"@/in\" }}", ""), |_| {});
    bench.pass(SECOND).await;
    assert_eq!(bench.file("a"), None);
    std::fs::write(bench.path("in"), "1").unwrap();
    bench.pass(5 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "1\n");
    std::fs::write(bench.path("in"), "22").unwrap();
    bench.pass(3 * SECOND).await;
    assert_eq!(bench.file("a").unwrap(), "22\n");
}

#[tokio::test(start_paused = true)]
async fn a_folder_is_no_local_file_and_is_told_so() {
    let server = Server::new(|request, _| kv(request));
    let bench = Bench::start(&server, &template("a", "{{ file \"@\" }}", ""), |_| {});
    bench.pass(SECOND).await;
    let failures = bench.progress.borrow().failures.clone();
    let told = format!("read {}: is a directory", bench.folder.path().display());
    assert!(
        failures.values().any(|text| text.contains(&told)),
        "{failures:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_preview_runs_and_writes_nothing_elsewhere() {
    let server = Server::new(|request, _| kv(request));
    let root = tempfile::tempdir().unwrap();
    let write = template(
        "w",
        "{{ with secret \"secret/app\" \"a=1\" }}x{{ end }}",
        "",
    );
    let read = template(
        "r",
        "{{ with secret \"secret/app\" }}x{{ end }}",
        "exec { command = [\"touch @/ran\"] }",
    );
    let bench = Bench::start(&server, &(write + &read), |options| {
        options.root = Some(root.path().to_owned());
        options.side_effects = false;
        options.writes = false;
        options.backoff = FetchBackoff::new(None, None, None);
    });
    bench.pass(SECOND).await;
    let names: BTreeMap<_, _> = bench.progress.borrow().failures.clone();
    assert!(
        names[&0].contains("a preview writes nothing to the server"),
        "{names:?}"
    );
    assert!(server.seen("PUT").is_empty());
    assert_eq!((bench.file("r"), bench.file("ran")), (None, None));
    let inside = root.path().join(bench.path("r").strip_prefix("/").unwrap());
    assert_eq!(std::fs::read_to_string(inside).unwrap(), "x\n");
}
