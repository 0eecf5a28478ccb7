//! The program that runs in pods; it answers to the name vault too.

mod applets;

use std::process::ExitCode;

use applets::Turn;

fn main() -> ExitCode {
    match applets::turn(std::env::args_os().collect()) {
        Turn::Exit(code) => code,
        // What the agent's own command line makes of these arguments comes with the agent.
        Turn::Program(_arguments) => ExitCode::FAILURE,
    }
}
