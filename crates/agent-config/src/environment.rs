//! The environment as the agent reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use pannier_go::{Duration as GoDuration, boolean, integer};
use pannier_redacted::Redacted;

/// One variable that the agent reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name. `BAO_X` is read wherever `VAULT_X` is, which comes first.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

const fn variable(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning }
}

/// Every variable that the agent itself reads, in alphabetical order.
pub static VARIABLES: [Variable; 27] = [
    variable(
        "HTTPS_PROXY",
        "Proxy for https addresses; also in lower case.",
    ),
    variable(
        "HTTP_PROXY",
        "Proxy for http addresses; also in lower case.",
    ),
    variable(
        "NO_PROXY",
        "Hosts reached without a proxy; also in lower case.",
    ),
    variable(
        "VAULT_ADDR",
        "The server's URL: http, https or unix:///path.",
    ),
    variable(
        "VAULT_AGENT_CONFIG_PATH",
        "The configuration, when no -config is given.",
    ),
    variable(
        "VAULT_AGENT_DISABLE_IDLE_CONNECTIONS",
        "Replaces disable_idle_connections: a list with commas.",
    ),
    variable(
        "VAULT_AGENT_DISABLE_KEEP_ALIVES",
        "Replaces disable_keep_alives: a list with commas.",
    ),
    variable("VAULT_CACERT", "PEM file with the certificates to trust."),
    variable(
        "VAULT_CACERT_BYTES",
        "The same as text; VAULT_CACERT comes first.",
    ),
    variable(
        "VAULT_CAPATH",
        "Directory of such files; the two above come first.",
    ),
    variable(
        "VAULT_CLIENT_CERT",
        "PEM file with the agent's certificate; needs VAULT_CLIENT_KEY.",
    ),
    variable("VAULT_CLIENT_CERT_BYTES", "The same as text."),
    variable(
        "VAULT_CLIENT_KEY",
        "PEM file with the agent's key; needs VAULT_CLIENT_CERT.",
    ),
    variable("VAULT_CLIENT_KEY_BYTES", "The same as text."),
    variable(
        "VAULT_CLIENT_TIMEOUT",
        "Limit of a whole call, 60s unless set; a number is in seconds.",
    ),
    variable("VAULT_DISABLE_REDIRECTS", "Follow no redirect."),
    variable("VAULT_HTTP_PROXY", "Proxy for every request."),
    variable("VAULT_LOG_FORMAT", "standard or json."),
    variable("VAULT_LOG_LEVEL", "trace, debug, info, warn or error."),
    variable(
        "VAULT_MAX_RETRIES",
        "How often a failed request is made again.",
    ),
    variable("VAULT_NAMESPACE", "Namespace of every request."),
    variable(
        "VAULT_PROXY_ADDR",
        "Proxy for every request; comes before VAULT_HTTP_PROXY.",
    ),
    variable(
        "VAULT_RATE_LIMIT",
        "Requests per second: rate or rate:burst.",
    ),
    variable("VAULT_SKIP_VERIFY", "Trust any certificate."),
    variable(
        "VAULT_SRV_LOOKUP",
        "Find the server's port in DNS (SRV) when the URL has none.",
    ),
    variable(
        "VAULT_TLS_SERVER_NAME",
        "Name that is asked for and checked.",
    ),
    variable("VAULT_TOKEN", "Token of requests that have no better one."),
];

/// The variables of a process. `Debug` shows their names only.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Redacted>);

/// A variable's value is not what it must be; the sentence is the reference's with our names in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read environment: {0}")]
pub struct EnvironmentError(pub(crate) String);

impl Environment {
    /// Takes over the variables, such as those of `std::env::vars_os` that are UTF-8.
    pub fn new<K: Into<String>, V: Into<Redacted>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// The value of `VAULT_X` or else of `BAO_X`, also when it is empty. Other names are read as they are.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let alias = || self.0.get(&format!("BAO_{}", name.strip_prefix("VAULT_")?));
        self.0.get(name).or_else(alias).map(Redacted::expose)
    }

    /// As [`Self::get`], but an empty value is none.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A boolean in Go's texts.
    pub(crate) fn bool(&self, name: &str) -> Result<Option<bool>, EnvironmentError> {
        let Some(value) = self.set(name) else {
            return Ok(None);
        };
        boolean::parse(value)
            .map(Some)
            .map_err(|_| EnvironmentError(format!("could not parse {name}")))
    }

    /// A duration; a number is in seconds.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<Duration>, EnvironmentError> {
        let Some(value) = self.set(name) else {
            return Ok(None);
        };
        let duration = GoDuration::parse_seconds(value)
            .ok()
            .and_then(GoDuration::to_std);
        duration
            .map(Some)
            .ok_or_else(|| EnvironmentError(format!("could not parse \"{name}\"")))
    }

    /// A whole number of at least 0.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u32>, EnvironmentError> {
        let Some(value) = self.set(name) else {
            return Ok(None);
        };
        let number =
            integer::parse_int(value, 10).map_err(|error| EnvironmentError(error.to_string()))?;
        let out_of_range = format!(
            "error parsing int value; out of range [0 to {}]: {number}",
            i64::MAX
        );
        // As often as nobody will ever live to see.
        u64::try_from(number)
            .map(|number| Some(u32::try_from(number).unwrap_or(u32::MAX)))
            .map_err(|_| EnvironmentError(out_of_range))
    }

    /// `rate` or `rate:burst`, in requests per second.
    pub(crate) fn rate(&self, name: &str) -> Result<Option<(f64, u32)>, EnvironmentError> {
        let Some(value) = self.set(name) else {
            return Ok(None);
        };
        let (rate, burst) = match value.split_once(':') {
            Some((rate, burst)) => (rate, burst.trim().parse().ok()),
            None => (
                value,
                Some(
                    value
                        .split('.')
                        .next()
                        .and_then(|whole| whole.trim().parse().ok())
                        .unwrap_or(0),
                ),
            ),
        };
        let rate = rate
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|rate| rate.is_finite() && *rate >= 0.0);
        match (rate, burst) {
            (Some(rate), Some(burst)) => Ok(Some((rate, burst))),
            _ => Err(EnvironmentError(format!(
                "{name} was provided but incorrectly formatted"
            ))),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The variables as a Markdown table.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from("| variable | meaning |\n| --- | --- |\n");
    for Variable { name, meaning } in VARIABLES {
        out.push_str(&format!("| `{name}` | {meaning} |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vault_name_comes_before_the_bao_name() {
        let both = Environment::new([("VAULT_ADDR", "v"), ("BAO_ADDR", "b"), ("BAO_TOKEN", "t")]);
        assert_eq!(both.get("VAULT_ADDR"), Some("v"));
        assert_eq!(both.get("VAULT_TOKEN"), Some("t"));
        assert_eq!(both.get("VAULT_CACERT"), None);
        assert!(!format!("{both:?}").contains("\"t\""));
    }

    #[test]
    fn bad_values_are_told_in_the_references_words() {
        let environment = |value: &str| Environment::new([("VAULT_X", value)]);
        let told = |result: Result<(), EnvironmentError>| result.map_err(|error| error.to_string());
        for (result, text) in [
            (
                environment("yes").bool("VAULT_X").map(drop),
                "could not parse VAULT_X",
            ),
            (
                environment("x").seconds("VAULT_X").map(drop),
                "could not parse \"VAULT_X\"",
            ),
            (
                environment("x").count("VAULT_X").map(drop),
                "strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                environment("-1").count("VAULT_X").map(drop),
                "error parsing int value; out of range [0 to 9223372036854775807]: -1",
            ),
            (
                environment("x").rate("VAULT_X").map(drop),
                "VAULT_X was provided but incorrectly formatted",
            ),
            (
                environment("1:x").rate("VAULT_X").map(drop),
                "VAULT_X was provided but incorrectly formatted",
            ),
        ] {
            assert_eq!(
                told(result),
                Err(format!("failed to read environment: {text}"))
            );
        }
    }

    #[test]
    fn good_values_are_read() {
        let environment = |value: &str| Environment::new([("VAULT_X", value)]);
        assert_eq!(environment("T").bool("VAULT_X"), Ok(Some(true)));
        assert_eq!(environment("").bool("VAULT_X"), Ok(None));
        assert_eq!(
            environment("90").seconds("VAULT_X"),
            Ok(Some(Duration::from_secs(90)))
        );
        assert_eq!(
            environment("1m").seconds("VAULT_X"),
            Ok(Some(Duration::from_secs(60)))
        );
        assert_eq!(environment("3").count("VAULT_X"), Ok(Some(3)));
        assert_eq!(environment("2.5").rate("VAULT_X"), Ok(Some((2.5, 2))));
        assert_eq!(environment("2.5:7").rate("VAULT_X"), Ok(Some((2.5, 7))));
    }

    #[test]
    fn the_table_is_in_alphabetical_order() {
        assert!(VARIABLES.is_sorted_by_key(|variable| variable.name));
    }
}
