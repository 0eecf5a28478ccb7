//! The telemetry parameters of the agents.

use pannier_go::json::{self, Json};
use serde_json::Value;

use crate::effective::Effective;
use crate::warning::Warnings;

/// What a parameter holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Bool,
    Texts,
}

use Kind::{Bool, Integer, Text, Texts};

const FAMILY: &str = "agent-telemetry-";

/// Every parameter, in the order in which they are written.
static PARAMETERS: &[(&str, Kind)] = &[
    ("usage_gauge_period", Text),
    ("maximum_gauge_cardinality", Integer),
    ("disable_hostname", Bool),
    ("enable_hostname_label", Bool),
    ("lease_metrics_epsilon", Text),
    ("num_lease_metrics_buckets", Integer),
    ("add_lease_metrics_namespace_labels", Bool),
    ("filter_default", Bool),
    ("prefix_filter", Texts),
    ("statsite_address", Text),
    ("statsd_address", Text),
    ("circonus_api_token", Text),
    ("circonus_api_app", Text),
    ("circonus_api_url", Text),
    ("circonus_submission_interval", Text),
    ("circonus_submission_url", Text),
    ("circonus_check_id", Text),
    ("circonus_check_force_metric_activation", Bool),
    ("circonus_check_instance_id", Text),
    ("circonus_check_search_tag", Text),
    ("circonus_check_display_name", Text),
    ("circonus_check_tags", Text),
    ("circonus_broker_id", Text),
    ("circonus_broker_select_tag", Text),
    ("dogstatsd_addr", Text),
    ("dogstatsd_tags", Texts),
    ("prometheus_retention_time", Text),
    ("stackdriver_project_id", Text),
    ("stackdriver_location", Text),
    ("stackdriver_namespace", Text),
    ("stackdriver_debug_logs", Bool),
];

/// Parameters that are given, in the order in which they are written.
pub(crate) type Telemetry = Vec<(&'static str, Value)>;

/// Reads the family: `None` without any of it. A parameter of the wrong type is left out with a warning.
pub(crate) fn read(annotations: &Effective<'_>, warnings: &mut Warnings) -> Option<Telemetry> {
    annotations.members(FAMILY).next()?;
    let mut values: Vec<Option<Value>> = vec![None; PARAMETERS.len()];
    let mut given: Vec<Option<&str>> = vec![None; PARAMETERS.len()];
    for (parameter, text) in annotations.members(FAMILY) {
        let key = format!("{FAMILY}{parameter}");
        let name = parameter.replace('-', "_");
        let Some(at) = PARAMETERS
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(&name))
        else {
            warnings.about(&key, "no such telemetry parameter: it is not used");
            continue;
        };
        if let Some(earlier) = given[at].replace(parameter) {
            warnings.about(
                &key,
                format!("names the same parameter as `{FAMILY}{earlier}`; this one counts"),
            );
        }
        match typed(PARAMETERS[at].1, text) {
            Ok(value) => values[at] = value,
            Err(expected) => {
                values[at] = None;
                warnings.about(
                    &key,
                    format!("expected {expected}: the parameter is left out"),
                );
            }
        }
    }
    let known = PARAMETERS
        .iter()
        .zip(values)
        .filter_map(|((name, _), value)| Some((*name, value?)));
    Some(known.collect())
}

/// The value, `None` when it is the type's zero, or what was expected.
fn typed(kind: Kind, text: &str) -> Result<Option<Value>, &'static str> {
    let value = json::decode(text).unwrap_or_else(|_| Json::String(text.to_owned()));
    if value.is_null() {
        return Ok(None);
    }
    match kind {
        Text => match &value {
            // A number is meant as text here: `30` is a duration, `123` an identifier.
            Json::String(text) | Json::Number(text) => {
                Ok((!text.is_empty()).then(|| Value::from(text.as_str())))
            }
            _ => Err("text"),
        },
        Integer => match value.as_i64() {
            Some(number) => Ok((number != 0).then(|| Value::from(number))),
            None => Err("an integer"),
        },
        Bool => match value.as_bool() {
            Some(value) => Ok(value.then_some(Value::Bool(true))),
            None => Err("`true` or `false`"),
        },
        Texts => {
            let items = value.as_array().ok_or("a JSON list of strings")?;
            let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            let texts = texts.ok_or("a JSON list of strings")?;
            Ok((!texts.is_empty()).then(|| Value::from(texts)))
        }
    }
}
