//! A small client for the HTTP API of Vault and OpenBao.
//!
//! ```text
//!   Request ──► Client ──► retries ──► one redirect ──► pool ──► connection ──► Response ──► Secret
//!                 │                                       │
//!               Policy (user agent, retries)              TCP, TLS, Unix socket, HTTP proxy
//! ```
//!
//! A [`Request`] is a value; [`Client::send`] gives the answer or an [`Error`] in the words operators know. Connections are
//! kept and shared by all clones of a client, certificate files are read again when they change, and what is secret is zeroed
//! when dropped. The bytes in hyper's and the kernel's own buffers are not in our hands.

mod address;
mod calendar;
mod client;
mod connect;
mod error;
mod limit;
mod pool;
mod proxy;
pub mod random;
mod request;
mod response;
pub mod retry;
mod secret;
mod srv;
mod tls;
pub mod x509;

pub use address::{Address, AddressError, Scheme};
pub use client::{BuildError, Client, ClientConfig, Keep, Policy};
pub use error::{ApiError, Error};
pub use hyper::Method;
pub use hyper::header::HeaderMap;
pub use limit::RateLimit;
pub use proxy::{ProxySettings, unescape};
pub use request::{Body, PassedOn, Request};
pub use response::Response;
pub use secret::{Auth, Secret, WrapInfo};
pub use tls::{Pem, TlsError, TlsSettings};
