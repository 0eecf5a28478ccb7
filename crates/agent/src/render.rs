//! Templates: what they need, when it is fetched again, and where the result goes.
//!
//! ```text
//!   template ──► pass ──► needs ──► watchers (fetch, renew, wait) ──► values ──► pass ──► text ──► file ──► command
//! ```

mod answer;
mod clock;
mod command;
mod fetch;
mod file;
pub(crate) mod host;
mod key;
mod kv;
mod pki;
pub(crate) mod runner;
pub(crate) mod schedule;
pub(crate) mod template;
#[cfg(test)]
mod tests;
mod watch;

pub use answer::secret;
