//! Opening the port as Go does it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use tokio::net::TcpListener;

/// The port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not `host:port`.
    #[error("listen tcp: address {0}: expected `host:port` or `:port` with a port number")]
    Address(String),
    /// The system refuses.
    #[error("listen tcp {address}: {error}")]
    System {
        /// As it was given.
        address: String,
        /// The system's words.
        error: io::Error,
    },
}

/// Listens on `host:port`; without a host on all addresses of both families.
///
/// # Errors
/// The address is none, or the system refuses it.
pub(crate) async fn bind(address: &str) -> Result<TcpListener, ListenError> {
    let malformed = || ListenError::Address(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
    let port: u16 = port.parse().map_err(|_| malformed())?;
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let bound = if host.is_empty() {
        match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
            // A node without IPv6.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
            }
            other => other,
        }
    } else {
        TcpListener::bind((host, port)).await
    };
    bound.map_err(|error| ListenError::System {
        address: address.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn addresses_are_read_as_go_reads_them() {
        for address in [":0", "127.0.0.1:0", "localhost:0"] {
            assert!(bind(address).await.is_ok(), "{address}");
        }
        for address in ["8080", "host:", "host:http", ":70000"] {
            assert!(
                matches!(bind(address).await, Err(ListenError::Address(_))),
                "{address}"
            );
        }
        let taken = bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        assert!(matches!(
            bind(&address).await,
            Err(ListenError::System { .. })
        ));
    }
}
