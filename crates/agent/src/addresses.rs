//! The addresses of hosts, this machine's own among them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, ToSocketAddrs as _};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrStorage;
use pannier_template::host::{Interface, Interfaces};

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

/// The network interfaces of this machine with their addresses, as templates get them (`sockaddr`).
///
/// # Errors
///
/// The system's words when it does not tell them.
pub fn interfaces() -> Result<Interfaces, String> {
    let found = getifaddrs().map_err(|error| format!("listing the network interfaces: {error}"))?;
    let mut by_name: BTreeMap<String, Interface> = BTreeMap::new();
    for one in found {
        // An address may have a label of its own: `eth0:1`.
        let name = one.interface_name.split(':').next().unwrap_or_default();
        let interface = by_name.entry(name.to_owned()).or_insert_with(|| Interface {
            index: if_nametoindex(name).unwrap_or_default(),
            mtu: mtu(name),
            name: name.to_owned(),
            flags: flags(one.flags),
            ..Interface::default()
        });
        let Some(address) = &one.address else {
            continue;
        };
        if let Some(link) = address.as_link_addr() {
            // All zero, as that of the loopback interface, is none.
            interface.hardware = link
                .addr()
                .filter(|bytes| *bytes != [0; 6])
                .map(|bytes| bytes.to_vec())
                .unwrap_or_default();
        } else if let Some(ip) = ip(address) {
            interface.addresses.push((ip, bits(&one)));
        }
    }
    let mut list: Vec<Interface> = by_name.into_values().collect();
    list.sort_by_key(|interface| interface.index);
    for interface in &mut list {
        interface.addresses.sort_by_key(|(ip, _)| ip.is_ipv6());
    }
    Ok(Interfaces {
        list,
        default: fs::read_to_string("/proc/net/route")
            .ok()
            .and_then(|table| default_interface(&table)),
    })
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = || address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
    let v6 = || address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip()));
    v4().or_else(v6)
}

/// How many bits at the start of the address are those of its network.
fn bits(address: &InterfaceAddress) -> u8 {
    let ones = match address.netmask.as_ref().and_then(ip) {
        Some(IpAddr::V4(mask)) => mask.to_bits().leading_ones(),
        Some(IpAddr::V6(mask)) => mask.to_bits().leading_ones(),
        None => 128,
    };
    u8::try_from(ones).unwrap_or(128)
}

/// In Go's numbers.
fn flags(flags: InterfaceFlags) -> u32 {
    [
        (InterfaceFlags::IFF_UP, Interface::UP),
        (InterfaceFlags::IFF_BROADCAST, Interface::BROADCAST),
        (InterfaceFlags::IFF_LOOPBACK, Interface::LOOPBACK),
        (InterfaceFlags::IFF_POINTOPOINT, Interface::POINT_TO_POINT),
        (InterfaceFlags::IFF_MULTICAST, Interface::MULTICAST),
        (InterfaceFlags::IFF_RUNNING, Interface::RUNNING),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(0, |all, (_, ours)| all | ours)
}

fn mtu(name: &str) -> u32 {
    fs::read_to_string(format!("/sys/class/net/{name}/mtu"))
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_default()
}

/// The interface of the first route of `/proc/net/route` that leads everywhere.
fn default_interface(table: &str) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            [name, "00000000", _, _, _, _, _, "00000000", ..] => Some((*name).to_owned()),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn the_default_route_is_the_one_without_destination_and_mask() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            br0\t0002010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
            br1\t00000000\t010010AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        assert_eq!(default_interface(table).unwrap(), "br1");
        assert_eq!(default_interface("Iface\n"), None);
    }

    #[test]
    fn this_machine_has_a_loopback_interface() {
        let interfaces = interfaces().unwrap().list;
        let loopback = interfaces
            .iter()
            .find(|interface| interface.flags & Interface::LOOPBACK != 0)
            .unwrap();
        assert!(loopback.addresses.contains(&([127, 0, 0, 1].into(), 8)));
        assert!(loopback.index > 0 && loopback.mtu > 0 && loopback.hardware.is_empty());
    }
}
