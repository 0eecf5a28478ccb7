use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::Position;
use crate::plain::{self, Plain};
use crate::stanza::{Reading, Stanza};

/// The `auto_auth` stanza: how to log in and where to put the token.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoAuth {
    /// The one `method`.
    pub method: Method,
    /// The `sink`s, in the order given.
    pub sinks: Vec<Sink>,
    /// `enable_reauth_on_new_credentials`: log in again when the credentials on disk change.
    pub enable_reauth_on_new_credentials: bool,
}

/// `auto_auth.method`.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Where it stands.
    pub at: Position,
    /// The type, in lower case if it came from the label. Not checked here: which types exist is the agent's to say.
    pub kind: String,
    /// `mount_path`, without a slash at the end; `auth/<type>` unless given.
    pub mount_path: String,
    /// `namespace`, with exactly one slash at the end and none at the beginning.
    pub namespace: Option<String>,
    /// `wrap_ttl`: ask for a wrapped token of this lifetime.
    pub wrap_ttl: Option<Duration>,
    /// `min_backoff`, where given: the first wait after a failure (else 1 s).
    pub min_backoff: Option<Duration>,
    /// `max_backoff`, where given: the longest wait after a failure (else 5 min).
    pub max_backoff: Option<Duration>,
    /// `exit_on_err`: the first failure ends the agent.
    pub exit_on_err: bool,
    /// `config`, whose keys depend on the type.
    pub config: MethodConfig,
}

/// The free `config` of a method. `Debug` shows its keys only, for some methods take secrets here.
#[derive(Clone, Default, PartialEq)]
pub struct MethodConfig(pub BTreeMap<String, Plain>);

impl MethodConfig {
    /// Whether no key is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Plain> {
        #[cfg(debug_assertions)]
        debug_assert!(
            crate::keys::in_a_config(key),
            "`config.{key}` is read but not in the table"
        );
        #[cfg(test)]
        crate::keys::read::note("auto_auth.sink.config", key);
        self.0.get(key)
    }

    /// The text of a key, `None` if it is not given.
    ///
    /// # Errors
    ///
    /// The value is not a string; the message is the reference's.
    pub fn text(&self, key: &str) -> Result<Option<&str>, WrongType> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        value.as_text().map(Some).ok_or_else(|| WrongType {
            key: key.to_owned(),
            wanted: "string",
        })
    }

    /// The truth of a key, `None` if it is not given. Go's boolean texts and 0 and 1 count too.
    ///
    /// # Errors
    ///
    /// The value is none of these.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, WrongType> {
        let wrong = || WrongType {
            key: key.to_owned(),
            wanted: "bool",
        };
        match self.get(key) {
            None => Ok(None),
            Some(Plain::Bool(value)) => Ok(Some(*value)),
            Some(Plain::Int(value)) => Ok(Some(*value != 0)),
            Some(Plain::Text(text)) => match text.as_str() {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Some(true)),
                "0" | "f" | "F" | "FALSE" | "false" | "False" | "" => Ok(Some(false)),
                _ => Err(wrong()),
            },
            Some(_) => Err(wrong()),
        }
    }
}

impl fmt::Debug for MethodConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A `config` value is of another type than the method wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not convert '{key}' config value to {wanted}")]
pub struct WrongType {
    /// The key.
    pub key: String,
    /// The type that is wanted.
    pub wanted: &'static str,
}

/// `auto_auth.sink`: a file that gets the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Where it stands.
    pub at: Position,
    /// `config.path`.
    pub path: String,
    /// `config.mode`: permission bits only.
    pub mode: u32,
    /// `config.uid` or `config.owner`.
    pub uid: Option<u32>,
    /// `config.gid` or `config.group`.
    pub gid: Option<u32>,
    /// `wrap_ttl`: wrap the token, for this long, before it is written.
    pub wrap_ttl: Option<Duration>,
    /// `dh_type` and `dh_path`: encrypt what is written.
    pub dh: Option<DhExchange>,
}

/// How a sink's content is encrypted: X25519, then AES-256-GCM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhExchange {
    /// `dh_path`: the file with the reader's public key.
    pub path: String,
    /// `derive_key`: put the shared secret through HKDF first.
    pub derive_key: bool,
    /// `aad`: additional authenticated data.
    pub aad: String,
    /// `aad_env_var`: the variable whose value replaces `aad`, also when it is empty or not set.
    pub aad_env_var: Option<String>,
}

/// Before what is wrong with the method.
const METHOD: &str = "error parsing 'auto_auth': error parsing 'method': ";
/// Before what is wrong with a sink.
const SINKS: &str = "error parsing 'auto_auth': error parsing 'sink' stanzas: ";
/// Before what is wrong with both together.
const WRAPPING: &str = "error parsing 'auto_auth': error parsing auto_auth: ";

impl AutoAuth {
    pub(crate) fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        let mut methods: Vec<_> = stanza
            .blocks(reading, "method")
            .into_iter()
            .map(|block| block.on_its_own(METHOD))
            .collect();
        let method = methods.pop().map(|block| Method::read(&block, reading));
        if method.is_none() || !methods.is_empty() {
            reading.problem(
                stanza.place_of("method"),
                format!("{METHOD}one and only one \"method\" block is required"),
            );
        }
        let method = method.unwrap_or_else(|| Method::none(reading.place(stanza.at)));
        let mut sinks: Vec<Sink> = stanza
            .blocks(reading, "sink")
            .into_iter()
            .map(|block| Sink::read(block.on_its_own(SINKS), reading))
            .collect();
        for group in stanza.blocks(reading, "sinks") {
            for block in group.blocks(reading, "sink") {
                sinks.push(Sink::read(block.on_its_own(SINKS), reading));
            }
        }
        if method.wrap_ttl.is_some() {
            let at = stanza.place_of("method");
            match sinks.as_slice() {
                [sink] if sink.wrap_ttl.is_some() => reading.problem(
                    at,
                    format!("{WRAPPING}wrapping enabled both on auth method and sink"),
                ),
                [_] => {}
                _ => reading.problem(
                    at,
                    format!(
                        "{WRAPPING}wrapping enabled on auth method and 0 or many sinks defined"
                    ),
                ),
            }
        }
        let enable_reauth_on_new_credentials = stanza
            .strict_bool(reading, "enable_reauth_on_new_credentials")
            .unwrap_or(false);
        Self {
            method,
            sinks,
            enable_reauth_on_new_credentials,
        }
    }
}

impl Method {
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        let kind = stanza
            .set_text(reading, "type")
            .or_else(|| stanza.label().map(str::to_lowercase));
        if kind.is_none() {
            stanza.problem(reading, stanza.at, "method type must be specified");
        }
        let kind = kind.unwrap_or_default();
        let mount_path = stanza.set_text(reading, "mount_path").map_or_else(
            || format!("auth/{kind}"),
            |path| path.trim_end_matches('/').to_owned(),
        );
        // The reference reads these two one step later, so their sentences have a beginning less.
        let outer = stanza.clone().called("error parsing 'auto_auth': ");
        let set = |duration: &Duration| !duration.is_zero();
        Self {
            at: reading.place(stanza.at),
            mount_path,
            namespace: stanza
                .text(reading, "namespace")
                .and_then(|text| crate::vault::namespace(&text)),
            wrap_ttl: stanza.wrap_ttl(reading),
            min_backoff: outer.seconds(reading, "min_backoff").filter(set),
            max_backoff: outer.seconds(reading, "max_backoff").filter(set),
            exit_on_err: stanza.strict_bool(reading, "exit_on_err").unwrap_or(false),
            config: free_config(stanza, reading),
            kind,
        }
    }

    /// Stands for a method that is missing, so that reading can go on.
    fn none(at: Position) -> Self {
        Self {
            at,
            kind: String::new(),
            mount_path: String::new(),
            namespace: None,
            wrap_ttl: None,
            min_backoff: None,
            max_backoff: None,
            exit_on_err: false,
            config: MethodConfig::default(),
        }
    }
}

impl Sink {
    fn read(stanza: Stanza<'_>, reading: &mut Reading) -> Self {
        let kind = stanza
            .set_text(reading, "type")
            .or_else(|| stanza.label().map(str::to_lowercase));
        match kind.as_deref() {
            None => stanza.problem(reading, stanza.at, "sink type must be specified"),
            Some("file") => {}
            Some(kind) => {
                reading.creating(
                    stanza.at,
                    format!("Unknown sink type \"{}\"", kind.escape_debug()),
                );
            }
        }
        let stanza = stanza.called(&format!("{SINKS}sink.{} ", kind.unwrap_or_default()));
        let config = FileConfig::read(&stanza, reading);
        Self {
            at: reading.place(stanza.at),
            path: config.path,
            mode: config.mode,
            uid: config.uid,
            gid: config.gid,
            wrap_ttl: stanza.wrap_ttl(reading),
            dh: DhExchange::read(&stanza, reading),
        }
    }
}

impl DhExchange {
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Option<Self> {
        let kind = stanza.set_text(reading, "dh_type");
        let path = stanza.set_text(reading, "dh_path");
        let derive_key = stanza.strict_bool(reading, "derive_key").unwrap_or(false);
        let aad = stanza.text(reading, "aad").unwrap_or_default();
        let aad_env_var = stanza.set_text(reading, "aad_env_var");
        let problem = match (&kind, &path) {
            (None, None) if derive_key => Some((
                "derive_key",
                "specifying 'derive_key' data without 'dh_type' does not make sense",
            )),
            (None, None) if !aad.is_empty() => Some((
                "aad",
                "specifying AAD data without 'dh_type' does not make sense",
            )),
            (None, None) => None,
            (Some(kind), _) if kind != "curve25519" => {
                Some(("dh_type", "invalid value for 'dh_type'"))
            }
            (Some(_), None) | (None, Some(_)) => Some((
                "dh_type",
                "'dh_type' and 'dh_path' must be specified together",
            )),
            (Some(_), Some(_)) => None,
        };
        if let Some((key, text)) = problem {
            stanza.problem(reading, stanza.place_of(key), text);
        }
        path.map(|path| Self {
            path,
            derive_key,
            aad,
            aad_env_var,
        })
    }
}

/// The `config` of a file sink.
struct FileConfig {
    path: String,
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl FileConfig {
    /// The reference reads these when it makes the sink, so the sentences begin differently.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        const CREATING: &str = "error creating file sink: ";
        // Go's bits for folders, links, devices and the like; other bits beyond the permissions mean nothing.
        const KINDS: u32 = 0x8f28_0000;
        let config = free_config(stanza, reading);
        let at = stanza.place_of("config");
        let path = match config.get("path") {
            Some(Plain::Text(path)) => path.clone(),
            found => {
                let text = match found {
                    None => "'path' not specified for file sink",
                    Some(_) => "could not parse 'path' as string",
                };
                reading.creating(at, format!("{CREATING}{text}"));
                String::new()
            }
        };
        let mode = match config.get("mode") {
            None => 0o640,
            Some(Plain::Int(mode)) if u32::try_from(*mode).is_ok_and(|mode| mode & KINDS == 0) => {
                (*mode & 0o777) as u32
            }
            Some(found) => {
                let text = match found {
                    Plain::Int(_) => "file mode does not represent a regular file",
                    _ => "could not parse 'mode' as integer",
                };
                reading.creating(at, format!("{CREATING}{text}"));
                reading.hint(
                    "`mode`: expected a number without quotes, such as 0600 (in JSON decimal: 384)",
                );
                0
            }
        };
        let mut owner = |key: &str, documented: &str| {
            let (key, found) = [key, documented]
                .into_iter()
                .find_map(|key| Some((key, config.get(key)?)))?;
            let number = match found {
                Plain::Int(-1) => return None,
                Plain::Int(number) => u32::try_from(*number).ok(),
                // The documentation has `owner` and `group` as text; the reference does not know them at all.
                Plain::Text(text) if key == documented => text.parse().ok(),
                _ => None,
            };
            if number.is_none() {
                reading.creating(at, format!("{CREATING}could not parse '{key}' as integer"));
            }
            number
        };
        let uid = owner("uid", "owner");
        let gid = owner("gid", "group");
        Self {
            path,
            mode,
            uid,
            gid,
        }
    }
}

/// The `config` of a method or sink, as an object or as blocks. What stands under a label is no key of it.
fn free_config(stanza: &Stanza<'_>, reading: &mut Reading) -> MethodConfig {
    let mut config = MethodConfig::default();
    let blocks = stanza.blocks(reading, "config");
    for block in blocks.iter().filter(|block| block.label_count() == 0) {
        config.0.extend(plain::members(block.object()));
    }
    config
}
