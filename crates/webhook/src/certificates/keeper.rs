//! The loop around the machine: carries out what it says, and wakes it when something changes.

use super::cluster::{Seen, SharedSecret, WebhookConfiguration, WriteError};
use super::contents::Contents;
use super::files::{self, Watcher};
use super::machine::{Bundle, Machine, Policy, World, Write};
use super::{Automatic, authorities, issue};
use crate::metrics::Metrics;
use crate::serving::{Serving, Trust};
use crate::tls::Pair;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Waits between failures: doubles, with a ceiling, and spread so that replicas do not call together.
#[derive(Debug, Default)]
struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LAST: Duration = Duration::from_secs(30);

    fn failed(&mut self) {
        let wait = Self::FIRST
            .saturating_mul(1 << self.failures.min(10))
            .min(Self::LAST);
        self.failures += 1;
        self.until = Some(Instant::now() + wait.mul_f64(0.5 + 0.5 * issue::random_fraction()));
    }

    fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// When the next attempt may be made; `None`: now.
    fn until(&self) -> Option<Instant> {
        self.until.filter(|until| *until > Instant::now())
    }
}

/// Where the shared state lives.
enum Store {
    /// In this process alone: one replica, or no right on Secrets.
    Memory,
    /// In the Secret.
    Secret(Box<SharedSecret>),
}

/// A call to the API server that has ended.
enum Done {
    /// The shared state was written.
    Contents {
        written: Result<Secret, WriteError>,
        contents: Contents,
        what: &'static str,
    },
    /// The caBundle was written.
    Bundle {
        written: Result<Seen<MutatingWebhookConfiguration>, WriteError>,
        authorities: usize,
    },
    /// Both were read again.
    Read {
        secret: Option<Result<Option<Secret>, WriteError>>,
        configuration: Option<Result<Seen<MutatingWebhookConfiguration>, WriteError>>,
    },
}

/// Keeps automatic certificates for ever.
pub(crate) struct Keeper {
    machine: Machine,
    automatic: Automatic,
    store: Store,
    contents: Option<Contents>,
    webhook: Option<WebhookConfiguration>,
    publish: watch::Sender<Serving>,
    metrics: Metrics,
    backoff: Backoff,
    conflicts: u32,
    /// The one call in progress. What is served does not wait for it.
    call: Option<BoxFuture<'static, Done>>,
}

impl Keeper {
    /// `client` is needed unless there is neither a Secret nor a webhook configuration to keep.
    pub(crate) fn new(
        client: Option<Client>,
        automatic: Automatic,
        publish: watch::Sender<Serving>,
        metrics: Metrics,
    ) -> Self {
        let Automatic {
            hosts,
            lifetime,
            webhook,
            secret_namespace,
        } = &automatic;
        let policy = Policy {
            hosts: hosts.clone(),
            lifetime: *lifetime,
            jitter: issue::random_fraction(),
        };
        let secret = client.clone().zip(secret_namespace.as_ref());
        let store = secret.map_or(Store::Memory, |(client, namespace)| {
            Store::Secret(Box::new(SharedSecret::new(client, namespace)))
        });
        let contents = matches!(store, Store::Memory).then(Contents::default);
        let webhook = client
            .zip(webhook.as_ref())
            .map(|(client, name)| WebhookConfiguration::new(client, name));
        let (machine, backoff) = (Machine::new(policy), Backoff::default());
        Self {
            machine,
            automatic,
            store,
            contents,
            webhook,
            publish,
            metrics,
            backoff,
            conflicts: 0,
            call: None,
        }
    }

    /// Runs until the process ends.
    pub(crate) async fn run(mut self) {
        let mut secrets: BoxStream<'static, Seen<Secret>> = match &self.store {
            Store::Secret(secret) => secret.watch(),
            Store::Memory => stream::pending().boxed(),
        };
        let mut configurations: BoxStream<'static, Seen<MutatingWebhookConfiguration>> =
            match &self.webhook {
                Some(webhook) => webhook.watch(),
                None => stream::pending().boxed(),
            };
        loop {
            let wake = self.turn();
            let call = async {
                match &mut self.call {
                    Some(call) => call.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                done = call => {
                    self.call = None;
                    self.done(done);
                }
                Some(seen) = secrets.next() => self.see_secret(seen),
                Some(seen) = configurations.next() => self.see_configuration(seen),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    fn bundle(&self) -> Bundle {
        self.webhook.as_ref().map_or(Bundle::NotOurs, |webhook| {
            webhook.bundle(&self.automatic.hosts)
        })
    }

    /// Steps until there is nothing to do but to wait, and says until when.
    fn turn(&mut self) -> Instant {
        loop {
            let (now, bundle) = (Timestamp::now(), self.bundle());
            let world = World {
                now,
                contents: self.contents.as_ref(),
                bundle: &bundle,
            };
            let step = self.machine.step(&world);
            self.report(&bundle, step.bundle.is_none());
            publish(&self.publish, step.serving);
            let rest = step.wake.duration_since(now).unsigned_abs();
            let wake = Instant::now() + rest.max(Duration::from_millis(20));
            if self.call.is_some() {
                return wake;
            }
            if let Some(until) = self.backoff.until() {
                return wake.min(until);
            }
            match (step.bundle, step.write) {
                (Some(authorities), _) => self.write_bundle(&authorities),
                (None, Some(write)) => self.write_contents(write, now),
                (None, None) => return wake,
            }
        }
    }

    fn write_bundle(&mut self, authorities: &[authorities::Authority]) {
        let Some(webhook) = &self.webhook else { return };
        let (write, authorities) = (
            webhook.write(&self.automatic.hosts, authorities),
            authorities.len(),
        );
        self.call = Some(
            write
                .map(move |written| Done::Bundle {
                    written,
                    authorities,
                })
                .boxed(),
        );
    }

    fn write_contents(&mut self, write: Write, now: Timestamp) {
        let (contents, what) = match write {
            Write::Stage { hosts } => match issue::issue(&hosts, now, self.automatic.lifetime) {
                // It would be made again and again.
                Ok(issued) if !self.machine.can_use(&issued, now) => {
                    self.fail(&WriteError::Other(format!(
                        "the certificate made for {hosts:?} does not hold for all of them: check -tls-auto-hosts"
                    )));
                    return;
                }
                Ok(issued) => (
                    self.machine
                        .stage(&self.contents.clone().unwrap_or_default(), &issued, now),
                    "Generated CA",
                ),
                Err(error) => {
                    self.fail(&WriteError::Other(format!(
                        "cannot make a certificate for {hosts:?}: {error}"
                    )));
                    return;
                }
            },
            Write::Promote(contents) => (contents, "certificate put into service"),
        };
        match &self.store {
            Store::Memory => self.took_over(contents, what),
            Store::Secret(secret) => {
                let write = secret.write(&contents);
                self.call = Some(
                    write
                        .map(move |written| Done::Contents {
                            written,
                            contents,
                            what,
                        })
                        .boxed(),
                );
            }
        }
    }

    fn read_again(&mut self) {
        let secret = if let Store::Secret(secret) = &self.store {
            Some(secret.read())
        } else {
            None
        };
        let configuration = self.webhook.as_ref().map(WebhookConfiguration::read);
        let read = async {
            let (secret, configuration) = (
                OptionFuture::from(secret).await,
                OptionFuture::from(configuration).await,
            );
            Done::Read {
                secret,
                configuration,
            }
        };
        self.call = Some(read.boxed());
    }

    fn done(&mut self, done: Done) {
        let outcome = match done {
            Done::Contents {
                written: Err(WriteError::Forbidden(error)),
                contents,
                what,
            } => {
                self.live_in_memory(&error);
                self.took_over(contents, what);
                Ok(())
            }
            Done::Contents {
                written,
                contents,
                what,
            } => written.map(|written| {
                if let Store::Secret(secret) = &mut self.store {
                    secret.see(Some(written));
                }
                self.took_over(contents, what);
            }),
            Done::Bundle {
                written,
                authorities,
            } => {
                tell_bundle_write(&self.metrics, authorities, &written);
                written.map(|seen| self.see_configuration(seen))
            }
            Done::Read {
                secret,
                configuration,
            } => {
                if let Some(Ok(secret)) = secret {
                    self.see_secret(
                        secret.map_or(Seen::Absent, |secret| Seen::Object(Box::new(secret))),
                    );
                }
                if let Some(Ok(configuration)) = configuration {
                    self.see_configuration(configuration);
                }
                // Whoever reads again has failed before; that count goes on until a write succeeds.
                return;
            }
        };
        match outcome {
            Ok(()) => {
                self.conflicts = 0;
                self.backoff.succeeded();
            }
            // With several replicas this is how all but one find out that it is done.
            Err(WriteError::Conflict) if self.conflicts < 5 => {
                self.conflicts += 1;
                self.read_again();
            }
            Err(error) => self.fail(&error),
        }
    }

    fn took_over(&mut self, contents: Contents, what: &'static str) {
        tracing::info!(target: "handler.auto-tls", "{what}");
        self.contents = Some(contents);
    }

    fn fail(&mut self, error: &WriteError) {
        tracing::error!(target: "handler.auto-tls", %error, "cannot write the certificate Secret or the caBundle, trying again");
        self.conflicts = 0;
        self.backoff.failed();
    }

    fn see_configuration(&mut self, seen: Seen<MutatingWebhookConfiguration>) {
        if let Some(webhook) = &mut self.webhook {
            webhook.see(seen);
        }
    }

    fn see_secret(&mut self, seen: Seen<Secret>) {
        let Store::Secret(secret) = &mut self.store else {
            return;
        };
        match seen {
            Seen::Object(object) => {
                if let Some(contents) = secret.see(Some(*object)) {
                    self.contents = Some(contents);
                }
            }
            Seen::Absent => self.contents = secret.see(None),
            Seen::Failed {
                error,
                is_forbidden: true,
            } => self.live_in_memory(&error),
            Seen::Failed {
                error,
                is_forbidden: false,
            } => {
                tracing::warn!(target: "handler.auto-tls", error, "cannot watch the certificate Secret, trying again");
            }
        }
    }

    /// Without rights on the Secret each replica has a certificate of its own; the caBundle then holds the authorities
    /// of all, so several replicas work too.
    fn live_in_memory(&mut self, error: &str) {
        tracing::warn!(target: "handler.auto-tls", error, "no right on the certificate Secret: certificates live in memory");
        self.store = Store::Memory;
        self.contents.get_or_insert_default();
    }

    fn report(&self, bundle: &Bundle, is_current: bool) {
        if let Bundle::Seen(hooks) = bundle {
            self.metrics.bundle_seen(
                hooks
                    .iter()
                    .map(|hook| hook.authorities.len())
                    .max()
                    .unwrap_or(0),
                is_current,
            );
        }
    }
}

/// Serves certificates from files and keeps their authority in the caBundle.
pub(crate) async fn keep_files(
    mut files: Watcher,
    client: Client,
    webhook: String,
    publish_to: watch::Sender<Serving>,
    metrics: Metrics,
) {
    let mut webhook = WebhookConfiguration::new(client, &webhook);
    let mut configurations = webhook.watch();
    let mut backoff = Backoff::default();
    loop {
        let loaded = files.loaded().clone();
        let hosts = loaded.pair.names();
        let bundle = webhook.bundle(&hosts);
        let (serving, wish) = from_files(
            &loaded,
            publish_to.borrow().pair.clone(),
            &bundle,
            Timestamp::now(),
        );
        if let Bundle::Seen(hooks) = &bundle {
            metrics.bundle_seen(
                hooks
                    .iter()
                    .map(|hook| hook.authorities.len())
                    .max()
                    .unwrap_or(0),
                wish.is_none(),
            );
        }
        publish(&publish_to, serving);
        if let Some(authorities) = wish.filter(|_| backoff.until().is_none()) {
            let written = webhook.write(&hosts, &authorities).await;
            tell_bundle_write(&metrics, authorities.len(), &written);
            let outcome = match written {
                Err(WriteError::Conflict) => webhook.read().await,
                other => other,
            };
            match outcome {
                Ok(seen) => {
                    backoff.succeeded();
                    webhook.see(seen);
                }
                Err(error) => {
                    tracing::error!(target: "handler.certwatcher", %error, "cannot write the caBundle, trying again");
                    backoff.failed();
                }
            }
            continue;
        }
        tokio::select! {
            Some(seen) = configurations.next() => webhook.see(seen),
            () = tokio::time::sleep(files::POLL) => if files.poll() {
                tracing::info!(target: "handler.certwatcher", "Updated certificate bundle received. Updating certs...");
            },
        }
    }
}

/// What to serve and which caBundle to write, given files: a new pair waits until it is trusted, unless there is no
/// other. Authorities that have not ended stay: other replicas may still have the old files.
fn from_files(
    loaded: &files::Loaded,
    served: Option<Pair>,
    bundle: &Bundle,
    now: Timestamp,
) -> (Serving, Option<Vec<authorities::Authority>>) {
    let Bundle::Seen(hooks) = bundle else {
        let reason = if let Bundle::Unknown(reason) = bundle {
            reason.clone()
        } else {
            String::new()
        };
        return (
            Serving {
                pair: Some(served.unwrap_or_else(|| loaded.pair.clone())),
                trust: Trust::Missing(reason),
            },
            None,
        );
    };
    let mut needed = authorities::parse(loaded.ca.as_deref().unwrap_or_default());
    let is_complete = hooks.iter().all(|hook| {
        needed
            .iter()
            .all(|authority| hook.authorities.contains(authority))
    });
    let trust = |pair: &Pair| {
        let accept = |hook: &super::machine::Hook| {
            authorities::accept(&hook.authorities, pair, &hook.server_name, now)
        };
        hooks.iter().try_for_each(accept)
    };
    let old = served.filter(|pair| trust(pair).is_ok());
    let serving = match trust(&loaded.pair) {
        Ok(()) => Serving {
            pair: Some(loaded.pair.clone()),
            trust: Trust::Seen,
        },
        Err(reason) => Serving {
            trust: if old.is_some() {
                Trust::Seen
            } else {
                Trust::Missing(reason)
            },
            pair: Some(old.unwrap_or_else(|| loaded.pair.clone())),
        },
    };
    if is_complete || hooks.is_empty() {
        return (serving, None);
    }
    for hook in hooks {
        authorities::merge(&mut needed, &hook.authorities);
    }
    authorities::prune(&mut needed, now);
    (serving, Some(needed))
}

/// Puts it into service if it differs, and says so.
fn publish(to: &watch::Sender<Serving>, serving: Serving) {
    to.send_if_modified(|now| {
        let is_same_pair = match (&now.pair, &serving.pair) {
            (Some(old), Some(new)) => old.same_as(new),
            (None, None) => true,
            _ => false,
        };
        if is_same_pair && now.trust == serving.trust {
            return false;
        }
        if let (false, Some(pair)) = (is_same_pair, &serving.pair) {
            let until = pair.not_after();
            tracing::info!(target: "handler.certwatcher", %until, "Updated certificate bundle received. Updating certs...");
        }
        match (&now.trust, &serving.trust) {
            (Trust::Seen, Trust::Missing(reason)) => {
                tracing::warn!(target: "handler.certwatcher", reason, "not ready: the API server does not trust the certificate in service");
            }
            (Trust::Missing(_), Trust::Seen) => tracing::info!(target: "handler.certwatcher", "ready: the API server trusts the certificate in service"),
            (_, Trust::Missing(reason)) => tracing::debug!(target: "handler.certwatcher", reason, "not ready"),
            _ => {}
        }
        *now = serving;
        true
    });
}

fn tell_bundle_write<T>(metrics: &Metrics, authorities: usize, written: &Result<T, WriteError>) {
    metrics.bundle_written(match written {
        Ok(_) => "ok",
        Err(WriteError::Conflict) => "conflict",
        Err(_) => "error",
    });
    if written.is_ok() {
        tracing::info!(target: "handler.certwatcher", authorities, "caBundle written");
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
