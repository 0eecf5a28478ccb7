//! Counters and gauges of the agent, by the names operators know.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// All numbers, by name without the product's prefix, for example `agent.auth.success`.
#[derive(Debug, Default)]
pub struct Metrics {
    counters: Mutex<BTreeMap<String, u64>>,
    gauges: Mutex<BTreeMap<String, f64>>,
}

impl Metrics {
    /// Adds one.
    pub fn count(&self, name: &str) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.entry(name.to_owned()).or_default() += 1;
    }

    /// Sets a gauge.
    pub fn set(&self, name: &str, value: f64) {
        self.gauges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), value);
    }

    /// All counters now.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// All gauges now.
    #[must_use]
    pub fn gauges(&self) -> BTreeMap<String, f64> {
        self.gauges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
