//! Where a server is: `http://host[:port][/base]`, `https://…` or `unix:///path/of/socket`.

use std::fmt;
use std::path::PathBuf;

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP in the clear.
    Http,
    /// HTTP over TLS.
    Https,
    /// HTTP in the clear over a Unix socket.
    Unix(PathBuf),
}

/// A server address that parsed.
///
/// The text of the authority is kept as it was typed, because error texts show the URL of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    scheme: Scheme,
    host: String,
    port: u16,
    /// Whether the port was typed.
    exact: bool,
    authority: String,
    base: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("address `{text}`: {expected}")]
pub struct AddressError {
    text: String,
    expected: &'static str,
}

impl Address {
    /// Parses what people put into `VAULT_ADDR`.
    ///
    /// # Errors
    ///
    /// When the scheme is none of the three, the host is missing or cannot be a name, or the port is no number.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fail = |expected| AddressError {
            text: text.to_owned(),
            expected,
        };
        let Some((scheme, rest)) = text.trim().split_once("://") else {
            return Err(fail(
                "expected `http://host:port`, `https://host:port` or `unix:///path`",
            ));
        };
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "unix" if rest.starts_with('/') => {
                return Ok(Self {
                    scheme: Scheme::Unix(PathBuf::from(rest)),
                    host: "localhost".to_owned(),
                    port: 80,
                    exact: true,
                    authority: "localhost".to_owned(),
                    base: String::new(),
                });
            }
            "unix" => return Err(fail("expected an absolute path after `unix://`")),
            _ => return Err(fail("the scheme must be `http`, `https` or `unix`")),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, base) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        // Credentials in the address have no meaning for Vault; only the host counts.
        let authority = authority.rsplit('@').next().unwrap_or_default();
        if authority.starts_with('[') && !authority.contains(']') {
            return Err(fail("the host lacks its closing `]`"));
        }
        let (host, port) = split_port(authority)
            .ok_or_else(|| fail("the port must be a number between 1 and 65535"))?;
        if host.is_empty() {
            return Err(fail("the host is missing"));
        }
        // What Go refuses too; a name that can never be found is better refused at once than asked for again and again.
        let is_odd = |c: char| c.is_ascii_control() || " \\^`{|}".contains(c);
        if host.contains(is_odd) || !authority.starts_with('[') && host.contains('%') {
            return Err(fail(
                "the host holds a character that no name of a host has",
            ));
        }
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port: port.unwrap_or(default_port),
            exact: port.is_some(),
            authority: authority.to_owned(),
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// How the server is reached.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Host name or IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, the scheme's own when none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether DNS may say on which host and port the server listens: it was addressed by a name alone.
    pub(crate) fn is_service(&self) -> bool {
        !self.exact && self.host.parse::<std::net::IpAddr>().is_err()
    }

    /// The same server where it really listens. What it is called stays.
    pub(crate) fn at(&self, host: String, port: u16) -> Self {
        Self {
            host,
            port,
            ..self.clone()
        }
    }

    /// Host and port as they were typed; the value of the `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path in front of `/v1`, without a trailing slash; mostly empty.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether requests travel over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The URL of a request target (`/v1/…?…`) at this address.
    #[must_use]
    pub fn url(&self, target: &str) -> String {
        let scheme = if self.is_tls() { "https" } else { "http" };
        format!("{scheme}://{}{target}", self.authority)
    }
}

/// `None` when what follows the last colon is no port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        (host, rest.strip_prefix(':'))
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    match port {
        None | Some("") => Some((host, None)),
        Some(digits) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .map(|port| (host, Some(port))),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Scheme::Unix(path) => write!(f, "unix://{}", path.display()),
            Scheme::Http => write!(f, "http://{}{}", self.authority, self.base),
            Scheme::Https => write!(f, "https://{}{}", self.authority, self.base),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_the_forms_people_type() {
        for (text, host, port, authority, base) in [
            (
                "http://127.0.0.1:8200",
                "127.0.0.1",
                8200,
                "127.0.0.1:8200",
                "",
            ),
            (
                "https://vault.example",
                "vault.example",
                443,
                "vault.example",
                "",
            ),
            ("HTTP://v/", "v", 80, "v", ""),
            (
                "https://[::1]:8201/base/",
                "::1",
                8201,
                "[::1]:8201",
                "/base",
            ),
            (
                "http://[fe80::1%25eth0]",
                "fe80::1%25eth0",
                80,
                "[fe80::1%25eth0]",
                "",
            ),
            ("https://u:p@v:1/a/b?x#y", "v", 1, "v:1", "/a/b"),
            (" https://v: ", "v", 443, "v:", ""),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                (
                    address.host(),
                    address.port(),
                    address.authority(),
                    address.base()
                ),
                (host, port, authority, base),
                "{text}"
            );
        }
    }

    #[test]
    fn a_unix_socket_is_spoken_to_as_localhost() {
        let address = Address::parse("unix:///run/vault.sock").unwrap();
        assert_eq!(address.scheme(), &Scheme::Unix("/run/vault.sock".into()));
        assert_eq!(address.url("/v1/x"), "http://localhost/v1/x");
        assert_eq!(address.to_string(), "unix:///run/vault.sock");
    }

    #[test]
    fn refuses_what_is_no_address_and_names_it() {
        for text in [
            "",
            "127.0.0.1:8200",
            "ftp://v",
            "http://",
            "http://:8200",
            "http://v:x",
            "http://v:0",
            "http://v:99999",
            "unix://rel",
            "http://[::1",
            "http://a b",
            "https://%zz:8200",
            "http://v\u{7}",
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("address `{text}`: ")), "{error}");
        }
    }
}
