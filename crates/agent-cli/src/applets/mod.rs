//! What an injected container's command line asks of its image, so that the image needs no shell.
//!
//! The injector bypasses the image's entrypoint: it starts `/bin/sh -ec "echo ${VAULT_CONFIG?} | base64 -d > FILE && vault agent ..."`,
//! and the `preStop` hook is `/bin/sh -c "/bin/sleep N && /bin/vault token revoke ..."`. In our image `/bin/sh` is a link to this
//! program, which understands these lines and nothing else. Anything more is refused by name, never half run: [`line`]
//! reads the whole line before [`sh`] does the first thing.
//!
//! The agent then goes on in this very process. It is PID 1 and hears the signals itself, where a real shell would stay in
//! between and swallow them.

mod line;
mod sh;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// What is left to do after the applets had their turn.
#[derive(Debug, PartialEq)]
pub(crate) enum Turn {
    /// Go on as the program with these arguments, the name it was called by among them.
    Program(Vec<OsString>),
    /// An applet has done all there was to do.
    Exit(ExitCode),
}

/// Gives the applets their turn: the first argument tells which one was called, if any.
pub(crate) fn turn(arguments: Vec<OsString>) -> Turn {
    let called = arguments
        .first()
        .map(|name| Path::new(name).file_name().unwrap_or(name.as_os_str()));
    if called == Some(OsStr::new("sh")) {
        sh::run(&arguments[1..])
    } else {
        Turn::Program(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_every_other_name_alone() {
        for name in ["vault", "/bin/vault", "pannier-agent", "/bin/sh/vault"] {
            let arguments = vec![OsString::from(name), OsString::from("agent")];
            assert_eq!(turn(arguments.clone()), Turn::Program(arguments));
        }
        assert_eq!(turn(Vec::new()), Turn::Program(Vec::new()));
    }
}
