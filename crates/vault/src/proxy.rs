//! Which HTTP proxy a request goes through: Go's rules for `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_redacted::Redacted;

use crate::address::{Address, AddressError, Scheme};

/// Proxy settings as the environment gives them; empty texts count as unset.
#[derive(Debug, Clone, Default)]
pub struct ProxySettings {
    /// For every request (`VAULT_PROXY_ADDR`, `VAULT_HTTP_PROXY`); `no_proxy` does not apply to it.
    pub always: Option<Redacted>,
    /// For `http` addresses (`HTTP_PROXY` or `http_proxy`).
    pub http: Option<Redacted>,
    /// For `https` addresses (`HTTPS_PROXY` or `https_proxy`).
    pub https: Option<Redacted>,
    /// Hosts that are reached without (`NO_PROXY` or `no_proxy`).
    pub no_proxy: String,
}

/// A proxy to use.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Where it listens; TLS when its scheme is `https`.
    pub(crate) address: Address,
    /// Value of `Proxy-Authorization`, when the proxy's URL had a user.
    pub(crate) authorization: Option<Redacted>,
}

impl ProxySettings {
    /// The proxy for this address, if any.
    pub(crate) fn choose(&self, target: &Address) -> Result<Option<Proxy>, AddressError> {
        let chosen = match target.scheme() {
            Scheme::Unix(_) => None,
            _ if present(self.always.as_ref()).is_some() => present(self.always.as_ref()),
            _ if bypassed(&self.no_proxy, target.host(), target.port()) => None,
            Scheme::Http => present(self.http.as_ref()),
            Scheme::Https => present(self.https.as_ref()),
        };
        chosen.map(|text| parse(text.expose())).transpose()
    }
}

fn present(value: Option<&Redacted>) -> Option<&Redacted> {
    value.filter(|text| !text.is_empty())
}

fn parse(text: &str) -> Result<Proxy, AddressError> {
    // A proxy without scheme is an HTTP proxy.
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let user = with_scheme
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next())
        .and_then(|authority| authority.rsplit_once('@'))
        .map(|(user, _)| unescape(user));
    Ok(Proxy {
        address: Address::parse(&with_scheme)?,
        authorization: user.map(|user| {
            let user = if user.contains(&b':') {
                user
            } else {
                [user, b":".to_vec()].concat()
            };
            Redacted::from(format!("Basic {}", STANDARD.encode(user)))
        }),
    })
}

/// A text with percent escapes in plain; what is no escape stays.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(value) if byte == b'%' => {
                out.push(value);
                rest = &tail[2..];
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

/// Whether the host is reached directly.
///
/// Source: documentation of `golang.org/x/net/http/httpproxy`: this machine is never reached through a proxy; the list holds
/// `*`, IP addresses, CIDR ranges, `domain` (with its subdomains) and `.domain` (subdomains only), each with an optional port.
fn bypassed(list: &str, host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    let ip: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            return matches!((ip, network.parse(), bits.parse()), (Some(ip), Ok(network), Ok(bits)) if contains(network, bits, ip));
        }
        let (name, only) = split_port(&entry);
        if only.is_some_and(|only| only != port) {
            return false;
        }
        if let Ok(listed) = name.parse::<IpAddr>() {
            return ip == Some(listed);
        }
        let name = name.strip_prefix('*').unwrap_or(name);
        match name.strip_prefix('.') {
            Some(domain) => host.strip_suffix(domain).is_some_and(|front| front.ends_with('.')),
            None => host == name || host.strip_suffix(name).is_some_and(|front| front.ends_with('.')),
        }
    })
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((name, port)) = entry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return (
            name,
            port.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, port.parse().ok()),
        _ => (entry, None),
    }
}

fn contains(network: IpAddr, bits: u32, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(network) & mask == u32::from(ip) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(network) & mask == u128::from(ip) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn no_proxy_follows_gos_rules() {
        for (list, host, port, expected) in [
            ("", "vault.example", 443, false),
            ("", "localhost", 443, true),
            ("", "127.0.0.9", 443, true),
            ("", "::1", 443, true),
            ("*", "vault.example", 443, true),
            ("example", "vault.example", 443, true),
            ("vault.example", "vault.example", 443, true),
            ("vault.example", "xvault.example", 443, false),
            (".example", "vault.example", 443, true),
            (".vault.example", "vault.example", 443, false),
            ("*.example", "vault.example", 443, true),
            ("vault.example:8200", "vault.example", 443, false),
            ("a, VAULT.example:443", "Vault.Example", 443, true),
            ("10.0.0.0/8", "10.9.8.7", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.1.2.3", "10.1.2.3", 443, true),
            ("fd00::/8", "fd12::1", 443, true),
            ("0.0.0.0/0", "8.8.8.8", 443, true),
            ("10.0.0.0/8", "vault.example", 443, false),
        ] {
            assert_eq!(bypassed(list, host, port), expected, "{list} {host}");
        }
    }

    #[test]
    fn the_scheme_chooses_the_proxy_and_the_explicit_one_wins() {
        let address = |text| Address::parse(text).unwrap();
        let mut settings = ProxySettings {
            always: None,
            http: Some("plain:3128".into()),
            https: Some("https://us%65r:p%40ss@secure:3129".into()),
            no_proxy: "skipped".to_owned(),
        };
        let chosen = |settings: &ProxySettings, text| {
            settings
                .choose(&address(text))
                .unwrap()
                .map(|proxy| proxy.address.to_string())
        };
        assert_eq!(chosen(&settings, "http://v").unwrap(), "http://plain:3128");
        assert_eq!(
            chosen(&settings, "https://v").unwrap(),
            "https://secure:3129"
        );
        assert_eq!(chosen(&settings, "https://skipped"), None);
        assert_eq!(chosen(&settings, "unix:///s"), None);
        let proxy = settings.choose(&address("https://v")).unwrap().unwrap();
        assert_eq!(proxy.authorization.unwrap().expose(), "Basic dXNlcjpwQHNz");
        settings.always = Some("http://vaultproxy:1".into());
        assert_eq!(
            chosen(&settings, "https://skipped").unwrap(),
            "http://vaultproxy:1"
        );
    }
}
