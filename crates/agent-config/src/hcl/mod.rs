//! HCL, version 1, as people wrote it for Vault: read into [`crate::ast`] without evaluating anything.

mod lexer;
mod parser;
mod text;

pub(crate) use parser::parse;
