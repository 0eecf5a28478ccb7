//! A request as a value, and how it becomes a request line.

use std::time::Duration;

use hyper::Method;
use hyper::header::HeaderMap;
use pannier_redacted::Redacted;
use zeroize::Zeroizing;

/// One call of the API.
///
/// Built with [`Request::get`], [`Request::put`] and so on, then completed field by field.
#[derive(Debug, Clone)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// Path below `/v1/`, not escaped, for example `auth/token/lookup-self`.
    pub path: String,
    /// Query string as it goes on the wire, without `?`; empty for none.
    pub query: String,
    /// Body bytes, JSON for all of Vault's own endpoints.
    pub body: Option<Body>,
    /// Token sent as `X-Vault-Token`; `None` sends the client's own, if it has one.
    pub token: Option<Redacted>,
    /// Namespace for this request; `None` takes the client's.
    pub namespace: Option<String>,
    /// Asks the server to wrap the answer, `X-Vault-Wrap-TTL`.
    pub wrap_ttl: Option<Duration>,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
    /// Somebody else's request that is passed on; `path`, `query` and the client's own headers do not count then.
    pub passed_on: Option<PassedOn>,
}

/// What of somebody else's request goes out as it came in.
#[derive(Clone)]
pub struct PassedOn {
    /// Path and query as they stood in the request line, beginning with `/`.
    pub target: String,
    /// All headers but `Host`, those that frame the body, and the token.
    pub headers: HeaderMap,
}

impl std::fmt::Debug for PassedOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassedOn")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The body of a request: zeroed on drop, not shown by `Debug`.
#[derive(Clone)]
pub struct Body(pub(crate) Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl Body {
    /// The bytes that are sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl Request {
    /// A request with nothing but method and path.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: String::new(),
            body: None,
            token: None,
            namespace: None,
            wrap_ttl: None,
            headers: Vec::new(),
            passed_on: None,
        }
    }

    /// A read.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A listing: Vault's clients send a GET with `list=true`.
    #[must_use]
    pub fn list(path: impl Into<String>) -> Self {
        Self::get(path).query("list=true")
    }

    /// A write. Vault's clients use PUT for all of them.
    #[must_use]
    pub fn put(path: impl Into<String>, body: impl Into<Body>) -> Self {
        let mut request = Self::new(Method::PUT, path);
        request.body = Some(body.into());
        request
    }

    /// Sets the query string.
    #[must_use]
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// Sets the token.
    #[must_use]
    pub fn token(mut self, token: Redacted) -> Self {
        self.token = Some(token);
        self
    }

    /// Asks for a wrapped answer.
    #[must_use]
    pub fn wrap_ttl(mut self, ttl: Option<Duration>) -> Self {
        self.wrap_ttl = ttl;
        self
    }

    /// The request target below `base`: `/v1/` + escaped path + query.
    #[must_use]
    pub fn target(&self, base: &str) -> String {
        if let Some(passed_on) = &self.passed_on {
            return format!("{base}{}", passed_on.target);
        }
        let mut target = format!("{base}/v1/");
        escape_path(self.path.trim_start_matches('/'), &mut target);
        if !self.query.is_empty() {
            target.push('?');
            escape_query(&self.query, &mut target);
        }
        target
    }
}

/// Escapes a path as Go's `net/url` does when it prints one.
///
/// Source: Go documentation of `URL.EscapedPath`; the set of bytes left alone is `A-Z a-z 0-9 -_.~ $&+,/:;=@`.
fn escape_path(path: &str, out: &mut String) {
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte);
        push_escaped(byte, plain, out);
    }
}

/// Prints a query as Go's `url.Values` does: sorted by name, every name and value escaped anew. What is no pair by Go's
/// rules (a semicolon in it, a broken escape) is left out.
///
/// Source: Go documentation of `url.ParseQuery` and `Values.Encode`.
fn escape_query(query: &str, out: &mut String) {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(name)?, unescape(value)?))
        })
        .collect();
    pairs.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (number, (name, value)) in pairs.iter().enumerate() {
        if number > 0 {
            out.push('&');
        }
        push_query(name, out);
        out.push('=');
        push_query(value, out);
    }
}

/// A name or value of a query in plain; `None` if an escape is broken.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                let digit = |at: usize| char::from(digits[at]).to_digit(16);
                u8::try_from(digit(0)? * 16 + digit(1)?).ok()?
            }
            byte => byte,
        });
    }
    Some(plain)
}

fn push_query(text: &[u8], out: &mut String) {
    for &byte in text {
        match byte {
            b' ' => out.push('+'),
            _ => push_escaped(
                byte,
                byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte),
                out,
            ),
        }
    }
}

fn push_escaped(byte: u8, plain: bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if plain {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_escaped_as_go_does() {
        for (path, query, target) in [
            ("secret/data/app", "", "/v1/secret/data/app"),
            ("/secret/a b", "", "/v1/secret/a%20b"),
            ("a/é'(x)*!", "", "/v1/a/%C3%A9%27%28x%29%2A%21"),
            (
                "a:b@c;d=e&f+g,h$i",
                "version=1",
                "/v1/a:b@c;d=e&f+g,h$i?version=1",
            ),
            ("a?b#c%d", "x=a b#", "/v1/a%3Fb%23c%25d?x=a+b%23"),
            (
                "a",
                "version=1&b=%2f+x&b=2&a&%zz=1&c;d=1&",
                "/v1/a?a=&b=%2F+x&b=2&version=1",
            ),
        ] {
            assert_eq!(Request::get(path).query(query).target(""), target);
        }
        assert_eq!(Request::list("a").target("/base"), "/base/v1/a?list=true");
    }

    #[test]
    fn a_body_and_a_token_are_never_shown() {
        let request = Request::put("p", "{\"password\":\"hunter2\"}").token("hvs.abc".into());
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("hvs."),
            "{shown}"
        );
    }
}
