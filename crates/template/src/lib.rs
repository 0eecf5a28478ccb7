//! Go's `text/template` with the functions of Consul-Template and Sprig.
//!
//! The crate is pure: it opens no socket or file, reads no clock and no environment. What a template needs from the
//! world it asks of a [`Host`].

mod datetime;
mod encoding;
mod error;
mod exec;
pub mod fmt;
pub mod functions;
mod hash;
pub mod host;
pub mod json;
mod parse;
mod redact;
mod refused;
mod regexp;
mod secret;
mod semver;
mod spew;
mod strings;
mod template;
mod toml;
mod url;
pub mod value;
mod yaml;

pub use error::{Error, ErrorKind, Place};
pub use host::{Answer, Dependency, Host};
pub use secret::{Certificates, Secret, SecretAuth, SecretWrapInfo};
pub use template::{Limits, MissingKey, Options, Render, Template};
pub use value::{List, Map, Object, Text, Type, Value};
