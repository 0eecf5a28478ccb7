//! The cache of leased secrets and tokens: one answer for equal requests, renewed until it ends.
//!
//! ```text
//!  call ─► kept? ─► yes: HIT
//!            └ no ─► the same call under way? ─► wait for it, look again
//!                       └ no ─► server ─► what did it bring, what does it revoke ─► keep, renew, evict
//! ```

mod flight;
mod key;
pub(crate) mod persist;
mod policy;
mod renew;
pub(crate) mod revoke;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use pannier_redacted::Redacted;
use pannier_vault::{Client, Error, Secret};

use flight::{Flights, Turn};
use key::Key;
use persist::{Cargo, Vessel};
use policy::{Brought, Renewed, brought, may_be_shared};
use revoke::Eviction;
use store::{Entry, Evicted, Store};

use crate::metrics::Metrics;
use crate::proxy::call::{Answer, Call};

const LOG: &str = "agent.cache.leasecache";

#[cfg(test)]
mod tests;

/// The cache. Everything it keeps is renewed by a task of its own; dropping the cache stops them.
pub(crate) struct Cache {
    /// Renews what is kept.
    client: Client,
    /// Whether clients and templates may use the agent's own token, which makes it a managed one.
    own_token_counts: bool,
    state: Mutex<State>,
    flights: Flights,
    metrics: Arc<Metrics>,
    /// Itself, for the tasks that renew.
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    store: Store,
    /// The tasks that renew, by the identity of the answer.
    renewals: std::collections::BTreeMap<Key, tokio::task::AbortHandle>,
    /// The file to hand over, and the token to put into it.
    vessel: Option<Vessel>,
    token: Option<Redacted>,
}

impl Cache {
    /// An empty cache. `client` sends the renewals; its policy should have no retries of its own.
    pub(crate) fn new(client: Client, own_token_counts: bool, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            client,
            own_token_counts,
            state: Mutex::default(),
            flights: Flights::default(),
            metrics,
            this: this.clone(),
        })
    }

    /// Answers from the cache, or else sends the call by `via` and keeps what is to be kept.
    pub(crate) async fn send(&self, call: &Call, via: &Client) -> Result<Answer, Error> {
        let key = Key::of(call);
        let mut waited = false;
        loop {
            if let Some(answer) = self.kept(&key) {
                tracing::debug!(target: LOG, path = %call.path, "returning cached response");
                self.metrics.count("agent.cache.hit");
                return Ok(answer);
            }
            // Who has waited once and found nothing goes alone, so that nobody waits for one after the other.
            let turn = if waited {
                Turn::Alone
            } else {
                self.flights.turn(key)
            };
            match turn {
                Turn::Alone => return self.fetch(key, call, via).await,
                Turn::First(flight) => {
                    let answer = self.fetch(key, call, via).await;
                    let shared = answer
                        .as_ref()
                        .ok()
                        .filter(|answer| may_be_shared(call, answer));
                    flight.land(shared.cloned());
                    return answer;
                }
                Turn::Later(flight) => {
                    if let Some(answer) = flight.landed().await {
                        return Ok(answer);
                    }
                    waited = true;
                }
            }
        }
    }

    fn kept(&self, key: &Key) -> Option<Answer> {
        let state = self.state();
        let entry = state.store.get(key)?;
        let age = SystemTime::now()
            .duration_since(entry.since)
            .unwrap_or_default();
        Some(Answer {
            age: Some(age),
            ..entry.answer.clone()
        })
    }

    async fn fetch(&self, key: Key, call: &Call, via: &Client) -> Result<Answer, Error> {
        self.metrics.count("agent.cache.miss");
        let renewed = Renewed::by(call);
        let answer = via.exchange(&call.request()).await.map(Answer::from);
        if let Some(renewed) = renewed {
            self.client_renewed(&renewed, answer.as_ref().ok());
        }
        let answer = answer?;
        if answer.status == 204
            && let Some(eviction) = Eviction::by(call)
        {
            self.evict(&eviction);
        }
        self.keep(key, call, &answer);
        Ok(answer)
    }

    /// A client has renewed what it has from us, or failed to. Where that shows that the end is near, the next one who
    /// asks gets a new one.
    fn client_renewed(&self, renewed: &Renewed, answer: Option<&Answer>) {
        let mut state = self.state();
        let Some(key) = state.store.find(renewed) else {
            return;
        };
        let secret = answer
            .filter(|answer| answer.status < 300)
            .and_then(|answer| Secret::parse(&answer.body).ok());
        let lasts = secret.map(|secret| match secret.auth {
            Some(auth) => (auth.lease_duration, auth.renewable),
            None => (secret.lease_duration, secret.renewable),
        });
        let entry = state.store.get_mut(&key);
        match (lasts, entry) {
            (Some((seconds, true)), Some(entry)) if !entry.is_near_its_end(seconds) => {
                entry.renew(seconds, SystemTime::now());
                state.persist();
            }
            _ => {
                let evicted = state.store.evict(&key);
                state.stop(evicted);
            }
        }
    }

    fn keep(&self, key: Key, call: &Call, answer: &Answer) {
        let mut state = self.state();
        let what = match brought(call, answer, |token| state.store.manages(token)) {
            Ok(what) => what,
            Err(passed) => {
                tracing::debug!(target: LOG, method = %call.method, path = %call.path, "{}", passed.words());
                return;
            }
        };
        tracing::debug!(target: LOG, method = %call.method, path = %call.path, "storing response into the cache");
        let now = SystemTime::now();
        let entry = Entry {
            path: call.path.clone(),
            namespace: call.namespace().to_owned(),
            token: call.token.clone(),
            first: match &what {
                Brought::Lease { duration, .. } | Brought::Token { duration, .. } => *duration,
            },
            brought: what,
            answer: answer.clone(),
            since: now,
            renewed: now,
        };
        self.insert(&mut state, key, entry);
        state.persist();
    }

    fn insert(&self, state: &mut State, key: Key, entry: Entry) {
        let renewal = tokio::spawn(renew::keep_alive(
            Weak::clone(&self.this),
            self.client.clone(),
            key,
            entry.clone(),
        ));
        state.store.insert(key, entry);
        if let Some(before) = state.renewals.insert(key, renewal.abort_handle()) {
            before.abort();
        }
    }

    /// Takes out what goes.
    pub(crate) fn evict(&self, eviction: &Eviction) {
        let mut state = self.state();
        let evicted = eviction.apply(&mut state.store);
        state.stop(evicted);
    }

    /// The agent has logged in: what depended on its token before goes.
    pub(crate) fn own_token(&self, token: &Redacted) {
        let mut state = self.state();
        if self.own_token_counts {
            let evicted = state.store.set_own(token.clone());
            state.stop(evicted);
        }
        if state.token.as_ref() != Some(token) {
            state.token = Some(token.clone());
            state.persist();
        }
    }

    /// From now on everything that is kept is written to this file too.
    pub(crate) fn persist_to(&self, vessel: Vessel) {
        self.state().vessel = Some(vessel);
    }

    /// Takes over what another agent handed on; what has ended by now is dropped.
    pub(crate) fn restore(&self, cargo: Cargo) {
        let mut state = self.state();
        if let Some(token) = cargo.token
            && self.own_token_counts
        {
            state.store.set_own(token);
        }
        let now = SystemTime::now();
        for (key, entry) in cargo.entries {
            let lasts =
                std::time::Duration::from_secs(u64::try_from(entry.duration()).unwrap_or_default());
            if entry
                .renewed
                .checked_add(lasts)
                .is_some_and(|end| end >= now)
            {
                self.insert(&mut state, key, entry);
            }
        }
    }

    /// Takes the result of a renewal; `false` when the answer is no longer kept.
    fn renewed(&self, key: &Key, seconds: i64) -> bool {
        let mut state = self.state();
        let Some(entry) = state.store.get_mut(key) else {
            return false;
        };
        entry.renew(seconds, SystemTime::now());
        state.persist();
        true
    }

    /// The renewal has ended: the answer goes, with what depends on it.
    fn ended(&self, key: &Key) {
        let mut state = self.state();
        // The task that calls this ends by itself.
        state.renewals.remove(key);
        let evicted = state.store.evict(key);
        state.stop(evicted);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Stops renewing what was taken out.
    fn stop(&mut self, evicted: Evicted) {
        if evicted.is_empty() {
            return;
        }
        for (key, entry) in evicted {
            tracing::debug!(target: LOG, id = %key.to_hex(), path = %entry.path, "evicting index from cache");
            if let Some(renewal) = self.renewals.remove(&key) {
                renewal.abort();
            }
        }
        self.persist();
    }

    fn persist(&self) {
        let Some(vessel) = &self.vessel else { return };
        if let Err(error) = vessel.write(self.token.as_ref(), self.store.entries()) {
            let path = vessel.path().display();
            tracing::error!(target: "agent.cache.cacheboltdb", %path, error = %crate::files::words(&error), "error writing the persistent cache");
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for renewal in self.state().renewals.values() {
            renewal.abort();
        }
    }
}
