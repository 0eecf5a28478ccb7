//! The injector, and everything a person runs.

mod command;

use std::process::ExitCode;

use command::Command;

/// Every subcommand, in the order of the help.
///
/// A command is one file beside this one; it gets the arguments after its own name.
const COMMANDS: &[Command] = &[];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    command::dispatch(COMMANDS, &arguments)
}
