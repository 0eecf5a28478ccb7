//! Go's `text/template` with the functions of Consul-Template and Sprig.
//!
//! The crate is pure: it opens no socket or file, reads no clock and no environment. What a template needs from the
//! world it asks of a [`Host`].

mod error;
mod exec;
pub mod fmt;
pub mod functions;
pub mod host;
mod parse;
mod redact;
mod refused;
mod template;
pub mod value;

pub use error::{Error, ErrorKind, Place};
pub use host::{Answer, Dependency, Host};
pub use template::{Limits, MissingKey, Options, Render, Template};
pub use value::{List, Map, Object, Text, Type, Value};
