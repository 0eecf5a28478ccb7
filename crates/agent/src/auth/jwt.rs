//! `jwt`: a JWT in a file that is consumed when read, and read again in the background.

use std::fs;
use std::time::Duration;

use pannier_agent_config::{MethodConfig, Plain};
use pannier_redacted::Redacted;

use super::method::{Credentials, MethodError, body, required};
use crate::files;

const LOG: &str = "agent.auth.jwt";

#[derive(Debug)]
pub(crate) struct Jwt {
    path: String,
    role: String,
    remove: bool,
    /// Removes what a symbolic link points to in place of the link.
    follow: bool,
    period: Duration,
    latest: Redacted,
    sent: Redacted,
}

impl Jwt {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        let path = required(config, "path")?;
        let role = required(config, "role")?;
        let remove = flag(config, "remove_jwt_after_reading", true)?;
        // A file that is consumed is looked for often, one that stays seldom.
        let usual = if remove {
            Duration::from_secs(1)
        } else {
            Duration::from_mins(1)
        };
        let jwt = Self {
            path,
            role,
            remove,
            follow: flag(config, "remove_jwt_follows_symlinks", false)?,
            period: seconds(config, "jwt_read_period")?.unwrap_or(usual),
            latest: Redacted::default(),
            sent: Redacted::default(),
        };
        tracing::info!(target: LOG, path = jwt.path, "jwt auth method created");
        Ok(jwt)
    }

    pub(super) fn credentials(&mut self) -> Result<Credentials, String> {
        self.ingest();
        if self.latest.is_empty() {
            return Err("latest known jwt is empty, cannot authenticate".to_owned());
        }
        self.sent = self.latest.clone();
        let body = body(&[("role", &self.role.as_str().into()), ("jwt", &self.latest)]);
        Ok(Credentials::Login { body, client: None })
    }

    /// From here on a file with the same text is no news.
    pub(super) fn succeeded(&mut self) {
        self.ingest();
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    pub(super) fn period(&self) -> Duration {
        self.period
    }

    /// Consumes the file; true if its text differs from what was sent last.
    pub(super) fn poll(&mut self) -> bool {
        self.ingest();
        let news = self.latest != self.sent;
        if news {
            tracing::debug!(target: LOG, "new jwt file found");
            self.sent = self.latest.clone();
        }
        news
    }

    /// Takes the file's text over. Without a file, the last text stays.
    fn ingest(&mut self) {
        let Ok(link) = fs::symlink_metadata(&self.path) else {
            return;
        };
        if !link.is_symlink() && !link.is_file() {
            tracing::error!(target: LOG, path = self.path, "jwt file is not a regular file or symlink");
            return;
        }
        let text = match fs::read(&self.path) {
            Ok(text) => Redacted::from(text),
            Err(error) => {
                tracing::error!(target: LOG, path = self.path, error = files::words(&error), "failed to read jwt file");
                return;
            }
        };
        if text.is_empty() {
            tracing::warn!(target: LOG, "empty jwt file read");
        } else {
            self.latest = text;
        }
        if self.remove {
            let gone = if self.follow {
                fs::canonicalize(&self.path).and_then(fs::remove_file)
            } else {
                fs::remove_file(&self.path)
            };
            if let Err(error) = gone {
                tracing::error!(target: LOG, path = self.path, error = files::words(&error), "error removing jwt file");
            }
        }
    }
}

/// A truth value, or what counts without it.
pub(super) fn flag(config: &MethodConfig, key: &str, default: bool) -> Result<bool, MethodError> {
    Ok(config.bool(key)?.unwrap_or(default))
}

/// A span of time: a number or text of seconds, or a duration with units.
pub(super) fn seconds(config: &MethodConfig, key: &str) -> Result<Option<Duration>, MethodError> {
    let wrong = || {
        MethodError::Config(format!(
            "error parsing '{key}' value: expected a duration such as `30s`"
        ))
    };
    let duration = match config.get(key) {
        None => return Ok(None),
        Some(Plain::Int(seconds)) => u64::try_from(*seconds).map(Duration::from_secs).ok(),
        Some(Plain::Text(text)) => pannier_go::Duration::parse_seconds(text)
            .ok()
            .and_then(pannier_go::Duration::to_std),
        Some(_) => None,
    };
    duration.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::collections::BTreeMap;

    fn config(path: &str, more: &[(&str, Plain)]) -> MethodConfig {
        let mut map = BTreeMap::from([
            ("path".to_owned(), Plain::Text(path.to_owned())),
            ("role".to_owned(), Plain::Text("app".to_owned())),
        ]);
        map.extend(
            more.iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone())),
        );
        MethodConfig(map)
    }

    fn sent(jwt: &mut Jwt) -> Result<String, String> {
        match jwt.credentials()? {
            Credentials::Login { body, .. } => Ok(body.expose().to_owned()),
            Credentials::Token(_) => unreachable!("jwt logs in"),
        }
    }

    #[test]
    fn the_file_is_consumed_and_its_text_sent_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwt");
        let mut jwt = Jwt::new(&config(path.to_str().unwrap(), &[])).unwrap();
        assert_eq!(
            sent(&mut jwt).unwrap_err(),
            "latest known jwt is empty, cannot authenticate"
        );
        fs::write(&path, "a.b.c\n").unwrap();
        assert_eq!(
            sent(&mut jwt).unwrap(),
            "{\"role\":\"app\",\"jwt\":\"a.b.c\\n\"}"
        );
        assert!(!path.exists());
        // The last text is good until a new one comes.
        assert_eq!(
            sent(&mut jwt).unwrap(),
            "{\"role\":\"app\",\"jwt\":\"a.b.c\\n\"}"
        );
        assert!(!jwt.poll());
        fs::write(&path, "").unwrap();
        assert!(!jwt.poll() && !path.exists());
        fs::write(&path, "d.e.f").unwrap();
        assert!(jwt.poll() && !path.exists());
        assert!(!jwt.poll());
    }

    #[test]
    fn a_link_goes_and_its_target_stays_unless_told() {
        for (follow, target_stays) in [(false, true), (true, false)] {
            let folder = tempfile::tempdir().unwrap();
            let (link, target) = (folder.path().join("link"), folder.path().join("target"));
            fs::write(&target, "x").unwrap();
            std::os::unix::fs::symlink(&target, &link).unwrap();
            let config = config(
                link.to_str().unwrap(),
                &[("remove_jwt_follows_symlinks", Plain::Bool(follow))],
            );
            sent(&mut Jwt::new(&config).unwrap()).unwrap();
            assert_eq!((target.exists(), link.is_symlink()), (target_stays, follow));
        }
    }

    #[test]
    fn a_file_that_stays_is_looked_at_once_a_minute() {
        let period = |more: &[(&str, Plain)]| Jwt::new(&config("/x", more)).unwrap().period();
        assert_eq!(period(&[]), Duration::from_secs(1));
        assert_eq!(
            period(&[("remove_jwt_after_reading", Plain::Bool(false))]),
            Duration::from_mins(1)
        );
        assert_eq!(
            period(&[("jwt_read_period", Plain::Text("7s".to_owned()))]),
            Duration::from_secs(7)
        );
    }

    #[test]
    fn mistakes_in_the_config_read_as_in_the_reference() {
        let new = |map: &[(&str, Plain)]| {
            let map = map
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect();
            Jwt::new(&MethodConfig(map)).unwrap_err().to_string()
        };
        let text = |text: &str| Plain::Text(text.to_owned());
        assert_eq!(new(&[]), "empty config data");
        assert_eq!(new(&[("role", text("r"))]), "missing 'path' value");
        assert_eq!(
            new(&[("role", text("r")), ("path", text(""))]),
            "'path' value is empty"
        );
        assert_eq!(new(&[("path", text("p"))]), "missing 'role' value");
        assert_eq!(
            new(&[("path", Plain::Int(1))]),
            "could not convert 'path' config value to string"
        );
    }
}
