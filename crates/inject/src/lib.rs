//! Pod and settings in, decision, plan and JSON patch out; no I/O.

pub mod annotations;
mod grammar;
pub mod quantity;
pub mod settings;

pub use settings::Settings;
