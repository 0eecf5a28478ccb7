use std::time::Duration;

use crate::{Position, Signal};

/// The `template_config` stanza.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateConfig {
    /// `exit_on_retry_failure`: end the agent when the retries of a secret are used up.
    pub exit_on_retry_failure: bool,
    /// `static_secret_render_interval`: how long a secret without a lease is trusted.
    pub static_secret_render_interval: Duration,
    /// `max_connections_per_host`; 0 is no limit.
    pub max_connections_per_host: u32,
    /// `lease_renewal_threshold`: the part of a lifetime after which a secret that cannot be renewed is read again.
    pub lease_renewal_threshold: f64,
}

impl Default for TemplateConfig {
    fn default() -> Self {
        Self {
            exit_on_retry_failure: false,
            static_secret_render_interval: Duration::from_mins(5),
            max_connections_per_host: 10,
            lease_renewal_threshold: 0.90,
        }
    }
}

/// What is rendered and how, the same for files and environment variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateText {
    /// Where the block stands.
    pub at: Position,
    /// `source` or `contents`.
    pub body: Body,
    /// `left_delimiter`.
    pub left_delimiter: String,
    /// `right_delimiter`.
    pub right_delimiter: String,
    /// `error_on_missing_key`.
    pub error_on_missing_key: bool,
    /// `error_fatal`: an error of this template stops the others too.
    pub error_fatal: bool,
    /// `function_denylist`.
    pub function_denylist: Vec<String>,
}

/// Where the text of a template comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// `source`: a file.
    Source(String),
    /// `contents`: the text itself.
    Contents(String),
}

/// A `template` block: one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What is rendered.
    pub text: TemplateText,
    /// `destination`. Empty when it is not given, which fails when the file is to be written, as in the reference.
    pub destination: String,
    /// `create_dest_dirs`.
    pub create_dest_dirs: bool,
    /// `perms`: the file's mode; `None` (also for 0) keeps the mode of the file that is there, else 0644.
    pub perms: Option<u32>,
    /// `user` or `uid`.
    pub user: Option<Owner>,
    /// `group` or `gid`.
    pub group: Option<Owner>,
    /// `backup`: keep the file that is replaced as `<destination>.bak`.
    pub backup: bool,
    /// `exec`, or the older `command`: what runs after the file has changed.
    pub command: Option<Command>,
    /// `wait`: let changes settle before rendering.
    pub wait: Option<Wait>,
    /// `sandbox_path`: the directory out of which `file` may not reach.
    pub sandbox_path: Option<String>,
}

/// A user or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// By number.
    Id(u32),
    /// By name.
    Name(String),
}

/// What runs after a file has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments. One element with white space in it is a shell line.
    pub words: Vec<String>,
    /// How long it may take; zero does not wait for it at all.
    pub timeout: Duration,
    /// `exec.enabled`.
    pub enabled: bool,
    /// `exec.splay`: wait a random time up to this before it is stopped.
    pub splay: Duration,
    /// `exec.kill_signal`.
    pub kill_signal: Option<Signal>,
    /// `exec.kill_timeout`.
    pub kill_timeout: Duration,
    /// `exec.reload_signal`.
    pub reload_signal: Option<Signal>,
}

/// `wait`: render when nothing has changed for `min`, at the latest `max` after the first change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The quiet time.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}
