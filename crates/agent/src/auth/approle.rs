//! `approle`: a role id and a secret id in files; the latter may come wrapped.

use pannier_agent_config::MethodConfig;
use pannier_go::json::Json;
use pannier_redacted::Redacted;
use pannier_vault::{Client, Request};

use super::jwt::flag;
use super::method::{Credentials, MethodError, body, required, trimmed};
use crate::files;

const LOG: &str = "agent.auth.approle";

#[derive(Debug)]
pub(crate) struct AppRole {
    role_id_path: String,
    secret_id_path: Option<String>,
    remove_secret_id: bool,
    /// Where a wrapped secret id must have been created.
    wrapping_path: Option<String>,
    role_id: Redacted,
    secret_id: Redacted,
}

impl AppRole {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        let optional = |key| {
            Ok::<_, MethodError>(
                config
                    .text(key)?
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            )
        };
        let wrapping_path = match config.text("secret_id_response_wrapping_path")? {
            Some("") => {
                let text = "'secret_id_response_wrapping_path' value is empty";
                return Err(MethodError::Config(text.to_owned()));
            }
            path => path.map(str::to_owned),
        };
        Ok(Self {
            role_id_path: required(config, "role_id_file_path")?,
            secret_id_path: optional("secret_id_file_path")?,
            remove_secret_id: flag(config, "remove_secret_id_file_after_reading", true)?,
            wrapping_path,
            role_id: Redacted::default(),
            secret_id: Redacted::default(),
        })
    }

    pub(super) async fn credentials(&mut self, client: &Client) -> Result<Credentials, String> {
        self.read_role_id()?;
        let Some(path) = self.secret_id_path.clone() else {
            let body = body(&[("role_id", &self.role_id)]);
            return Ok(Credentials::login(body));
        };
        self.read_secret_id(&path, client).await?;
        let body = body(&[("role_id", &self.role_id), ("secret_id", &self.secret_id)]);
        Ok(Credentials::login(body))
    }

    fn read_role_id(&mut self) -> Result<(), String> {
        match std::fs::read(&self.role_id_path).map(Redacted::from) {
            Err(_) if self.role_id.is_empty() => return Err("no known role ID".to_owned()),
            Err(error) => tracing::warn!(
                target: LOG, path = self.role_id_path, error = files::words(&error),
                "error reading role ID file, re-using cached value"
            ),
            Ok(text) if trimmed(&text).is_empty() => {
                if self.role_id.is_empty() {
                    return Err("role ID file empty and no cached role ID known".to_owned());
                }
                tracing::warn!(target: LOG, "role ID file exists but read empty value, re-using cached value");
            }
            Ok(text) => self.role_id = trimmed(&text),
        }
        Ok(())
    }

    async fn read_secret_id(&mut self, path: &str, client: &Client) -> Result<(), String> {
        match std::fs::read(path).map(Redacted::from) {
            Err(_) if self.secret_id.is_empty() => return Err("no known secret ID".to_owned()),
            Err(error) => tracing::warn!(
                target: LOG, path, error = files::words(&error),
                "error reading secret ID file, re-using cached value"
            ),
            Ok(text) if trimmed(&text).is_empty() => {
                self.remove(path);
                if self.secret_id.is_empty() {
                    return Err("secret ID file empty and no cached secret ID known".to_owned());
                }
                tracing::warn!(target: LOG, "secret ID file exists but read empty value, re-using cached value");
            }
            Ok(text) => {
                self.secret_id = match &self.wrapping_path {
                    None => trimmed(&text),
                    Some(created) => unwrap(client, &trimmed(&text), created).await?,
                };
                self.remove(path);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &str) {
        if self.remove_secret_id
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::error!(
                target: LOG, path, error = files::words(&error),
                "error removing secret ID file after reading"
            );
        }
    }
}

/// Opens a wrapped secret id, after making sure that it was wrapped where it should have been: otherwise somebody may have
/// opened it and wrapped another one.
async fn unwrap(client: &Client, wrapping: &Redacted, created: &str) -> Result<Redacted, String> {
    let lookup = Request::get("sys/wrapping/lookup").token(wrapping.clone());
    let answer = client
        .send(&lookup)
        .await
        .and_then(|answer| answer.secret());
    let answer = answer.map_err(|error| format!("error looking up wrapped secret ID: {error}"))?;
    let path = answer
        .as_ref()
        .and_then(|secret| secret.field("creation_path"))
        .and_then(Json::as_str);
    let Some(path) = path else {
        return Err("looking up wrapped secret ID resulted in nil response".to_owned());
    };
    if path != created {
        tracing::error!(
            target: LOG, expected = created, found = path,
            "SECURITY: unable to validate wrapping token creation path"
        );
        return Err("unable to validate wrapping token creation path".to_owned());
    }
    let open =
        Request::new(pannier_vault::Method::PUT, "sys/wrapping/unwrap").token(wrapping.clone());
    let answer = client.send(&open).await.and_then(|answer| answer.secret());
    let answer = answer.map_err(|error| format!("error unwrapping secret ID: {error}"))?;
    let secret_id = answer
        .as_ref()
        .and_then(|secret| secret.field("secret_id"))
        .and_then(Json::as_str);
    secret_id
        .map(Redacted::from)
        .ok_or_else(|| "unwrapped response has no `secret_id`".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use pannier_agent_config::Plain;
    use pannier_vault::{Address, ClientConfig};

    fn client() -> Client {
        Client::new(ClientConfig::new(
            Address::parse("http://127.0.0.1:1").unwrap(),
        ))
        .unwrap()
    }

    fn method(members: &[(&str, &str)]) -> AppRole {
        let members = members
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Plain::Text((*value).to_owned())));
        AppRole::new(&MethodConfig(members.collect())).unwrap()
    }

    async fn sent(method: &mut AppRole) -> Result<String, String> {
        match method.credentials(&client()).await? {
            Credentials::Login { body, .. } => Ok(body.expose().to_owned()),
            Credentials::Token(_) => unreachable!("approle logs in"),
        }
    }

    #[tokio::test]
    async fn ids_are_read_each_time_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (role, secret) = (file("role"), file("secret"));
        let mut method = method(&[
            ("role_id_file_path", &role),
            ("secret_id_file_path", &secret),
        ]);
        assert_eq!(sent(&mut method).await.unwrap_err(), "no known role ID");
        std::fs::write(&role, "\n").unwrap();
        assert_eq!(
            sent(&mut method).await.unwrap_err(),
            "role ID file empty and no cached role ID known"
        );
        std::fs::write(&role, " r1\n").unwrap();
        assert_eq!(sent(&mut method).await.unwrap_err(), "no known secret ID");
        std::fs::write(&secret, "").unwrap();
        assert_eq!(
            sent(&mut method).await.unwrap_err(),
            "secret ID file empty and no cached secret ID known"
        );
        std::fs::write(&secret, "s1\n").unwrap();
        assert_eq!(
            sent(&mut method).await.unwrap(),
            r#"{"role_id":"r1","secret_id":"s1"}"#
        );
        assert!(!std::path::Path::new(&secret).exists());
        std::fs::write(&role, "r2").unwrap();
        assert_eq!(
            sent(&mut method).await.unwrap(),
            r#"{"role_id":"r2","secret_id":"s1"}"#
        );
    }

    #[tokio::test]
    async fn the_secret_id_is_optional() {
        let folder = tempfile::tempdir().unwrap();
        let role = folder.path().join("role");
        std::fs::write(&role, "r1").unwrap();
        let mut method = method(&[
            ("role_id_file_path", role.to_str().unwrap()),
            ("secret_id_file_path", ""),
        ]);
        assert_eq!(sent(&mut method).await.unwrap(), r#"{"role_id":"r1"}"#);
    }
}
