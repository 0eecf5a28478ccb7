//! Keeps the agent's own token from clients that may use but not know it.

use std::sync::Arc;

use pannier_go::json::{self, Json, Style};
use pannier_redacted::Redacted;
use zeroize::Zeroizing;

use super::call::{Answer, Call};

/// What is taken out of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `id` and `accessor` of `data` go.
    Lookup,
    /// `client_token` and `accessor` of `auth` become empty.
    Renewal,
}

/// Takes the agent's own token out of the answer to a lookup or renewal of it; tells whether it did.
pub(super) fn own_token(call: &Call, answer: &mut Answer, own: &Redacted) -> bool {
    let Some(kind) = of_own_token(call, own).filter(|_| answer.status < 300) else {
        return false;
    };
    let decoded = json::decode(&**answer.body).ok();
    let Some(mut members) = decoded.as_ref().and_then(Json::as_object).cloned() else {
        return false;
    };
    let (part, fields) = match kind {
        Kind::Lookup => ("data", ["id", "accessor"]),
        Kind::Renewal => ("auth", ["client_token", "accessor"]),
    };
    let Some(mut inner) = members.get(part).and_then(Json::as_object).cloned() else {
        return false;
    };
    for field in fields {
        match kind {
            Kind::Lookup => {
                inner.remove(field);
            }
            Kind::Renewal => {
                inner.insert(field.to_owned(), Json::String(String::new()));
            }
        }
    }
    members.insert(part.to_owned(), Json::Object(inner));
    answer.body = Arc::new(Zeroizing::new(
        Json::Object(members).encode(Style::COMPACT).into_bytes(),
    ));
    true
}

/// Whether the call looks up or renews the agent's own token; a namespace may stand before the endpoint.
fn of_own_token(call: &Call, own: &Redacted) -> Option<Kind> {
    let path = call.api_path();
    let ends = |endpoint: &str| {
        path.strip_suffix(endpoint)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let by_header = call.token.as_ref() == Some(own);
    let named = json::decode(&**call.body)
        .ok()
        .and_then(|body| body.get("token").and_then(Json::as_str).map(Redacted::from))
        .filter(|named| !named.is_empty());
    let by_body = named.map_or(by_header, |named| named == *own);
    match () {
        () if ends("auth/token/lookup-self") && by_header => Some(Kind::Lookup),
        () if ends("auth/token/lookup") && by_body => Some(Kind::Lookup),
        () if ends("auth/token/renew-self") && by_header => Some(Kind::Renewal),
        () if ends("auth/token/renew") && by_body => Some(Kind::Renewal),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    const LOOKUP: &str = r#"{"data":{"id":"own","accessor":"acc","ttl":60},"auth":null}"#;
    const RENEWAL: &str =
        r#"{"data":null,"auth":{"client_token":"own","accessor":"acc","lease_duration":60}}"#;

    fn stripped(path: &str, token: &str, body: &str, status: u16, answer: &str) -> String {
        let request = hyper::Request::builder()
            .method("PUT")
            .uri(path)
            .header("x-vault-token", token);
        let call = Call::new(request.body(()).unwrap().into_parts().0, body.into());
        let mut answer = Answer {
            status,
            headers: hyper::HeaderMap::new(),
            body: Arc::new(Zeroizing::new(answer.into())),
            age: None,
        };
        own_token(&call, &mut answer, &"own".into());
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    #[test]
    fn the_own_token_is_taken_out_of_lookups_and_renewals_of_it() {
        let lookup = r#"{"auth":null,"data":{"ttl":60}}"#;
        let renewal =
            r#"{"auth":{"accessor":"","client_token":"","lease_duration":60},"data":null}"#;
        let of_own = r#"{"token":"own"}"#;
        let of_other = r#"{"token":"other"}"#;
        for (path, token, body, answer, expected) in [
            ("/v1/auth/token/lookup-self", "own", "", LOOKUP, lookup),
            ("/v1/ns/auth/token/lookup-self", "own", "", LOOKUP, lookup),
            ("/v1/auth/token/lookup", "own", "", LOOKUP, lookup),
            ("/v1/auth/token/lookup", "other", of_own, LOOKUP, lookup),
            ("/v1/auth/token/lookup", "own", of_other, LOOKUP, LOOKUP),
            ("/v1/auth/token/lookup-self", "other", "", LOOKUP, LOOKUP),
            ("/v1/auth/token/renew-self", "own", "{}", RENEWAL, renewal),
            ("/v1/auth/token/renew", "own", of_own, RENEWAL, renewal),
            ("/v1/auth/token/renew", "own", of_other, RENEWAL, RENEWAL),
            (
                "/v1/secret/data/auth/token/lookups",
                "own",
                "",
                LOOKUP,
                LOOKUP,
            ),
        ] {
            assert_eq!(
                stripped(path, token, body, 200, answer),
                expected,
                "{path} {body}"
            );
        }
    }

    #[test]
    fn errors_and_odd_bodies_stay_as_they_are() {
        for (status, answer) in [
            (403, LOOKUP),
            (200, "x"),
            (200, "[]"),
            (200, r#"{"data":null}"#),
        ] {
            assert_eq!(
                stripped("/v1/auth/token/lookup-self", "own", "", status, answer),
                answer
            );
        }
    }
}
