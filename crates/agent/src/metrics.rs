//! Counters and gauges of the agent, by the names operators know.
//!
//! Names have dots and no product before them (`agent.auth.success`); how they are shown is in [`exposition`], how they
//! are pushed in [`statsd`].

pub(crate) mod exposition;
pub(crate) mod statsd;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

/// All numbers.
#[derive(Debug, Default)]
pub struct Metrics {
    numbers: Mutex<Numbers>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Numbers {
    counters: BTreeMap<Series, u64>,
    gauges: BTreeMap<Series, f64>,
    templates: BTreeMap<String, TemplateState>,
    /// When the agent's own token ends, unless it never does.
    token_ends: Option<SystemTime>,
    /// When what a dependency gave ends, by the dependency's name.
    leases: BTreeMap<String, SystemTime>,
}

/// A name and, for series of one template or lease, a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The name without the product before it, such as `agent.auth.success`.
    pub name: String,
    /// A label's name and value.
    pub label: Option<(&'static str, String)>,
}

/// What is known of one template.
#[derive(Clone, Debug, Default)]
struct TemplateState {
    /// When it was last rendered, also if that changed nothing.
    success: Option<SystemTime>,
    failures: u64,
    /// Since the last success.
    failing: bool,
    bytes: u64,
}

impl Series {
    fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: None,
        }
    }

    fn labelled(name: &str, label: &'static str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: Some((label, value.to_owned())),
        }
    }
}

impl Metrics {
    /// Adds one.
    pub fn count(&self, name: &str) {
        *self
            .numbers()
            .counters
            .entry(Series::plain(name))
            .or_default() += 1;
        self.changed.notify_one();
    }

    /// Sets a gauge.
    pub fn set(&self, name: &str, value: f64) {
        self.numbers().gauges.insert(Series::plain(name), value);
        self.changed.notify_one();
    }

    /// A template is there and has not been rendered yet. Names are destinations, or names of variables.
    pub fn template(&self, destination: &str) {
        self.numbers()
            .templates
            .entry(destination.to_owned())
            .or_default();
    }

    /// A template was rendered to so many bytes, whether or not that changed anything.
    pub fn template_rendered(&self, destination: &str, bytes: usize, now: SystemTime) {
        let mut numbers = self.numbers();
        let state = numbers.templates.entry(destination.to_owned()).or_default();
        state.success = Some(now);
        state.failing = false;
        state.bytes = bytes as u64;
        drop(numbers);
        self.changed.notify_one();
    }

    /// A template could not be rendered: itself, or something that it reads.
    pub fn template_failed(&self, destination: &str) {
        let mut numbers = self.numbers();
        let state = numbers.templates.entry(destination.to_owned()).or_default();
        state.failures += 1;
        state.failing = true;
        *numbers
            .counters
            .entry(Series::plain("agent.template.failure"))
            .or_default() += 1;
        drop(numbers);
        self.changed.notify_one();
    }

    /// A template was rendered from something that is no longer known to be true.
    pub fn template_stale(&self, destination: &str) {
        if let Some(state) = self.numbers().templates.get_mut(destination) {
            state.failing = true;
        }
    }

    /// The agent's own token ends after so long; `None` for one that never does.
    pub fn token_lasts(&self, lasts: Option<Duration>, now: SystemTime) {
        self.numbers().token_ends = lasts.and_then(|lasts| now.checked_add(lasts));
        self.changed.notify_one();
    }

    /// What a dependency gave ends after so long; `None` when it is no longer of interest.
    pub fn lease_lasts(&self, dependency: &str, lasts: Option<Duration>, now: SystemTime) {
        let mut numbers = self.numbers();
        match lasts.and_then(|lasts| now.checked_add(lasts)) {
            Some(end) => numbers.leases.insert(dependency.to_owned(), end),
            None => numbers.leases.remove(dependency),
        };
    }

    /// One counter without a label.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        self.numbers()
            .counters
            .get(&Series::plain(name))
            .copied()
            .unwrap_or_default()
    }

    /// All counters now.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<Series, u64> {
        let numbers = self.numbers();
        let mut counters = numbers.counters.clone();
        for (destination, state) in &numbers.templates {
            counters.insert(
                Series::labelled("agent.template.failures", "destination", destination),
                state.failures,
            );
        }
        counters
    }

    /// All gauges now.
    #[must_use]
    pub fn gauges(&self, now: SystemTime) -> BTreeMap<Series, f64> {
        let numbers = self.numbers();
        let mut gauges = numbers.gauges.clone();
        let left = |end: SystemTime| {
            end.duration_since(now)
                .map_or(0.0, |left| left.as_secs_f64())
        };
        for (destination, state) in &numbers.templates {
            let mut put = |name: &str, value: f64| {
                gauges.insert(Series::labelled(name, "destination", destination), value);
            };
            put(
                "agent.template.fresh",
                f64::from(u8::from(state.is_fresh())),
            );
            if let Some(success) = state.success {
                let since_epoch = success
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default();
                put(
                    "agent.template.last_success_timestamp_seconds",
                    since_epoch.as_secs_f64().floor(),
                );
                put(
                    "agent.template.age_seconds",
                    now.duration_since(success)
                        .unwrap_or_default()
                        .as_secs_f64()
                        .floor(),
                );
                put("agent.template.bytes", state.bytes as f64);
            }
        }
        if !numbers.templates.is_empty() {
            let fresh = numbers.templates.values().all(TemplateState::is_fresh);
            gauges.insert(
                Series::plain("agent.templates.fresh"),
                f64::from(u8::from(fresh)),
            );
        }
        if let Some(end) = numbers.token_ends {
            gauges.insert(Series::plain("agent.token.ttl_seconds"), left(end).floor());
        }
        for (dependency, end) in &numbers.leases {
            gauges.insert(
                Series::labelled("agent.lease.ttl_seconds", "dependency", dependency),
                left(*end).floor(),
            );
        }
        gauges
    }

    /// The templates that are not fresh: never rendered, or failing since.
    #[must_use]
    pub fn stale_templates(&self) -> Vec<String> {
        let numbers = self.numbers();
        let stale = numbers
            .templates
            .iter()
            .filter(|(_, state)| !state.is_fresh());
        stale.map(|(destination, _)| destination.clone()).collect()
    }

    /// Ready when a number has changed since it was last ready.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TemplateState {
    fn is_fresh(&self) -> bool {
        self.success.is_some() && !self.failing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(metrics: &Metrics, name: &str, now: SystemTime) -> Option<f64> {
        metrics
            .gauges(now)
            .into_iter()
            .find(|(series, _)| series.name == name)
            .map(|(_, value)| value)
    }

    #[test]
    fn all_templates_are_fresh_only_when_each_one_is() {
        let metrics = Metrics::default();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        assert_eq!(gauge(&metrics, "agent.templates.fresh", now), None);
        metrics.template("/a");
        metrics.template("/b");
        metrics.template_rendered("/a", 10, now);
        assert_eq!(gauge(&metrics, "agent.templates.fresh", now), Some(0.0));
        metrics.template_rendered("/b", 20, now);
        assert_eq!(gauge(&metrics, "agent.templates.fresh", now), Some(1.0));
        metrics.template_failed("/b");
        assert_eq!(metrics.stale_templates(), ["/b"]);
        metrics.template_rendered("/b", 20, now);
        assert_eq!(metrics.stale_templates(), Vec::<String>::new());
        assert_eq!(
            metrics
                .counters()
                .get(&Series::plain("agent.template.failure")),
            Some(&1)
        );
    }

    #[test]
    fn ages_and_times_to_live_follow_the_clock() {
        let metrics = Metrics::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        metrics.template_rendered("/a", 10, start);
        metrics.token_lasts(Some(Duration::from_secs(60)), start);
        metrics.lease_lasts("vault.read(db)", Some(Duration::from_secs(30)), start);
        let later = start + Duration::from_secs(40);
        assert_eq!(
            gauge(&metrics, "agent.template.age_seconds", later),
            Some(40.0)
        );
        assert_eq!(
            gauge(
                &metrics,
                "agent.template.last_success_timestamp_seconds",
                later
            ),
            Some(1000.0)
        );
        assert_eq!(
            gauge(&metrics, "agent.token.ttl_seconds", later),
            Some(20.0)
        );
        assert_eq!(gauge(&metrics, "agent.lease.ttl_seconds", later), Some(0.0));
        metrics.lease_lasts("vault.read(db)", None, later);
        assert_eq!(gauge(&metrics, "agent.lease.ttl_seconds", later), None);
    }
}
