use std::time::Duration;

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
