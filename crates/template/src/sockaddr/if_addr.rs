//! The values that templates of `sockaddr` see: an address on an interface, and its parts.

use std::any::Any;
use std::net::IpAddr;
use std::rc::Rc;

use pannier_go::quote::quote;

use super::address::Address;
use crate::functions::{Call, Failure};
use crate::host::{Interface, Interfaces};
use crate::value::{List, Method, Object, Shape, Text, Type, UintType, Value};

/// `sockaddr.IfAddr`.
pub(super) const IF_ADDR: Type = Type::Struct("sockaddr.IfAddr");
/// `sockaddr.IfAddrs`.
pub(super) const IF_ADDRS: Type = Type::List(&IF_ADDR);

/// One address of one interface.
#[derive(Clone, Debug)]
pub(super) struct IfAddr {
    pub(super) address: Address,
    pub(super) interface: Rc<Interface>,
    /// Whether the default route goes over the interface.
    pub(super) is_default: bool,
}

impl IfAddr {
    /// Every address of every interface.
    pub(super) fn all(interfaces: Interfaces) -> Vec<Self> {
        let default = interfaces.default;
        interfaces
            .list
            .into_iter()
            .flat_map(|interface| {
                let interface = Rc::new(interface);
                let is_default = default.as_ref() == Some(&interface.name);
                let addresses = interface.addresses.clone();
                addresses.into_iter().map(move |(ip, bits)| Self {
                    address: Address::new(ip, bits),
                    interface: Rc::clone(&interface),
                    is_default,
                })
            })
            .collect()
    }

    /// Those in a list that a function was given.
    pub(super) fn of_list(list: &List) -> Vec<Self> {
        list.items().iter().filter_map(Self::of).collect()
    }

    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref::<Self>().cloned(),
            _ => None,
        }
    }

    /// As a value of the template.
    pub(super) fn list(all: Vec<Self>) -> Value {
        Value::List(List::new(
            &IF_ADDR,
            all.into_iter().map(Value::object).collect(),
        ))
    }

    /// The attribute of that name, of the address or the interface.
    pub(super) fn attribute(&self, name: &str) -> Result<String, Failure> {
        match name {
            "flags" => Ok(flags_text(self.interface.flags)),
            "name" => Ok(self.interface.name.clone()),
            _ => self
                .address
                .attribute(name)
                .ok_or_else(|| Failure::new(format!("unsupported attribute name {}", quote(name)))),
        }
    }
}

impl std::fmt::Display for IfAddr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Interface {
            index,
            mtu,
            name,
            flags,
            ..
        } = &*self.interface;
        write!(
            f,
            "{} {{{index} {mtu} {name} {} {}}}",
            self.address,
            hardware_text(&self.interface.hardware),
            flags_text(*flags)
        )
    }
}

const TEXT: Option<Method> = Some(Method::new(&[], Type::String));

impl Object for IfAddr {
    fn type_name(&self) -> &'static str {
        "sockaddr.IfAddr"
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("SockAddr", Value::object(self.address)),
            ("Interface", Value::object(Net(Rc::clone(&self.interface)))),
        ]
    }

    /// Those of the interface are there, too: Go embeds it.
    fn field(&self, name: &str) -> Option<Value> {
        self.fields()
            .into_iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
            .or_else(|| Net(Rc::clone(&self.interface)).field(name))
    }

    fn method(&self, name: &str) -> Option<Method> {
        match name {
            "Attr" => Some(Method::new(&[Type::String], Type::String)),
            "String" | "Type" => TEXT,
            _ => None,
        }
    }

    fn call(&self, name: &str, call: &mut Call<'_>) -> Result<Value, Failure> {
        Ok(match name {
            "Attr" => self.attribute(&call.str(0))?.into(),
            "Type" => self.address.kind().into(),
            _ => self.to_string().into(),
        })
    }

    fn string(&self) -> Option<Text> {
        Some(self.to_string().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `sockaddr.IPv4Addr` and `sockaddr.IPv6Addr`.
impl Object for Address {
    fn type_name(&self) -> &'static str {
        if self.is_v4() {
            "sockaddr.IPv4Addr"
        } else {
            "sockaddr.IPv6Addr"
        }
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let number = |number: u128| match self.ip() {
            IpAddr::V4(_) => Value::Uint(UintType::Uint32, number as u64),
            // A large number in Go.
            IpAddr::V6(_) => number.to_string().into(),
        };
        vec![
            ("Address", number(self.number())),
            ("Mask", number(self.mask())),
            (
                "Port",
                Value::Uint(UintType::Uint16, u64::from(self.port())),
            ),
        ]
    }

    fn method(&self, name: &str) -> Option<Method> {
        match name {
            "Broadcast" if self.is_v4() => TEXT,
            "Host" | "Network" | "String" | "Type" => TEXT,
            "Maskbits" => Some(Method::new(&[], Type::INT)),
            _ => None,
        }
    }

    fn call(&self, name: &str, _call: &mut Call<'_>) -> Result<Value, Failure> {
        Ok(match name {
            "Broadcast" => self.attribute("broadcast").unwrap_or_default().into(),
            "Host" => self.attribute("address").unwrap_or_default().into(),
            "Maskbits" => Value::int(i64::from(self.bits())),
            "Network" => self.network().to_string().into(),
            "Type" => self.kind().into(),
            _ => self.to_string().into(),
        })
    }

    fn string(&self) -> Option<Text> {
        Some(self.to_string().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `net.Interface`.
struct Net(Rc<Interface>);

impl Object for Net {
    fn type_name(&self) -> &'static str {
        "net.Interface"
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let interface = &self.0;
        vec![
            ("Index", Value::int(i64::from(interface.index))),
            ("MTU", Value::int(i64::from(interface.mtu))),
            ("Name", interface.name.as_str().into()),
            ("HardwareAddr", hardware_text(&interface.hardware).into()),
            ("Flags", flags_text(interface.flags).into()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `02:00:00:00:00:10`.
fn hardware_text(bytes: &[u8]) -> String {
    let texts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    texts.join(":")
}

/// `up|broadcast|multicast`.
fn flags_text(flags: u32) -> String {
    const NAMES: [&str; 6] = [
        "up",
        "broadcast",
        "loopback",
        "pointtopoint",
        "multicast",
        "running",
    ];
    let set: Vec<&str> = NAMES
        .iter()
        .enumerate()
        .filter(|(i, _)| flags & (1 << i) != 0)
        .map(|(_, name)| *name)
        .collect();
    if set.is_empty() {
        "0".to_owned()
    } else {
        set.join("|")
    }
}
