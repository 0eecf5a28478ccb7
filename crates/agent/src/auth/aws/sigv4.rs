//! AWS Signature Version 4, the pure part: a request and keys in, the `Authorization` header out.
//!
//! Source: AWS documentation, "Create a signed AWS API request"; the tests are from AWS's published test suite.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pannier_redacted::Redacted;
use ring::{digest, hmac};

/// What is signed. Header names are lower-case.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    /// As it goes over the wire, already escaped.
    pub(crate) path: &'a str,
    /// Names and values before escaping.
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: &'a BTreeMap<String, String>,
    pub(crate) body: &'a [u8],
}

/// Who signs.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: Redacted,
    /// Of temporary keys; sent as `x-amz-security-token`.
    pub(crate) session: Option<Redacted>,
}

/// Where and when the signature counts. `time` is `YYYYMMDDTHHMMSSZ`, as in the header `x-amz-date`.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) time: &'a str,
}

/// The value of the `Authorization` header.
pub(crate) fn authorization(call: &Call<'_>, keys: &Keys, scope: &Scope<'_>) -> String {
    let Scope {
        region,
        service,
        time,
    } = scope;
    let date = time.get(..8).unwrap_or_default();
    let names = call
        .headers
        .keys()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(";");
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(sha256(canonical(call, &names).as_bytes()).as_ref())
    );
    let mut secret = zeroize::Zeroizing::new(b"AWS4".to_vec());
    secret.extend_from_slice(keys.secret.expose_bytes());
    let mut key = mac(&secret, date.as_bytes());
    for part in [*region, service, "aws4_request", &text] {
        key = mac(key.as_ref(), part.as_bytes());
    }
    let (id, signature) = (&keys.id, hex(key.as_ref()));
    format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
}

/// The canonical request.
fn canonical(call: &Call<'_>, names: &str) -> String {
    let mut query: Vec<_> = call
        .query
        .iter()
        .map(|(name, value)| (escape(name), escape(value)))
        .collect();
    query.sort();
    let query = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&");
    let mut headers = String::new();
    for (name, value) in call.headers {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(headers, "{name}:{value}");
    }
    let Call {
        method, path, body, ..
    } = call;
    format!(
        "{method}\n{path}\n{query}\n{headers}\n{names}\n{}",
        hex(sha256(body).as_ref())
    )
}

fn sha256(data: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, data)
}

fn mac(key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// RFC 3986: everything but the unreserved characters becomes `%XX`.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut escaped, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                let _ = write!(escaped, "%{byte:02X}");
            }
            escaped
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    /// The keys and scope of AWS's test suite.
    fn signature(
        method: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let keys = Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session: None,
        };
        let scope = Scope {
            region: "us-east-1",
            service: "service",
            time: "20150830T123600Z",
        };
        let fixed = [
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ];
        let headers = fixed
            .iter()
            .chain(headers)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let call = Call {
            method,
            path: "/",
            query,
            headers: &headers,
            body: body.as_bytes(),
        };
        let authorization = authorization(&call, &keys, &scope);
        authorization
            .split_once("Signature=")
            .map(|(_, signature)| signature.to_owned())
            .unwrap_or_default()
    }

    #[test]
    fn signatures_are_those_of_the_official_test_suite() {
        // get-vanilla, get-vanilla-empty-query-key, get-vanilla-query-order-key-case, get-vanilla-query-unreserved,
        // post-vanilla, post-x-www-form-urlencoded, post-sts-header-before, get-header-value-trim.
        const UNRESERVED: &str =
            "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        const FORM: Pairs = &[("content-type", "application/x-www-form-urlencoded")];
        #[rustfmt::skip]
        let cases: [(&str, Pairs, Pairs, &str, &str); 8] = [
            ("GET", &[], &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("GET", &[("Param1", "value1")], &[], "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
            ("GET", &[("Param2", "value2"), ("Param1", "value1")], &[], "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
            ("GET", &[(UNRESERVED, UNRESERVED)], &[], "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
            ("POST", &[], &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ("POST", &[], FORM, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
            ("POST", &[], &[("x-amz-security-token", TOKEN)], "", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
            ("GET", &[], &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")], "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        ];
        for (method, query, headers, body, expected) in cases {
            assert_eq!(
                signature(method, query, headers, body),
                expected,
                "{method} {query:?} {headers:?}"
            );
        }
    }

    #[test]
    fn the_documented_example_is_signed_as_documented() {
        let keys = Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session: None,
        };
        let headers = [
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ];
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let query = [("Action", "ListUsers"), ("Version", "2010-05-08")];
        let call = Call {
            method: "GET",
            path: "/",
            query: &query,
            headers: &headers,
            body: b"",
        };
        let scope = Scope {
            region: "us-east-1",
            service: "iam",
            time: "20150830T123600Z",
        };
        assert_eq!(
            authorization(&call, &keys, &scope),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn escaping_leaves_only_the_unreserved() {
        assert_eq!(escape("a b+c/d~é"), "a%20b%2Bc%2Fd~%C3%A9");
    }
}
