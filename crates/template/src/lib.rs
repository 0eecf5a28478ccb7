//! Go's `text/template` with the functions of Consul-Template and Sprig.
//!
//! A template is parsed once and rendered often. The crate is pure: it opens no socket or file, reads no clock and no
//! environment. What a template needs from the world it asks of a [`Host`], and what the host does not know yet comes back
//! as [`Render::Needs`], all of it at once:
//!
//! ```
//! use pannier_template::{Answer, Dependency, Host, Limits, Options, Render, Template, Value};
//!
//! struct Files;
//!
//! impl Host for Files {
//!     fn lookup(&self, dependency: &Dependency) -> Option<Answer> {
//!         match dependency {
//!             Dependency::File { path } if path == "/name" => Some(Answer::File("bob".into())),
//!             _ => None,
//!         }
//!     }
//! }
//!
//! let template = Template::parse("greeting", "hello {{ file \"/name\" | toUpper }}", &Options::default())?;
//! let Render::Text(text) = template.render(&Files, Value::Nil, &Limits::default())? else { unreachable!() };
//! assert_eq!(text.as_bytes(), b"hello BOB");
//! # Ok::<(), pannier_template::Error>(())
//! ```
//!
//! # How it works
//!
//! | module | does |
//! | --- | --- |
//! | `parse` | text to a flat list of steps with jumps, with the errors of Go's parser |
//! | `exec` | runs the steps in a loop with a stack on the heap; expressions as Go's reflection would see them |
//! | [`fmt`] | `print`, `println`, `printf` with all verbs and flags |
//! | [`value`] | what templates work with: byte strings, shared maps, objects with methods |
//! | [`functions`] | everything a template may call, and the seam for functions of your own |
//! | [`host`] | what a template may ask of the world |
//!
//! # What is promised
//!
//! * Output and error texts are Go's, byte for byte; `tests/go_cases.rs` holds thousands of recorded answers, and
//!   `examples/differential` asks Go about random templates. Differences kept on purpose are in `COMPATIBILITY.md`.
//! * No input panics, exhausts the stack, or runs for ever: see [`Limits`].
//! * An [`Error`] never shows a text or number of a secret the template was given; it has Go's text, the place, and an
//!   excerpt with a caret.
//! * Text is zeroed when its last holder lets go of it.

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
mod sockaddr;
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
