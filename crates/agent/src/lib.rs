//! Log in, render, renew, serve, supervise: what runs in a pod.
//!
//! ```text
//!   auth ──► token ──┬──► sinks (files)
//!                    └──► render: templates ──► files ──► commands
//! ```
//!
//! [`Agent::new`] checks everything that can be checked without the server, [`Agent::run`] runs until the work is done or it is
//! told to stop. Nothing here prints or chooses to end the process; the program does.

mod addresses;
mod agent;
mod auth;
mod backoff;
mod cache;
pub mod connection;
mod exec;
mod files;
mod lifetime;
mod listener;
pub mod metrics;
mod orphans;
mod proxy;
mod render;
mod serve;
mod sink;
mod token;
mod upstream;

pub use addresses::{interfaces, resolve};
pub use agent::{Agent, Exit, Previewed, Process, StartError, check};
pub use auth::MethodError;
pub use render::secret;
pub use serve::ServeError;
pub use sink::SinkError;
