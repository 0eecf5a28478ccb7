//! The program that runs in pods; it answers to the name vault too.
//!
//! `agent -config=…` runs the agent, `exec` starts a program with variables from
//! a file, `token revoke -self` is the preStop hook's call, `version` names the version. Only here
//! the environment is read, text goes to the standard output, and exit codes are chosen.

// Every word on the standard streams comes from here: they are part of what this program promises.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the program, not a library"
)]

mod agent;
mod allocator;
mod applets;
#[cfg(all(target_env = "musl", panic = "abort"))]
mod backtrace;
mod exec;
mod healthcheck;
mod notify;
mod process;
mod token;

use std::process::ExitCode;

use applets::Turn;
use pannier_agent_config::Environment;

/// What was a secret is none once its memory is free.
#[global_allocator]
static ALLOCATOR: allocator::Zeroing = allocator::Zeroing(std::alloc::System);

/// Exit code of wrong usage.
const USAGE: u8 = 1;

/// Exit code of a command that is none.
const UNKNOWN: u8 = 127;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let arguments = match applets::turn(std::env::args_os().collect()) {
        Turn::Exit(code) => return code,
        Turn::Program(arguments) => arguments,
    };
    let arguments: Vec<String> = arguments
        .into_iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["agent", rest @ ..] => agent::run(rest, &environment()),
        ["healthcheck", rest @ ..] => healthcheck::run(rest, &environment()),
        ["exec", rest @ ..] => exec::run(rest),
        ["token", "revoke", rest @ ..] => token::revoke(rest, &environment()),
        ["version" | "-version" | "--version" | "-v", ..] => {
            println!("Pannier v{VERSION}, in the place of vault agent");
            ExitCode::SUCCESS
        }
        ["-h" | "-help" | "--help" | "help"] => {
            println!("{}", usage());
            ExitCode::SUCCESS
        }
        // The flags of the agent alone mean the agent.
        [first, ..] if first.starts_with('-') => agent::run(&words, &environment()),
        ["token", ..] => {
            eprintln!("{}", usage());
            ExitCode::from(USAGE)
        }
        _ => {
            eprintln!("{}", usage());
            ExitCode::from(UNKNOWN)
        }
    }
}

fn environment() -> Environment {
    Environment::new(
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    )
}

fn usage() -> &'static str {
    "Usage: vault <command> [options]\n\n\
     Commands:\n  \
     agent          Log in, keep the token alive, render secrets into files\n  \
     healthcheck    Ask a running agent whether all is well, for probes\n  \
     exec           Become a program, with variables from a rendered file (-env-file FILE -- COMMAND)\n  \
     token revoke   Revoke the token of this pod (-self)\n  \
     version        Print the version"
}
