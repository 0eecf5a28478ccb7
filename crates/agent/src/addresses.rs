//! The addresses of hosts.

use std::net::{IpAddr, ToSocketAddrs as _};

/// The addresses of a host by name, IPv4 first, as templates get them (`sprig_getHostByName`).
///
/// Name servers shuffle their answers; these are sorted, so that the same addresses give the same text. Waits for the
/// name server.
///
/// # Errors
///
/// The system's words when the name is not known or cannot be looked up.
pub fn resolve(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = (name, 0)
        .to_socket_addrs()
        .map_err(|error| error.to_string())?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.sort_unstable();
    Ok(addresses)
}
