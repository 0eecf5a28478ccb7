//! `ldap`: a user name and a password file that is handled as the `jwt` method handles its file.

use std::time::Duration;

use pannier_agent_config::MethodConfig;

use super::consumed::{Consumed, Trouble};
use super::jwt::{flag, seconds};
use super::method::{Credentials, MethodError, body, required};

const LOG: &str = "agent.auth.ldap";

#[derive(Debug)]
pub(crate) struct Ldap {
    username: String,
    path: String,
    file: Consumed,
}

impl Ldap {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        let username = required(config, "username")?;
        let path = required(config, "password_file_path")?;
        let remove = flag(config, "remove_password_after_reading", true)?;
        let follow = flag(config, "remove_password_follows_symlinks", false)?;
        let period = seconds(config, "password_read_period")?;
        let file = Consumed::new(path.clone(), remove, follow, period);
        Ok(Self {
            username,
            path,
            file,
        })
    }

    pub(super) fn credentials(&mut self) -> Result<Credentials, String> {
        self.ingest();
        let password = self.file.send();
        let password = password.ok_or("latest known password is empty, cannot authenticate")?;
        Ok(Credentials::Login {
            body: body(&[("password", password)]),
            client: None,
            below: Some(self.username.clone()),
        })
    }

    pub(super) fn succeeded(&mut self) {
        self.ingest();
    }

    pub(super) fn period(&self) -> Duration {
        self.file.period()
    }

    /// Consumes the file; true if there is another password than the one sent last.
    pub(super) fn poll(&mut self) -> bool {
        self.ingest();
        let news = self.file.is_news();
        if news {
            tracing::debug!(target: LOG, "new password file found");
        }
        news
    }

    fn ingest(&mut self) {
        match self.file.ingest() {
            Ok(()) => {}
            Err(Trouble::Empty) => tracing::warn!(target: LOG, "empty password file read"),
            Err(trouble) => {
                tracing::error!(target: LOG, path = self.path, error = trouble.to_string(), "error reading password file");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::auth::method::tests::config;

    #[test]
    fn the_password_is_sent_whole_to_the_users_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let mut ldap = Ldap::new(&config(&[
            ("username", "ann"),
            ("password_file_path", path.to_str().unwrap()),
        ]))
        .unwrap();
        assert_eq!(
            ldap.credentials().unwrap_err(),
            "latest known password is empty, cannot authenticate"
        );
        std::fs::write(&path, "secret\n").unwrap();
        let Credentials::Login { body, below, .. } = ldap.credentials().unwrap() else {
            unreachable!("ldap logs in")
        };
        assert_eq!(
            (body.expose(), below.as_deref()),
            ("{\"password\":\"secret\\n\"}", Some("ann"))
        );
        assert!(!path.exists());
    }

    #[test]
    fn both_settings_are_needed() {
        assert_eq!(
            Ldap::new(&config(&[("username", "ann")]))
                .unwrap_err()
                .to_string(),
            "missing 'password_file_path' value"
        );
    }
}
