//! What makes two requests the same.

use hyper::header::HeaderName;
use ring::digest::{Context, SHA256};

use crate::proxy::call::Call;

/// The identity of a request: a digest of its method, path, query, headers, body and token. A byte more or less in
/// any of them is another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn of(call: &Call) -> Self {
        let mut context = Context::new(&SHA256);
        // Each part with its length before it, so that none can run into the next.
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(call.method.as_str().as_bytes());
        part(call.path.as_bytes());
        part(call.query.as_bytes());
        let mut names: Vec<&HeaderName> = call.headers.keys().collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        for name in names {
            for value in call.headers.get_all(name) {
                part(name.as_str().as_bytes());
                part(value.as_bytes());
            }
        }
        part(&call.body);
        part(
            call.token
                .as_ref()
                .map(|token| token.expose_bytes())
                .unwrap_or_default(),
        );
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    pub(crate) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (i, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self(digest))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn call(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Call {
        let mut request = hyper::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Call::new(request.body(()).unwrap().into_parts().0, body.into())
    }

    #[test]
    fn any_other_byte_is_another_request() {
        let of = |method, target, headers: &[(&str, &str)], body| {
            Key::of(&call(method, target, headers, body))
        };
        let one = of(
            "GET",
            "/v1/a?b=c",
            &[("x-vault-token", "t"), ("a", "b")],
            "body",
        );
        assert_eq!(
            one,
            of(
                "GET",
                "/v1/a?b=c",
                &[("a", "b"), ("x-vault-token", "t")],
                "body"
            )
        );
        for other in [
            of(
                "PUT",
                "/v1/a?b=c",
                &[("x-vault-token", "t"), ("a", "b")],
                "body",
            ),
            of(
                "GET",
                "/v1/a?b=d",
                &[("x-vault-token", "t"), ("a", "b")],
                "body",
            ),
            of(
                "GET",
                "/v1/a",
                &[("x-vault-token", "t"), ("a", "b")],
                "body",
            ),
            of(
                "GET",
                "/v1/a?b=c",
                &[("x-vault-token", "u"), ("a", "b")],
                "body",
            ),
            of(
                "GET",
                "/v1/a?b=c",
                &[("x-vault-token", "t"), ("a", "c")],
                "body",
            ),
            of(
                "GET",
                "/v1/a?b=c",
                &[("x-vault-token", "t"), ("ab", "")],
                "body",
            ),
            of(
                "GET",
                "/v1/a?b=c",
                &[("x-vault-token", "t"), ("a", "b"), ("a", "b")],
                "body",
            ),
            of(
                "GET",
                "/v1/a?b=c",
                &[("x-vault-token", "t"), ("a", "b")],
                "bod",
            ),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn what_belongs_to_a_connection_makes_no_difference() {
        let plain = Key::of(&call("GET", "/v1/a", &[], ""));
        let noisy = [
            ("connection", "keep-alive"),
            ("accept-encoding", "gzip"),
            ("host", "localhost"),
        ];
        assert_eq!(plain, Key::of(&call("GET", "/v1/a", &noisy, "")));
    }

    #[test]
    fn a_key_is_read_back_from_its_hex_form() {
        let key = Key::of(&call("GET", "/", &[], ""));
        assert_eq!(Key::from_hex(&key.to_hex()), Some(key));
        for bad in ["", "zz", &"é".repeat(32), &"0".repeat(63)] {
            assert_eq!(Key::from_hex(bad), None);
        }
    }
}
