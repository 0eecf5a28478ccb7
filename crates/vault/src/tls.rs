//! TLS settings that follow their files: a rotated CA or client certificate is used from the next connection on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use pannier_redacted::Redacted;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

mod verifier;

/// PEM text, in a file or at hand.
#[derive(Debug, Clone)]
pub enum Pem {
    /// Read again whenever the file changes.
    File(PathBuf),
    /// The text itself.
    Bytes(Redacted),
}

/// Whom to trust and who we are.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Certificates to trust (`VAULT_CACERT`, or `VAULT_CACERT_BYTES`).
    pub ca: Option<Pem>,
    /// A folder of such files (`VAULT_CAPATH`); only looked at without `ca`.
    pub ca_dir: Option<PathBuf>,
    /// Certificate chain shown to the server (`VAULT_CLIENT_CERT`).
    pub client_cert: Option<Pem>,
    /// Its private key (`VAULT_CLIENT_KEY`).
    pub client_key: Option<Pem>,
    /// Name asked for and checked in place of the address's host (`VAULT_TLS_SERVER_NAME`).
    pub server_name: Option<String>,
    /// Trust anybody (`VAULT_SKIP_VERIFY`).
    pub skip_verify: bool,
    /// Files and folders that replace the usual places of the system's roots (`SSL_CERT_FILE`, `SSL_CERT_DIR`);
    /// `None` looks at the usual places.
    pub system_roots: Option<Vec<PathBuf>>,
}

impl TlsSettings {
    /// Whether anything was named that can be wrong; without, the system's roots are only read when they are needed.
    pub(crate) fn names_files(&self) -> bool {
        self.ca.is_some() || self.ca_dir.is_some() || self.client_cert.is_some()
    }
}

/// Why TLS could not be set up: names the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{what}open {path}: {cause}")]
    Read {
        /// What was to be read, in the words of the original; may be empty.
        what: &'static str,
        /// The file or folder.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// A file holds no certificate.
    #[error("no certificates found in {0}")]
    Empty(String),
    /// Only one half of the client's certificate was given.
    #[error("both client cert and client key must be provided")]
    Half,
    /// Certificate and key do not make a pair.
    #[error("client certificate {certificate} and key {key}: {cause}")]
    Pair {
        /// Where the certificate came from.
        certificate: String,
        /// Where the key came from.
        key: String,
        /// What is wrong.
        cause: String,
    },
    /// The server name is neither a DNS name nor an IP address.
    #[error("`{0}` is no valid TLS server name")]
    Name(String),
}

/// Where Go programs look for the system's roots on Linux; the first file that exists counts, and both folders.
const ROOT_FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What tells one state of a file from another.
type Stamp = Option<(SystemTime, u64, u64)>;

/// The current TLS set-up and the files it came from.
#[derive(Debug)]
pub(crate) struct TlsStore {
    settings: TlsSettings,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    stamps: Vec<Stamp>,
    config: Option<Arc<ClientConfig>>,
    generation: u64,
}

impl TlsStore {
    /// Loads everything once when `now` is set, so that a bad file is an error at start.
    pub(crate) fn new(settings: TlsSettings, now: bool) -> Result<Self, TlsError> {
        if settings.client_cert.is_some() != settings.client_key.is_some() {
            return Err(TlsError::Half);
        }
        let stamps = stamps(&settings);
        let config = if now {
            Some(Arc::new(build(&settings)?))
        } else {
            None
        };
        let loaded = Loaded {
            stamps,
            config,
            generation: 0,
        };
        Ok(Self {
            settings,
            loaded: Mutex::new(loaded),
        })
    }

    /// Which state of the files is current. Connections of an older generation are not to be used again.
    pub(crate) fn generation(&self) -> u64 {
        self.refresh();
        self.lock().generation
    }

    /// The configuration for the next connection.
    pub(crate) fn current(&self) -> Result<Arc<ClientConfig>, TlsError> {
        self.refresh();
        let mut loaded = self.lock();
        if let Some(config) = &loaded.config {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(build(&self.settings)?);
        loaded.config = Some(Arc::clone(&config));
        Ok(config)
    }

    /// The name to ask the server for, given the host of the address.
    pub(crate) fn server_name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let name = self
            .settings
            .server_name
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
    }

    /// Takes changed files over. A set that does not load is named in the log and the good one stays.
    fn refresh(&self) {
        let seen = stamps(&self.settings);
        let mut loaded = self.lock();
        if seen == loaded.stamps {
            return;
        }
        loaded.stamps = seen;
        if loaded.config.is_none() {
            return;
        }
        match build(&self.settings) {
            Ok(config) => {
                loaded.config = Some(Arc::new(config));
                loaded.generation += 1;
                tracing::info!(target: "agent", "certificate files changed, using them from now on");
            }
            Err(error) => {
                tracing::warn!(target: "agent", %error, "changed certificate files cannot be used, keeping the old ones");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamps(settings: &TlsSettings) -> Vec<Stamp> {
    [&settings.ca, &settings.client_cert, &settings.client_key]
        .into_iter()
        .flatten()
        .filter_map(|pem| match pem {
            Pem::File(path) => Some(path),
            Pem::Bytes(_) => None,
        })
        .chain(&settings.ca_dir)
        .map(|path| stamp(path))
        .collect()
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn build(settings: &TlsSettings) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .dangerous();
    let builder = if settings.skip_verify {
        builder.with_custom_certificate_verifier(Arc::new(verifier::Verifier::anybody(provider)))
    } else {
        let (roots, pinned) = roots(settings)?;
        builder.with_custom_certificate_verifier(Arc::new(verifier::Verifier::roots(
            roots, pinned, provider,
        )))
    };
    let mut config = match (&settings.client_cert, &settings.client_key) {
        (Some(cert), Some(key)) => {
            let pair = |cause: String| TlsError::Pair {
                certificate: cert.name(),
                key: key.name(),
                cause,
            };
            let chain = certificates(cert)?;
            let key = PrivateKeyDer::from_pem_slice(key.read()?.expose_bytes())
                .map_err(|error| pair(error.to_string()))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| pair(error.to_string()))?
        }
        _ => builder.with_no_client_auth(),
    };
    // One server, few connections: the default keeps room for 256 sessions.
    config.resumption = rustls::client::Resumption::in_memory_sessions(4);
    Ok(config)
}

impl Pem {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes(_) => "given as text".to_owned(),
        }
    }

    fn read(&self) -> Result<Redacted, TlsError> {
        match self {
            Self::File(path) => std::fs::read(path)
                .map(Redacted::from)
                .map_err(|error| unreadable(path, &error)),
            Self::Bytes(text) => Ok(text.clone()),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> TlsError {
    TlsError::Read {
        what: "",
        path: path.display().to_string(),
        cause: match error.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        },
    }
}

/// Says what the file was for.
fn about_ca(what: &'static str, error: TlsError) -> TlsError {
    match error {
        TlsError::Read { path, cause, .. } => TlsError::Read { what, path, cause },
        other => other,
    }
}

fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = pem.read()?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(text.expose_bytes())
        .filter_map(Result::ok)
        .collect();
    if found.is_empty() {
        return Err(TlsError::Empty(pem.name()));
    }
    Ok(found)
}

/// The roots, and the certificates that are good as they are because the user named them.
fn roots(
    settings: &TlsSettings,
) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let mut store = RootCertStore::empty();
    if let Some(ca) = &settings.ca {
        let named = certificates(ca).map_err(|error| about_ca("Error loading CA File: ", error))?;
        store.add_parsable_certificates(named.iter().cloned());
        return Ok((store, named));
    }
    if let Some(folder) = &settings.ca_dir {
        let mut named = Vec::new();
        for path in files_of(folder).map_err(|error| about_ca("Error loading CA Path: ", error))? {
            // A folder may hold other things, as with Go's loader.
            named.extend(certificates(&Pem::File(path)).unwrap_or_default());
        }
        if named.is_empty() {
            return Err(TlsError::Empty(folder.display().to_string()));
        }
        store.add_parsable_certificates(named.iter().cloned());
        return Ok((store, named));
    }
    // Without a bundle (an image from scratch) nobody is trusted, and the handshake says so.
    let places = settings.system_roots.clone().unwrap_or_else(|| {
        ROOT_FILES
            .iter()
            .map(PathBuf::from)
            .filter(|path| path.exists())
            .take(1)
            .collect()
    });
    for place in places {
        let files = if place.is_dir() {
            files_of(&place).unwrap_or_default()
        } else {
            vec![place]
        };
        for file in files {
            store.add_parsable_certificates(certificates(&Pem::File(file)).unwrap_or_default());
        }
    }
    Ok((store, Vec::new()))
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, TlsError> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| unreadable(folder, &error))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

/// The words Go's client uses for what rustls found, so that what operators search for is found.
pub(crate) fn explain(error: &io::Error) -> String {
    use rustls::CertificateError as Bad;
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
            _ => error.to_string(),
        };
    };
    match inner {
        rustls::Error::InvalidCertificate(bad) => {
            let detail = match bad {
                Bad::UnknownIssuer | Bad::BadSignature => {
                    "certificate signed by unknown authority".to_owned()
                }
                Bad::Expired
                | Bad::ExpiredContext { .. }
                | Bad::NotValidYet
                | Bad::NotValidYetContext { .. } => {
                    format!("certificate has expired or is not yet valid: {bad}")
                }
                Bad::NotValidForNameContext {
                    expected,
                    presented,
                } => other_name(expected, presented),
                other => other.to_string(),
            };
            format!("tls: failed to verify certificate: x509: {detail}")
        }
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {alert:?}"),
        // Hardly anything but plain HTTP listens where a Vault is expected, but it may be something else.
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            "http: server gave HTTP response to HTTPS client (or no TLS at all)".to_owned()
        }
        rustls::Error::InvalidMessage(_) => {
            format!("tls: first record does not look like a TLS handshake: {inner}")
        }
        other => format!("tls: {other}"),
    }
}

/// What is wrong with a certificate for other names; `presented` is as rustls lists them, such as `DnsName("a")`.
fn other_name(expected: &ServerName<'_>, presented: &[String]) -> String {
    let kind = match expected {
        ServerName::IpAddress(_) => "IpAddress(",
        _ => "DnsName(",
    };
    let names: Vec<&str> = presented
        .iter()
        .filter_map(|name| name.strip_prefix(kind)?.strip_suffix(')'))
        .map(|name| name.trim_matches('"'))
        .collect();
    let expected = expected.to_str();
    match (names.as_slice(), kind) {
        ([], "IpAddress(") => format!(
            "cannot validate certificate for {expected} because it doesn't contain any IP SANs"
        ),
        ([], _) => {
            format!("certificate is not valid for any names, but wanted to match {expected}")
        }
        (names, _) => format!(
            "certificate is valid for {}, not {expected}",
            names.join(", ")
        ),
    }
}
