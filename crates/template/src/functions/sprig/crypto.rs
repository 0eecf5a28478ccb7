//! Keys, certificates, passwords.

use crate::functions::Function;

pub(in crate::functions) const TABLE: &[Function] = &[];
