//! The networks of `oracle/networks`, as an agent in them would see them.

use std::net::IpAddr;

use pannier_template::host::{Interface, Interfaces};

const UP_AND_LOOPBACK: u32 = Interface::UP | Interface::LOOPBACK | Interface::RUNNING;
const BRIDGE: u32 = Interface::BROADCAST | Interface::MULTICAST;

fn interface(index: u32, name: &str, flags: u32, addresses: &[(&str, u8)]) -> Interface {
    let parse = |(ip, bits): &(&str, u8)| (ip.parse::<IpAddr>().expect("an address"), *bits);
    Interface {
        index,
        mtu: if name == "lo" { 65_536 } else { 1500 },
        name: name.to_owned(),
        hardware: name
            .strip_prefix("br")
            .map(|number| {
                vec![
                    2,
                    0,
                    0,
                    0,
                    0,
                    0x10 + number.parse::<u8>().expect("a number"),
                ]
            })
            .unwrap_or_default(),
        flags,
        addresses: addresses.iter().map(parse).collect(),
    }
}

fn loopback() -> Interface {
    interface(1, "lo", UP_AND_LOOPBACK, &[("127.0.0.1", 8), ("::1", 128)])
}

/// `oracle/networks/sockaddr.sh`.
pub(crate) fn usual() -> Interfaces {
    let br0 = [
        ("10.1.2.3", 24),
        ("192.168.7.9", 20),
        ("10.1.2.200", 24),
        ("fd00:1::5", 64),
        ("fe80::1", 64),
    ];
    let br1 = [("172.16.5.4", 12), ("8.8.8.8", 29), ("2600:1::abcd", 64)];
    let tunnel = Interface::UP | Interface::POINT_TO_POINT | Interface::MULTICAST;
    Interfaces {
        list: vec![
            loopback(),
            interface(2, "br0", Interface::UP | BRIDGE, &br0),
            interface(3, "br1", Interface::UP | BRIDGE, &br1),
            interface(4, "br2", BRIDGE, &[("10.9.9.9", 8)]),
            interface(5, "tun0", tunnel, &[("100.64.0.1", 32)]),
        ],
        default: Some("br1".to_owned()),
    }
}

/// `oracle/networks/sockaddr_odd.sh`.
pub(crate) fn odd() -> Interfaces {
    let br0 = [
        ("203.0.113.7", 24),
        ("169.254.3.4", 16),
        ("2001:db8::1", 32),
    ];
    let br1 = [
        ("198.18.0.9", 15),
        ("192.0.2.1", 31),
        ("192.88.99.5", 24),
        ("2002:c000:204::1", 48),
        ("64:ff9b::1", 96),
        ("2001:db8::2", 127),
    ];
    Interfaces {
        list: vec![
            loopback(),
            interface(2, "br0", Interface::UP | BRIDGE, &br0),
            interface(3, "br1", Interface::UP | BRIDGE, &br1),
        ],
        default: None,
    }
}
