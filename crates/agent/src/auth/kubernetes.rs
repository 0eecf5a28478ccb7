//! `kubernetes`: the pod's service-account token, read for every login because the kubelet rotates it.

use pannier_agent_config::MethodConfig;

use super::method::{Credentials, MethodError, body, read, required, trimmed};

/// Where Kubernetes puts the token.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

#[derive(Debug)]
pub(crate) struct Kubernetes {
    role: String,
    token_path: String,
}

impl Kubernetes {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        Ok(Self {
            role: required(config, "role")?,
            token_path: config
                .text("token_path")?
                .filter(|path| !path.is_empty())
                .unwrap_or(TOKEN_PATH)
                .to_owned(),
        })
    }

    pub(super) fn credentials(&self) -> Result<Credentials, String> {
        let jwt = read(&self.token_path)
            .map_err(|error| format!("error reading JWT with Kubernetes Auth: {error}"))?;
        let body = body(&[
            ("role", &self.role.as_str().into()),
            ("jwt", &trimmed(&jwt)),
        ]);
        Ok(Credentials::login(body))
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }
}
