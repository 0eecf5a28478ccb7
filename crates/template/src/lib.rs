//! Go's `text/template` with the functions of Consul-Template and Sprig.
//!
//! The crate is pure: it opens no socket or file, reads no clock and no environment. What a template needs from the
//! world it asks of a [`Host`].

pub mod functions;
pub mod host;
pub mod value;

pub use host::{Answer, Dependency, Host};
pub use value::{List, Map, Object, Text, Type, Value};
