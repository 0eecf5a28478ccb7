//! Where the served certificate comes from.
#![expect(dead_code, reason = "automatic certificates follow")]

pub(crate) mod authorities;
pub(crate) mod contents;
pub(crate) mod files;
pub(crate) mod issue;
pub(crate) mod machine;
