//! The webhook as a process, and what the system says about it.

use rustls::pki_types::CertificateDer;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::TlsConnector;

/// Clock ticks in a second; Linux has told programs 100 on every machine for decades.
const TICKS: f64 = 100.0;

/// A running webhook with a certificate from files.
pub(crate) struct Webhook {
    child: Child,
    ca: CertificateDer<'static>,
    _folder: tempfile::TempDir,
    /// Where it listens.
    pub(crate) port: u16,
    /// From start to the first 204.
    pub(crate) ready_after: Duration,
}

impl Webhook {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("tls.crt"), made.cert.pem()).unwrap();
        std::fs::write(path("tls.key"), made.signing_key.serialize_pem()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let program = std::env::var_os("PANNIER")
            .map_or_else(|| env!("CARGO_BIN_EXE_pannier").into(), PathBuf::from);
        let begun = Instant::now();
        let child = Command::new(program)
            .arg("agent-inject")
            .env_clear()
            .env("AGENT_INJECT_LISTEN", format!("127.0.0.1:{port}"))
            .env("AGENT_INJECT_VAULT_ADDR", "http://vault.vault.svc:8200")
            .env("AGENT_INJECT_TLS_CERT_FILE", path("tls.crt"))
            .env("AGENT_INJECT_TLS_KEY_FILE", path("tls.key"))
            .env("AGENT_INJECT_SHUTDOWN_DELAY", "0s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ca = made.cert.der().clone();
        let mut this = Self {
            child,
            ca,
            _folder: folder,
            port,
            ready_after: Duration::ZERO,
        };
        let config = Arc::new(this.client());
        while !this.is_ready(&config) {
            assert!(begun.elapsed() < Duration::from_secs(20), "not ready");
            std::thread::sleep(Duration::from_micros(500));
        }
        this.ready_after = begun.elapsed();
        this
    }

    fn is_ready(&self, config: &Arc<rustls::ClientConfig>) -> bool {
        let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let mut connection =
            rustls::ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap())
                .unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut socket);
        let mut answer = [0; 12];
        stream
            .write_all(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
            .is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"HTTP/1.1 204"
    }

    fn client(&self) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.ca.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    pub(crate) fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::new(self.client()))
    }

    /// Processor time so far, of all threads.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit(')').next().unwrap();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        Duration::from_secs_f64(ticks / TICKS)
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
