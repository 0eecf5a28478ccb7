//! `pannier version`: which build this is, on standard output.

#![expect(clippy::print_stdout, reason = "this is the edge that prints")]

use std::process::ExitCode;

/// The version as it is printed everywhere.
pub(crate) const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

pub(crate) fn run(_: &[String]) -> ExitCode {
    println!("pannier {VERSION}");
    ExitCode::SUCCESS
}
