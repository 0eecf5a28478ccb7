//! The address blocks of the RFCs that `include "rfc"` knows.
//!
//! Which number stands for which blocks was measured on the original (`oracle/cases/sockaddr.txt`); the blocks are those
//! that the RFC sets aside.

use std::net::IpAddr;

use super::address::Address;

/// Not an RFC: the blocks that no router forwards.
const NOT_FORWARDABLE: u64 = 0xffff_ffff;

#[rustfmt::skip]
const BLOCKS: &[(u64, &[&str])] = &[
    (919, &["255.255.255.255/32"]),
    (1112, &["224.0.0.0/4"]),
    (1122, &["0.0.0.0/8", "127.0.0.0/8"]),
    (1918, &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
    (2544, &["198.18.0.0/15"]),
    (2765, &["::ffff:0:0:0/96"]),
    (2928, &["2001::/16"]),
    (3056, &["2002::/16"]),
    (3068, &["192.88.99.0/24"]),
    (3171, &["224.0.0.0/4"]),
    (3330, &[
        "0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    ]),
    (3849, &["2001:db8::/32"]),
    (3927, &["169.254.0.0/16"]),
    (4038, &[]),
    (4193, &["fc00::/7"]),
    (4291, &["::/96", "fe80::/10", "fec0::/10", "ff00::/8"]),
    (4380, &["2001::/32"]),
    (4773, &["2001::/23"]),
    (4843, &["2001:10::/28"]),
    (5180, &["2001:200::/48"]),
    (5735, &["192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"]),
    (5737, &["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]),
    (6052, &["64:ff9b::/96"]),
    (6333, &["192.0.0.0/29"]),
    (6598, &["100.64.0.0/10"]),
    (6666, &["100::/64"]),
    (6890, &[
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "240.0.0.0/4", "::/128", "::1/128", "64:ff9b::/96", "100::/64", "2001::/16", "2002::/16", "fc00::/7", "fe80::/10",
    ]),
    (7335, &["192.0.0.0/29"]),
    (NOT_FORWARDABLE, &[
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
        "240.0.0.0/4", "::/128", "::1/128", "2001:10::/28", "2001:db8::/32", "fe80::/10",
    ]),
];

/// Whether the network of `address` lies in a block of that RFC; `None` if its number is not known.
pub(super) fn contains(number: u64, address: &Address) -> Option<bool> {
    let (_, blocks) = BLOCKS.iter().find(|(known, _)| *known == number)?;
    Some(
        blocks
            .iter()
            .any(|block| Address::parse(block).is_some_and(|block| block.contains(address))),
    )
}

/// Whether there is a table for that number.
pub(super) fn is_known(number: u64) -> bool {
    BLOCKS.iter().any(|(known, _)| *known == number)
}

/// Whether the address means something only within its network, if anything: RFC 6890 without what routers do not forward.
pub(super) fn is_private(address: &Address) -> bool {
    contains(6890, address) == Some(true)
}

/// Whether routers pass packets to this address on.
pub(super) fn is_forwardable(address: &Address) -> bool {
    contains(NOT_FORWARDABLE, address) == Some(false)
}

/// `IsGlobalUnicast` of Go's `net.IP`.
pub(super) fn is_global_unicast(ip: IpAddr) -> bool {
    let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(is_broadcast
        || ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_multicast()
        || is_link_local_unicast(ip))
}

/// `IsLinkLocalUnicast` of Go's `net.IP`.
pub(super) fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// Whether it is multicast that stays on the link (`IsLinkLocalMulticast`) or, with `scope` 1, on the interface.
pub(super) fn is_multicast_of_scope(ip: IpAddr, scope: u8) -> bool {
    match ip {
        IpAddr::V4(v4) => scope == 2 && v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.octets()[0] == 0xff && v6.octets()[1] & 0x0f == scope,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_can_be_read_and_is_its_own_network() {
        for (number, blocks) in BLOCKS {
            for block in *blocks {
                let address = Address::parse(block);
                let is_network = address.is_some_and(|a| a.network() == a);
                assert!(is_network, "{block} of RFC {number}");
            }
        }
    }
}
