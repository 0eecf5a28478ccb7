//! Automatic certificates without a leader: what to do next, as a pure function of what is known.
//!
//! ```text
//! due ──> make a pair, write it as `next` ──> put its CA into the caBundle ──> see it there, settle
//!                                                                                    │
//!      old CA stays in the caBundle until it ends <── everybody serves it <── write it as `current`
//! ```
//!
//! Every replica runs this on its own; the writes are compare-and-swap, so of several replicas with the same idea one
//! wins and the others look again. Any replica can carry on at any step, so any may die at any step.

use super::authorities::{self, Authority};
use super::contents::{Contents, Texts};
use super::issue::Issued;
use crate::serving::{Serving, Trust};
use crate::tls::Pair;
use jiff::Timestamp;
use std::time::Duration;

/// How long an authority must have been in the caBundle before its certificate is served: other API servers hear of
/// it a moment later than we do.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a certificate that others put into service may be without trust before we make our own. The reference
/// writes the certificate first and the caBundle after it.
const FOREIGN_PATIENCE: Duration = Duration::from_secs(60);
/// Next look when nothing is due.
const REST: Duration = Duration::from_secs(300);
/// More authorities than this are not kept, unless all are needed; a process that dies and starts again without end adds one each time when
/// it has no Secret to find the last one in.
const MOST_AUTHORITIES: usize = 32;

/// What never changes.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// Names that certificates are for.
    pub(crate) hosts: Vec<String>,
    /// Life of a certificate.
    pub(crate) lifetime: Duration,
    /// 0 to 1: where in the window for renewal this replica acts, so that usually one replica does it.
    pub(crate) jitter: f64,
}

/// A webhook of ours in the configuration, as the API server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// The name under which the API server expects our certificate.
    pub(crate) server_name: String,
    /// Its caBundle.
    pub(crate) authorities: Vec<Authority>,
}

/// The webhook configuration as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bundle {
    /// No configuration was named to us.
    NotOurs,
    /// It cannot be seen; the sentence says why.
    Unknown(String),
    /// Our webhooks in it.
    Seen(Vec<Hook>),
}

/// All that is known from outside.
pub(crate) struct World<'a> {
    pub(crate) now: Timestamp,
    /// `None` until it has been read.
    pub(crate) contents: Option<&'a Contents>,
    pub(crate) bundle: &'a Bundle,
}

/// What to do now. Writes may fail; the next step simply asks again.
#[derive(Debug)]
pub(crate) struct Step {
    /// Serve this.
    pub(crate) serving: Serving,
    /// Write this as the shared state, if it has not changed meanwhile.
    pub(crate) write: Option<Write>,
    /// Write this caBundle, if it has not changed meanwhile.
    pub(crate) bundle: Option<Vec<Authority>>,
    /// Come again by then, even if nothing changes.
    pub(crate) wake: Timestamp,
}

/// A write of the shared state.
#[derive(Debug)]
pub(crate) enum Write {
    /// A new pair is made (by the caller, since that takes randomness) for these hosts and staged.
    Stage {
        /// Names for the new certificate.
        hosts: Vec<String>,
    },
    /// The staged pair becomes the current one.
    Promote(Contents),
}

/// A replica's own state.
#[derive(Debug)]
pub(crate) struct Machine {
    policy: Policy,
    served: Option<Pair>,
    /// Authorities seen in the caBundle, to restore those of a certificate that is not ours.
    remembered: Vec<Authority>,
    /// Since when the staged pair is trusted.
    settled: Option<(Pair, Timestamp)>,
    /// Since when the current pair is not trusted.
    distrusted: Option<(Pair, Timestamp)>,
}

impl Machine {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            served: None,
            remembered: Vec::new(),
            settled: None,
            distrusted: None,
        }
    }

    /// The shared state with a new pair staged.
    pub(crate) fn stage(&self, contents: &Contents, issued: &Issued, now: Timestamp) -> Contents {
        let mut authorities = contents.authorities.clone();
        authorities::prune(&mut authorities, now);
        authorities::merge(&mut authorities, &authorities::parse(&issued.ca));
        Contents {
            current: contents.current.clone(),
            next: Some(Texts::from(issued)),
            authorities,
        }
    }

    /// Whether a new pair would be taken once it is staged.
    pub(crate) fn can_use(&self, issued: &Issued, now: Timestamp) -> bool {
        self.usable(&Texts::from(issued), now).is_some()
    }

    /// The pair, if it is valid now and for all names.
    fn usable(&self, texts: &Texts, now: Timestamp) -> Option<Pair> {
        let pair = texts.pair()?;
        (pair.is_valid_at(now) && self.policy.hosts.iter().all(|host| pair.is_for(host)))
            .then_some(pair)
    }

    /// Looks at the world and says what to do.
    pub(crate) fn step(&mut self, world: &World<'_>) -> Step {
        let now = world.now;
        let usable = |texts: &Option<Texts>| self.usable(texts.as_ref()?, now);
        let empty = Contents::default();
        let contents = world.contents.unwrap_or(&empty);
        let current = usable(&contents.current);
        // A staged pair that has become old itself (nobody could see its authority anywhere) is made anew.
        let next =
            usable(&contents.next).filter(|next| now < next.not_after() - self.policy.lifetime / 3);
        self.remember(world);
        self.watch_trust(world, current.as_ref(), next.as_ref());

        let due = self.due(world, contents, current.as_ref());
        let write = world
            .contents
            .and_then(|contents| self.write(world, contents, due, next.as_ref()));
        let bundle = self.missing_authorities(world, contents, current.as_ref());
        let serving = self.choose(world, current, next);
        let settles = self.settled.as_ref().map(|(_, since)| *since + SETTLE);
        let patience = self
            .distrusted
            .as_ref()
            .map(|(_, since)| *since + FOREIGN_PATIENCE);
        let ends = serving.pair.as_ref().map(Pair::not_after);
        let wake = [Some(due), settles, patience, ends]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min();
        Step {
            serving,
            write,
            bundle,
            wake: wake.unwrap_or(now + REST).min(now + REST),
        }
    }

    fn remember(&mut self, world: &World<'_>) {
        if let Bundle::Seen(hooks) = world.bundle {
            for hook in hooks {
                authorities::merge(&mut self.remembered, &hook.authorities);
            }
        }
        authorities::prune(&mut self.remembered, world.now);
    }

    fn watch_trust(&mut self, world: &World<'_>, current: Option<&Pair>, next: Option<&Pair>) {
        let since = |state: &Option<(Pair, Timestamp)>, pair: &Pair| match state {
            Some((seen, since)) if seen.same_as(pair) => (pair.clone(), *since),
            _ => (pair.clone(), world.now),
        };
        self.settled = next
            .filter(|pair| world.trusts(pair).is_ok())
            .map(|pair| since(&self.settled, pair));
        self.distrusted = current
            .filter(|pair| world.trusts(pair).is_err())
            .map(|pair| since(&self.distrusted, pair));
    }

    /// When a new pair is to be made: at once without a usable one, else after half of its life, or near the end
    /// of a life that another program is expected to renew.
    fn due(&self, world: &World<'_>, contents: &Contents, current: Option<&Pair>) -> Timestamp {
        let Some(current) = current else {
            return world.now;
        };
        let is_ours = self.accepted_by(&contents.authorities, current, world.now);
        if is_ours {
            let window = self
                .policy
                .lifetime
                .mul_f64((1.0 - 0.3 * self.policy.jitter.clamp(0.0, 1.0)) / 2.0);
            return current.not_after() - window;
        }
        let life = current
            .not_after()
            .duration_since(current.not_before())
            .unsigned_abs();
        let near_end = current.not_after()
            - life.mul_f64(0.05 * (1.0 - 0.3 * self.policy.jitter.clamp(0.0, 1.0)));
        // The reference trusts its own certificate a moment after it published it; this one nobody ever trusted.
        let given_up = self
            .distrusted
            .as_ref()
            .map(|(_, since)| *since + FOREIGN_PATIENCE);
        given_up.map_or(near_end, |at| at.min(near_end))
    }

    fn write(
        &self,
        world: &World<'_>,
        contents: &Contents,
        due: Timestamp,
        next: Option<&Pair>,
    ) -> Option<Write> {
        let now = world.now;
        let Some(next) = next else {
            return (now >= due).then(|| Write::Stage {
                hosts: self.hosts(contents, now),
            });
        };
        // What others put into service meanwhile may have made the staged pair needless; then it ends unused.
        let ready = match world.bundle {
            Bundle::NotOurs => true,
            _ => {
                matches!(&self.settled, Some((pair, since)) if pair.same_as(next) && now >= *since + SETTLE)
            }
        };
        if !ready || now < due {
            return None;
        }
        let mut authorities = contents.authorities.clone();
        authorities::prune(&mut authorities, now);
        Some(Write::Promote(Contents {
            current: contents.next.clone(),
            next: None,
            authorities,
        }))
    }

    /// Our hosts, and those of the valid certificate we replace: during a rollout that changes the hosts, replicas of
    /// both kinds must be content with it.
    fn hosts(&self, contents: &Contents, now: Timestamp) -> Vec<String> {
        let mut hosts = self.policy.hosts.clone();
        let current = contents
            .current
            .as_ref()
            .and_then(Texts::pair)
            .filter(|pair| pair.is_valid_at(now));
        for host in current.iter().flat_map(Pair::names) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    fn accepted_by(&self, authorities: &[Authority], pair: &Pair, now: Timestamp) -> bool {
        pair.names()
            .iter()
            .any(|host| authorities::accept(authorities, pair, host, now).is_ok())
    }

    /// The whole caBundle to write when one of our webhooks lacks an authority it needs. What is there and has not
    /// ended stays; what has ended goes with the next write.
    fn missing_authorities(
        &self,
        world: &World<'_>,
        contents: &Contents,
        current: Option<&Pair>,
    ) -> Option<Vec<Authority>> {
        let Bundle::Seen(hooks) = world.bundle else {
            return None;
        };
        let now = world.now;
        let mut needed = contents.authorities.clone();
        authorities::prune(&mut needed, now);
        for pair in [current, self.served.as_ref()].into_iter().flatten() {
            if pair.is_valid_at(now) && !self.accepted_by(&needed, pair, now) {
                let signers = self
                    .remembered
                    .iter()
                    .filter(|one| self.accepted_by(std::slice::from_ref(one), pair, now));
                authorities::merge(&mut needed, &signers.cloned().collect::<Vec<_>>());
            }
        }
        if hooks.iter().all(|hook| {
            needed
                .iter()
                .all(|authority| hook.authorities.contains(authority))
        }) {
            return None;
        }
        let mut others = Vec::new();
        for hook in hooks {
            authorities::merge(&mut others, &hook.authorities);
        }
        others.retain(|authority| !needed.contains(authority));
        authorities::prune(&mut others, now);
        authorities::keep_newest(&mut others, MOST_AUTHORITIES.saturating_sub(needed.len()));
        authorities::merge(&mut needed, &others);
        Some(needed)
    }

    /// The best there is to serve: the shared one, else what we have been serving, else the staged one; a trusted one
    /// before any other, and an untrusted one rather than none.
    fn choose(&mut self, world: &World<'_>, current: Option<Pair>, next: Option<Pair>) -> Serving {
        let served = self.served.clone();
        let valid = served.clone().filter(|pair| pair.is_valid_at(world.now));
        let candidates: Vec<Pair> = [current, valid, next].into_iter().flatten().collect();
        let trusted = candidates.iter().find(|pair| world.trusts(pair).is_ok());
        let pair = trusted.or(candidates.first()).cloned().or(served);
        let trust = match (&pair, world.bundle) {
            (_, Bundle::NotOurs) => Trust::NotOurs,
            (None, _) => Trust::Missing("no certificate yet".to_owned()),
            (Some(pair), _) => world
                .trusts(pair)
                .map_or_else(Trust::Missing, |()| Trust::Seen),
        };
        self.served.clone_from(&pair);
        Serving { pair, trust }
    }
}

impl World<'_> {
    /// Whether the API server accepts `pair`, as far as we have seen.
    fn trusts(&self, pair: &Pair) -> Result<(), String> {
        match self.bundle {
            Bundle::NotOurs => Ok(()),
            Bundle::Unknown(reason) => Err(reason.clone()),
            Bundle::Seen(hooks) if hooks.is_empty() => {
                Err("the webhook configuration has no webhooks".to_owned())
            }
            Bundle::Seen(hooks) => hooks.iter().try_for_each(|hook| {
                authorities::accept(&hook.authorities, pair, &hook.server_name, self.now)
                    .map_err(|error| format!("caBundle for {}: {error}", hook.server_name))
            }),
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
