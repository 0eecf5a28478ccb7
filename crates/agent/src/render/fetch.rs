//! From a dependency to its value: which requests to make, and what the answers mean.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;
use pannier_template::Dependency;
use pannier_vault::{Error, Request, Secret};
use tokio::time::Instant;

use super::kv::Mount;
use super::pki::{self, Certificates};
use super::schedule::Schedule;
use crate::auth::Refusals;
use crate::backoff::FetchBackoff;
use crate::metrics::Metrics;
use crate::upstream::Upstream;

/// The value of a dependency.
pub(crate) enum Fetched {
    /// A secret; `None` for a write that answered with nothing.
    Secret(Option<Box<Secret>>),
    /// Sorted names.
    List(Vec<String>),
    /// What `pkiCert` shows.
    Certificates(Box<Certificates>),
    /// The bytes of a local file.
    File(Redacted),
}

/// Why a dependency has no value now.
#[derive(Debug, Clone)]
pub(crate) enum FetchError {
    /// The server, or the way to it.
    Vault(Error),
    /// What the server answered is not what was asked for.
    Other(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault(error) => error.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        Self::Vault(error)
    }
}

/// Where values are wrapped, and for how long if nobody says it; Vault's clients ask for that by themselves.
const WRAP: &str = "sys/wrapping/wrap";
const WRAP_TTL: Duration = Duration::from_mins(5);

/// What all watchers of one token share.
pub(crate) struct Context {
    /// Where requests go; it brings the token.
    pub(crate) upstream: Arc<dyn Upstream>,
    /// The token, to tell auto-auth which one was refused.
    pub(crate) token: Redacted,
    /// Since when it is used here.
    pub(crate) since: Instant,
    /// The namespace of the requests, with its trailing slash.
    pub(crate) namespace: String,
    /// Whether anything may be written to the server.
    pub(crate) writes: bool,
    pub(crate) schedule: Schedule,
    pub(crate) backoff: FetchBackoff,
    /// Bounds of the outer back-off, where configured.
    pub(crate) outer: (Option<Duration>, Option<Duration>),
    pub(crate) refusals: Option<Refusals>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) mounts: Mounts,
}

/// Mounts that are known. One look-up answers for all paths of its mount, and equal look-ups in flight are one.
#[derive(Default)]
pub(crate) struct Mounts {
    known: Mutex<Vec<Mount>>,
    asking: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Mounts {
    fn find(&self, path: &str) -> Option<Mount> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // The longest one: a mount may lie below another's path.
        known
            .iter()
            .filter(|mount| mount.covers(path))
            .max_by_key(|mount| mount.depth())
            .cloned()
    }

    fn learn(&self, mount: &Mount) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(mount) {
            known.push(mount.clone());
        }
    }

    fn turn(&self, path: &str) -> Arc<tokio::sync::Mutex<()>> {
        let first = path.split('/').next().unwrap_or_default();
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(asking.entry(first.to_owned()).or_default())
    }
}

impl Context {
    /// Fetches the value of a dependency once. `destination` is the template's file, for `pkiCert`.
    pub(crate) async fn fetch(
        &self,
        dependency: &Dependency,
        destination: &str,
    ) -> Result<Fetched, FetchError> {
        if let (Dependency::Write { path, .. } | Dependency::Pki { path, .. }, false) =
            (dependency, self.writes)
        {
            let text =
                format!("a preview writes nothing to the server, and `{path}` is written to");
            return Err(FetchError::Other(text));
        }
        match dependency {
            Dependency::Read { path, query } => self.read(path, query).await,
            Dependency::Write { path, parameters } => self.write(path, parameters).await,
            Dependency::List { path } => self.list(path).await,
            Dependency::Pki { path, parameters } => {
                let made = pki::obtain(self, path, parameters, destination).await?;
                Ok(Fetched::Certificates(Box::new(made)))
            }
            Dependency::File { path } => match std::fs::read(path) {
                Ok(bytes) => Ok(Fetched::File(bytes.into())),
                Err(error) => {
                    let step = match error.kind() {
                        std::io::ErrorKind::IsADirectory => "read",
                        _ => "stat",
                    };
                    let why = crate::files::words(&error);
                    Err(FetchError::Other(format!("{step} {path}: {why}")))
                }
            },
        }
    }

    async fn read(&self, path: &str, query: &str) -> Result<Fetched, FetchError> {
        let mount = self.mount(path).await;
        let real = mount.data_path(path);
        let missing = || FetchError::Other(format!("no secret exists at {real}"));
        let request = Request::get(real.clone()).query(query);
        let answer = match self.upstream.send(&request).await {
            Err(error) if error.status() == Some(404) => return Err(missing()),
            answer => answer?.secret()?,
        };
        // An empty answer would render as nothing, and replace a good file.
        let says_something = |secret: &Secret| {
            secret.data.is_some() || secret.auth.is_some() || secret.wrap_info.is_some()
        };
        let secret = answer.filter(says_something).ok_or_else(missing)?;
        if mount.is_deleted(&secret, &super::clock::rfc3339_now()) {
            return Err(missing());
        }
        Ok(Fetched::Secret(Some(Box::new(secret))))
    }

    async fn write(
        &self,
        path: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Fetched, FetchError> {
        let mount = self.mount(path).await;
        let mut body = object(parameters);
        if matches!(mount, Mount::KvV2(_)) {
            body = [b"{\"data\":", &body[..], b"}"].concat();
        }
        let real = mount.data_path(path);
        let mut request = Request::put(real.clone(), body);
        if path == WRAP {
            request = request.wrap_ttl(Some(WRAP_TTL));
        }
        let secret = self.upstream.send(&request).await?.secret()?;
        // Of a KV v2 mount the reference expects an answer to every write; others may say nothing.
        if secret.is_none() && matches!(mount, Mount::KvV2(_)) {
            return Err(FetchError::Other(format!("no secret exists at {real}")));
        }
        Ok(Fetched::Secret(secret.map(Box::new)))
    }

    async fn list(&self, path: &str) -> Result<Fetched, FetchError> {
        let mount = self.mount(path).await;
        let answer = match self
            .upstream
            .send(&Request::list(mount.list_path(path)))
            .await
        {
            Err(error) if error.status() == Some(404) => None,
            answer => answer?.secret()?,
        };
        let keys = answer
            .as_ref()
            .and_then(|secret| secret.field("keys"))
            .and_then(Json::as_array);
        let mut names: Vec<_> = keys
            .unwrap_or_default()
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        names.sort();
        Ok(Fetched::List(names))
    }

    /// What the server says of the mount of a path. A failure counts as a plain mount this time, and is asked again.
    async fn mount(&self, path: &str) -> Mount {
        if let Some(mount) = self.mounts.find(path) {
            return mount;
        }
        let turn = self.mounts.turn(path);
        let _turn = turn.lock().await;
        if let Some(mount) = self.mounts.find(path) {
            return mount;
        }
        let request = Request::get(format!("sys/internal/ui/mounts/{path}"));
        match self
            .upstream
            .send(&request)
            .await
            .and_then(|answer| answer.secret())
        {
            Ok(Some(secret)) => {
                let mount = Mount::from_answer(&secret, &self.namespace);
                self.mounts.learn(&mount);
                mount
            }
            Ok(None) => Mount::Plain(None),
            Err(error) => {
                if error.status() != Some(404) {
                    let error = error.to_string();
                    tracing::warn!(target: "agent", "failed to check if {path} is KVv2, assume not: {error}");
                }
                Mount::Plain(None)
            }
        }
    }
}

/// A JSON object of texts.
pub(crate) fn object(members: &BTreeMap<String, String>) -> Vec<u8> {
    let size: usize = members
        .iter()
        .map(|(name, value)| 6 * (name.len() + value.len()) + 6)
        .sum();
    let mut body = Vec::with_capacity(size + 2);
    body.push(b'{');
    for (number, (name, value)) in members.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        json::encode_string(&mut body, name.as_bytes(), true);
        body.push(b':');
        json::encode_string(&mut body, value.as_bytes(), true);
    }
    body.push(b'}');
    body
}
