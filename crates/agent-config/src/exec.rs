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
