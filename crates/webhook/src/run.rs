//! From a configuration to a server that has come and gone.

use crate::admission::Reviewer;
use crate::certificates::Automatic;
use crate::certificates::files::{self, Files, FilesError, Watcher};
use crate::certificates::keeper::{self, Keeper};
use crate::http::{App, BodyLimits};
use crate::kube_version;
use crate::metrics::Metrics;
use crate::server::{self, Limits, ListenError};
use crate::serving::{Readiness, Resolver, Serving, Trust, warn_before_the_end};
use crate::tls::TlsOptions;
use hyper::header::{HeaderValue, USER_AGENT};
use pannier_go::quote::quote;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// Everything the server needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port` or `:port`.
    pub listen: String,
    /// Versions and cipher suites.
    pub tls: TlsOptions,
    /// Where the certificate comes from.
    pub certificates: Certificates,
    /// Whether to ask the API server for its version, for [`Reviewer::cluster_is`].
    pub follow_kube_version: bool,
    /// Path of the metrics, with its leading slash.
    pub metrics_path: Option<String>,
    /// Bounds of connections.
    pub limits: Limits,
    /// Bounds of request bodies.
    pub body_limits: BodyLimits,
    /// How long to go on serving after being told to stop, until everybody has heard that we are not ready.
    pub linger: Duration,
    /// Our version, for the build information.
    pub version: String,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum Certificates {
    /// From files that somebody else replaces in time.
    Files {
        /// Which.
        files: Files,
        /// The MutatingWebhookConfiguration that is to trust the CA file, if there is one.
        webhook: Option<String>,
    },
    /// Made here.
    Automatic(Automatic),
}

/// Why the server did not start, or stopped by itself. The beginnings are the reference's.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The certificate's files.
    #[error(
        "Error listening: {0}; hint: `-tls-cert-file` and `-tls-key-file` name one pair, in PEM, that this user may read"
    )]
    Files(#[from] FilesError),
    /// The way to the API server.
    #[error("Error loading in-cluster K8S config: {0}")]
    Cluster(String),
    /// The client for the API server.
    #[error("Error creating K8S client: {0}")]
    Client(String),
    /// The port.
    #[error("Error listening: {0}")]
    Listen(#[from] ListenError),
    /// The TLS options.
    #[error("Failed to configure TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// Two series with one name.
    #[error("Failed to register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A part of the server ended before it was told to.
    #[error("{0} ended unexpectedly")]
    Ended(&'static str),
}

/// How long the first look at the cluster's version may hold up the start.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// Serves until `stop` completes with the name of the signal; then it is not ready first, goes on for
/// [`Config::linger`], answers the requests in progress and returns.
///
/// # Errors
/// See [`StartError`].
pub async fn run(
    config: Config,
    reviewer: Arc<dyn Reviewer>,
    stop: impl Future<Output = String>,
) -> Result<(), StartError> {
    let Config {
        listen,
        tls,
        certificates,
        follow_kube_version,
        metrics_path,
        limits,
        body_limits,
        linger,
        version,
    } = config;
    tracing::info!(target: "handler", version, "Starting handler..");
    for warning in &tls.warnings {
        tracing::warn!(target: "handler", "{warning}");
    }
    let (publish, serving) = watch::channel(Serving::default());
    let tls = tls.server_config(Arc::new(Resolver(serving.clone())))?;
    let metrics = Metrics::new(&version)?;
    let readiness = Readiness::new(serving.clone());
    let for_warnings = serving.clone();
    if let Some(path) = &metrics_path {
        tracing::info!(target: "handler", "Registering telemetry path on {}", quote(path));
    }
    let app = App::new(
        Arc::clone(&reviewer),
        readiness.clone(),
        metrics.clone(),
        metrics_path,
        body_limits,
    );

    let mut source = match certificates {
        Certificates::Files { files, webhook } => match webhook.filter(|_| files.ca.is_some()) {
            None => tokio::spawn(follow_files(Watcher::new(files)?, publish)),
            Some(webhook) => {
                let (files, client) = (Watcher::new(files)?, client(&version)?);
                tokio::spawn(keeper::keep_files(files, client, webhook, publish, metrics))
            }
        },
        Certificates::Automatic(automatic) => {
            if automatic.hosts.is_empty() {
                let hint =
                    "set -tls-auto-hosts / AGENT_INJECT_TLS_AUTO_HOSTS to the names of the Service";
                tracing::warn!(target: "handler", hint, "no host names for the certificate: no API server will accept it");
            }
            let needs_client = automatic.webhook.is_some() || automatic.secret_namespace.is_some();
            let client = needs_client.then(|| client(&version)).transpose()?;
            tokio::spawn(Keeper::new(client, automatic, publish, metrics).run())
        }
    };
    // Without a way to the API server nothing is known of the cluster, and nothing more is needed of it.
    let client = follow_kube_version.then(|| client(&version).ok()).flatten();
    let (know, mut known) = watch::channel(client.is_none());
    let follower = tokio::spawn(async move {
        if let Some(client) = client {
            let tell = |version| {
                reviewer.cluster_is(version);
                know.send_replace(true);
            };
            kube_version::follow(client, tell).await;
        }
    });
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        () = first_certificate(serving) => {}
        signal = stop.as_mut() => {
            tracing::info!(target: "handler", signal, "Caught signal, shutting down");
            return Ok(());
        }
        _ = &mut source => return Err(StartError::Ended("the certificate source")),
    }

    // The first pods are worth a short wait, which is over before it began where the certificate came from the API server too.
    let first_answer = known.wait_for(|known| *known);
    drop(tokio::time::timeout(FIRST_ANSWER, first_answer).await);

    let warner = tokio::spawn(warn_before_the_end(for_warnings));
    let listener = server::bind(&listen).await?;
    tracing::info!(target: "handler", "Listening on \"{listen}\"...");
    let (stopping, stopped) = watch::channel(false);
    let mut server = tokio::spawn(server::serve(
        listener,
        TlsAcceptor::from(Arc::new(tls)),
        app,
        limits,
        stopped,
    ));
    let signal = tokio::select! {
        signal = stop => signal,
        _ = &mut source => return Err(StartError::Ended("the certificate source")),
        _ = &mut server => return Err(StartError::Ended("the server")),
    };
    tracing::info!(target: "handler", signal, "Caught signal, shutting down");
    readiness.drain();
    tokio::time::sleep(linger).await;
    stopping.send_replace(true);
    let ended = server.await;
    source.abort();
    warner.abort();
    follower.abort();
    ended.map_err(|_| StartError::Ended("the server"))
}

/// A client with the rights of our service account.
fn client(version: &str) -> Result<kube::Client, StartError> {
    let is_in_cluster = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"]
        .iter()
        .all(|name| std::env::var_os(name).is_some());
    if !is_in_cluster {
        let text = "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined";
        return Err(StartError::Cluster(text.to_owned()));
    }
    let mut config =
        kube::Config::incluster().map_err(|error| StartError::Cluster(error.to_string()))?;
    config.connect_timeout = Some(Duration::from_secs(10));
    if let Ok(agent) = HeaderValue::from_str(&format!("pannier/{version}")) {
        config.headers.push((USER_AGENT, agent));
    }
    kube::Client::try_from(config).map_err(|error| StartError::Client(error.to_string()))
}

/// Waits until there is a pair to serve, whoever trusts it.
async fn first_certificate(mut serving: watch::Receiver<Serving>) {
    if serving.borrow().pair.is_none() {
        tracing::info!(target: "handler", "waiting for the first certificate");
    }
    if serving
        .wait_for(|serving| serving.pair.is_some())
        .await
        .is_err()
    {
        // The source is gone; its owner hears that by itself.
        std::future::pending::<()>().await;
    }
}

async fn follow_files(mut watcher: Watcher, publish: watch::Sender<Serving>) {
    loop {
        publish.send_replace(Serving {
            pair: Some(watcher.loaded().pair.clone()),
            trust: Trust::NotOurs,
        });
        loop {
            tokio::time::sleep(files::POLL).await;
            if watcher.poll() {
                break;
            }
        }
        tracing::info!(target: "handler.certwatcher", "Updated certificate bundle received. Updating certs...");
    }
}
