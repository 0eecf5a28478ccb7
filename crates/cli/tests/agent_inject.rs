//! `pannier agent-inject` driven as a cluster drives it: by its environment, over TLS, with signals.
#![expect(clippy::unwrap_used, reason = "tests")]

use base64::Engine as _;
use pannier_inject::{Operation, patch, service_account};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const REVIEW: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","namespace":"app","object":{"metadata":{"name":"web","annotations":{"vault.hashicorp.com/agent-inject":"true"}},"spec":{"containers":[{"name":"app"}]}}}}"#;

fn command(environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pannier"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Exit code, standard output and standard error.
fn run(environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let output = command(environment, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn write_pair(folder: &Path) -> rustls::RootCertStore {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    roots
}

struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    client: Arc<rustls::ClientConfig>,
}

impl Server {
    fn start(more: &[(&str, &str)]) -> Self {
        Self::start_with(more, &[])
    }

    fn start_with(more: &[(&str, &str)], flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = write_pair(folder.path());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (listen, cert, key) = (
            format!("127.0.0.1:{port}"),
            path("tls.crt"),
            path("tls.key"),
        );
        let mut environment = vec![
            ("AGENT_INJECT_LISTEN", listen.as_str()),
            ("AGENT_INJECT_VAULT_ADDR", "http://vault:8200"),
            ("AGENT_INJECT_TLS_CERT_FILE", &cert),
            ("AGENT_INJECT_TLS_KEY_FILE", &key),
            ("AGENT_INJECT_TELEMETRY_PATH", "/metrics"),
        ];
        environment.extend_from_slice(more);
        let log = std::fs::File::create(path("log")).unwrap();
        // As the official chart starts it: the second argument reaches the program as it is.
        let arguments = [&["agent-inject", "2>&1"], flags].concat();
        let child = command(&environment, &arguments)
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self {
            child,
            port,
            folder,
            client: Arc::new(client(roots)),
        };
        server.until("ready", || {
            server.get("/health/ready").starts_with("HTTP/1.1 204 ")
        });
        server
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "not {what}; log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The whole answer; empty if there is none.
    fn send(&self, request: &str) -> String {
        let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return String::new();
        };
        let name = "localhost".try_into().unwrap();
        let mut connection = rustls::ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut socket);
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).is_ok() {
            // An end without a farewell is an end too.
            drop(stream.read_to_end(&mut answer));
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    fn review(&self) -> String {
        self.ask(REVIEW)
    }

    /// The answer to an admission.
    fn ask(&self, review: &str) -> String {
        let length = review.len();
        let head = "POST /mutate?timeout=10s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json";
        self.send(&format!(
            "{head}\r\nContent-Length: {length}\r\n\r\n{review}"
        ))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "does not end; log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn client(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

#[test]
fn commands_and_flags_end_as_the_reference_does() {
    let (code, out, err) = run(&[], &[]);
    assert_eq!((code, out.as_str()), (127, ""));
    assert!(err.contains("agent-inject"));
    assert_eq!(run(&[], &["nope"]).0, 127);
    let version = format!("v{}\n", env!("CARGO_PKG_VERSION"));
    for help in ["-h", "-help", "--help"] {
        let (code, out, said) = run(&[], &["version", help]);
        assert_eq!((code, out.as_str()), (0, ""));
        assert!(said.starts_with("Usage: pannier version"), "{said}");
        for line in [
            &[help, "agent-inject"][..],
            &["agent-inject", "-vault-address", help],
        ] {
            let (code, out, said) = run(&[], line);
            assert_eq!((code, out.as_str()), (0, ""));
            assert!(said.contains("-tls-auto-hosts"), "{line:?}: {said}");
        }
    }
    for flag in ["-v", "-version", "--version"] {
        assert_eq!(run(&[], &[flag]), (0, String::new(), version.clone()));
    }
    assert_eq!(
        run(&[], &["version"]),
        (0, format!("pannier {version}"), String::new())
    );
    for arguments in [
        &["-help"][..],
        &["agent-inject", "-h"],
        &["agent-inject", "-listen=:1", "--help"],
    ] {
        let (code, out, err) = run(&[], arguments);
        assert_eq!((code, out.as_str()), (0, ""), "{arguments:?}");
        assert!(err.starts_with("Usage: pannier"), "{err}");
    }
    let (code, _, err) = run(&[], &["agent-inject", "-nope"]);
    assert!(
        code == 1
            && err.starts_with("flag provided but not defined: -nope\n")
            && err.contains("-vault-address"),
        "{err}"
    );
    assert_eq!(run(&[], &["-nope", "agent-inject"]).0, 1);
}

#[test]
fn all_mistakes_of_the_configuration_are_told_at_once() {
    let environment = [
        ("AGENT_INJECT_LOG_LEVEL", "loud"),
        ("AGENT_INJECT_TLS_MIN_VERSION", "TLS12"),
    ];
    let (code, _, err) = run(&environment, &["agent-inject"]);
    assert_eq!(code, 1);
    for line in [
        "-log-level / AGENT_INJECT_LOG_LEVEL: Error setting log level: unknown log level: loud",
        "-tls-min-version / AGENT_INJECT_TLS_MIN_VERSION: Failed to configure TLS: invalid or unsupported TLS version \"TLS12\"",
        "-vault-address / AGENT_INJECT_VAULT_ADDR: No Vault service configured",
    ] {
        assert!(err.contains(line), "no `{line}` in\n{err}");
    }
}

#[test]
fn what_is_missing_at_start_is_named() {
    let address = ("AGENT_INJECT_VAULT_ADDR", "http://vault:8200");
    let files = [
        address,
        ("AGENT_INJECT_TLS_CERT_FILE", "/no/tls.crt"),
        ("AGENT_INJECT_TLS_KEY_FILE", "/no/tls.key"),
    ];
    let (code, _, err) = run(&files, &["agent-inject"]);
    assert!(
        code == 1
            && err.contains("\nError listening: open /no/tls.crt: no such file or directory; hint: `-tls-cert-file`"),
        "{err}"
    );
    let automatic = [
        address,
        ("AGENT_INJECT_TLS_AUTO", "cfg"),
        ("AGENT_INJECT_TLS_AUTO_HOSTS", "a.b.svc"),
    ];
    let (code, _, err) = run(&automatic, &["agent-inject"]);
    let expected = "\nError loading in-cluster K8S config: unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined\n";
    assert!(code == 1 && err.contains(expected), "{err}");
}

#[test]
fn admissions_are_answered_counted_and_logged() {
    let server = Server::start(&[("AGENT_INJECT_LOG_FORMAT", "json")]);
    let answer = server.review();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: application/json"),
        "{head}"
    );
    // Neither a role nor a token volume: the reference's message about the first thing it misses.
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["response"]["allowed"], false);
    let message = body["response"]["status"]["message"].as_str().unwrap();
    let page = server.get("/metrics");
    assert!(
        page.contains(
            "vault_agent_injector_failed_injections_by_namespace_total{namespace=\"app\"} 1\n"
        ),
        "{page}"
    );
    let log = server.log();
    let denial = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let denial = denial
        .into_iter()
        .find(|line| line["@message"] == "admission denied")
        .unwrap();
    assert_eq!(
        (&denial["namespace"], &denial["owner"]),
        (&"app".into(), &"Pod/web".into())
    );
    assert_eq!(denial["reason"], message);
    assert_eq!(denial["@level"], "info");
}

/// The golden pods of the injector with their flags, by the flags.
fn goldens() -> BTreeMap<String, Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inject/tests/goldens");
    let mut by_flags: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".pod.yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let flags = text.lines().find_map(|line| line.strip_prefix("# flags: "));
            let flags = flags.unwrap_or_default().to_owned();
            by_flags.entry(flags).or_default().push((name, text));
        }
    }
    by_flags
}

/// The pod after the webhook's patch and its warnings, or the refusal.
fn by_webhook(server: &Server, mut pod: Value) -> Result<(Value, Vec<String>), String> {
    let review = json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {"uid": "u-1", "namespace": "app", "resource": {"group": "", "version": "v1", "resource": "pods"}, "object": pod}});
    let answer = server.ask(&review.to_string());
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let response = serde_json::from_str::<Value>(body).unwrap()["response"].take();
    if response["allowed"] == false {
        return Err(response["status"]["message"].as_str().unwrap().to_owned());
    }
    if let Some(patch) = response["patch"].as_str() {
        let patch = base64::engine::general_purpose::STANDARD
            .decode(patch)
            .unwrap();
        let mut operations = Vec::new();
        for operation in serde_json::from_slice::<Vec<Value>>(&patch).unwrap() {
            assert_eq!(operation["op"], "add");
            let path = operation["path"].as_str().unwrap().to_owned();
            let value = operation["value"].clone();
            operations.push(Operation {
                op: "add",
                path,
                value,
            });
        }
        patch::apply(&mut pod, &operations).unwrap();
    }
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    let warnings = warnings
        .iter()
        .map(|warning| warning.as_str().unwrap().to_owned());
    Ok((pod, warnings.collect()))
}

#[test]
fn offline_injection_agrees_with_the_webhook_on_every_golden_pod() {
    let mut seen = [0, 0, 0];
    for (flags, pods) in goldens() {
        let flags: Vec<&str> = flags.split_whitespace().collect();
        // The goldens' own address; that of the environment would win over the flag.
        let server = Server::start_with(
            &[("AGENT_INJECT_VAULT_ADDR", "http://vault.vault.svc:8200")],
            &flags,
        );
        for (name, text) in pods {
            let file = server.folder.path().join(&name);
            std::fs::write(&file, &text).unwrap();
            let arguments = [
                &[
                    "inject",
                    "-n",
                    "app",
                    "-o",
                    "json",
                    "-f",
                    file.to_str().unwrap(),
                ],
                &flags[..],
            ]
            .concat();
            let (code, out, err) = run(&[], &arguments);
            let before: Value = serde_saphyr::from_str(&text).unwrap();
            let mut pod = before.clone();
            patch::apply(&mut pod, &service_account::admit(&before)).unwrap();
            match by_webhook(&server, pod.clone()) {
                Err(message) => {
                    seen[0] += 1;
                    assert_eq!(code, 1, "{name}: {out}");
                    assert!(
                        err.contains(&message),
                        "{name}: `{message}` is not in `{err}`"
                    );
                }
                Ok((after, warnings)) => {
                    assert_eq!(code, 0, "{name}: {err}");
                    let offline: Value = serde_json::from_str(&out).unwrap();
                    if after == pod {
                        seen[1] += 1;
                        assert_eq!(offline, before, "{name}");
                    } else {
                        seen[2] += 1;
                        assert_eq!(offline, after, "{name}");
                    }
                    let told: Vec<&str> = err
                        .lines()
                        .filter_map(|line| line.strip_prefix("warning: Pod app/app: "))
                        .collect();
                    assert_eq!(told, warnings, "{name}");
                }
            }
        }
    }
    let [denied, left, injected] = seen;
    assert!(denied >= 4 && left >= 2 && injected >= 12, "{seen:?}");
}

#[test]
fn a_renewed_file_is_served_without_a_restart() {
    let mut server = Server::start(&[]);
    let roots = write_pair(server.folder.path());
    server.client = Arc::new(client(roots));
    server.until("renewed", || {
        server.get("/health/ready").starts_with("HTTP/1.1 204 ")
    });
}

#[test]
fn at_the_end_it_is_not_ready_first_and_still_answers() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[("AGENT_INJECT_SHUTDOWN_DELAY", "1s")]);
        server.signal(signal);
        server.until("draining", || {
            server.get("/health/ready").starts_with("HTTP/1.1 503 ")
        });
        assert!(server.get("/health/live").starts_with("HTTP/1.1 204 "));
        assert!(server.review().starts_with("HTTP/1.1 200 "));
        assert_eq!(server.ended().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&[("AGENT_INJECT_SHUTDOWN_DELAY", "60s")]);
    server.signal("TERM");
    server.until("draining", || {
        server.get("/health/ready").starts_with("HTTP/1.1 503 ")
    });
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(1));
}
