use crate::ast::Value;
use crate::stanza::{Reading, Stanza};
use crate::template::refuse_unknown_keys;
use crate::{Position, Signal, TemplateText};

/// The `exec` stanza: the supervised program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Where it stands.
    pub at: Position,
    /// `command`, never empty in a checked configuration.
    pub command: Vec<String>,
    /// `restart_on_secret_changes`.
    pub restart_on_secret_changes: Restart,
    /// `restart_stop_signal`.
    pub restart_stop_signal: Signal,
    /// `child_process_stdout`: a file the program's output is appended to.
    pub child_process_stdout: Option<String>,
    /// `child_process_stderr`: a file the program's error output is appended to.
    pub child_process_stderr: Option<String>,
}

/// Whether the program is started anew when a secret changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Yes.
    #[default]
    Always,
    /// No; only a program that does not run is started.
    Never,
}

/// An `env_template` block: one environment variable of the supervised program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvTemplate {
    /// The variable's name.
    pub name: String,
    /// What is rendered.
    pub text: TemplateText,
}

impl Exec {
    const KEYS: [&'static str; 5] = [
        "child_process_stderr",
        "child_process_stdout",
        "command",
        "restart_on_secret_changes",
        "restart_stop_signal",
    ];

    pub(crate) fn read(stanza: Stanza<'_>, reading: &mut Reading) -> Self {
        const RESTART: &str = "restart_on_secret_changes";
        let stanza = stanza.called("error parsing 'exec': ");
        refuse_unknown_keys(&stanza, reading, "config.ExecConfig", &Self::KEYS);
        let restart_on_secret_changes = match stanza.text(reading, RESTART).as_deref() {
            None | Some("" | "always") => Restart::Always,
            Some("never") => Restart::Never,
            Some(other) => {
                let text = format!(
                    "'exec.{RESTART}' unexpected value: \"{}\"",
                    other.escape_debug()
                );
                reading.validating(stanza.place_of(RESTART), text);
                Restart::Always
            }
        };
        // A list and a signal are read in a second step, through a map.
        let mapped = stanza.clone().through_map("error parsing 'exec': ");
        let command = match stanza.get("command") {
            Some(Value::List(_)) => mapped.texts(reading, "command"),
            _ => stanza.texts(reading, "command"),
        };
        Self {
            at: reading.place(stanza.at),
            command: command.unwrap_or_default(),
            restart_on_secret_changes,
            restart_stop_signal: Signal::read(&mapped, reading, "restart_stop_signal")
                .unwrap_or(Signal::TERM),
            child_process_stdout: stanza.set_text(reading, "child_process_stdout"),
            child_process_stderr: stanza.set_text(reading, "child_process_stderr"),
        }
    }
}

impl EnvTemplate {
    /// What makes sense for files only.
    const REFUSED: [&'static str; 13] = [
        "backup",
        "command",
        "command_timeout",
        "create_dest_dirs",
        "destination",
        "exec",
        "perms",
        "user",
        "uid",
        "group",
        "gid",
        "wait",
        "sandbox_path",
    ];

    pub(crate) fn read(stanza: Stanza<'_>, reading: &mut Reading) -> Self {
        let stanza = stanza.through_map("error parsing 'env_template': ");
        let name = stanza.label().unwrap_or_default().to_owned();
        if stanza.label().is_none() {
            let text = format!(
                "expected one and only one environment variable name, got {}",
                stanza.label_count()
            );
            stanza.problem(reading, stanza.at, &text);
        }
        let (text, problem) = TemplateText::read(
            &stanza,
            reading,
            "either 'contents' or 'source' must be specified",
            "'contents' and 'source' cannot be specified together",
        );
        if let Some(problem) = problem {
            reading.validating(stanza.at, format!("env_template[{name}]: {problem}"));
        }
        for key in Self::REFUSED {
            if stanza.has_misplaced(key) {
                let text = format!("env_template[{name}]: '{key}' is not allowed");
                reading.validating(stanza.place_of(key), text);
            }
        }
        Self { name, text }
    }
}
