//! Which answers are kept.

use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;
use pannier_vault::Secret;

use crate::proxy::call::{Answer, Call};

/// What an answer that is kept brought.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Brought {
    /// A secret with a lease, which belongs to the token of the request.
    Lease {
        lease_id: String,
        /// Seconds.
        duration: i64,
    },
    /// A token.
    Token {
        token: Redacted,
        accessor: String,
        /// The token of the request, for a child of it; an orphan has none.
        parent: Option<Redacted>,
        /// Seconds.
        duration: i64,
    },
}

/// Why an answer is not kept, in the words of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// No JSON, or no success.
    NoSecret,
    /// Nothing in it can be renewed.
    NotRenewable,
    /// The token of the request is not the agent's to look after.
    NotManaged,
    /// It answers a renewal: who asks for one gets one.
    Renewal,
}

impl Passed {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoSecret => "pass-through response; no secret in response",
            Self::NotRenewable => "pass-through response; secret not renewable",
            Self::NotManaged => "pass-through response; token not managed by agent",
            Self::Renewal => "pass-through response; answer to a renewal",
        }
    }
}

/// Decides on an answer; `managed` tells whether the agent looks after a token: its own, if it may be used, or one
/// that came through the cache.
pub(crate) fn brought(
    call: &Call,
    answer: &Answer,
    managed: impl Fn(&Redacted) -> bool,
) -> Result<Brought, Passed> {
    if answer.status >= 300 || !answer.is_json() {
        return Err(Passed::NoSecret);
    }
    let secret = Secret::parse(&answer.body).map_err(|_| Passed::NoSecret)?;
    if Renewed::by(call).is_some() {
        return Err(Passed::Renewal);
    }
    let of_managed = call.token.as_ref().filter(|token| managed(token));
    if !secret.lease_id.is_empty() {
        if !secret.renewable {
            return Err(Passed::NotRenewable);
        }
        of_managed.ok_or(Passed::NotManaged)?;
        return Ok(Brought::Lease {
            lease_id: secret.lease_id,
            duration: secret.lease_duration,
        });
    }
    match secret.auth {
        Some(auth) if auth.renewable && !auth.client_token.is_empty() => {
            let parent = match (auth.orphan, of_managed) {
                (true, _) => None,
                (false, Some(parent)) => Some(parent.clone()),
                (false, None) => return Err(Passed::NotManaged),
            };
            Ok(Brought::Token {
                token: auth.client_token,
                accessor: auth.accessor,
                parent,
                duration: auth.lease_duration,
            })
        }
        _ => Err(Passed::NotRenewable),
    }
}

/// Whether the answer of a request may be given to others who asked the same at the same moment: a read that neither
/// issues anything nor is kept.
pub(crate) fn may_be_shared(call: &Call, answer: &Answer) -> bool {
    let reads = matches!(call.method.as_str(), "GET" | "HEAD" | "LIST");
    reads
        && answer.status < 300
        && answer.is_json()
        && Secret::parse(&answer.body).is_ok_and(|secret| {
            secret.lease_id.is_empty() && secret.auth.is_none() && secret.wrap_info.is_none()
        })
}

/// What a request renews.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Renewed {
    /// The lease of this name.
    Lease(String),
    /// This token.
    Token(Redacted),
    /// Something that the request does not name by itself.
    Other,
}

impl Renewed {
    /// What the request renews, if it is a renewal. A namespace may stand before the endpoint, a lease after it.
    pub(crate) fn by(call: &Call) -> Option<Self> {
        let path = call.api_path();
        let below = |endpoint: &str| {
            let at = path
                .find(endpoint)
                .filter(|at| *at == 0 || path[..*at].ends_with('/'))?;
            Some(&path[at + endpoint.len()..])
        };
        let field = |name: &str| {
            let body = json::decode(&**call.body).ok()?;
            body.get(name).and_then(Json::as_str).map(str::to_owned)
        };
        match below("auth/token/") {
            Some("renew-self") => return Some(call.token.clone().map_or(Self::Other, Self::Token)),
            Some("renew") => {
                return Some(field("token").map_or(Self::Other, |token| Self::Token(token.into())));
            }
            Some("renew-accessor") => return Some(Self::Other),
            _ => {}
        }
        let rest = below("sys/leases/renew").or_else(|| below("sys/renew"))?;
        match rest.strip_prefix('/') {
            Some(lease) => Some(Self::Lease(lease.to_owned())),
            None if rest.is_empty() => Some(field("lease_id").map_or(Self::Other, Self::Lease)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::*;

    fn call(method: &str, path: &str, token: &str) -> Call {
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("x-vault-token", token);
        Call::new(request.body(()).unwrap().into_parts().0, Vec::new())
    }

    fn answer(status: u16, kind: &str, body: &str) -> Answer {
        let mut headers = hyper::HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        Answer {
            status,
            headers,
            body: Arc::new(Zeroizing::new(body.into())),
            age: None,
        }
    }

    const JSON: &str = "application/json";
    const LEASE: &str = r#"{"lease_id":"database/creds/app/x","renewable":true,"lease_duration":60,"data":{"a":"b"}}"#;
    const ORPHAN: &str = r#"{"auth":{"client_token":"new","accessor":"acc","renewable":true,"lease_duration":60,"orphan":true}}"#;
    const CHILD: &str = r#"{"auth":{"client_token":"new","accessor":"acc","renewable":true,"lease_duration":60,"orphan":false}}"#;

    fn of(path: &str, token: &str, answer: &Answer) -> Result<Brought, Passed> {
        brought(&call("GET", path, token), answer, |token| {
            token.expose() == "ours"
        })
    }

    #[test]
    fn a_renewable_lease_of_a_managed_token_is_kept() {
        let lease = Brought::Lease {
            lease_id: "database/creds/app/x".to_owned(),
            duration: 60,
        };
        assert_eq!(
            of("/v1/database/creds/app", "ours", &answer(200, JSON, LEASE)),
            Ok(lease)
        );
        assert_eq!(
            of("/v1/database/creds/app", "other", &answer(200, JSON, LEASE)),
            Err(Passed::NotManaged)
        );
        assert_eq!(
            of("/v1/database/creds/app", "", &answer(200, JSON, LEASE)),
            Err(Passed::NotManaged)
        );
        let stiff = LEASE.replace("true", "false");
        assert_eq!(
            of("/v1/database/creds/app", "ours", &answer(200, JSON, &stiff)),
            Err(Passed::NotRenewable)
        );
    }

    #[test]
    fn an_orphan_is_always_kept_and_a_child_with_its_parent() {
        let token = |parent: Option<&str>| {
            Ok(Brought::Token {
                token: "new".into(),
                accessor: "acc".to_owned(),
                parent: parent.map(Redacted::from),
                duration: 60,
            })
        };
        assert_eq!(
            of("/v1/auth/jwt/login", "", &answer(200, JSON, ORPHAN)),
            token(None)
        );
        assert_eq!(
            of("/v1/auth/token/create", "ours", &answer(200, JSON, CHILD)),
            token(Some("ours"))
        );
        assert_eq!(
            of("/v1/auth/token/create", "other", &answer(200, JSON, CHILD)),
            Err(Passed::NotManaged)
        );
    }

    #[test]
    fn everything_else_passes_through() {
        let kv = r#"{"lease_id":"","renewable":false,"data":{"a":"b"},"auth":null}"#;
        assert_eq!(
            of("/v1/secret/data/a", "ours", &answer(200, JSON, kv)),
            Err(Passed::NotRenewable)
        );
        assert_eq!(
            of("/v1/x", "ours", &answer(403, JSON, LEASE)),
            Err(Passed::NoSecret)
        );
        assert_eq!(
            of(
                "/v1/x",
                "ours",
                &answer(200, "application/json; charset=utf-8", LEASE)
            ),
            Err(Passed::NoSecret)
        );
        assert_eq!(
            of("/v1/x", "ours", &answer(200, JSON, "")),
            Err(Passed::NoSecret)
        );
        for path in [
            "/v1/auth/token/renew-self",
            "/v1/sys/leases/renew",
            "/v1/ns/sys/leases/renew/a/b",
            "/v1/auth/token/renew",
        ] {
            assert_eq!(
                of(path, "ours", &answer(200, JSON, ORPHAN)),
                Err(Passed::Renewal),
                "{path}"
            );
        }
        for path in ["/v1/secret/auth/token/renewed", "/v1/nosys/renew"] {
            assert!(
                of(path, "ours", &answer(200, JSON, ORPHAN)).is_ok(),
                "{path}"
            );
        }
    }

    #[test]
    fn a_renewal_names_what_it_renews() {
        let by = |path: &str, body: &str| {
            let mut call = call("PUT", path, "self");
            call.body = Arc::new(Zeroizing::new(body.into()));
            Renewed::by(&call)
        };
        let lease = || Some(Renewed::Lease("db/creds/x".to_owned()));
        assert_eq!(
            by("/v1/sys/leases/renew", r#"{"lease_id":"db/creds/x"}"#),
            lease()
        );
        assert_eq!(
            by("/v1/ns/sys/renew", r#"{"lease_id":"db/creds/x"}"#),
            lease()
        );
        assert_eq!(by("/v1/sys/leases/renew/db/creds/x", ""), lease());
        assert_eq!(
            by("/v1/auth/token/renew-self", "{}"),
            Some(Renewed::Token("self".into()))
        );
        assert_eq!(
            by("/v1/auth/token/renew", r#"{"token":"t"}"#),
            Some(Renewed::Token("t".into()))
        );
        assert_eq!(
            by("/v1/auth/token/renew-accessor", "{}"),
            Some(Renewed::Other)
        );
        assert_eq!(by("/v1/sys/leases/renewed", "{}"), None);
    }

    #[test]
    fn only_reads_that_issue_nothing_are_shared() {
        let kv = answer(
            200,
            JSON,
            r#"{"lease_id":"","renewable":false,"data":{"a":"b"},"auth":null,"wrap_info":null}"#,
        );
        assert!(may_be_shared(&call("GET", "/v1/secret/a", "t"), &kv));
        assert!(may_be_shared(&call("LIST", "/v1/secret/a", "t"), &kv));
        assert!(!may_be_shared(&call("PUT", "/v1/secret/a", "t"), &kv));
        for body in [LEASE, CHILD, r#"{"wrap_info":{"token":"x"}}"#] {
            assert!(
                !may_be_shared(&call("GET", "/v1/secret/a", "t"), &answer(200, JSON, body)),
                "{body}"
            );
        }
        assert!(!may_be_shared(
            &call("GET", "/v1/secret/a", "t"),
            &answer(404, JSON, "{}")
        ));
    }
}
