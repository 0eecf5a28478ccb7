//! Puts the parts together and decides when the work is over.

use std::cell::Cell;
use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pannier_agent_config::{Config, Environment, Settings, Subsystems};
use pannier_redacted::Redacted;
use pannier_vault::{AddressError, BuildError, Client, Keep, Policy};
use tokio::sync::{mpsc, watch};

use crate::auth::{Handler, MethodError};
use crate::backoff::FetchBackoff;
use crate::connection::{NO_RETRIES, TEMPLATE_RETRIES, client_config, variables};
use crate::exec::{Ended, Supervisor};
use crate::metrics::Metrics;
use crate::orphans;
use crate::render::host::Variables;
use crate::render::runner::{Options, Progress, Runner};
use crate::render::schedule::Schedule;
use crate::render::template::Template;
use crate::serve::{Serve, ServeError};
use crate::sink::{self, Delivery, Sink, SinkError};
use crate::token::{Token, Tokens};

const LOG: &str = "agent";

/// `max_connections_per_host = 0`: as many as there are requests.
const UNLIMITED: usize = 1000;

/// What the agent gets from its process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Version named to the server.
    pub version: String,
    /// What counts among flags, environment and configuration.
    pub settings: Settings,
    /// The process's environment.
    pub environment: Environment,
}

/// Why the agent did not start. The text is what goes to the standard output; the exit code is 1.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// The server's address.
    #[error("Error fetching client: {0}")]
    Address(#[from] AddressError),
    /// No client could be built.
    #[error("Error fetching client: {0}")]
    Client(#[from] BuildError),
    /// A sink.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A listener or the persistent cache.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The method of auto-auth.
    #[error("Error creating {kind} auth method: {error}")]
    Method {
        /// Its type.
        kind: String,
        /// What is wrong.
        error: MethodError,
    },
}

/// Refuses what a configuration may rightly ask for and this agent cannot do, before anything is read or started.
///
/// # Errors
///
/// An auth method that is not built.
pub fn check(config: &Config) -> Result<(), StartError> {
    let Some(auth) = &config.auto_auth else {
        return Ok(());
    };
    let kind = &auth.method.kind;
    crate::auth::is_built(kind).map_err(|error| StartError::Method {
        kind: kind.clone(),
        error,
    })
}

/// How the agent ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The exit code of the process.
    pub code: u8,
}

impl Exit {
    /// All done, or asked to stop.
    pub const OK: Self = Self { code: 0 };

    fn failed(error: &dyn std::fmt::Display) -> Self {
        Ending::failed(error).told()
    }
}

/// What ended the agent, to be told once everything has stopped.
struct Ending {
    code: u8,
    error: Option<String>,
}

impl Ending {
    const OK: Self = Self {
        code: 0,
        error: None,
    };

    /// The supervised program's end is the agent's.
    fn of(ended: &Ended) -> Self {
        Self {
            code: ended.code,
            error: (ended.code != 0).then(|| ended.to_string()),
        }
    }

    fn failed(error: &dyn std::fmt::Display) -> Self {
        Self {
            code: 1,
            error: Some(error.to_string()),
        }
    }

    fn told(self) -> Exit {
        if let Some(error) = self.error {
            tracing::error!(target: LOG, error, exitCode = self.code, "runtime error encountered");
        }
        Exit { code: self.code }
    }
}

/// A file of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previewed {
    /// Where the pod would find it.
    pub destination: String,
    /// Where it is now, if it could be rendered.
    pub path: PathBuf,
    /// Why it could not be rendered.
    pub failure: Option<String>,
}

/// How often a preview tries to get a secret again.
const PREVIEW_RETRIES: u32 = 2;

/// An agent that is ready to run.
pub struct Agent {
    config: Config,
    process: Process,
    client: Client,
    metrics: Arc<Metrics>,
    tokens: Tokens,
    auth: Option<Handler>,
    refusals: mpsc::UnboundedSender<Redacted>,
    sinks: Vec<Sink>,
    serve: Serve,
}

impl Agent {
    /// Creates clients, sinks and the auth method.
    ///
    /// # Errors
    ///
    /// Certificates that cannot be used, sinks that cannot be written, a method whose `config` has a mistake.
    pub fn new(mut config: Config, process: Process) -> Result<Self, StartError> {
        config.exit_after_auth = process.settings.exit_after_auth;
        let metrics = Arc::new(Metrics::default());
        let (publisher, tokens) = watch::channel(None);
        let (refusals, refused) = mpsc::unbounded_channel();
        let mut settings = client_config(&process.settings, &process.environment)?;
        settings.max_connections = match config.template_config.max_connections_per_host {
            0 => UNLIMITED,
            most => most as usize,
        };
        // After a login the token's first renewal and the secrets are asked for at the same time.
        settings.spare = !(config.templates.is_empty() && config.env_templates.is_empty());
        let client = Client::new(settings)?;
        let mut sinks = Vec::new();
        let mut auth = None;
        if let Some(spec) = &config.auto_auth {
            for sink in &spec.sinks {
                sinks.push(Sink::new(sink, |name| {
                    process.environment.get(name).map(str::to_owned)
                })?);
            }
            let client = auth_client(&client, &process).with_token(process.settings.token.clone());
            let variables = |name: &str| process.environment.get(name).map(str::to_owned);
            let counted = Arc::clone(&metrics);
            let handler = Handler::new(client, spec, publisher, refused, counted, &variables);
            let mut handler = handler.map_err(|error| StartError::Method {
                kind: spec.method.kind.clone(),
                error,
            })?;
            handler.reuse(sinks.iter().filter_map(Sink::left_behind).collect());
            auth = Some(handler);
        }
        let retries = process.settings.max_retries.or(config.vault.num_retries);
        // Clients of the listener who keep many requests open hold up neither logins nor templates.
        let own = client.with_max_connections(UNLIMITED);
        let proxied = client_for(&own, &process, Part::Proxy, retries.unwrap_or(NO_RETRIES));
        let mut serve = Serve::new(&config, proxied, tokens.clone(), Arc::clone(&metrics))?;
        if let (Some(auth), Some(token)) = (&mut auth, serve.take_preloaded()) {
            auth.preload(token);
        }
        Ok(Self {
            config,
            process,
            client,
            metrics,
            tokens,
            auth,
            refusals,
            sinks,
            serve,
        })
    }

    /// The listeners, as a client would write them. Templates count as one more, by the name that the reference has
    /// for its listener within the process.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let mut addresses = self.serve.addresses();
        if !(self.config.templates.is_empty() && self.config.env_templates.is_empty()) {
            addresses.push("http://bufconn".to_owned());
        }
        addresses
    }

    /// Prints all numbers, also while the agent runs: one line each, as SIGUSR1 has them written.
    pub fn dump(&self) -> impl Fn() -> String + use<> {
        let shown = self.serve.shown();
        move || shown.dump()
    }

    /// Runs until everything is done, something ends it, or `shutdown` is ready.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Exit {
        let templates = match self.templates() {
            Ok(templates) => templates,
            Err(error) => {
                return Exit::failed(&format!("template server failed to create: {error}"));
            }
        };
        for template in &templates {
            self.metrics.template(template.destination());
        }
        let (progress_sender, progress) = watch::channel(Progress::default());
        let (delivery_sender, delivery) = watch::channel(Delivery::Waiting);
        let told = Cell::new(self.config.auto_auth.is_none());
        let done = finished(
            self.config.clone(),
            self.tokens.clone(),
            delivery,
            progress.clone(),
            &told,
        );
        // Without a login there is nothing that these parts could do.
        let logs_in = self.config.auto_auth.is_some();
        if logs_in {
            tracing::info!(target: "agent.exec.server", "starting exec server");
        }
        if logs_in && self.config.exec.is_none() {
            tracing::info!(target: "agent.exec.server", "no env templates or exec config, exiting");
        }
        let mut supervisor = self.config.exec.clone().map(Supervisor::new);
        let mut runner = logs_in.then(|| {
            let runner = Runner::new(templates, self.template_options(), progress_sender);
            Box::pin(runner.run(self.tokens.clone()))
        });
        let sink_client = auth_client(&self.client, &self.process);
        let mut sinks = Box::pin(sink::serve(
            self.sinks,
            sink_client,
            self.tokens.clone(),
            delivery_sender,
        ));
        if logs_in {
            tracing::info!(target: "agent.sink.server", "starting sink server");
            tracing::info!(target: "agent.template.server", "starting template server");
        }
        let mut auth = Box::pin(async {
            match self.auth {
                Some(handler) => handler.run().await,
                None => pending().await,
            }
        });
        let mut serve = Box::pin(self.serve.run());
        // A program that needs no start has nothing to wait for.
        let started = !self.config.exit_after_auth;
        let supervised = async {
            match &mut supervisor {
                Some(supervisor) if started => supervisor.run(progress).await,
                _ => pending().await,
            }
        };
        // In this order: a login that gives a token lets its sinks be written before templates are looked at.
        let ending = tokio::select! {
            biased;
            () = shutdown => Ending::OK,
            error = &mut auth => Ending::failed(&error),
            () = &mut serve => Ending::OK,
            () = &mut sinks => Ending::OK,
            () = done => Ending::OK,
            error = async {
                match &mut runner {
                    Some(runner) => runner.await,
                    None => pending().await,
                }
            } => Ending::failed(&error),
            ended = supervised => Ending::of(&ended),
            () = orphans::reap() => Ending::OK,
        };
        drop(sinks);
        if !told.get() {
            tracing::info!(target: LOG, "sinks finished, exiting");
        }
        if logs_in {
            tracing::info!(target: "agent.sink.server", "sink server stopped");
        }
        drop(runner);
        if let Some(supervisor) = &mut supervisor {
            supervisor.stop().await;
        }
        if logs_in {
            tracing::info!(target: "agent.exec.server", "exec server stopped");
        }
        drop(auth);
        ending.told()
    }

    /// Renders every file once under `root`, with the connection and login of the configuration, and leaves.
    ///
    /// Commands do not run, owners are not changed, sinks stay empty; without `writes` nothing is written to the server either.
    ///
    /// # Errors
    ///
    /// A login that failed, or a template file that cannot be read.
    pub async fn preview(
        mut self,
        root: &Path,
        token: Option<Redacted>,
        writes: bool,
    ) -> Result<Vec<Previewed>, String> {
        let templates = self.templates()?;
        let count = templates.len();
        let (publisher, tokens) = watch::channel(None);
        let token = match (token, self.auth.take()) {
            (Some(token), _) => Token::Plain(token),
            (None, Some(mut handler)) => handler.log_in_once().await?,
            (None, None) => return Err("there is no token and no way to log in".to_owned()),
        };
        let (sender, mut progress) = watch::channel(Progress::default());
        let bounds = self.template_options();
        let options = Options {
            root: Some(root.to_owned()),
            side_effects: false,
            writes,
            exit_on_failure: false,
            exit_after_auth: true,
            refusals: None,
            backoff: FetchBackoff::new(None, None, Some(PREVIEW_RETRIES)),
            ..bounds
        };
        let titles: Vec<String> = templates
            .iter()
            .map(|template| template.destination().to_owned())
            .collect();
        let runner = Runner::new(templates, options, sender).run(tokens);
        publisher.send_replace(Some(token));
        let settled = progress.wait_for(|progress| {
            (0..count).all(|number| {
                progress.rendered.contains(&number) || progress.failures.contains_key(&number)
            })
        });
        let settled = tokio::select! {
            error = runner => return Err(error.to_string()),
            settled = settled => settled.map(|progress| progress.clone()).unwrap_or_default(),
        };
        let previewed = titles
            .into_iter()
            .enumerate()
            .map(|(number, destination)| Previewed {
                path: root.join(destination.trim_start_matches('/')),
                destination,
                failure: settled.failures.get(&number).cloned(),
            });
        Ok(previewed.collect())
    }

    fn templates(&self) -> Result<Vec<Template>, String> {
        let files = self.config.templates.iter().map(Template::file);
        let variables = self.config.env_templates.iter().map(Template::variable);
        files.chain(variables).collect()
    }

    fn template_options(&self) -> Options {
        let process = &self.process;
        let retries = process.settings.max_retries.unwrap_or(TEMPLATE_RETRIES);
        let namespace = process
            .settings
            .template_namespace
            .clone()
            .unwrap_or_default();
        let client =
            client_for(&self.client, process, Part::Templating, retries).with_namespace(namespace);
        let upstream = self.serve.upstream();
        let method = self.config.auto_auth.as_ref().map(|auth| &auth.method);
        let bounds = (
            method.and_then(|method| method.min_backoff),
            method.and_then(|method| method.max_backoff),
        );
        let settings = &self.config.template_config;
        Options {
            namespace: client.namespace().to_owned(),
            connect: Box::new(move |token| upstream(&client, token)),
            schedule: Schedule {
                interval: settings.static_secret_render_interval,
                threshold: settings.lease_renewal_threshold,
            },
            backoff: FetchBackoff::new(bounds.0, bounds.1, self.config.vault.num_retries),
            outer: bounds,
            exit_on_failure: settings.exit_on_retry_failure,
            exit_after_auth: self.config.exit_after_auth,
            variables: Variables {
                inherited: process.environment.clone(),
                connection: variables(&process.settings),
            },
            root: None,
            side_effects: true,
            writes: true,
            refusals: Some(self.refusals.clone()),
            metrics: Arc::clone(&self.metrics),
        }
    }
}

/// For logins and what goes with them. The only retry is auto-auth's own back-off.
fn auth_client(client: &Client, process: &Process) -> Client {
    let namespace = process.settings.auth_namespace.clone().unwrap_or_default();
    client_for(client, process, Part::AutoAuth, NO_RETRIES).with_namespace(namespace)
}

/// The parts of the agent that talk to the server.
#[derive(Clone, Copy)]
enum Part {
    AutoAuth,
    Templating,
    Proxy,
}

impl Part {
    fn is_in(self, parts: Subsystems) -> bool {
        match self {
            Self::AutoAuth => parts.auto_auth,
            Self::Templating => parts.templating,
            Self::Proxy => parts.proxying,
        }
    }
}

/// The client as one part of the agent uses it.
fn client_for(client: &Client, process: &Process, part: Part, retries: u32) -> Client {
    let name = match part {
        Part::AutoAuth => "Auto-Auth",
        Part::Templating => "Templating",
        Part::Proxy => "API Proxy",
    };
    let settings = &process.settings;
    let keep = match part {
        part if part.is_in(settings.disable_keep_alives) => Keep::Close,
        part if part.is_in(settings.disable_idle_connections) => Keep::Never,
        _ => Keep::Idle,
    };
    client.with_policy(Policy {
        user_agent: format!(
            "Vault Agent {name}/{} (+https://www.vaultproject.io/; pannier)",
            process.version
        ),
        retries,
        keep,
    })
}

/// Ready when `exit_after_auth` has nothing left to wait for; never without it.
async fn finished(
    config: Config,
    mut tokens: Tokens,
    mut delivery: watch::Receiver<Delivery>,
    mut progress: watch::Receiver<Progress>,
    told: &Cell<bool>,
) {
    if !config.exit_after_auth || config.auto_auth.is_none() {
        return pending().await;
    }
    if tokens.wait_for(Option::is_some).await.is_err() {
        return pending().await;
    }
    let wrapped = matches!(&*tokens.borrow(), Some(Token::Wrapped(_)));
    let has_sinks = config
        .auto_auth
        .as_ref()
        .is_some_and(|auth| !auth.sinks.is_empty());
    let has_templates = !config.templates.is_empty() && !wrapped;
    // A sink that keeps failing holds nobody up when there are templates.
    let enough = |delivery: &Delivery| {
        *delivery == Delivery::Done || (has_templates && *delivery == Delivery::Failing)
    };
    if has_sinks && delivery.wait_for(enough).await.is_err() {
        return pending().await;
    }
    if has_sinks && *delivery.borrow() == Delivery::Done {
        told.set(true);
        tracing::info!(target: LOG, "sinks finished, exiting");
    }
    if has_templates
        && progress
            .wait_for(|progress| progress.complete)
            .await
            .is_err()
    {
        pending::<()>().await;
    }
}
