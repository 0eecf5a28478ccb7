use std::time::Duration;

use crate::ast::{Literal, Scalar, Value};
use crate::stanza::{Reading, Stanza};

/// The `telemetry` stanza. Keys that mean nothing in a pod are read and forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// `statsd_address`: `host:port` for UDP.
    pub statsd_address: Option<String>,
    /// `statsite_address`: `host:port` for TCP.
    pub statsite_address: Option<String>,
    /// `dogstatsd_addr`: `host:port` for UDP, with tags.
    pub dogstatsd_address: Option<String>,
    /// `dogstatsd_tags`.
    pub dogstatsd_tags: Vec<String>,
    /// `disable_hostname`: leave the host name out of gauge names.
    pub disable_hostname: bool,
    /// `enable_hostname_label`: give the host name as a label instead.
    pub enable_hostname_label: bool,
    /// `metrics_prefix`, `vault` unless given.
    pub metrics_prefix: String,
    /// `prometheus_retention_time`, 24 h unless given; `None` (given as 0) turns Prometheus off.
    pub prometheus_retention_time: Option<Duration>,
    /// `prefix_filter`: `+prefix` and `-prefix`.
    pub prefix_filter: Vec<String>,
    /// `filter_default`: whether a series that no filter names is shown.
    pub filter_default: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            statsd_address: None,
            statsite_address: None,
            dogstatsd_address: None,
            dogstatsd_tags: Vec::new(),
            disable_hostname: false,
            enable_hostname_label: false,
            metrics_prefix: "vault".to_owned(),
            prometheus_retention_time: Some(Duration::from_hours(24)),
            prefix_filter: Vec::new(),
            filter_default: true,
        }
    }
}

impl Telemetry {
    pub(crate) fn read(stanza: Stanza<'_>, reading: &mut Reading) -> Self {
        const PREFIX: &str = "error parsing 'telemetry': ";
        let stanza = stanza
            .on_its_own(&format!("{PREFIX}telemetry: "))
            .called(PREFIX);
        let default = Self::default();
        let retention = stanza.seconds(reading, "prometheus_retention_time");
        // Of no use here, but what the reference refuses is a mistake.
        if stanza
            .get("usage_gauge_period")
            .is_some_and(|value| !is_none(value))
        {
            stanza.seconds(reading, "usage_gauge_period");
        }
        stanza.seconds(reading, "lease_metrics_epsilon");
        let counts = stanza.clone().called(&format!("{PREFIX}telemetry: "));
        counts.integer(reading, "maximum_gauge_cardinality");
        counts.integer(reading, "num_lease_metrics_buckets");
        Self {
            statsd_address: stanza.set_text(reading, "statsd_address"),
            statsite_address: stanza.set_text(reading, "statsite_address"),
            dogstatsd_address: stanza.set_text(reading, "dogstatsd_addr"),
            dogstatsd_tags: stanza.texts(reading, "dogstatsd_tags").unwrap_or_default(),
            disable_hostname: stanza
                .strict_bool(reading, "disable_hostname")
                .unwrap_or(false),
            enable_hostname_label: stanza
                .strict_bool(reading, "enable_hostname_label")
                .unwrap_or(false),
            metrics_prefix: stanza
                .set_text(reading, "metrics_prefix")
                .unwrap_or(default.metrics_prefix),
            prometheus_retention_time: retention
                .map_or(default.prometheus_retention_time, |time| {
                    (!time.is_zero()).then_some(time)
                }),
            prefix_filter: stanza.texts(reading, "prefix_filter").unwrap_or_default(),
            filter_default: stanza
                .strict_bool(reading, "filter_default")
                .unwrap_or(true),
        }
    }
}

/// The word that turns a period off.
fn is_none(value: &Value) -> bool {
    matches!(value, Value::Literal(Literal { scalar: Scalar::Text(text), .. }) if text == "none")
}
