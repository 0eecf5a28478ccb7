//! How the numbers are shown: as Vault's JSON, for Prometheus, and as one verdict on health.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use pannier_agent_config::Telemetry;
use pannier_go::json::{Json, Style, float_text};

use super::{Metrics, Series};
use crate::token::Tokens;

/// The numbers and how the configuration wants to see them.
pub(crate) struct Shown {
    pub(crate) metrics: Arc<Metrics>,
    /// The stanza; without one there is no Prometheus.
    pub(crate) telemetry: Option<Telemetry>,
    /// The host's name, for gauges.
    pub(crate) host: String,
    pub(crate) tokens: Tokens,
    /// Whether the agent logs in at all.
    pub(crate) logs_in: bool,
}

/// How a client wants to see the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Prometheus,
}

impl Format {
    /// By the query's `format`, else by the `Accept` header; JSON unless wanted otherwise.
    ///
    /// # Errors
    ///
    /// The format that is none of ours.
    pub(crate) fn wanted(query: &str, accept: &str) -> Result<Self, String> {
        let format = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("format="));
        match format.unwrap_or_default() {
            "" => {}
            "prometheus" => return Ok(Self::Prometheus),
            unknown => return Err(unknown.to_owned()),
        }
        let prometheus = accept.contains("application/openmetrics-text")
            || accept.contains("prometheus/telemetry");
        let text = accept.contains("text/plain") && accept.contains("version=");
        Ok(if prometheus || text {
            Self::Prometheus
        } else {
            Self::Json
        })
    }
}

impl Shown {
    /// Vault's JSON: every number since the start.
    pub(crate) fn json(&self) -> String {
        let now = SystemTime::now();
        let mut out = String::from("{\"Timestamp\":");
        let _ = write!(out, "\"{}\",\"Gauges\":[", timestamp(now));
        let mut comma = "";
        for (series, value) in self.metrics.gauges(now) {
            if let Some(head) = self.json_head(&series, true) {
                let _ = write!(
                    out,
                    "{comma}{{{head},\"Value\":{},{}}}",
                    number(value),
                    labels(&series)
                );
                comma = ",";
            }
        }
        out.push_str("],\"Points\":[],\"Counters\":[");
        comma = "";
        for (series, count) in self.metrics.counters() {
            if let Some(head) = self.json_head(&series, false) {
                let _ = write!(
                    out,
                    "{comma}{{{head},\"Count\":{count},\"Rate\":0,\"Sum\":{count},\"Min\":1,\"Max\":1,\"Mean\":1,\"Stddev\":0,{}}}",
                    labels(&series)
                );
                comma = ",";
            }
        }
        out.push_str("],\"Samples\":[]}");
        out
    }

    fn json_head(&self, series: &Series, gauge: bool) -> Option<String> {
        let name = self.full_name(series, gauge)?;
        Some(format!(
            "\"Name\":{}",
            Json::String(name).encode(Style::COMPACT)
        ))
    }

    /// Prometheus' text; `None` when it is off.
    pub(crate) fn prometheus(&self) -> Option<String> {
        self.telemetry.as_ref()?.prometheus_retention_time?;
        let now = SystemTime::now();
        let mut out = String::new();
        let mut last = String::new();
        let counters = self
            .metrics
            .counters()
            .into_iter()
            .map(|(series, count)| (series, count as f64, "counter"));
        let gauges = self
            .metrics
            .gauges(now)
            .into_iter()
            .map(|(series, value)| (series, value, "gauge"));
        for (series, value, kind) in counters.chain(gauges) {
            let Some(name) = self.full_name(&series, kind == "gauge") else {
                continue;
            };
            let name: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '_' || c == ':' {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            if name != last {
                let _ = write!(out, "# HELP {name} {name}\n# TYPE {name} {kind}\n");
                last.clone_from(&name);
            }
            out.push_str(&name);
            let host = self.host_label().map(|host| ("host", host.to_owned()));
            let all: Vec<String> = series
                .label
                .iter()
                .cloned()
                .chain(host)
                .map(|(name, value)| format!("{name}=\"{}\"", escape(&value)))
                .collect();
            if !all.is_empty() {
                let _ = write!(out, "{{{}}}", all.join(","));
            }
            let _ = writeln!(out, " {}", number(value));
        }
        Some(out)
    }

    /// One line for each number, as the reference writes them at SIGUSR1: `[time][C] 'name': Count: 1 Sum: 1.000`.
    pub(crate) fn dump(&self) -> String {
        let now = SystemTime::now();
        let mut out = String::new();
        let time = timestamp(now);
        let mut line = |series: &Series, gauge: bool, value: String| {
            if let Some(mut name) = self.full_name(series, gauge) {
                if let Some((_, label)) = &series.label {
                    name = format!("{name}.{}", label.replace(['\n', ':', ' '], "_"));
                }
                let kind = if gauge { 'G' } else { 'C' };
                let _ = writeln!(out, "[{time}][{kind}] '{name}': {value}");
            }
        };
        for (series, value) in self.metrics.gauges(now) {
            line(&series, true, format!("{value:.3}"));
        }
        for (series, count) in self.metrics.counters() {
            line(&series, false, format!("Count: {count} Sum: {count}.000"));
        }
        out
    }

    /// Whether all is well, and why not: logged in, and every template fresh.
    pub(crate) fn health(&self) -> (bool, String) {
        let authenticated = !self.logs_in || self.tokens.borrow().is_some();
        let stale = self.metrics.stale_templates();
        let healthy = authenticated && stale.is_empty();
        let stale =
            Json::Array(stale.into_iter().map(Json::String).collect()).encode(Style::COMPACT);
        (
            healthy,
            format!(
                "{{\"healthy\":{healthy},\"authenticated\":{authenticated},\"stale_templates\":{stale}}}"
            ),
        )
    }

    /// The name with product and host before it; `None` for a series that is filtered out.
    pub(crate) fn full_name(&self, series: &Series, gauge: bool) -> Option<String> {
        let default = Telemetry::default();
        let telemetry = self.telemetry.as_ref().unwrap_or(&default);
        let Telemetry {
            metrics_prefix,
            disable_hostname,
            enable_hostname_label,
            ..
        } = telemetry;
        let plain = format!("{metrics_prefix}.{}", series.name);
        if !allowed(telemetry, &plain) {
            return None;
        }
        let with_host =
            gauge && self.telemetry.is_some() && !disable_hostname && !enable_hostname_label;
        Some(if with_host {
            format!("{metrics_prefix}.{}.{}", self.host, series.name)
        } else {
            plain
        })
    }

    fn host_label(&self) -> Option<&str> {
        self.telemetry
            .as_ref()
            .filter(|telemetry| telemetry.enable_hostname_label)
            .map(|_| self.host.as_str())
    }
}

fn timestamp(now: SystemTime) -> String {
    let now = Timestamp::try_from(now).unwrap_or_default();
    now.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

/// The longest prefix of the filters that fits decides.
fn allowed(telemetry: &Telemetry, name: &str) -> bool {
    let filters = telemetry.prefix_filter.iter().filter_map(|filter| {
        let (allow, prefix) = match filter.split_at_checked(1)? {
            ("+", prefix) => (true, prefix),
            ("-", prefix) => (false, prefix),
            _ => return None,
        };
        name.starts_with(prefix).then_some((prefix.len(), allow))
    });
    filters
        .max_by_key(|(length, _)| *length)
        .map_or(telemetry.filter_default, |(_, allow)| allow)
}

fn labels(series: &Series) -> String {
    let text = |text: &str| Json::String(text.to_owned()).encode(Style::COMPACT);
    match &series.label {
        Some((name, value)) => format!("\"Labels\":{{{}:{}}}", text(name), text(value)),
        None => "\"Labels\":{}".to_owned(),
    }
}

fn number(value: f64) -> String {
    float_text(value).unwrap_or_else(|| "0".to_owned())
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn shown(telemetry: Option<Telemetry>) -> Shown {
        let metrics = Arc::new(Metrics::default());
        metrics.count("agent.auth.success");
        metrics.set("agent.authenticated", 1.0);
        metrics.template("/vault/secrets/a\"b");
        let (_, tokens) = tokio::sync::watch::channel(None);
        Shown {
            metrics,
            telemetry,
            host: "pod-1".to_owned(),
            tokens,
            logs_in: true,
        }
    }

    #[test]
    fn the_format_is_asked_for_by_query_or_header() {
        for (query, accept, format) in [
            ("", "", Ok(Format::Json)),
            ("", "*/*", Ok(Format::Json)),
            ("", "text/plain", Ok(Format::Json)),
            ("format=", "", Ok(Format::Json)),
            ("format=prometheus", "", Ok(Format::Prometheus)),
            ("a=b&format=prometheus", "", Ok(Format::Prometheus)),
            (
                "",
                "application/openmetrics-text; version=1.0.0,text/plain",
                Ok(Format::Prometheus),
            ),
            ("", "text/plain;version=0.0.4;q=0.3", Ok(Format::Prometheus)),
            ("format=xx", "", Err("xx".to_owned())),
        ] {
            assert_eq!(Format::wanted(query, accept), format, "{query} {accept}");
        }
    }

    #[test]
    fn prometheus_needs_the_stanza_and_a_retention() {
        assert_eq!(shown(None).prometheus(), None);
        let off = Telemetry {
            prometheus_retention_time: None,
            ..Telemetry::default()
        };
        assert_eq!(shown(Some(off)).prometheus(), None);
    }

    #[test]
    fn prometheus_text_has_the_references_names() {
        let text = shown(Some(Telemetry {
            disable_hostname: true,
            ..Telemetry::default()
        }))
        .prometheus()
        .unwrap();
        assert_eq!(
            text,
            "# HELP vault_agent_auth_success vault_agent_auth_success\n\
             # TYPE vault_agent_auth_success counter\n\
             vault_agent_auth_success 1\n\
             # HELP vault_agent_template_failures vault_agent_template_failures\n\
             # TYPE vault_agent_template_failures counter\n\
             vault_agent_template_failures{destination=\"/vault/secrets/a\\\"b\"} 0\n\
             # HELP vault_agent_authenticated vault_agent_authenticated\n\
             # TYPE vault_agent_authenticated gauge\n\
             vault_agent_authenticated 1\n\
             # HELP vault_agent_template_fresh vault_agent_template_fresh\n\
             # TYPE vault_agent_template_fresh gauge\n\
             vault_agent_template_fresh{destination=\"/vault/secrets/a\\\"b\"} 0\n\
             # HELP vault_agent_templates_fresh vault_agent_templates_fresh\n\
             # TYPE vault_agent_templates_fresh gauge\n\
             vault_agent_templates_fresh 0\n"
        );
    }

    #[test]
    fn gauges_carry_the_host_unless_told_otherwise() {
        let text = shown(Some(Telemetry::default())).prometheus().unwrap();
        assert!(
            text.contains("\nvault_pod_1_agent_authenticated 1\n")
                && text.contains("\nvault_agent_auth_success 1\n"),
            "{text}"
        );
        let label = Telemetry {
            enable_hostname_label: true,
            metrics_prefix: "x".to_owned(),
            ..Telemetry::default()
        };
        let text = shown(Some(label)).prometheus().unwrap();
        assert!(
            text.contains("\nx_agent_authenticated{host=\"pod-1\"} 1\n"),
            "{text}"
        );
    }

    #[test]
    fn the_longest_prefix_filter_decides() {
        let with = |filters: &[&str], default| Telemetry {
            prefix_filter: filters.iter().map(|filter| (*filter).to_owned()).collect(),
            filter_default: default,
            ..Telemetry::default()
        };
        for (filters, default, allow) in [
            (&[][..], true, true),
            (&[], false, false),
            (&["-vault.agent"], true, false),
            (&["-vault.agent", "+vault.agent.auth"], true, true),
            (&["+vault.agent", "-vault.agent.auth"], false, false),
            (&["vault"], true, true),
        ] {
            assert_eq!(
                allowed(&with(filters, default), "vault.agent.auth.success"),
                allow,
                "{filters:?}"
            );
        }
    }

    #[test]
    fn json_is_vaults_snapshot() {
        let text = shown(None).json();
        assert!(text.starts_with("{\"Timestamp\":\"2"), "{text}");
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["Counters"][0]["Name"], "vault.agent.auth.success");
        assert_eq!(parsed["Counters"][0]["Count"], 1);
        assert_eq!(
            parsed["Gauges"][1]["Labels"]["destination"],
            "/vault/secrets/a\"b"
        );
    }

    #[test]
    fn health_is_a_token_and_fresh_templates() {
        let (sender, tokens) = tokio::sync::watch::channel(None);
        let shown = Shown {
            tokens,
            ..shown(None)
        };
        assert_eq!(
            shown.health(),
            (false, "{\"healthy\":false,\"authenticated\":false,\"stale_templates\":[\"/vault/secrets/a\\\"b\"]}".to_owned())
        );
        sender.send_replace(Some(crate::token::Token::Plain("t".into())));
        shown
            .metrics
            .template_rendered("/vault/secrets/a\"b", 1, SystemTime::now());
        assert!(shown.health().0);
    }
}
