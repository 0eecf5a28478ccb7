//! An IP address with the size of its network, and what can be asked of it and done to it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address and how many bits at its start are those of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    ip: IpAddr,
    bits: u32,
    port: u16,
}

impl Address {
    pub(super) fn new(ip: IpAddr, bits: u8) -> Self {
        // Go's `net.IP` makes no difference between an IPv4 address and the IPv6 form of it.
        let (ip, bits) = match ip.to_canonical() {
            v4 @ IpAddr::V4(_) if ip.is_ipv6() => (v4, u32::from(bits).saturating_sub(96)),
            ip => (ip, u32::from(bits)),
        };
        Self {
            ip,
            bits: bits.min(width(ip)),
            port: 0,
        }
    }

    /// `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1:80`, and the same in IPv6.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some((ip, bits)) = text.split_once('/') {
            let ip: IpAddr = ip.parse().ok()?;
            let is_number = bits.bytes().all(|b| b.is_ascii_digit());
            let bits: u8 = bits.parse().ok().filter(|_| is_number)?;
            return (u32::from(bits) <= width(ip)).then(|| Self::new(ip, bits));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self::new(ip, 128));
        }
        let socket: SocketAddr = text.parse().ok()?;
        Some(Self {
            port: socket.port(),
            ..Self::new(socket.ip(), 128)
        })
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }

    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn is_v4(&self) -> bool {
        self.ip.is_ipv4()
    }

    /// How the original calls the type.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_v4() { "IPv4" } else { "IPv6" }
    }

    pub(super) fn number(&self) -> u128 {
        match self.ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        }
    }

    /// The address with that number in the same network.
    fn with_number(self, number: u128) -> Self {
        let ip = if self.is_v4() {
            IpAddr::V4(Ipv4Addr::from_bits(number as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(number))
        };
        Self { ip, ..self }
    }

    /// All bits of an address of this kind.
    fn all(&self) -> u128 {
        if self.is_v4() {
            u128::from(u32::MAX)
        } else {
            u128::MAX
        }
    }

    /// The bits within the network.
    fn host_bits(&self) -> u128 {
        let width = width(self.ip) - self.bits;
        self.all() & !u128::MAX.checked_shl(width).unwrap_or(0)
    }

    pub(super) fn mask(&self) -> u128 {
        self.all() & !self.host_bits()
    }

    /// The first address of the network.
    pub(super) fn network(&self) -> Self {
        self.with_number(self.number() & self.mask())
    }

    /// The last address of the network.
    pub(super) fn broadcast(&self) -> Self {
        self.with_number(self.number() | self.host_bits())
    }

    /// The first address a host may have: in IPv4 not that of the network, unless it is too small for that.
    fn first_usable(&self) -> Self {
        let network = self.network();
        if self.is_v4() && self.bits < 31 {
            return network.with_number(network.number() + 1);
        }
        network
    }

    fn last_usable(&self) -> Self {
        let last = self.broadcast();
        if self.is_v4() && self.bits < 31 {
            return last.with_number(last.number() - 1);
        }
        last
    }

    /// Whether the network of `other` lies within this one.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.is_v4() == other.is_v4()
            && self.bits <= other.bits
            && self.network().number() == other.number() & self.mask()
    }

    /// The attribute of that name in small letters.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let v4 = self.is_v4();
        let octets = || match self.ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let each = |separator: &str, show: &dyn Fn(u8) -> String| {
            let texts: Vec<String> = octets().into_iter().map(show).collect();
            texts.join(separator)
        };
        Some(match name {
            "address" => self.ip.to_string(),
            "binary" => each("", &|b| format!("{b:08b}")),
            "broadcast" if v4 => self.broadcast().ip.to_string(),
            "first_usable" => self.first_usable().ip.to_string(),
            "hex" => each("", &|b| format!("{b:02x}")),
            "host" if self.port == 0 => self.ip.to_string(),
            "host" => SocketAddr::new(self.ip, self.port).to_string(),
            "last_usable" => self.last_usable().ip.to_string(),
            "mask_bits" => self.bits.to_string(),
            "netmask" => self.with_number(self.mask()).ip.to_string(),
            "network" => self.network().ip.to_string(),
            "octets" => each(" ", &|b| b.to_string()),
            "port" => self.port.to_string(),
            "size" => match self.host_bits().checked_add(1) {
                Some(size) => size.to_string(),
                None => "340282366920938463463374607431768211456".to_owned(),
            },
            "string" => self.to_string(),
            "type" => self.kind().to_owned(),
            "uint128" if !v4 => self.number().to_string(),
            "uint32" if v4 => self.number().to_string(),
            _ => return None,
        })
    }

    /// `math OPERATION VALUE`.
    ///
    /// # Errors
    /// The original's words.
    pub(super) fn math(self, operation: &str, value: &str) -> Result<Self, String> {
        let unreadable = |error: &dyn std::fmt::Display| {
            format!(
                "unable to convert {} to int for operation {}: {error}",
                pannier_go::quote::quote(value),
                pannier_go::quote::quote(operation),
            )
        };
        match operation.to_ascii_lowercase().as_str() {
            "address" => {
                let by = self.signed(value, &unreadable, operation)?;
                Ok(self.with_number(self.number().wrapping_add_signed(i128::from(by))))
            }
            "network" => {
                let by = self.signed(value, &unreadable, operation)?;
                let within = |steps: u64| u128::from(steps) & self.host_bits();
                let steps = by.unsigned_abs();
                Ok(if by < 0 {
                    let last = self.broadcast();
                    last.with_number(last.number() - within(steps - 1))
                } else {
                    let first = self.network();
                    first.with_number(first.number() + within(steps))
                })
            }
            "mask" => {
                let bits = pannier_go::integer::parse_uint(value.as_bytes(), 10)
                    .map_err(|error| unreadable(&error))?;
                if bits > u64::from(u32::MAX) {
                    return Err(unreadable(&out_of_range("ParseUint", value)));
                }
                if bits > u64::from(width(self.ip)) {
                    // The original says 64 for IPv6, too, and takes up to 128.
                    let (kind, most) = if self.is_v4() {
                        ("ipv4", 32)
                    } else {
                        ("ipv6", 64)
                    };
                    return Err(format!(
                        "parameter for operation {} on {kind} addresses must be between 0 and {most}",
                        pannier_go::quote::quote(operation),
                    ));
                }
                let bits = bits as u32;
                let masked = Self { bits, ..self }.network();
                Ok(Self {
                    bits: bits.min(self.bits),
                    ..masked
                })
            }
            _ => Err(format!(
                "unsupported math operation: {}",
                pannier_go::quote::quote(operation)
            )),
        }
    }

    /// The number after a sign; of IPv4 it has 33 bits, of IPv6 64.
    fn signed(
        &self,
        value: &str,
        unreadable: &dyn Fn(&dyn std::fmt::Display) -> String,
        operation: &str,
    ) -> Result<i64, String> {
        if !value.starts_with(['+', '-']) {
            return Err(format!(
                "sign (+/-) is required for operation {}",
                pannier_go::quote::quote(operation)
            ));
        }
        let number = pannier_go::integer::parse_int(value.as_bytes(), 10)
            .map_err(|error| unreadable(&error))?;
        if self.is_v4() && !(-(1 << 32)..1 << 32).contains(&number) {
            return Err(unreadable(&out_of_range("ParseInt", value)));
        }
        Ok(number)
    }
}

fn out_of_range(function: &str, value: &str) -> String {
    format!(
        "strconv.{function}: parsing {}: value out of range",
        pannier_go::quote::quote(value)
    )
}

fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// `10.1.2.3/24`, without the size if it is that of one address.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.attribute("host").unwrap_or_default();
        f.write_str(&host)?;
        if self.bits != width(self.ip) && self.port == 0 {
            f.write_char('/')?;
            write!(f, "{}", self.bits)?;
        }
        Ok(())
    }
}
