//! The injector, and everything a person runs.

mod agent_inject;
mod command;
mod explain;
mod inject;
mod manifest;
mod offline;
mod preview;
mod template;
mod version;

use std::process::ExitCode;

use command::Command;
// Only for what it makes the linker do.
use pannier_mem as _;

/// A review makes a few hundred small allocations; musl's allocator takes a lock and often a system call for each, which
/// costs more than all the rest of the review.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every subcommand, in the order of the help.
///
/// A command is one file beside this one; it gets the arguments after its own name.
const COMMANDS: &[Command] = &[
    Command {
        name: "agent-inject",
        summary: "serve the admission webhook that injects agents into pods",
        run: agent_inject::run,
    },
    Command {
        name: "inject",
        summary: "inject agents into manifests, offline",
        run: inject::run,
    },
    Command {
        name: "explain",
        summary: "tell what would be injected into the pods of manifests",
        run: explain::run,
    },
    Command {
        name: "preview",
        summary: "write the files that the pods of manifests would get",
        run: preview::run,
    },
    Command {
        name: "template",
        summary: "render a template, with no Vault at all",
        run: template::run,
    },
    Command {
        name: "version",
        summary: "print the version",
        run: version::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    command::dispatch(COMMANDS, &arguments)
}
