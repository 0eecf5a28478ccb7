//! What Vault's endpoints answer with.

use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;

use crate::error::Error;

/// The body of an answer. Absent members have Go's zero values, as in Vault's own clients.
#[derive(Debug, Clone, Default)]
pub struct Secret {
    /// `request_id`.
    pub request_id: String,
    /// `lease_id`; empty when there is no lease.
    pub lease_id: String,
    /// `lease_duration` in seconds.
    pub lease_duration: i64,
    /// Whether the lease can be renewed.
    pub renewable: bool,
    /// `data`, when it is an object. Of an answer without the usual members (`sys/health`) it is the whole.
    pub data: Option<Json>,
    /// `warnings`.
    pub warnings: Vec<String>,
    /// `auth`: a new token.
    pub auth: Option<Auth>,
    /// `wrap_info`: the answer was wrapped.
    pub wrap_info: Option<WrapInfo>,
}

/// A token and what is known of it.
#[derive(Debug, Clone, Default)]
pub struct Auth {
    /// The token.
    pub client_token: Redacted,
    /// Its accessor, with which it can be revoked.
    pub accessor: String,
    /// All its policies.
    pub policies: Vec<String>,
    /// Facts the auth method knows, by name.
    pub metadata: Option<Json>,
    /// Time to live in seconds.
    pub lease_duration: i64,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// `service` or `batch`.
    pub token_type: String,
    /// Whether it has no parent.
    pub orphan: bool,
}

/// Where a wrapped answer lies.
#[derive(Debug, Clone, Default)]
pub struct WrapInfo {
    /// The token that opens it, once.
    pub token: Redacted,
    /// Accessor of that token.
    pub accessor: String,
    /// Seconds it can be opened for.
    pub ttl: i64,
    /// RFC 3339 with nanoseconds, as received.
    pub creation_time: String,
    /// The endpoint whose answer was wrapped.
    pub creation_path: String,
    /// Accessor of the token inside, if it is one.
    pub wrapped_accessor: String,
}

impl Secret {
    /// Reads an answer's body.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when it is no JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let parsed = json::decode(body)
            .map_err(|error| Error::Decode(format!("error decoding the answer: {error}")))?;
        let Json::Object(_) = &parsed else {
            return Err(Error::Decode(
                "error decoding the answer: expected a JSON object".to_owned(),
            ));
        };
        let mut secret = Self {
            request_id: text(&parsed, "request_id"),
            lease_id: text(&parsed, "lease_id"),
            lease_duration: integer(&parsed, "lease_duration"),
            renewable: flag(&parsed, "renewable"),
            data: parsed
                .get("data")
                .filter(|data| matches!(data, Json::Object(_)))
                .cloned(),
            warnings: texts(&parsed, "warnings"),
            auth: object(&parsed, "auth").map(|auth| Auth {
                client_token: text(auth, "client_token").into(),
                accessor: text(auth, "accessor"),
                policies: texts(auth, "policies"),
                metadata: object(auth, "metadata").cloned(),
                lease_duration: integer(auth, "lease_duration"),
                renewable: flag(auth, "renewable"),
                token_type: text(auth, "token_type"),
                orphan: flag(auth, "orphan"),
            }),
            wrap_info: object(&parsed, "wrap_info").map(|wrap| WrapInfo {
                token: text(wrap, "token").into(),
                accessor: text(wrap, "accessor"),
                ttl: integer(wrap, "ttl"),
                creation_time: text(wrap, "creation_time"),
                creation_path: text(wrap, "creation_path"),
                wrapped_accessor: text(wrap, "wrapped_accessor"),
            }),
        };
        if secret.says_nothing() && has_other_members(&parsed) {
            secret.data = Some(parsed);
        }
        Ok(secret)
    }

    fn says_nothing(&self) -> bool {
        let nothing = self.data.is_none() && self.auth.is_none() && self.wrap_info.is_none();
        let no_lease = self.lease_id.is_empty() && self.lease_duration == 0 && !self.renewable;
        nothing && no_lease && self.request_id.is_empty() && self.warnings.is_empty()
    }

    /// A member of `data`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Json> {
        self.data.as_ref().and_then(|data| data.get(name))
    }
}

/// Whether there is more than the members of a secret, all of them empty; errors are no data.
fn has_other_members(parsed: &Json) -> bool {
    const USUAL: [&str; 8] = [
        "request_id",
        "lease_id",
        "lease_duration",
        "renewable",
        "data",
        "warnings",
        "auth",
        "wrap_info",
    ];
    parsed.get("errors").is_none()
        && parsed
            .as_object()
            .into_iter()
            .flatten()
            .any(|(name, _)| !USUAL.contains(&name.as_str()))
}

fn object<'a>(parent: &'a Json, name: &str) -> Option<&'a Json> {
    parent
        .get(name)
        .filter(|value| matches!(value, Json::Object(_)))
}

fn text(parent: &Json, name: &str) -> String {
    parent
        .get(name)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn integer(parent: &Json, name: &str) -> i64 {
    parent.get(name).and_then(Json::as_i64).unwrap_or_default()
}

fn flag(parent: &Json, name: &str) -> bool {
    matches!(parent.get(name), Some(Json::Bool(true)))
}

fn texts(parent: &Json, name: &str) -> Vec<String> {
    match parent.get(name) {
        Some(Json::Array(list)) => list
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// What OpenBao's agent takes for data; of the last ones it shows what is empty as such, and refuses the errors.
    #[test]
    fn an_answer_without_the_usual_members_is_all_data() {
        for (body, initialized, data) in [
            (r#"{"initialized":true,"sealed":false}"#, true, true),
            (
                r#"{"initialized":true,"data":null,"request_id":""}"#,
                true,
                true,
            ),
            (
                r#"{"initialized":true,"lease_duration":0,"renewable":false}"#,
                true,
                true,
            ),
            (
                r#"{"data":{"initialized":true},"sealed":false}"#,
                true,
                true,
            ),
            (r#"{"initialized":true,"data":{}}"#, false, true),
            (r#"{"initialized":true,"request_id":"r"}"#, false, false),
            (r#"{"initialized":true,"lease_duration":5}"#, false, false),
            (r#"{"initialized":true,"warnings":["w"]}"#, false, false),
            (r#"{"initialized":true,"auth":{}}"#, false, false),
            (r#"{"initialized":true,"errors":["e"]}"#, false, false),
            ("{}", false, false),
            (r#"{"data":null}"#, false, false),
            (r#"{"request_id":"","warnings":null}"#, false, false),
        ] {
            let secret = Secret::parse(body.as_bytes()).unwrap();
            let found = matches!(secret.field("initialized"), Some(Json::Bool(true)));
            assert_eq!(
                (found, secret.data.is_some()),
                (initialized, data),
                "{body}"
            );
        }
    }
}
