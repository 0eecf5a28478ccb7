//! Choosing the subcommand, with the exit codes and streams of the program this one replaces.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// One subcommand.
pub(crate) struct Command {
    /// What the user types.
    pub(crate) name: &'static str,
    /// One line for the help.
    pub(crate) summary: &'static str,
    /// Runs with the arguments after the name.
    pub(crate) run: fn(&[String]) -> ExitCode,
}

/// No subcommand or an unknown one (as vault-k8s: injector behaviour, 2.1).
const NO_SUCH_COMMAND: u8 = 127;

/// Whether a word asks for help.
pub(crate) fn is_help(word: &str) -> bool {
    matches!(word, "-h" | "-help" | "--help")
}

/// Runs the command that the first argument names.
///
/// A word for help anywhere before `--` shows the options of the command named behind the flags, else the commands.
/// Before a command: `-version`, `--version` and `-v` print the bare version, `-h` and `-help` the help, both on standard
/// error with exit 0; any other flag is refused with exit 1.
pub(crate) fn dispatch(commands: &[Command], arguments: &[String]) -> ExitCode {
    let Some(first) = arguments.first().map(String::as_str) else {
        help(commands);
        return ExitCode::from(NO_SUCH_COMMAND);
    };
    let before_dashes = arguments.iter().take_while(|word| *word != "--");
    if before_dashes.clone().any(|word| is_help(word)) {
        let name = before_dashes
            .into_iter()
            .find(|word| !word.starts_with('-'));
        match commands
            .iter()
            .find(|command| Some(command.name) == name.map(String::as_str))
        {
            Some(command) => return (command.run)(&["-h".to_owned()]),
            None => {
                help(commands);
                return ExitCode::SUCCESS;
            }
        }
    }
    match first {
        "-v" | "-version" | "--version" => {
            say(crate::version::VERSION);
            ExitCode::SUCCESS
        }
        flag if flag.starts_with('-') => {
            say(format_args!(
                "flag provided but not defined: {flag}: flags come after the command\n"
            ));
            help(commands);
            ExitCode::FAILURE
        }
        name => match commands.iter().find(|command| command.name == name) {
            Some(command) => (command.run)(&arguments[1..]),
            None => {
                help(commands);
                ExitCode::from(NO_SUCH_COMMAND)
            }
        },
    }
}

fn help(commands: &[Command]) {
    say("Usage: pannier [-version] [-help] <command> [arguments]\n\nCommands:");
    for command in commands {
        say(format_args!("    {:<14} {}", command.name, command.summary));
    }
}

/// A line on standard error. Nobody listening there is no reason to fail.
pub(crate) fn say(line: impl Display) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
