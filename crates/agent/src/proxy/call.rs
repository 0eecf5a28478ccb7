//! A request that is passed on, and the answer that is passed back.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING,
};
use pannier_redacted::Redacted;
use pannier_vault::{Client, PassedOn, Request, Response};
use zeroize::Zeroizing;

/// The header that carries the token.
const TOKEN: &str = "x-vault-token";
/// The header that carries the namespace.
const NAMESPACE: &str = "x-vault-namespace";

/// A request of a client of the listener, or of the agent's own templates.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// As it stood in the request line, without the query: begins with `/`.
    pub(crate) path: String,
    /// As it stood in the request line, without `?`.
    pub(crate) query: String,
    /// Without the token and without what belongs to one connection only.
    pub(crate) headers: HeaderMap,
    pub(crate) token: Option<Redacted>,
    pub(crate) body: Arc<Zeroizing<Vec<u8>>>,
}

impl Call {
    /// Takes a client's request apart.
    pub(crate) fn new(parts: hyper::http::request::Parts, body: Vec<u8>) -> Self {
        let mut headers = parts.headers;
        let token = headers.remove(TOKEN).filter(|token| !token.is_empty());
        for name in [
            HOST,
            ACCEPT_ENCODING,
            CONNECTION,
            CONTENT_LENGTH,
            TRANSFER_ENCODING,
        ] {
            headers.remove(name);
        }
        for name in ["keep-alive", "proxy-connection", "te", "trailer", "upgrade"] {
            headers.remove(name);
        }
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            token: token.map(|token| Redacted::from(token.as_bytes())),
            body: Arc::new(Zeroizing::new(body)),
        }
    }

    /// The same for a request of the agent's own, as `client` would send it.
    pub(crate) fn own(request: &Request, token: Option<&Redacted>, client: &Client) -> Self {
        let mut headers = HeaderMap::new();
        let namespace = request.namespace.as_deref().unwrap_or(client.namespace());
        for (name, value) in [
            ("user-agent", client.policy().user_agent.as_str()),
            ("x-vault-request", "true"),
            (NAMESPACE, namespace),
        ] {
            if let (Ok(value), false) = (value.parse(), value.is_empty()) {
                headers.insert(name, value);
            }
        }
        let target = request.target("");
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Self {
            method: request.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            token: request
                .token
                .as_ref()
                .or(token)
                .filter(|token| !token.is_empty())
                .cloned(),
            body: Arc::new(Zeroizing::new(
                request
                    .body
                    .as_ref()
                    .map(|body| body.bytes().to_vec())
                    .unwrap_or_default(),
            )),
        }
    }

    /// The path below `/v1/`; the whole path for anything else.
    pub(crate) fn api_path(&self) -> &str {
        self.path.strip_prefix("/v1/").unwrap_or(&self.path)
    }

    /// The namespace that the client asked for, without slashes at its ends; empty for the root.
    pub(crate) fn namespace(&self) -> &str {
        let header = self
            .headers
            .get(NAMESPACE)
            .and_then(|value| value.to_str().ok());
        header.unwrap_or_default().trim_matches('/')
    }

    /// The request to send to the server.
    pub(crate) fn request(&self) -> Request {
        let mut request = Request::new(self.method.clone(), self.path.clone());
        let query = if self.query.is_empty() {
            String::new()
        } else {
            format!("?{}", self.query)
        };
        request.passed_on = Some(PassedOn {
            target: format!("{}{query}", self.path),
            headers: self.headers.clone(),
        });
        request.token = self.token.clone();
        if !self.body.is_empty() {
            request.body = Some(self.body.to_vec().into());
        }
        request
    }
}

/// An answer. Clones share the body, which is zeroed when the last one goes.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Without what belongs to one connection only.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Arc<Zeroizing<Vec<u8>>>,
    /// How old it is, if it comes from the cache.
    pub(crate) age: Option<Duration>,
}

impl Answer {
    /// Whether its type is exactly JSON's.
    pub(crate) fn is_json(&self) -> bool {
        self.headers
            .get(hyper::header::CONTENT_TYPE)
            .is_some_and(|value| value == "application/json")
    }

    /// The same for the agent's own parts.
    pub(crate) fn into_response(self) -> Response {
        Response {
            status: self.status,
            headers: self.headers,
            body: Arc::try_unwrap(self.body).unwrap_or_else(|shared| (*shared).clone()),
        }
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let mut headers = response.headers;
        for name in [CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        // The answer to HEAD has the length of a body that does not come.
        if !response.body.is_empty() {
            headers.remove(CONTENT_LENGTH);
        }
        headers.remove("keep-alive");
        Self {
            status: response.status,
            headers,
            body: Arc::new(response.body),
            age: None,
        }
    }
}
