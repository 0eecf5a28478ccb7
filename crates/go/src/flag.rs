//! Command-line flags as Go's `flag` package reads them, from a table that also writes the help.

use crate::boolean;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A boolean: `-name`, or `-name=VALUE` in the forms of [`boolean::parse`]; never `-name VALUE`.
    Bool,
    /// A value: `-name VALUE` or `-name=VALUE`; the word names it in the help.
    Value(&'static str),
}

/// One row of a table of flags.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Name without dashes.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The environment variable that gives it when the command line does not; empty for none.
    pub env: &'static str,
    /// What counts without it, as text for the help; empty for none.
    pub default: &'static str,
    /// What it is for, one or two sentences.
    pub help: &'static str,
    /// Left out of the help.
    pub hidden: bool,
}

/// Why a command line is refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// `-h` or `-help`, which is no mistake.
    #[error("flag: help requested")]
    Help,
    /// Not in the table.
    #[error("flag provided but not defined: -{0}")]
    Undefined(String),
    /// `--`, `-=x` and the like within a word.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// The command line ends before the value.
    #[error("flag needs an argument: -{0}")]
    NeedsArgument(String),
    /// `-name=maybe` for a boolean.
    #[error("invalid boolean value {} for -{name}: parse error", crate::quote::quote(.value))]
    InvalidBoolean {
        /// The flag.
        name: String,
        /// What was given.
        value: String,
    },
}

/// A command line that was read: flags in the order given, and what follows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Name and value of each flag in the order given; booleans are `true` or `false`.
    pub given: Vec<(&'static str, String)>,
    /// Everything from the first word that is no flag, or after `--`.
    pub rest: Vec<String>,
}

impl Parsed {
    /// The last value given for a flag.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&str> {
        self.given
            .iter()
            .rev()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values given for a flag, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.given
            .iter()
            .filter(move |(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// A boolean flag, `None` when it was not given.
    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.last(name).map(|value| value == "true")
    }
}

/// Reads a command line: one dash or two, `-name value` or `-name=value`, up to the first word without a dash, or `--`.
///
/// # Errors
///
/// [`FlagError::Help`] for `-h` and `-help` unless the table has them; else the first mistake, with Go's text.
pub fn parse<S: AsRef<str>>(table: &'static [Flag], arguments: &[S]) -> Result<Parsed, FlagError> {
    let mut parsed = Parsed::default();
    let mut rest = arguments.iter().map(AsRef::as_ref);
    while let Some(word) = rest.next() {
        if word.len() < 2 || !word.starts_with('-') {
            parsed.rest.push(word.to_owned());
            break;
        }
        let body = &word[1..];
        if body == "-" {
            break;
        }
        let body = body.strip_prefix('-').unwrap_or(body);
        if body.is_empty() || body.starts_with(['-', '=']) {
            return Err(FlagError::Syntax(word.to_owned()));
        }
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        let Some(flag) = table.iter().find(|flag| flag.name == name) else {
            return Err(match name {
                "help" | "h" => FlagError::Help,
                name => FlagError::Undefined(name.to_owned()),
            });
        };
        let value = match (flag.kind, value) {
            (Kind::Bool, None) => "true".to_owned(),
            (Kind::Bool, Some(value)) => match boolean::parse(value) {
                Ok(value) => value.to_string(),
                Err(_) => {
                    return Err(FlagError::InvalidBoolean {
                        name: name.to_owned(),
                        value: value.to_owned(),
                    });
                }
            },
            (Kind::Value(_), Some(value)) => value.to_owned(),
            (Kind::Value(_), None) => rest
                .next()
                .ok_or_else(|| FlagError::NeedsArgument(name.to_owned()))?
                .to_owned(),
        };
        parsed.given.push((flag.name, value));
    }
    parsed.rest.extend(rest.map(str::to_owned));
    Ok(parsed)
}

/// The flags of a table as help text, one paragraph each, hidden ones left out.
#[must_use]
pub fn help(table: &[Flag]) -> String {
    let mut out = String::new();
    for flag in table.iter().filter(|flag| !flag.hidden) {
        out.push_str("  -");
        out.push_str(flag.name);
        if let Kind::Value(value) = flag.kind {
            out.push_str(&format!(" {value}"));
        }
        out.push_str(&format!("\n      {}", flag.help));
        if !flag.default.is_empty() {
            out.push_str(&format!(" Default: `{}`.", flag.default));
        }
        if !flag.env.is_empty() {
            out.push_str(&format!(" Environment: `{}`.", flag.env));
        }
        out.push('\n');
    }
    out
}

/// The flags of a table as a Markdown table, hidden ones left out.
#[must_use]
pub fn markdown(table: &[Flag]) -> String {
    let code = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("`{text}`")
        }
    };
    let mut out =
        String::from("| flag | environment | default | meaning |\n| --- | --- | --- | --- |\n");
    for flag in table.iter().filter(|flag| !flag.hidden) {
        let usage = match flag.kind {
            Kind::Bool => format!("`-{}`", flag.name),
            Kind::Value(value) => format!("`-{} {value}`", flag.name),
        };
        let help = flag.help.replace('|', "\\|");
        out.push_str(&format!(
            "| {usage} | {} | {} | {help} |\n",
            code(flag.env),
            code(flag.default)
        ));
    }
    out
}
