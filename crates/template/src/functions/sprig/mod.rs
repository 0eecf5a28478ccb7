//! The functions of Sprig, as `sprig_NAME`.

mod case;
#[cfg(feature = "certificates")]
pub(super) mod crypto;
pub(super) mod date;
mod decimal;
pub(super) mod dict;
pub(super) mod encode;
mod equal;
pub(super) mod json;
pub(super) mod list;
pub(super) mod logic;
pub(super) mod number;
pub(super) mod password;
pub(super) mod path;
#[cfg(feature = "certificates")]
mod pem;
pub(super) mod random;
pub(super) mod regex;
pub(super) mod system;
pub(super) mod text;
pub(super) mod types;
pub(super) mod url;
pub(super) mod version;
mod wrap;

use super::Failure;

/// What Go says when it follows a pointer that is nil.
fn nil_pointer() -> Failure {
    Failure::new("runtime error: invalid memory address or nil pointer dereference")
}
