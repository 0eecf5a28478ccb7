//! What can go wrong with a call, in the words operators of Vault know.

use std::fmt;

/// A call that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The server answered with a status of 400 or more.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// No usable answer: the connection, TLS, or the answer itself broke.
    #[error("{method} \"{url}\": {cause}")]
    Transport {
        /// The method in title case, as Go's client prints it.
        method: String,
        /// The whole URL.
        url: String,
        /// What happened, for example `dial tcp 127.0.0.1:8200: connect: connection refused`.
        cause: String,
    },
    /// The token cannot stand in a header.
    #[error("configured Vault token contains non-printable characters and cannot be used")]
    Token,
    /// The answer is not what this endpoint gives.
    #[error("{0}")]
    Decode(String),
    /// The request could not be put into words HTTP allows.
    #[error("{0}")]
    Request(String),
}

/// An error answer of the server.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// Method of the request in upper case.
    pub method: String,
    /// URL of the request.
    pub url: String,
    /// Namespace of the request with its trailing slash, empty for root.
    pub namespace: String,
    /// HTTP status.
    pub code: u16,
    /// The server's `errors` list.
    pub errors: Vec<String>,
    /// The body, when it had no such list.
    pub raw: Option<String>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Error making API request.\n\n")?;
        if !self.namespace.is_empty() {
            writeln!(f, "Namespace: {}", self.namespace)?;
        }
        writeln!(f, "URL: {} {}", self.method, self.url)?;
        match &self.raw {
            Some(raw) => write!(f, "Code: {}. Raw Message:\n\n{raw}", self.code),
            None => {
                write!(f, "Code: {}. Errors:\n\n", self.code)?;
                self.errors
                    .iter()
                    .try_for_each(|error| write!(f, "* {error}"))
            }
        }
    }
}

impl std::error::Error for ApiError {}

impl Error {
    /// The server's status, if the server answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.code),
            _ => None,
        }
    }

    /// Whether the server said that the token itself is no longer good (as opposed to not allowed to do this).
    ///
    /// Vault says `permission denied` and `invalid token` for a revoked, expired or used-up token; OpenBao says the
    /// former only, which cannot be told from a missing right.
    #[must_use]
    pub fn is_invalid_token(&self) -> bool {
        match self {
            Self::Api(error) => {
                error.code == 403
                    && error
                        .errors
                        .iter()
                        .any(|text| text.contains("invalid token"))
            }
            _ => false,
        }
    }

    pub(crate) fn transport(method: &str, url: &str, cause: impl fmt::Display) -> Self {
        let mut title = method.to_ascii_lowercase();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self::Transport {
            method: title,
            url: url.to_owned(),
            cause: cause.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(errors: &[&str], raw: Option<&str>, namespace: &str) -> ApiError {
        ApiError {
            method: "PUT".to_owned(),
            url: "http://v/v1/auth/kubernetes/login".to_owned(),
            namespace: namespace.to_owned(),
            code: 403,
            errors: errors.iter().map(|error| (*error).to_owned()).collect(),
            raw: raw.map(str::to_owned),
        }
    }

    #[test]
    fn prints_what_the_reference_client_prints() {
        assert_eq!(
            api(&["permission denied"], None, "").to_string(),
            "Error making API request.\n\nURL: PUT http://v/v1/auth/kubernetes/login\nCode: 403. Errors:\n\n\
             * permission denied"
        );
        assert_eq!(
            api(&["a", "b"], None, "ns1/").to_string(),
            "Error making API request.\n\nNamespace: ns1/\nURL: PUT http://v/v1/auth/kubernetes/login\n\
             Code: 403. Errors:\n\n* a* b"
        );
        assert_eq!(
            api(&[], Some("<html>"), "").to_string(),
            "Error making API request.\n\nURL: PUT http://v/v1/auth/kubernetes/login\n\
             Code: 403. Raw Message:\n\n<html>"
        );
        assert_eq!(
            Error::transport("PUT", "http://v/v1/x", "EOF").to_string(),
            "Put \"http://v/v1/x\": EOF"
        );
    }

    #[test]
    fn only_a_token_called_invalid_is_invalid() {
        let error = |errors: &[&str]| Error::Api(Box::new(api(errors, None, "")));
        assert!(error(&["permission denied", "invalid token"]).is_invalid_token());
        assert!(!error(&["permission denied"]).is_invalid_token());
        assert!(!Error::Token.is_invalid_token());
    }
}
