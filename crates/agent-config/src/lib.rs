//! The agent's configuration: HCL and JSON in, a typed value out, and JSON back.
//!
//! ```text
//!  file or directory -> Source -> hcl / json -> ast::Object -> typed stanzas -> merged -> checked -> Config
//! ```
//!
//! [`Config`] is the contract between the two halves of Pannier: the injector writes it as JSON, the agent reads
//! it. Everything a configuration can say is a field with its default filled in; what is wrong with it comes back
//! as a list of [`Problem`]s, each naming the file and line it is about.

mod ast;
mod auto_auth;
mod cache;
mod check;
mod config;
pub mod emit;
pub mod environment;
mod exec;
pub mod flags;
mod hcl;
mod json;
pub mod keys;
mod listener;
mod log;
mod plain;
mod position;
mod problem;
mod settings;
mod signal;
mod source;
mod stanza;
mod telemetry;
mod template;
mod vault;

pub use auto_auth::{AutoAuth, DhExchange, Method, MethodConfig, Sink, WrongType};
pub use cache::{ApiProxy, AutoAuthToken, Cache, Persist};
pub use config::{Config, Subsystems};
pub use environment::{Environment, EnvironmentError};
pub use exec::{EnvTemplate, Exec, Restart};
pub use flags::{Arguments, ArgumentsError};
pub use listener::{Listener, ListenerAddress, ListenerRole, ListenerTls, SocketOwner, TlsVersion};
pub use log::LogConfig;
pub use plain::Plain;
pub use position::Position;
pub use problem::{Problem, Stage};
pub use settings::{DEFAULT_ADDRESS, Proxies, Settings, SettingsError, TlsFiles};
pub use signal::Signal;
pub use source::{Source, load, read_paths};
pub use telemetry::Telemetry;
pub use template::{Body, Command, Owner, Template, TemplateConfig, TemplateText, Wait};
pub use vault::{Vault, namespace};

/// The configuration as text, for `-test-verify-only` with `VAULT_TEST_VERIFY_ONLY_DUMP_CONFIG`. Values of a method's
/// `config` are left out.
#[must_use]
pub fn dump(config: &Config) -> String {
    format!("Configuration:\n{config:#?}\n")
}
