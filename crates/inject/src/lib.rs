//! Pod and settings in, decision, plan and JSON patch out; no I/O.
//!
//! ```text
//!               Settings (flags, environment)
//!                         │
//!  pod ──▶ read ──▶ fill in defaults ──▶ agent ──▶ validate ──▶ containers, volumes ──▶ Injection
//!   │       │              │                │          │                 │               patch, warnings, plan
//!   ▼       ▼              ▼                ▼          ▼                 ▼
//!  Skip    Deny           Deny             Deny       Deny              Deny
//! ```
//!
//! [`review`] is the one function that the webhook and every offline command call. The pod is a plain JSON value that is
//! read as far as needed and never written back, so whatever else it holds survives.

pub mod admission;
mod agent;
pub mod annotations;
mod config;
mod container;
mod container_type;
mod effective;
mod explain;
mod fault;
mod grammar;
pub mod json_patch;
mod kube_version;
mod lint;
mod mounts;
mod node;
pub mod patch;
mod path;
pub mod plan;
mod pod;
pub mod quantity;
mod review;
mod secret;
pub mod service_account;
pub mod settings;
mod spec;
mod stop;
mod telemetry;
mod token;
mod warning;

pub use container::Role;
pub use explain::explain;
pub use kube_version::KubeVersion;
pub use node::Node;
pub use patch::Operation;
pub use plan::Plan;
pub use review::{Decision, Denial, DenialReason, Injection, Request, Skip, SkipReason, review};
pub use settings::Settings;
pub use warning::Warning;
