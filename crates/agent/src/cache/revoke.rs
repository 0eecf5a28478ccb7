//! What a request takes out of the cache: revocations seen on their way, and the cache-clear call.

use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;

use super::store::{Evicted, Store};
use crate::proxy::call::Call;

/// What goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Eviction {
    /// A token with all that depends on it.
    Token(Redacted),
    /// A token and its leases; its children stay.
    Orphan(Redacted),
    /// The token with this accessor and all that depends on it.
    Accessor(String),
    /// One lease.
    Lease(String),
    /// The leases that begin so, in this namespace.
    Leases(String, String),
    /// The requests whose paths begin so, in this namespace, and what depends on them.
    Path(String, String),
    /// Everything.
    All,
}

impl Eviction {
    /// What a request revokes, if the server answered 204 to it.
    pub(crate) fn by(call: &Call) -> Option<Self> {
        let path = call.api_path();
        let body = || json::decode(&**call.body).unwrap_or(Json::Null);
        let field = |name: &str| body().get(name).and_then(Json::as_str).map(str::to_owned);
        if let Some((_, rest)) = below(path, "auth/token/") {
            return match rest {
                "revoke" => Some(Self::Token(field("token")?.into())),
                "revoke-self" => Some(Self::Token(call.token.clone()?)),
                "revoke-accessor" => Some(Self::Accessor(field("accessor")?)),
                "revoke-orphan" => Some(Self::Orphan(field("token")?.into())),
                _ => None,
            };
        }
        let (before, rest) = below(path, "sys/leases/").or_else(|| below(path, "sys/"))?;
        let namespace = [call.namespace(), before]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>();
        let namespace = namespace.join("/");
        let (action, lease) = rest.split_once('/').unwrap_or((rest, ""));
        match action {
            "revoke" if lease.is_empty() => Some(Self::Lease(field("lease_id")?)),
            "revoke" => Some(Self::Lease(lease.to_owned())),
            "revoke-force" | "revoke-prefix" => Some(Self::Leases(lease.to_owned(), namespace)),
            _ => None,
        }
    }

    /// Reads the body of the cache-clear call.
    pub(crate) fn cleared_by(body: &[u8]) -> Result<Self, ClearError> {
        if body.is_empty() {
            return Err(ClearError::NoJson("empty JSON provided".to_owned()));
        }
        let parsed = json::decode(body).map_err(|error| ClearError::NoJson(error.to_string()))?;
        let members = match &parsed {
            Json::Object(members) => Some(members),
            Json::Null => None,
            other => {
                let kind = go_kind(other);
                return Err(ClearError::NoJson(format!(
                    "json: cannot unmarshal {kind} into Go value of type cache.cacheClearRequest"
                )));
            }
        };
        // Go's decoder takes a name in any case.
        let member = |wanted: &str| {
            let mut found = members.into_iter().flatten();
            found.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        let text = |name: &'static str| match member(name).map(|(_, value)| value) {
            None | Some(Json::Null) => Ok(String::new()),
            Some(Json::String(text)) => Ok(text.clone()),
            Some(other) => {
                let kind = go_kind(other);
                Err(ClearError::NoJson(format!(
                    "json: cannot unmarshal {kind} into Go struct field cacheClearRequest.{name} of type string"
                )))
            }
        };
        let (kind, value, namespace) = (text("type")?, text("value")?, text("namespace")?);
        let given = |what: &'static str| {
            if value.is_empty() {
                Err(ClearError::NotProvided(what))
            } else {
                Ok(value.clone())
            }
        };
        match kind.as_str() {
            "" => Err(ClearError::NoType),
            "request_path" => {
                let namespace = namespace.trim_matches('/');
                let namespace = if namespace == "root" { "" } else { namespace };
                Ok(Self::Path(given("request path")?, namespace.to_owned()))
            }
            "token" => Ok(Self::Token(given("token")?.into())),
            "token_accessor" => Ok(Self::Accessor(given("token accessor")?)),
            "lease" => Ok(Self::Lease(given("lease")?)),
            "all" => Ok(Self::All),
            _ => Err(ClearError::InvalidType),
        }
    }

    /// Takes it out.
    pub(crate) fn apply(&self, store: &mut Store) -> Evicted {
        match self {
            Self::Token(token) => store.evict_token(token),
            Self::Orphan(token) => store.orphan(token),
            Self::Accessor(accessor) => store.evict_accessor(accessor),
            Self::Lease(lease) => store.evict_lease(lease),
            Self::Leases(prefix, namespace) => store.evict_leases(prefix, namespace),
            Self::Path(prefix, namespace) => store.evict_path(prefix, namespace),
            Self::All => store.evict_all(),
        }
    }
}

/// The rest of a path below an endpoint, and the namespace that stands before it.
fn below<'a>(path: &'a str, endpoint: &str) -> Option<(&'a str, &'a str)> {
    let at = path
        .find(endpoint)
        .filter(|at| *at == 0 || path[..*at].ends_with('/'))?;
    Some((path[..at].trim_matches('/'), &path[at + endpoint.len()..]))
}

/// A cache-clear call that cannot be followed; the sentences are the reference's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClearError {
    #[error("failed to parse JSON input: {0}")]
    NoJson(String),
    #[error("failed to parse clear input: no type provided")]
    NoType,
    #[error("failed to clear cache: invalid type provided")]
    InvalidType,
    #[error("failed to clear cache: {0} not provided")]
    NotProvided(&'static str),
}

impl ClearError {
    /// The HTTP status it is answered with.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::NoJson(_) | Self::NoType | Self::InvalidType => 400,
            Self::NotProvided(_) => 500,
        }
    }
}

fn go_kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
        Json::String(_) => "string",
        _ => "number",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn by(path: &str, namespace: &str, body: &str) -> Option<Eviction> {
        let request = hyper::Request::builder()
            .method("PUT")
            .uri(path)
            .header("x-vault-token", "self")
            .header("x-vault-namespace", namespace);
        Eviction::by(&Call::new(
            request.body(()).unwrap().into_parts().0,
            body.into(),
        ))
    }

    #[test]
    fn revocations_are_seen_with_and_without_a_namespace() {
        use Eviction::{Accessor, Lease, Leases, Orphan, Token};
        let leases =
            |prefix: &str, namespace: &str| Some(Leases(prefix.to_owned(), namespace.to_owned()));
        for (path, namespace, body, eviction) in [
            (
                "/v1/auth/token/revoke",
                "",
                r#"{"token":"t"}"#,
                Some(Token("t".into())),
            ),
            (
                "/v1/auth/token/revoke-self",
                "",
                "",
                Some(Token("self".into())),
            ),
            (
                "/v1/ns/auth/token/revoke-self",
                "",
                "",
                Some(Token("self".into())),
            ),
            (
                "/v1/auth/token/revoke-accessor",
                "",
                r#"{"accessor":"a"}"#,
                Some(Accessor("a".to_owned())),
            ),
            (
                "/v1/auth/token/revoke-orphan",
                "",
                r#"{"token":"t"}"#,
                Some(Orphan("t".into())),
            ),
            ("/v1/auth/token/revoke", "", "{}", None),
            ("/v1/auth/token/lookup", "", r#"{"token":"t"}"#, None),
            (
                "/v1/sys/leases/revoke",
                "",
                r#"{"lease_id":"l"}"#,
                Some(Lease("l".to_owned())),
            ),
            (
                "/v1/sys/leases/revoke/db/creds/x",
                "",
                "",
                Some(Lease("db/creds/x".to_owned())),
            ),
            (
                "/v1/sys/leases/revoke-prefix/db/creds",
                "ns/",
                "",
                leases("db/creds", "ns"),
            ),
            ("/v1/sys/leases/revoke-force/db", "", "", leases("db", "")),
            (
                "/v1/a/b/sys/leases/revoke-force/db",
                "",
                "",
                leases("db", "a/b"),
            ),
            (
                "/v1/a/sys/leases/revoke-force/db",
                "ns",
                "",
                leases("db", "ns/a"),
            ),
            ("/v1/secret/data/x", "", r#"{"token":"t"}"#, None),
            (
                "/v1/secret/data/nosys/leases/revoke",
                "",
                r#"{"lease_id":"l"}"#,
                None,
            ),
        ] {
            assert_eq!(by(path, namespace, body), eviction, "{path}");
        }
    }

    #[test]
    fn the_clear_call_says_what_is_missing() {
        for (body, status, text) in [
            ("", 400, "failed to parse JSON input: empty JSON provided"),
            (
                "x",
                400,
                "failed to parse JSON input: invalid character 'x' looking for beginning of value",
            ),
            (
                r#"{"type":5}"#,
                400,
                "failed to parse JSON input: json: cannot unmarshal number into Go struct field cacheClearRequest.type of type string",
            ),
            ("{}", 400, "failed to parse clear input: no type provided"),
            (
                "[]",
                400,
                "failed to parse JSON input: json: cannot unmarshal array into Go value of type cache.cacheClearRequest",
            ),
            ("null", 400, "failed to parse clear input: no type provided"),
            (
                r#"{"Type":"x"}"#,
                400,
                "failed to clear cache: invalid type provided",
            ),
            (
                r#"{"type":"token"}"#,
                500,
                "failed to clear cache: token not provided",
            ),
            (
                r#"{"type":"request_path"}"#,
                500,
                "failed to clear cache: request path not provided",
            ),
            (
                r#"{"type":"token_accessor"}"#,
                500,
                "failed to clear cache: token accessor not provided",
            ),
            (
                r#"{"type":"lease"}"#,
                500,
                "failed to clear cache: lease not provided",
            ),
        ] {
            let error = Eviction::cleared_by(body.as_bytes()).unwrap_err();
            assert_eq!(
                (error.status(), error.to_string().as_str()),
                (status, text),
                "{body}"
            );
        }
    }

    #[test]
    fn the_clear_call_names_what_goes() {
        let path = |namespace: &str| Eviction::Path("/v1/a".to_owned(), namespace.to_owned());
        for (body, eviction) in [
            (r#"{"type":"all"}"#, Eviction::All),
            (
                r#"{"type":"token","value":"t"}"#,
                Eviction::Token("t".into()),
            ),
            (
                r#"{"type":"lease","value":"l"}"#,
                Eviction::Lease("l".to_owned()),
            ),
            (r#"{"type":"request_path","value":"/v1/a"}"#, path("")),
            (
                r#"{"type":"request_path","value":"/v1/a","namespace":"root/"}"#,
                path(""),
            ),
            (
                r#"{"type":"request_path","value":"/v1/a","namespace":"/ns1/"}"#,
                path("ns1"),
            ),
        ] {
            assert_eq!(
                Eviction::cleared_by(body.as_bytes()),
                Ok(eviction),
                "{body}"
            );
        }
    }
}
