//! The ways to prove who we are. One file a method; this is what they have in common.

use std::time::Duration;

use pannier_agent_config::{Method as MethodSpec, MethodConfig, WrongType};
use pannier_go::json;
use pannier_redacted::Redacted;
use pannier_vault::{BuildError, Client};

use super::approle::AppRole;
use super::aws::Aws;
use super::azure::Azure;
use super::cert::Cert;
use super::gcp::Gcp;
use super::jwt::Jwt;
use super::kubernetes::Kubernetes;
use super::ldap::Ldap;
use super::token_file::TokenFile;
use crate::files;

/// Why a method could not be created; the agent does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// A type that does not exist.
    #[error("unknown auth method {}", pannier_go::quote::quote(.0))]
    Unknown(String),
    /// A type that Vault has and this agent has not.
    #[error("auth method {} is not built into this agent: run the original agent in this pod (annotation `agent-image`, or another image)", pannier_go::quote::quote(.0))]
    NotBuilt(String),
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
        /// What follows `<mount>/login/`, before escaping.
        below: Option<String>,
    },
    /// A token that is there already: look it up.
    Token(Redacted),
}

impl Credentials {
    /// The usual login.
    pub(crate) fn login(body: Redacted) -> Self {
        Self::Login {
            body,
            client: None,
            below: None,
        }
    }
}

/// Looks a variable of the process's environment up.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A configured method.
#[derive(Debug)]
pub(crate) enum Method {
    Kubernetes(Kubernetes),
    Jwt(Jwt),
    AppRole(AppRole),
    Cert(Box<Cert>),
    TokenFile(TokenFile),
    Aws(Box<Aws>),
    Azure(Box<Azure>),
    Gcp(Box<Gcp>),
    Ldap(Ldap),
}

/// Types of Vault's agent that this one refuses with a hint. What their logins need beyond what is here: SPNEGO, a
/// cloud's own signatures, hardware.
const NOT_BUILT: [&str; 5] = ["alicloud", "cf", "kerberos", "oci", "tpm"];

/// Refuses a type that Vault has and this agent has not; known without looking at its `config`.
pub(crate) fn is_built(kind: &str) -> Result<(), MethodError> {
    if NOT_BUILT.contains(&kind) {
        return Err(MethodError::NotBuilt(kind.to_owned()));
    }
    Ok(())
}

impl Method {
    pub(crate) fn new(spec: &MethodSpec, variables: Variables<'_>) -> Result<Self, MethodError> {
        is_built(&spec.kind)?;
        let config = &spec.config;
        match spec.kind.as_str() {
            "kubernetes" => Kubernetes::new(config).map(Self::Kubernetes),
            "jwt" => Jwt::new(config).map(Self::Jwt),
            "approle" => AppRole::new(config).map(Self::AppRole),
            "cert" => Cert::new(config).map(Box::new).map(Self::Cert),
            "token_file" => TokenFile::new(config).map(Self::TokenFile),
            "aws" => Aws::new(config, variables).map(Box::new).map(Self::Aws),
            "azure" => Azure::new(config, variables).map(Box::new).map(Self::Azure),
            "gcp" => Gcp::new(config, variables).map(Box::new).map(Self::Gcp),
            "ldap" => Ldap::new(config).map(Self::Ldap),
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
            Self::Aws(method) => method.credentials(client).await,
            Self::Azure(method) => method.credentials(client).await,
            Self::Gcp(method) => method.credentials(client).await,
            Self::Ldap(method) => method.credentials(),
        }
    }

    /// The login worked with what was read last.
    pub(crate) fn succeeded(&mut self) {
        match self {
            Self::Jwt(method) => method.succeeded(),
            Self::Ldap(method) => method.succeeded(),
            _ => {}
        }
    }

    /// How often the credentials on disk are looked at after a login, if they are.
    pub(crate) fn poll_period(&self, reauth: bool) -> Option<Duration> {
        match self {
            Self::Jwt(method) => Some(method.period()),
            Self::Cert(method) if reauth => method.period(),
            Self::Aws(method) if reauth => method.period(),
            Self::Ldap(method) => Some(method.period()),
            _ => None,
        }
    }

    /// Looks at the credentials on disk; true if they are new.
    pub(crate) async fn poll(&mut self, client: &Client) -> bool {
        match self {
            Self::Aws(method) => method.poll(client).await,
            Self::Ldap(method) => method.poll(),
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
            Self::Aws(method) => Some(method.role()),
            Self::Azure(method) => Some(method.role()),
            Self::Gcp(method) => Some(method.role()),
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use pannier_agent_config::Plain;

    /// A `config` of texts.
    pub(crate) fn config(pairs: &[(&str, &str)]) -> MethodConfig {
        let pairs = pairs.iter();
        MethodConfig(
            pairs
                .map(|(key, value)| ((*key).to_owned(), Plain::Text((*value).to_owned())))
                .collect(),
        )
    }

    /// The body of a login.
    pub(crate) fn sent(credentials: Credentials) -> String {
        match credentials {
            Credentials::Login { body, .. } => body.expose().to_owned(),
            Credentials::Token(_) => unreachable!("the method logs in"),
        }
    }

    #[test]
    fn a_method_that_is_not_built_says_so_and_names_the_way_out() {
        let error = MethodError::NotBuilt("kerberos".to_owned()).to_string();
        assert!(error.starts_with(
            "auth method \"kerberos\" is not built into this agent: run the original agent"
        ));
    }

    /// Configurations that between them have each method read all of its keys.
    fn least(kind: &str) -> Vec<MethodConfig> {
        let role = ("role", "r");
        match kind {
            "kubernetes" => vec![config(&[role])],
            "jwt" => vec![config(&[role, ("path", "/p")])],
            "approle" => vec![config(&[("role_id_file_path", "/p")])],
            "cert" => vec![config(&[("name", "n")])],
            "token_file" => vec![config(&[("token_file_path", "/p")])],
            "aws" => ["iam", "ec2"]
                .map(|kind| {
                    config(&[
                        role,
                        ("type", kind),
                        ("access_key", "a"),
                        ("secret_key", "s"),
                    ])
                })
                .to_vec(),
            "azure" => ["true", "false"]
                .map(|from| {
                    config(&[
                        role,
                        ("resource", "r"),
                        ("authenticate_from_environment", from),
                    ])
                })
                .to_vec(),
            "gcp" => ["gce", "iam"]
                .map(|kind| config(&[role, ("type", kind)]))
                .to_vec(),
            "ldap" => vec![config(&[("username", "u"), ("password_file_path", "/p")])],
            _ => Vec::new(),
        }
    }

    /// The reference page takes its rows from this table, so a row that nothing reads would be a lie.
    #[test]
    fn each_key_of_the_documented_methods_is_read() {
        for method in pannier_agent_config::keys::METHODS {
            let bases = least(method.path);
            assert!(!bases.is_empty(), "{}", method.path);
            for key in method.keys {
                let refused = bases.iter().any(|base| {
                    let mut config = base.clone();
                    config
                        .0
                        .insert(key.name.to_owned(), Plain::List(Vec::new()));
                    let spec = MethodSpec {
                        at: pannier_agent_config::Position {
                            source: "test".into(),
                            line: 1,
                            column: 1,
                        },
                        kind: method.path.to_owned(),
                        mount_path: String::new(),
                        namespace: None,
                        wrap_ttl: None,
                        min_backoff: None,
                        max_backoff: None,
                        exit_on_err: false,
                        config,
                    };
                    matches!(
                        Method::new(&spec, &|_| Some("set".to_owned())),
                        Err(MethodError::Config(text)) if text.contains(key.name)
                    )
                });
                assert!(
                    refused,
                    "{}: a list for `{}` is accepted",
                    method.path, key.name
                );
            }
        }
    }
}
