use std::time::Duration;

use pannier_go::{Duration as GoDuration, integer};

use crate::Position;
use crate::ast::{Literal, Scalar, Value};
use crate::stanza::{Reading, Stanza};

/// Connections to one host. The reference has 10, each of which carries many requests (HTTP/2). Ours carry one at a time, and a
/// pod with twenty secrets should wait no longer than one with ten.
const CONNECTIONS: u32 = 32;

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
            max_connections_per_host: CONNECTIONS,
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
}

/// `wait`: render when nothing has changed for `min`, at the latest `max` after the first change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The quiet time.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}

impl TemplateConfig {
    pub(crate) fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        let default = Self::default();
        let interval = stanza.seconds(reading, "static_secret_render_interval");
        Self {
            exit_on_retry_failure: stanza
                .strict_bool(reading, "exit_on_retry_failure")
                .unwrap_or(false),
            static_secret_render_interval: interval
                .filter(|interval| !interval.is_zero())
                .unwrap_or(default.static_secret_render_interval),
            max_connections_per_host: stanza
                .integer(reading, "max_connections_per_host")
                .and_then(|limit| u32::try_from(limit).ok())
                .unwrap_or(default.max_connections_per_host),
            lease_renewal_threshold: threshold(stanza, reading)
                .unwrap_or(default.lease_renewal_threshold),
        }
    }
}

/// A part of a lifetime: above 0, and 1 at the most.
fn threshold(stanza: &Stanza<'_>, reading: &mut Reading) -> Option<f64> {
    const KEY: &str = "lease_renewal_threshold";
    let value = stanza.float(reading, KEY)?;
    if value > 0.0 && value <= 1.0 {
        return Some(value);
    }
    let text = format!("'{KEY}' must be above 0 and at most 1, not {value}");
    stanza.problem(reading, stanza.place_of(KEY), &text);
    None
}

/// Every key of a `template` or `env_template`; others are refused, as in the reference.
const KEYS: [&str; 21] = [
    "backup",
    "command",
    "command_timeout",
    "contents",
    "create_dest_dirs",
    "destination",
    "error_fatal",
    "error_on_missing_key",
    "exec",
    "function_blacklist",
    "function_denylist",
    "gid",
    "group",
    "left_delimiter",
    "perms",
    "right_delimiter",
    "sandbox_path",
    "source",
    "uid",
    "user",
    "wait",
];

impl TemplateText {
    /// Reads what files and variables have in common; beside it what is wrong about the body, in the words given.
    pub(crate) fn read(
        stanza: &Stanza<'_>,
        reading: &mut Reading,
        neither: &str,
        both: &str,
    ) -> (Self, Option<String>) {
        refuse_unknown_keys(stanza, reading, "config.TemplateConfig", &KEYS);
        let source = stanza.set_text(reading, "source");
        let contents = stanza.set_text(reading, "contents");
        let (body, problem) = match (source, contents) {
            (Some(source), None) => (Body::Source(source), None),
            (None, Some(contents)) => (Body::Contents(contents), None),
            (None, None) => (Body::Contents(String::new()), Some(neither.to_owned())),
            (Some(_), Some(contents)) => (Body::Contents(contents), Some(both.to_owned())),
        };
        let delimiter = |reading: &mut Reading, key: &str, default: &str| {
            stanza
                .set_text(reading, key)
                .unwrap_or_else(|| default.to_owned())
        };
        let mut function_denylist = stanza
            .texts_or_commas(reading, "function_denylist")
            .unwrap_or_default();
        function_denylist.extend(
            stanza
                .texts_or_commas(reading, "function_blacklist")
                .unwrap_or_default(),
        );
        let text = Self {
            at: reading.place(stanza.at),
            body,
            left_delimiter: delimiter(reading, "left_delimiter", "{{"),
            right_delimiter: delimiter(reading, "right_delimiter", "}}"),
            error_on_missing_key: stanza
                .strict_bool(reading, "error_on_missing_key")
                .unwrap_or(false),
            error_fatal: stanza.strict_bool(reading, "error_fatal").unwrap_or(true),
            function_denylist,
        };
        (text, problem)
    }
}

/// Notes the keys that a stanza does not know, all in one sentence as the reference does.
pub(crate) fn refuse_unknown_keys(
    stanza: &Stanza<'_>,
    reading: &mut Reading,
    go: &str,
    known: &[&str],
) {
    // Of two spellings of one key the exact one counts, and the other is none.
    let exact = |name: &&str| stanza.keys().any(|key| key.text == **name);
    let is_known = |text: &str| {
        let name = known.iter().find(|name| text.eq_ignore_ascii_case(name));
        name.is_some_and(|name| text == *name || !exact(name))
    };
    let mut unknown: Vec<_> = stanza.keys().filter(|key| !is_known(&key.text)).collect();
    let Some(first) = unknown.first().map(|key| key.at) else {
        return;
    };
    unknown.sort_by(|a, b| a.text.cmp(&b.text));
    unknown.dedup_by(|a, b| a.text == b.text);
    let names: Vec<&str> = unknown.iter().map(|key| key.text.as_str()).collect();
    stanza.map_problem(
        reading,
        first,
        &format!("'{go}' has invalid keys: {}", names.join(", ")),
    );
}

impl Template {
    pub(crate) fn read(stanza: Stanza<'_>, reading: &mut Reading) -> Self {
        const SERVER: &str = "template server failed to create: template:";
        let stanza = stanza.through_map("error parsing 'template': ");
        let (text, problem) = TemplateText::read(
            &stanza,
            reading,
            "must specify exactly one of 'source' or 'contents'",
            "cannot specify both 'source' and 'contents'",
        );
        if let Some(problem) = problem {
            reading.creating(stanza.at, format!("{SERVER} {problem}"));
        }
        Self {
            text,
            destination: stanza.text(reading, "destination").unwrap_or_default(),
            create_dest_dirs: stanza
                .strict_bool(reading, "create_dest_dirs")
                .unwrap_or(true),
            perms: perms(&stanza, reading),
            user: Owner::read(&stanza, reading, "user", "uid"),
            group: Owner::read(&stanza, reading, "group", "gid"),
            backup: stanza.strict_bool(reading, "backup").unwrap_or(false),
            command: Command::read(&stanza, reading),
            wait: Wait::read(&stanza, reading),
            sandbox_path: stanza.set_text(reading, "sandbox_path"),
        }
    }
}

/// Octal text, or a number as it is.
fn perms(stanza: &Stanza<'_>, reading: &mut Reading) -> Option<u32> {
    const KEY: &str = "perms";
    const HINT: &str = "`perms`: expected an octal mode in quotes, such as \"0640\"";
    let value = stanza.get(KEY)?;
    let problem = match value {
        Value::Literal(Literal {
            scalar: Scalar::Text(text),
            ..
        }) => match integer::parse_uint(text, 8) {
            // Go keeps set-id and sticky bits elsewhere, so those of the number mean nothing.
            Ok(mode @ 0..=0o7777) => return permissions(mode),
            Ok(_) => format!("strconv.ParseUint: parsing \"{text}\": value out of range"),
            Err(error) => error.to_string(),
        },
        Value::Literal(Literal {
            scalar: Scalar::Int(..) | Scalar::Float(..),
            ..
        }) => {
            let mode = stanza.rounded(reading, KEY)?;
            match u64::try_from(mode) {
                Ok(mode) => return permissions(mode),
                Err(_) => format!("cannot parse value as 'fs.FileMode': {mode} overflows uint"),
            }
        }
        other => {
            stanza.refuse(
                reading,
                KEY,
                other,
                "fs.FileMode",
                "an octal mode in quotes",
            );
            return None;
        }
    };
    stanza.map_problem(reading, value.at(), &format!("'{KEY}' {problem}"));
    reading.hint(HINT);
    None
}

/// The permission bits of a mode; without any, it says nothing.
fn permissions(mode: u64) -> Option<u32> {
    u32::try_from(mode & 0o777).ok().filter(|mode| *mode != 0)
}

impl Owner {
    /// `None` also for -1, which the system reads as no change.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading, key: &str, number: &str) -> Option<Self> {
        let by_name = stanza
            .set_text(reading, key)
            .filter(|text| text != "-1")
            .map(|text| text.parse().map_or(Self::Name(text), Self::Id));
        let by_number = stanza.rounded(reading, number);
        by_name.or_else(|| {
            by_number
                .and_then(|id| u32::try_from(id).ok())
                .map(Self::Id)
        })
    }
}

impl Command {
    const KEYS: [&'static str; 8] = [
        "command",
        "enabled",
        "env",
        "kill_signal",
        "kill_timeout",
        "reload_signal",
        "splay",
        "timeout",
    ];

    /// `exec`, or the older `command` and `command_timeout` where `exec` does not say it; `None` without any words.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Option<Self> {
        let older_words = stanza
            .texts_or_commas(reading, "command")
            .unwrap_or_default();
        let older_timeout = stanza.go_duration(reading, "command_timeout");
        let mut command = Self {
            words: Vec::new(),
            timeout: older_timeout.unwrap_or(Self::TIMEOUT),
            enabled: true,
        };
        // Of repeated blocks the last counts.
        if let Some(exec) = stanza.blocks(reading, "exec").pop() {
            refuse_unknown_keys(&exec, reading, "exec", &Self::KEYS);
            exec.refuse_labels(reading, "exec");
            if exec.has_misplaced("env") {
                let text = "'exec.env' expected a map or struct, got \"slice\"";
                exec.map_problem(reading, exec.place_of("env"), text);
            }
            command.words = exec.texts_or_commas(reading, "command").unwrap_or_default();
            command.timeout = exec
                .go_duration(reading, "timeout")
                .unwrap_or(command.timeout);
            command.enabled = exec.strict_bool(reading, "enabled").unwrap_or(true);
            // The reference takes no signal here, and of a command that is late it neither waits to kill it nor for its end.
            exec.signal_of_no_type(reading, "kill_signal");
            exec.signal_of_no_type(reading, "reload_signal");
            exec.go_duration(reading, "kill_timeout");
            exec.go_duration(reading, "splay");
        }
        if command.words.is_empty() {
            command.words = older_words;
        }
        (!command.words.is_empty()).then_some(command)
    }

    /// How long a command may take, unless configured.
    const TIMEOUT: Duration = Duration::from_secs(30);
}

impl Wait {
    /// `None` also for a `min` of zero, which the reference treats as off.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Option<Self> {
        const KEY: &str = "wait";
        if let Some(Value::Literal(Literal {
            scalar: Scalar::Text(text),
            at,
        })) = stanza.get(KEY)
        {
            return match Self::parse(text) {
                Ok(wait) => wait,
                Err(problem) => {
                    stanza.map_problem(reading, *at, &format!("'{KEY}' {problem}"));
                    reading
                        .hint("`wait`: expected \"<min>\" or \"<min>:<max>\", such as \"5s:30s\"");
                    None
                }
            };
        }
        let block = stanza.blocks(reading, KEY).pop()?;
        refuse_unknown_keys(&block, reading, "wait", &["max", "min"]);
        block.refuse_labels(reading, KEY);
        let min = block.go_duration(reading, "min").unwrap_or_default();
        let max = block.go_duration(reading, "max");
        if min.is_zero() {
            return None;
        }
        let max = max.unwrap_or(min * Self::MAX_FACTOR);
        if max < min {
            block.map_problem(reading, block.at, "'wait' wait: min must be less than max");
            return None;
        }
        Some(Self { min, max })
    }

    /// How many times `min` the longest delay is, unless configured.
    const MAX_FACTOR: u32 = 4;

    /// `min` or `min:max`.
    fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("wait: cannot be empty".to_owned());
        }
        let parts: Vec<&str> = text.split(':').map(str::trim).collect();
        let duration = |part: &str| {
            let parsed = GoDuration::parse(part).map_err(|error| error.to_string())?;
            parsed
                .to_std()
                .ok_or_else(|| "wait: cannot be negative".to_owned())
        };
        let (min, max) = match parts.as_slice() {
            [min] => {
                let min = duration(min)?;
                (min, min * Self::MAX_FACTOR)
            }
            [min, max] => (duration(min)?, duration(max)?),
            _ => return Err("wait: invalid format".to_owned()),
        };
        if max < min {
            return Err("wait: min must be less than max".to_owned());
        }
        Ok((!min.is_zero()).then_some(Self { min, max }))
    }
}
