//! Addresses: Go's rules for hosts that are left out, and templates such as `{{ GetPrivateIP }}`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _};

use nix::ifaddrs::getifaddrs;

/// Replaces an address template by the address it stands for.
pub(super) fn expand(address: &str) -> Result<String, String> {
    let Some(start) = address.find("{{") else {
        return Ok(address.to_owned());
    };
    let Some(length) = address[start..].find("}}") else {
        return Err(format!("address `{address}`: `{{{{` without `}}}}`"));
    };
    let end = start + length;
    let mut words = address[start + 2..end].split_whitespace();
    let (function, argument) = (
        words.next().unwrap_or_default(),
        words.next().map(|word| word.trim_matches('"')),
    );
    let interfaces = interfaces().map_err(|error| format!("address `{address}`: {error}"))?;
    let found = match (function, argument) {
        ("GetPrivateIP", None) => first(&interfaces, |_, ip| ip.is_private()),
        ("GetPublicIP", None) => first(&interfaces, |_, ip| {
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified())
        }),
        ("GetInterfaceIP", Some(wanted)) => first(&interfaces, |name, _| name == wanted),
        _ => {
            return Err(format!(
                "address `{address}`: expected `GetPrivateIP`, `GetPublicIP` or `GetInterfaceIP \"<name>\"` between the braces"
            ));
        }
    };
    let found =
        found.ok_or_else(|| format!("address `{address}`: no interface has such an address"))?;
    Ok(format!(
        "{}{found}{}",
        &address[..start],
        &address[end + 2..]
    ))
}

fn first(
    interfaces: &[(String, Ipv4Addr)],
    wanted: impl Fn(&str, &Ipv4Addr) -> bool,
) -> Option<Ipv4Addr> {
    interfaces
        .iter()
        .find(|(name, ip)| wanted(name, ip))
        .map(|(_, ip)| *ip)
}

fn interfaces() -> io::Result<Vec<(String, Ipv4Addr)>> {
    let found = getifaddrs()?.filter_map(|interface| {
        let address = interface.address?;
        Some((interface.interface_name, address.as_sockaddr_in()?.ip()))
    });
    Ok(found.collect())
}

/// Binds. A host that is left out is every address, of both families where there are both.
pub(super) fn bind(address: &str) -> io::Result<TcpListener> {
    let socket = match address.strip_prefix(':') {
        Some(port) => {
            let port = port
                .parse()
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "invalid port"))?;
            TcpListener::bind(SocketAddr::new(IpAddr::from([0_u16; 8]), port))
                .or_else(|_| TcpListener::bind(SocketAddr::new(IpAddr::from([0; 4]), port)))?
        }
        None => TcpListener::bind(address.to_socket_addrs()?.collect::<Vec<_>>().as_slice())?,
    };
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn templates_stand_for_an_address_of_this_machine() {
        assert_eq!(expand("127.0.0.1:8200").unwrap(), "127.0.0.1:8200");
        assert_eq!(
            expand("{{ GetInterfaceIP \"lo\" }}:80").unwrap(),
            "127.0.0.1:80"
        );
        for (address, text) in [
            (
                "{{ GetInterfaceIP \"none\" }}:80",
                "no interface has such an address",
            ),
            ("{{ Get }}:80", "expected `GetPrivateIP`"),
            ("{{ GetPrivateIP :80", "without `}}`"),
        ] {
            let error = expand(address).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn binds_with_and_without_a_host() {
        for address in ["127.0.0.1:0", "localhost:0", ":0", "0.0.0.0:0"] {
            assert_ne!(
                bind(address).unwrap().local_addr().unwrap().port(),
                0,
                "{address}"
            );
        }
        assert!(bind("127.0.0.1").is_err());
        assert!(bind(":x").is_err());
    }
}
