use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::{Plain, Position};

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
        self.0.get(key)
    }

    /// The text of a key, `None` if it is not given.
    ///
    /// # Errors
    ///
    /// The value is not a string; the message is the reference's.
    pub fn text(&self, key: &str) -> Result<Option<&str>, WrongType> {
        let Some(value) = self.0.get(key) else {
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
        match self.0.get(key) {
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
    /// `aad_env_var`: the variable whose value comes before `aad` if it is not empty.
    pub aad_env_var: Option<String>,
}
