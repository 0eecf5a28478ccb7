//! `include`, `exclude`, `unique` and `sort`.

use std::cmp::Ordering;

use pannier_go::quote::quote;

use super::if_addr::IfAddr;
use super::rfc;
use crate::functions::Failure;
use crate::host::Interface;
use crate::regexp::Regexp;

/// Whether what matches stays or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Matching,
    Others,
}

impl Keep {
    fn keeps(self, matches: bool) -> bool {
        matches == (self == Self::Matching)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Matching => "include",
            Self::Others => "exclude",
        }
    }
}

/// Keeps what `selector` and its value select. Several values joined by `|` are taken one after another, so that an address
/// may come out more than once, as in the original.
pub(super) fn filter(
    keep: Keep,
    selector: &str,
    value: &str,
    list: &[IfAddr],
) -> Result<Vec<IfAddr>, Failure> {
    let kept = |matches: &dyn Fn(&IfAddr) -> bool| -> Vec<IfAddr> {
        list.iter()
            .filter(|one| keep.keeps(matches(one)))
            .cloned()
            .collect()
    };
    match selector.to_lowercase().as_str() {
        "address" => {
            let pattern = pattern("address", value)?;
            Ok(kept(&|one| {
                pattern.is_match(one.address.to_string().as_bytes())
            }))
        }
        "flag" | "flags" => {
            let wanted = Flags::parse(value)?;
            Ok(kept(&|one| wanted.match_any(one)))
        }
        "name" => {
            let pattern = pattern("name", value)?;
            Ok(kept(&|one| pattern.is_match(one.interface.name.as_bytes())))
        }
        "network" => {
            let networks: Vec<_> = value
                .split('|')
                .map(|text| {
                    super::address::Address::parse(text).ok_or_else(|| {
                        format!(
                            "unable to create an IP address from {}: invalid IPAddr {text}",
                            quote(text)
                        )
                    })
                })
                .collect::<Result<_, _>>()?;
            Ok(networks
                .iter()
                .flat_map(|network| kept(&|one| network.contains(&one.address)))
                .collect())
        }
        "port" => Ok(kept(&|one| one.address.port().to_string() == value)),
        "rfc" | "rfcs" => {
            let mut all = Vec::new();
            for text in value.split('|') {
                let number = rfc_number(text)?;
                all.extend(kept(&|one| {
                    rfc::contains(number, &one.address) == Some(true)
                }));
            }
            Ok(all)
        }
        "size" => {
            let bits = pannier_go::integer::parse_uint(value, 10).map_err(|error| {
                format!("invalid exclude size argument ({}): {error}", quote(value))
            })?;
            for one in list {
                if bits > if one.address.is_v4() { 32 } else { 128 } {
                    return Err(Failure::new(format!(
                        "mask size out of bounds for {} address: {bits}",
                        one.address.kind()
                    )));
                }
            }
            Ok(kept(&|one| u64::from(one.address.bits()) == bits))
        }
        "type" => by_type(keep, value, list),
        _ => Err(Failure::new(format!(
            "invalid {} selector {}",
            keep.name(),
            quote(selector)
        ))),
    }
}

fn pattern(of: &str, text: &str) -> Result<Regexp, Failure> {
    Regexp::compile(text.as_bytes()).map_err(|error| {
        Failure::new(format!(
            "Unable to compile {of} regexp {}: {error}",
            quote(text)
        ))
    })
}

fn rfc_number(text: &str) -> Result<u64, Failure> {
    let failed = |why: String| {
        Failure::new(format!(
            "unable to lookup RFC number {}: {why}",
            quote(text)
        ))
    };
    let number = pannier_go::integer::parse_uint(text, 10).map_err(|error| {
        failed(format!(
            "unable to parse RFC number {}: {error}",
            quote(text)
        ))
    })?;
    if rfc::is_known(number) {
        Ok(number)
    } else {
        Err(failed(format!("unsupported RFC {number}")))
    }
}

fn by_type(keep: Keep, value: &str, list: &[IfAddr]) -> Result<Vec<IfAddr>, Failure> {
    let mut types = Vec::new();
    for name in value.split('|') {
        types.push(match name.to_lowercase().as_str() {
            "ip" => (true, true),
            "ipv4" => (true, false),
            "ipv6" => (false, true),
            "unix" => (false, false),
            _ => {
                return Err(Failure::new(format!(
                    "unsupported type {} {}",
                    quote(name),
                    quote(value)
                )));
            }
        });
    }
    let mut all = Vec::new();
    for one in list {
        for (v4, v6) in &types {
            let matches = if one.address.is_v4() { *v4 } else { *v6 };
            if keep.keeps(matches) {
                all.push(one.clone());
            }
        }
    }
    Ok(all)
}

/// What `include "flags"` asks for: all of the interface's flags together, or any of the address's kinds.
struct Flags {
    /// `None` if no flag of the interface is asked for.
    interface: Option<u32>,
    kinds: Vec<fn(&IfAddr) -> bool>,
}

impl Flags {
    fn parse(text: &str) -> Result<Self, Failure> {
        let mut flags = Self {
            interface: None,
            kinds: Vec::new(),
        };
        for name in text.split('|') {
            let mut interface = |flag| *flags.interface.get_or_insert(0) |= flag;
            match name.to_lowercase().as_str() {
                "broadcast" => interface(Interface::BROADCAST),
                // The original asks for nothing here, so that it is true of all.
                "down" => interface(0),
                "loopback" => interface(Interface::LOOPBACK),
                "multicast" => interface(Interface::MULTICAST),
                "point-to-point" => interface(Interface::POINT_TO_POINT),
                "up" => interface(Interface::UP),
                "forwardable" => flags.kinds.push(|one| rfc::is_forwardable(&one.address)),
                "global unicast" => flags
                    .kinds
                    .push(|one| rfc::is_global_unicast(one.address.ip())),
                "interface-local multicast" => flags
                    .kinds
                    .push(|one| rfc::is_multicast_of_scope(one.address.ip(), 1)),
                "link-local multicast" => flags
                    .kinds
                    .push(|one| rfc::is_multicast_of_scope(one.address.ip(), 2)),
                "link-local unicast" => flags
                    .kinds
                    .push(|one| rfc::is_link_local_unicast(one.address.ip())),
                "unspecified" => flags.kinds.push(|one| one.address.ip().is_unspecified()),
                _ => {
                    return Err(Failure::new(format!(
                        "Unknown interface flag: {}",
                        quote(name)
                    )));
                }
            }
        }
        Ok(flags)
    }

    fn match_any(&self, one: &IfAddr) -> bool {
        self.interface
            .is_some_and(|wanted| one.interface.flags & wanted == wanted)
            || self.kinds.iter().any(|is| is(one))
    }
}

/// Drops what is like the one before it.
pub(super) fn unique(by: &str, list: &[IfAddr]) -> Result<Vec<IfAddr>, Failure> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let same: fn(&IfAddr, &IfAddr) -> bool = match by {
        "address" => |a, b| a.address == b.address,
        "name" => |a, b| a.interface.name == b.interface.name,
        _ => {
            return Err(Failure::new(format!(
                "unsupported unique constraint {}",
                quote(by)
            )));
        }
    };
    let mut all = list.to_vec();
    all.dedup_by(|next, before| same(next, before));
    Ok(all)
}

type Compare = fn(&IfAddr, &IfAddr) -> Ordering;

/// Sorts by a list of keys such as `default,-size`.
pub(super) fn sort(keys: &str, list: &[IfAddr]) -> Result<Vec<IfAddr>, Failure> {
    let mut comparisons: Vec<(Compare, bool)> = Vec::new();
    for key in keys.split(',') {
        let name = key.trim().to_lowercase();
        let (name, descending) = match name.strip_prefix('-') {
            Some(name) => (name, true),
            None => (name.strip_prefix('+').unwrap_or(&name), false),
        };
        let compare: Compare = match name {
            "address" => by_address,
            "default" => by_default,
            "name" => |a, b| a.interface.name.cmp(&b.interface.name),
            "port" => |a, b| a.address.port().cmp(&b.address.port()),
            "private" => by_private,
            "size" => by_size,
            "type" => |a, b| b.address.is_v4().cmp(&a.address.is_v4()),
            _ => {
                return Err(Failure::new(format!("unknown sort type: {}", quote(key))));
            }
        };
        comparisons.push((compare, descending));
    }
    let mut all = list.to_vec();
    insertion_sort(&mut all, |a, b| {
        for (compare, descending) in &comparisons {
            match (compare(a, b), descending) {
                (Ordering::Equal, _) => {}
                (ordering, false) => return ordering == Ordering::Less,
                (ordering, true) => return ordering == Ordering::Greater,
            }
        }
        false
    });
    Ok(all)
}

/// What Go does with up to twelve elements. The order is none in the strict sense (an IPv4 and an IPv6 address are equal to
/// each other, whatever is between them), so the way of sorting decides.
fn insertion_sort(all: &mut [IfAddr], less: impl Fn(&IfAddr, &IfAddr) -> bool) {
    for i in 1..all.len() {
        let mut j = i;
        while j > 0 && less(&all[j], &all[j - 1]) {
            all.swap(j, j - 1);
            j -= 1;
        }
    }
}

/// Of those on the interface of the default route first.
fn by_default(a: &IfAddr, b: &IfAddr) -> Ordering {
    b.is_default.cmp(&a.is_default)
}

/// Private ones first. Of two kinds of addresses the original looks at the first one only.
fn by_private(a: &IfAddr, b: &IfAddr) -> Ordering {
    let (a_is, b_is) = (rfc::is_private(&a.address), rfc::is_private(&b.address));
    if a.address.is_v4() == b.address.is_v4() {
        return b_is.cmp(&a_is);
    }
    if a_is {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

fn by_address(a: &IfAddr, b: &IfAddr) -> Ordering {
    if a.address.is_v4() != b.address.is_v4() {
        return Ordering::Equal;
    }
    a.address.number().cmp(&b.address.number())
}

/// Larger networks first.
fn by_size(a: &IfAddr, b: &IfAddr) -> Ordering {
    if a.address.is_v4() != b.address.is_v4() {
        return Ordering::Equal;
    }
    a.address.bits().cmp(&b.address.bits())
}
