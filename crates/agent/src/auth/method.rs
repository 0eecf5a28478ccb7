//! The ways to prove who we are. One file a method; this is what they have in common.

use std::time::Duration;

use pannier_agent_config::{Method as MethodSpec, MethodConfig, WrongType};
use pannier_go::json;
use pannier_redacted::Redacted;
use pannier_vault::{BuildError, Client};

use super::approle::AppRole;
use super::cert::Cert;
use super::jwt::Jwt;
use super::kubernetes::Kubernetes;
use super::token_file::TokenFile;
use crate::files;

/// Why a method could not be created; the agent does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// A type that does not exist.
    #[error("unknown auth method {}", pannier_go::quote::quote(.0))]
    Unknown(String),
    /// The `config` has a mistake.
    #[error("{0}")]
    Config(String),
}

impl From<WrongType> for MethodError {
    fn from(error: WrongType) -> Self {
        Self::Config(error.to_string())
    }
}

impl From<BuildError> for MethodError {
    fn from(error: BuildError) -> Self {
        Self::Config(error.to_string())
    }
}

/// What a method asks to be sent.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// A login: PUT this body to `<mount>/login`, with this client if the method has one of its own.
    Login {
        /// The JSON body.
        body: Redacted,
        /// A client with other certificates.
        client: Option<Client>,
    },
    /// A token that is there already: look it up.
    Token(Redacted),
}

/// A configured method.
#[derive(Debug)]
pub(crate) enum Method {
    Kubernetes(Kubernetes),
    Jwt(Jwt),
    AppRole(AppRole),
    Cert(Box<Cert>),
    TokenFile(TokenFile),
}

impl Method {
    pub(crate) fn new(spec: &MethodSpec) -> Result<Self, MethodError> {
        let config = &spec.config;
        match spec.kind.as_str() {
            "kubernetes" => Kubernetes::new(config).map(Self::Kubernetes),
            "jwt" => Jwt::new(config).map(Self::Jwt),
            "approle" => AppRole::new(config).map(Self::AppRole),
            "cert" => Cert::new(config).map(Box::new).map(Self::Cert),
            "token_file" => TokenFile::new(config).map(Self::TokenFile),
            other => Err(MethodError::Unknown(other.to_owned())),
        }
    }

    /// Reads what is needed for a login now.
    pub(crate) async fn credentials(&mut self, client: &Client) -> Result<Credentials, String> {
        match self {
            Self::Kubernetes(method) => method.credentials(),
            Self::Jwt(method) => method.credentials(),
            Self::AppRole(method) => method.credentials(client).await,
            Self::Cert(method) => method.credentials(client),
            Self::TokenFile(method) => method.credentials(),
        }
    }

    /// The login worked with what was read last.
    pub(crate) fn succeeded(&mut self) {
        if let Self::Jwt(method) = self {
            method.succeeded();
        }
    }

    /// How often the credentials on disk are looked at after a login, if they are.
    pub(crate) fn poll_period(&self, reauth: bool) -> Option<Duration> {
        match self {
            Self::Jwt(method) => Some(method.period()),
            Self::Cert(method) if reauth => method.period(),
            _ => None,
        }
    }

    /// Looks at the credentials on disk; true if they are new.
    pub(crate) fn poll(&mut self) -> bool {
        match self {
            Self::Jwt(method) => method.poll(),
            Self::Cert(method) => method.poll(),
            _ => false,
        }
    }

    /// The role a token of this method carries in its metadata, where that is known.
    pub(crate) fn role(&self) -> Option<&str> {
        match self {
            Self::Kubernetes(method) => Some(method.role()),
            Self::Jwt(method) => Some(method.role()),
            _ => None,
        }
    }

    /// Whether a token of an earlier run may stand in for a login.
    pub(crate) fn may_reuse(&self) -> bool {
        !matches!(self, Self::TokenFile(_))
    }
}

/// A required text with the method's own words for its absence.
pub(crate) fn required(config: &MethodConfig, key: &str) -> Result<String, MethodError> {
    if config.is_empty() {
        return Err(MethodError::Config("empty config data".to_owned()));
    }
    match config.text(key)? {
        None => Err(MethodError::Config(format!("missing '{key}' value"))),
        Some("") => Err(MethodError::Config(format!("'{key}' value is empty"))),
        Some(text) => Ok(text.to_owned()),
    }
}

/// A JSON object of texts.
pub(crate) fn body(members: &[(&str, &Redacted)]) -> Redacted {
    // Large enough to never move, since moving would leave a copy behind.
    let size: usize = members
        .iter()
        .map(|(name, value)| name.len() + 6 * value.len() + 8)
        .sum();
    let mut text = Vec::with_capacity(size + 2);
    text.push(b'{');
    for (number, (name, value)) in members.iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        json::encode_string(&mut text, name.as_bytes(), true);
        text.push(b':');
        json::encode_string(&mut text, value.expose_bytes(), true);
    }
    text.push(b'}');
    text.into()
}

/// Reads a file; the error reads as Go's.
pub(crate) fn read(path: &str) -> Result<Redacted, String> {
    std::fs::read(path)
        .map(Redacted::from)
        .map_err(|error| format!("open {path}: {}", files::words(&error)))
}

/// The text without white space around it.
pub(crate) fn trimmed(text: &Redacted) -> Redacted {
    Redacted::from(text.expose_bytes().trim_ascii())
}
