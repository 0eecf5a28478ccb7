//! Everything that the agent serves: listeners, the proxy behind them, the cache behind that, the numbers.

use std::sync::Arc;

use nix::unistd::gethostname;
use pannier_agent_config::{Config, Listener, ListenerRole, Persist};
use pannier_redacted::Redacted;
use pannier_vault::{Client, Error, Request, Response};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cache::Cache;
use crate::cache::persist::{Cargo, Vessel};
use crate::listener::{Bound, ListenerError, Routes};
use crate::metrics::Metrics;
use crate::metrics::exposition::Shown;
use crate::metrics::statsd;
use crate::proxy::Proxy;
use crate::proxy::call::{Answer, Call};
use crate::token::Tokens;
use crate::upstream::{Answering, Upstream};

/// Why serving cannot begin; the text goes to the standard output and the exit code is 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServeError {
    /// A listener.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// The file that hands over the cache.
    #[error("Error creating persistent cache: {0}")]
    Persist(String),
}

/// What is served, bound and ready.
pub(crate) struct Serve {
    bound: Vec<Bound>,
    proxy: Arc<Proxy>,
    shown: Arc<Shown>,
    quit: watch::Sender<bool>,
    preloaded: Option<Redacted>,
    tokens: Tokens,
}

impl Serve {
    /// Binds listeners and takes over what an earlier agent left. `client` sends what is passed on, by its policy.
    ///
    /// # Errors
    ///
    /// A listener that cannot be bound, a cache file that cannot be used.
    pub(crate) fn new(
        config: &Config,
        client: Client,
        tokens: Tokens,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServeError> {
        let own_token = config
            .api_proxy
            .as_ref()
            .map(|proxy| proxy.use_auto_auth_token)
            .unwrap_or_default();
        let mut preloaded = None;
        let cache = match &config.cache {
            None => None,
            Some(cache) => {
                let kept = Cache::new(client.clone(), own_token.enabled(), Arc::clone(&metrics));
                if let Some(persist) = &cache.persist {
                    preloaded = take_over(&kept, persist)?;
                }
                Some(kept)
            }
        };
        let bound = config
            .listeners
            .iter()
            .map(Bound::new)
            .collect::<Result<_, _>>()?;
        let shown = Shown {
            metrics: Arc::clone(&metrics),
            telemetry: config.telemetry.clone(),
            host: gethostname()
                .ok()
                .and_then(|name| name.into_string().ok())
                .unwrap_or_default(),
            tokens: tokens.clone(),
            logs_in: config.auto_auth.is_some(),
        };
        let user_agent = client.policy().user_agent.clone();
        let proxy = Proxy {
            client,
            user_agent,
            cache,
            own_token,
            tokens: tokens.clone(),
            metrics,
        };
        let (quit, _) = watch::channel(false);
        Ok(Self {
            bound,
            proxy: Arc::new(proxy),
            shown: Arc::new(shown),
            quit,
            preloaded,
            tokens,
        })
    }

    /// The numbers and how they are shown.
    pub(crate) fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown)
    }

    /// The listeners, as a client would write them.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.bound
            .iter()
            .map(|bound| bound.address().to_owned())
            .collect()
    }

    /// The token that an earlier agent left, to be used in place of a login.
    pub(crate) fn take_preloaded(&mut self) -> Option<Redacted> {
        self.preloaded.take()
    }

    /// Where requests with a token go: into the cache, if there is one.
    pub(crate) fn upstream(
        &self,
    ) -> impl Fn(&Client, &Redacted) -> Arc<dyn Upstream> + Send + use<> {
        let cache = self.proxy.cache.clone();
        move |client, token| {
            let client = client.with_token(Some(token.clone()));
            match &cache {
                None => Arc::new(client),
                Some(cache) => {
                    cache.own_token(token);
                    Arc::new(Cached {
                        cache: Arc::clone(cache),
                        client,
                        token: token.clone(),
                    })
                }
            }
        }
    }

    /// Serves until a client asks the agent to end; never ends by itself.
    pub(crate) async fn run(self) {
        let mut tokens = self.tokens;
        let mut quit = self.quit.subscribe();
        let (stop, stopping) = watch::channel(false);
        let mut servers = JoinSet::new();
        for bound in self.bound {
            let routes = routes(bound.listener(), &self.proxy, &self.shown, &self.quit);
            servers.spawn(bound.serve(Arc::new(routes), stopping.clone()));
        }
        let mut pushing = Box::pin(statsd::push(self.shown));
        let mut pushed = false;
        loop {
            tokio::select! {
                changed = tokens.changed(), if self.proxy.cache.is_some() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    let token = tokens.borrow_and_update().as_ref().and_then(|token| token.plain()).cloned();
                    if let (Some(cache), Some(token)) = (&self.proxy.cache, token) {
                        cache.own_token(&token);
                    }
                }
                () = asked(&mut quit) => break,
                () = &mut pushing, if !pushed => pushed = true,
                Some(ended) = servers.join_next() => {
                    let error = match ended {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => error.to_string(),
                        Err(error) => error.to_string(),
                    };
                    tracing::error!(target: "agent", error, "listener stopped");
                }
            }
        }
        stop.send_replace(true);
        while servers.join_next().await.is_some() {}
    }
}

fn routes(
    listener: &Listener,
    proxy: &Arc<Proxy>,
    shown: &Arc<Shown>,
    quit: &watch::Sender<bool>,
) -> Routes {
    Routes {
        role: listener.role,
        require_request_header: listener.require_request_header
            && listener.role == ListenerRole::Default,
        quit: listener.enable_quit.then(|| quit.clone()),
        cache: proxy.cache.clone(),
        shown: Arc::clone(shown),
        proxy: Arc::clone(proxy),
    }
}

/// Opens the file; hands back the token that was found in it.
fn take_over(cache: &Cache, persist: &Persist) -> Result<Option<Redacted>, ServeError> {
    const LOG: &str = "agent.cache.cacheboltdb";
    let opened = Vessel::open(&persist.path, &persist.service_account_token_file);
    let (vessel, cargo) = opened.map_err(|error| ServeError::Persist(error.to_string()))?;
    let path = vessel.path().display().to_string();
    let Some(cargo) = cargo else {
        tracing::info!(target: "agent", path, "configured persistent storage");
        cache.persist_to(vessel);
        return Ok(None);
    };
    let Cargo {
        token,
        token_fault,
        faults,
        ..
    } = &cargo;
    if !faults.is_empty() {
        let count = faults.len();
        let plural = if count == 1 { "error" } else { "errors" };
        let error = format!("{count} {plural} occurred: {}", faults.join("; "));
        tracing::error!(target: "agent", error, "error restoring in-memory cache from persisted file");
    }
    if let Some(error) = token_fault {
        tracing::error!(target: "agent", error, "error in fetching previous auto-auth token");
    }
    if persist.exit_on_err && (!faults.is_empty() || token_fault.is_some()) {
        return Err(ServeError::Persist(
            "exiting with error as exit_on_err is set to true".to_owned(),
        ));
    }
    let token = token.clone();
    cache.restore(cargo);
    tracing::info!(target: "agent", path, "loaded memcache from persistent storage");
    if persist.keep_after_import {
        cache.persist_to(vessel);
    } else if let Err(error) = vessel.remove() {
        tracing::error!(target: LOG, path, error = crate::files::words(&error), "failed to remove persistent storage file");
    }
    Ok(token)
}

/// Requests of the agent's own parts, by way of the cache.
struct Cached {
    cache: Arc<Cache>,
    client: Client,
    token: Redacted,
}

impl Cached {
    async fn answer(&self, request: &Request) -> Result<Response, Error> {
        let call = Call::own(request, Some(&self.token), &self.client);
        self.cache
            .send(&call, &self.client)
            .await
            .map(Answer::into_response)
    }
}

impl Upstream for Cached {
    fn send<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async {
            let response = self.answer(request).await?;
            if response.status < 400 {
                return Ok(response);
            }
            let address = &self.client.config().address;
            let url = address.url(&request.target(address.base()));
            let namespace = request
                .namespace
                .as_deref()
                .unwrap_or(self.client.namespace());
            Err(response.into_error(request.method.as_str(), &url, namespace))
        })
    }
}

/// Ready when a client has asked the agent to end.
async fn asked(quit: &mut watch::Receiver<bool>) {
    let _ = quit.wait_for(|quit| *quit).await;
}
