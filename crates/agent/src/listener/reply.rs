//! Answers of the agent itself.

use std::sync::Arc;

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use pannier_go::json::{Json, Style};
use zeroize::Zeroizing;

use crate::proxy::call::Answer;

/// What goes to a client.
pub(super) type Reply = Response<Full<Bytes>>;

/// A status with a body of a type.
pub(super) fn typed(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = plain(status, body);
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

/// A status without anything.
pub(super) fn empty(status: u16) -> Reply {
    plain(status, Bytes::new())
}

/// A status with a JSON body.
pub(super) fn json(status: u16, body: String) -> Reply {
    typed(status, "application/json", body)
}

/// `{"errors":[...]}`, as Vault answers.
pub(super) fn error(status: u16, text: &str) -> Reply {
    let text = Json::String(text.to_owned()).encode(Style::COMPACT);
    // Go ends what it encodes with a line end.
    json(status, format!("{{\"errors\":[{text}]}}\n"))
}

/// What Go's server says of a path that it does not know.
pub(super) fn not_found() -> Reply {
    let mut reply = typed(404, "text/plain; charset=utf-8", "404 page not found\n");
    reply.headers_mut().insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    reply
}

/// An answer of the server or the cache.
pub(super) fn passed_back(answer: Answer) -> Reply {
    /// Lets the client's copy share the body, which is zeroed when the last one goes.
    struct Shared(Arc<Zeroizing<Vec<u8>>>);

    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    let mut reply = plain(answer.status, Bytes::from_owner(Shared(answer.body)));
    *reply.headers_mut() = HeaderMap::clone(&answer.headers);
    reply
}

fn plain(status: u16, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::BAD_GATEWAY);
    reply
}
