//! Texts of flags and variables in, checked settings out.

use std::collections::BTreeMap;
use std::fmt;

use pannier_go::flag::{self, Flag, FlagError, Kind, Parsed};

use super::value::SettingValue;
use super::{FLAGS, LogFormat, Origin, Setting, Settings, TABLE, TlsVersion};

/// Why there are no settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `-h` or `-help` was given.
    Help,
    /// All that is wrong.
    Mistakes(Vec<Mistake>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Help => f.write_str("help requested"),
            Self::Mistakes(mistakes) => {
                let lines: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl std::error::Error for Failure {}

/// One thing that is wrong with the command line or the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The flag and variable it is about, such as `-vault-address / AGENT_INJECT_VAULT_ADDR`; empty when it is about neither.
    pub setting: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.setting.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.setting, self.message)
        }
    }
}

/// What a command line holds besides the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// The command's own flags, in the order given.
    pub own: Parsed,
    /// Arguments that are no flags, without `2>&1`.
    pub stray: Vec<String>,
}

/// The text of each row, and where it came from.
pub(super) struct Texts<'a> {
    rows: BTreeMap<&'static str, (String, Origin)>,
    defaults: &'a [(&'static str, &'a str)],
}

impl<'a> Texts<'a> {
    fn new(
        given: &Parsed,
        environment: &BTreeMap<String, String>,
        defaults: &'a [(&'static str, &'a str)],
    ) -> Self {
        let mut rows = BTreeMap::new();
        for setting in TABLE {
            let variable = environment
                .get(setting.variable)
                .filter(|text| !text.is_empty());
            let flag = (!setting.flag.is_empty())
                .then(|| given.last(setting.flag))
                .flatten();
            if let Some(text) = variable {
                rows.insert(setting.id, (text.clone(), Origin::Variable));
            } else if let Some(text) = flag {
                rows.insert(setting.id, (text.to_owned(), Origin::Flag));
            }
        }
        Self { rows, defaults }
    }

    /// Reads one field; a mistake is added to the list.
    pub(super) fn read<T: SettingValue>(
        &self,
        id: &'static str,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<T> {
        let setting = TABLE.iter().find(|setting| setting.id == id)?;
        let (text, origin) = match self.rows.get(id) {
            Some((text, origin)) => (text.as_str(), *origin),
            None => (self.default(setting), Origin::Default),
        };
        match T::read(text, origin == Origin::Variable) {
            Ok(value) => Some(value),
            Err(message) => {
                mistakes.push(Mistake {
                    setting: setting.names(),
                    message,
                });
                None
            }
        }
    }

    /// The text of one row.
    fn text(&self, id: &str) -> &str {
        match (
            self.rows.get(id),
            TABLE.iter().find(|setting| setting.id == id),
        ) {
            (Some((text, _)), _) => text,
            (None, Some(setting)) => self.default(setting),
            (None, None) => "",
        }
    }

    fn default(&self, setting: &Setting) -> &str {
        self.defaults
            .iter()
            .find(|(id, _)| *id == setting.id)
            .map_or(setting.default, |(_, text)| text)
    }

    /// Where each given row came from.
    pub(super) fn origins(&self) -> BTreeMap<&'static str, Origin> {
        self.rows
            .iter()
            .map(|(id, (_, origin))| (*id, *origin))
            .collect()
    }
}

/// See [`Settings::with_flags`].
pub(super) fn settings(
    arguments: &[String],
    environment: &BTreeMap<String, String>,
    own: &'static [Flag],
    defaults: &[(&'static str, &str)],
) -> Result<(Settings, Outside), Failure> {
    let mut mistakes = Vec::new();
    let (given, outside) = command_line(arguments, own, &mut mistakes)?;
    let texts = Texts::new(&given, environment, defaults);
    let settings = Settings::from_texts(&texts, &mut mistakes);
    check_together(&texts, &mut mistakes);
    match settings {
        Some(mut settings) if mistakes.is_empty() => {
            settings.notes = notes(&settings, &texts, &outside);
            Ok((settings, outside))
        }
        _ => Err(Failure::Mistakes(mistakes)),
    }
}

/// Reads the command line word by word, so that one mistake does not hide the next and flags after a stray word count.
fn command_line(
    arguments: &[String],
    own: &'static [Flag],
    mistakes: &mut Vec<Mistake>,
) -> Result<(Parsed, Outside), Failure> {
    let mut given = Parsed::default();
    let mut outside = Outside::default();
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        if word == "--" {
            outside.stray.extend(arguments[at + 1..].iter().cloned());
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            if word != "2>&1" {
                outside.stray.push(word.clone());
            }
            at += 1;
            continue;
        }
        let name = word
            .trim_start_matches('-')
            .split('=')
            .next()
            .unwrap_or_default();
        let (table, into) = if own.iter().any(|flag| flag.name == name) {
            (own, &mut outside.own)
        } else {
            (FLAGS, &mut given)
        };
        let needs = table
            .iter()
            .any(|flag| flag.name == name && matches!(flag.kind, Kind::Value(_)))
            && !word.contains('=');
        let end = (at + if needs { 2 } else { 1 }).min(arguments.len());
        match flag::parse(table, &arguments[at..end]) {
            Ok(parsed) => into.given.extend(parsed.given),
            Err(FlagError::Help) => return Err(Failure::Help),
            Err(error) => mistakes.push(Mistake {
                setting: String::new(),
                message: error.to_string(),
            }),
        }
        at = end;
    }
    Ok((given, outside))
}

/// Checks that need more than one setting, or that a setting be there at all.
fn check_together(texts: &Texts<'_>, mistakes: &mut Vec<Mistake>) {
    let empty = |id: &str| texts.text(id).is_empty();
    for (wrong, id, message) in [
        (
            empty("vault_address"),
            "vault_address",
            "No Vault service configured: expected the address of Vault, such as `https://vault.vault.svc:8200`",
        ),
        (
            empty("vault_auth_path"),
            "vault_auth_path",
            "Vault Auth Path required: expected where the authentication method is mounted, such as `auth/kubernetes`",
        ),
        (
            empty("tls_cert_file") && !empty("tls_key_file"),
            "tls_cert_file",
            "the key file is set but not the certificate file: set both or neither",
        ),
        (
            empty("tls_key_file") && !empty("tls_cert_file"),
            "tls_key_file",
            "the certificate file is set but not the key file: set both or neither",
        ),
    ] {
        if wrong {
            mistakes.push(Mistake {
                setting: Settings::names(id),
                message: message.to_owned(),
            });
        }
    }
}

/// What is accepted but looks wrong.
fn notes(settings: &Settings, texts: &Texts<'_>, outside: &Outside) -> Vec<String> {
    let mut notes: Vec<String> = outside
        .stray
        .iter()
        .map(|word| format!("argument `{word}` is not used: flags begin with a dash"))
        .collect();
    if let Some((text, _)) = texts.rows.get("log_format")
        && settings.log_format == LogFormat::Standard
        && !text.trim().eq_ignore_ascii_case("standard")
    {
        notes.push(format!(
            "{}: `{text}` is unknown and means `standard`: expected `standard` or `json`",
            Settings::names("log_format")
        ));
    }
    if matches!(
        settings.tls_min_version,
        TlsVersion::Tls10 | TlsVersion::Tls11
    ) {
        notes.push(format!(
            "{}: TLS 1.2 is the oldest version offered",
            Settings::names("tls_min_version")
        ));
    }
    for (id, list) in [
        (
            "disable_idle_connections",
            &settings.disable_idle_connections,
        ),
        ("disable_keep_alives", &settings.disable_keep_alives),
    ] {
        for part in list.split(',').filter(|part| !part.is_empty()) {
            if !matches!(part, "auto-auth" | "caching" | "templating" | "proxying") {
                notes.push(format!("{}: `{part}` is no part of the agent: expected `auto-auth`, `caching` or `templating`", Settings::names(id)));
            }
        }
    }
    notes
}
