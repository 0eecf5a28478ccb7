//! The admission server: TLS, certificates, metrics; the only crate that links kube.
//!
//! ```text
//! files, or Secret + caBundle ──> certificates ──(watch)──> Serving ──> TLS, readiness, metrics
//!                                                                        │
//! API server ──TLS──> server ──> http ──> admission ──> Reviewer (pannier_inject::review)
//!     its version, now and then ──> kube_version ─────────┘
//! ```
//!
//! [`run`] is the whole of it: it starts the certificate source, waits for something to serve, opens the port and
//! serves until it is told to stop.

pub mod admission;
mod certificates;
mod http;
mod kube_version;
mod metrics;
mod run;
mod server;
mod serving;
pub mod tls;

pub use certificates::Automatic;
pub use certificates::files::{Files, FilesError};
pub use http::BodyLimits;
pub use run::{Certificates, Config, StartError, run};
pub use server::{Limits, ListenError};
