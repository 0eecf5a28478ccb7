//! `token_file`: a token that somebody else puts into a file; it is looked up, not exchanged.

use pannier_agent_config::MethodConfig;

use super::method::{Credentials, MethodError, read, required, trimmed};

#[derive(Debug)]
pub(crate) struct TokenFile {
    path: String,
}

impl TokenFile {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        Ok(Self {
            path: required(config, "token_file_path")?,
        })
    }

    pub(super) fn credentials(&self) -> Result<Credentials, String> {
        let token =
            read(&self.path).map_err(|error| format!("error reading token file: {error}"))?;
        let token = trimmed(&token);
        if token.is_empty() {
            return Err(format!("error reading token file: {} is empty", self.path));
        }
        Ok(Credentials::Token(token))
    }
}
