//! `pannier version`: which build this is, on standard output.

#![expect(clippy::print_stdout, reason = "this is the edge that prints")]

use std::process::ExitCode;

use crate::command::{is_help, say};

/// The version as it is printed everywhere.
pub(crate) const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if arguments.iter().any(|word| is_help(word)) {
        say(
            "Usage: pannier version\n\nPrints the version on standard output. There are no options.",
        );
        return ExitCode::SUCCESS;
    }
    println!("pannier {VERSION}");
    ExitCode::SUCCESS
}
