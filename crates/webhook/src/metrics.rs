//! What can be scraped: the reference's series, and those about certificates that it lacks.

use jiff::Timestamp;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

/// Upper bounds of the duration histogram, in milliseconds (as in the reference).
const BUCKETS: [f64; 13] = [
    5., 10., 25., 50., 75., 100., 250., 500., 1000., 2500., 5000., 7500., 10000.,
];

/// What `/metrics` says it is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All series of the process.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    queue: IntGauge,
    duration: Histogram,
    injections: IntCounterVec,
    failures: IntCounterVec,
    denials: IntCounterVec,
    unreadable: IntCounterVec,
    panics: IntCounter,
    connections: IntGauge,
    expiry: Gauge,
    ready: IntGauge,
    bundle_current: IntGauge,
    bundle_authorities: IntGauge,
    bundle_writes: IntCounterVec,
}

impl Metrics {
    /// Registers every series; `version` becomes a label of the build information.
    ///
    /// # Errors
    /// A name is taken twice, which a test rules out.
    pub(crate) fn new(version: &str) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
        };
        let histogram = HistogramOpts::new(
            "vault_agent_injector_request_processing_duration_ms",
            "Histogram of webhook request processing times in milliseconds",
        );
        let build = GaugeVec::new(
            Opts::new(
                "pannier_build_info",
                "Always 1; the label says which build runs",
            ),
            &["version"],
        )?;
        build.with_label_values(&[version]).set(1.0);
        let this = Self {
            registry: Registry::new(),
            queue: IntGauge::new(
                "vault_agent_injector_request_queue_length",
                "Requests to the webhook in progress",
            )?,
            duration: Histogram::with_opts(histogram.buckets(BUCKETS.to_vec()))?,
            injections: counters(
                "vault_agent_injector_injections_by_namespace_total",
                "Pods that got an agent, by namespace and by which agents they got",
                &["namespace", "injection_type"],
            )?,
            failures: counters(
                "vault_agent_injector_failed_injections_by_namespace_total",
                "Pods that were denied, by namespace",
                &["namespace"],
            )?,
            denials: counters(
                "pannier_webhook_denials_total",
                "Pods that were denied, by reason",
                &["reason"],
            )?,
            unreadable: counters(
                "pannier_webhook_refused_requests_total",
                "Requests that were no admission review, by HTTP status",
                &["code"],
            )?,
            panics: IntCounter::new(
                "pannier_webhook_panics_total",
                "Requests that met a bug; each is worth a report",
            )?,
            connections: IntGauge::new("pannier_webhook_connections", "Open connections")?,
            expiry: Gauge::new(
                "pannier_webhook_certificate_expiry_timestamp_seconds",
                "When the certificate in service ends, in seconds since 1970; 0 without one",
            )?,
            ready: IntGauge::new(
                "pannier_webhook_ready",
                "1 while a certificate that the API server trusts is in service",
            )?,
            bundle_current: IntGauge::new(
                "pannier_webhook_ca_bundle_current",
                "1 while the webhook configuration's caBundle holds what it should; absent duty counts as 1",
            )?,
            bundle_authorities: IntGauge::new(
                "pannier_webhook_ca_bundle_authorities",
                "Certificates in the webhook configuration's caBundle as last seen",
            )?,
            bundle_writes: counters(
                "pannier_webhook_ca_bundle_writes_total",
                "Writes of the caBundle, by result",
                &["result"],
            )?,
        };
        this.bundle_current.set(1);
        let all: [Box<dyn prometheus::core::Collector>; 15] = [
            Box::new(this.queue.clone()),
            Box::new(this.duration.clone()),
            Box::new(this.injections.clone()),
            Box::new(this.failures.clone()),
            Box::new(this.denials.clone()),
            Box::new(this.unreadable.clone()),
            Box::new(this.panics.clone()),
            Box::new(this.connections.clone()),
            Box::new(this.expiry.clone()),
            Box::new(this.ready.clone()),
            Box::new(this.bundle_current.clone()),
            Box::new(this.bundle_authorities.clone()),
            Box::new(this.bundle_writes.clone()),
            Box::new(build),
            Box::new(started()?),
        ];
        for collector in all {
            this.registry.register(collector)?;
        }
        Ok(this)
    }

    /// Counts a request as in progress until the value is dropped; then its duration is recorded.
    #[must_use]
    pub(crate) fn request(&self) -> InProgress {
        self.queue.inc();
        InProgress {
            queue: self.queue.clone(),
            duration: self.duration.clone(),
            begun: std::time::Instant::now(),
        }
    }

    /// A pod got at least one agent; `kind` is `init_and_sidecar`, `init_only` or `sidecar_only`.
    pub(crate) fn injected(&self, namespace: &str, kind: &str) {
        self.injections.with_label_values(&[namespace, kind]).inc();
    }

    /// A pod was denied.
    pub(crate) fn denied(&self, namespace: &str, reason: &str) {
        self.failures.with_label_values(&[namespace]).inc();
        self.denials.with_label_values(&[reason]).inc();
    }

    /// A request got an HTTP error.
    pub(crate) fn refused(&self, status: u16) {
        self.unreadable
            .with_label_values(&[&status.to_string()])
            .inc();
    }

    /// A request met a bug.
    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    /// A connection is open until the value is dropped.
    #[must_use]
    pub(crate) fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// The caBundle was seen with so many authorities, and holds all it should or not.
    pub(crate) fn bundle_seen(&self, authorities: usize, is_current: bool) {
        self.bundle_authorities
            .set(i64::try_from(authorities).unwrap_or(i64::MAX));
        self.bundle_current.set(i64::from(is_current));
    }

    /// The caBundle was written: `ok`, `conflict` or `error`.
    pub(crate) fn bundle_written(&self, result: &str) {
        self.bundle_writes.with_label_values(&[result]).inc();
    }

    /// The text for a scrape.
    #[must_use]
    pub(crate) fn text(&self, ready: bool, not_after: Option<Timestamp>) -> Vec<u8> {
        self.ready.set(i64::from(ready));
        self.expiry
            .set(not_after.map_or(0.0, |time| time.as_second() as f64));
        let mut text = Vec::new();
        // Writing into memory cannot fail; were it to, an empty page is the honest answer.
        if TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .is_err()
        {
            text.clear();
        }
        text
    }
}

fn started() -> Result<Gauge, prometheus::Error> {
    let started = Gauge::new(
        "process_start_time_seconds",
        "When the process began, in seconds since 1970",
    )?;
    started.set(Timestamp::now().as_second() as f64);
    Ok(started)
}

/// See [`Metrics::request`].
#[derive(Debug)]
pub(crate) struct InProgress {
    queue: IntGauge,
    duration: Histogram,
    begun: std::time::Instant,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.queue.dec();
        // Whole milliseconds, as in the reference.
        self.duration
            .observe(self.begun.elapsed().as_millis() as f64);
    }
}

/// See [`Metrics::connection`].
#[derive(Debug)]
pub(crate) struct OpenConnection(IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_references_series_keep_their_names_types_and_labels() {
        let metrics = Metrics::new("0.0.0").unwrap();
        metrics.injected("app", "init_and_sidecar");
        metrics.denied("app", "role");
        let held = metrics.request();
        let text = String::from_utf8(
            metrics.text(true, Some(Timestamp::from_second(1_800_000_000).unwrap())),
        )
        .unwrap();
        for line in [
            "# TYPE vault_agent_injector_request_queue_length gauge",
            "vault_agent_injector_request_queue_length 1",
            "# TYPE vault_agent_injector_request_processing_duration_ms histogram",
            "# TYPE vault_agent_injector_injections_by_namespace_total counter",
            "vault_agent_injector_injections_by_namespace_total{injection_type=\"init_and_sidecar\",namespace=\"app\"} 1",
            "# TYPE vault_agent_injector_failed_injections_by_namespace_total counter",
            "vault_agent_injector_failed_injections_by_namespace_total{namespace=\"app\"} 1",
            "pannier_webhook_denials_total{reason=\"role\"} 1",
            "pannier_webhook_certificate_expiry_timestamp_seconds 1800000000",
            "pannier_webhook_ready 1",
            "pannier_build_info{version=\"0.0.0\"} 1",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "no line `{line}` in\n{text}"
            );
        }
        drop(held);
        let text = String::from_utf8(metrics.text(false, None)).unwrap();
        for line in [
            "vault_agent_injector_request_queue_length 0",
            "vault_agent_injector_request_processing_duration_ms_bucket{le=\"5\"} 1",
            "vault_agent_injector_request_processing_duration_ms_bucket{le=\"+Inf\"} 1",
            "vault_agent_injector_request_processing_duration_ms_count 1",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "no line `{line}` in\n{text}"
            );
        }
        for name in text
            .lines()
            .filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next())
        {
            assert!(
                text.contains(&format!("# HELP {name} ")),
                "{name} has no HELP"
            );
        }
    }
}
