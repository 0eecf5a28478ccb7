//! `jwt`: a JWT in a file that is consumed when read, and read again in the background.

use std::time::Duration;

use pannier_agent_config::{MethodConfig, Plain};

use super::consumed::{Consumed, Trouble};
use super::method::{Credentials, MethodError, body, required};

const LOG: &str = "agent.auth.jwt";

#[derive(Debug)]
pub(crate) struct Jwt {
    role: String,
    path: String,
    file: Consumed,
}

impl Jwt {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        let path = required(config, "path")?;
        let role = required(config, "role")?;
        let remove = flag(config, "remove_jwt_after_reading", true)?;
        let follow = flag(config, "remove_jwt_follows_symlinks", false)?;
        let period = seconds(config, "jwt_read_period")?;
        tracing::info!(target: LOG, path, "jwt auth method created");
        let file = Consumed::new(path.clone(), remove, follow, period);
        Ok(Self { role, path, file })
    }

    pub(super) fn credentials(&mut self) -> Result<Credentials, String> {
        self.ingest();
        let jwt = self.file.send();
        let jwt = jwt.ok_or("latest known jwt is empty, cannot authenticate")?;
        let body = body(&[("role", &self.role.as_str().into()), ("jwt", jwt)]);
        Ok(Credentials::login(body))
    }

    /// From here on a file with the same text is no news.
    pub(super) fn succeeded(&mut self) {
        self.ingest();
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    pub(super) fn period(&self) -> Duration {
        self.file.period()
    }

    /// Consumes the file; true if its text differs from what was sent last.
    pub(super) fn poll(&mut self) -> bool {
        self.ingest();
        let news = self.file.is_news();
        if news {
            tracing::debug!(target: LOG, "new jwt file found");
        }
        news
    }

    fn ingest(&mut self) {
        match self.file.ingest() {
            Ok(()) => {}
            Err(Trouble::Empty) => tracing::warn!(target: LOG, "empty jwt file read"),
            Err(trouble) => {
                tracing::error!(target: LOG, path = self.path, error = trouble.to_string(), "error reading jwt file");
            }
        }
    }
}

/// A truth value, or what counts without it.
pub(super) fn flag(config: &MethodConfig, key: &str, default: bool) -> Result<bool, MethodError> {
    let wrong = |text: &str| {
        let text = match pannier_go::boolean::parse(text) {
            Ok(_) => "expected `true` or `false`".to_owned(),
            Err(error) => error.to_string(),
        };
        MethodError::Config(format!(
            "error parsing '{key}' value: cannot parse '' as bool: {text}"
        ))
    };
    match config.bool(key) {
        Ok(found) => Ok(found.unwrap_or(default)),
        Err(error) => Err(match config.get(key) {
            Some(Plain::Text(text)) => wrong(text),
            _ => error.into(),
        }),
    }
}

/// A span of time: a number or text of seconds, or a duration with units.
pub(super) fn seconds(config: &MethodConfig, key: &str) -> Result<Option<Duration>, MethodError> {
    let wrong = |text: String| MethodError::Config(format!("error parsing '{key}' value: {text}"));
    let other = || wrong("could not parse duration from input".to_owned());
    let duration = match config.get(key) {
        None => return Ok(None),
        Some(Plain::Int(seconds)) => u64::try_from(*seconds).map(Duration::from_secs).ok(),
        Some(Plain::Text(text)) => pannier_go::Duration::parse_seconds(text)
            .map_err(|error| wrong(error.to_string()))?
            .to_std(),
        Some(_) => None,
    };
    duration.map(Some).ok_or_else(other)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;

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
        assert_eq!(period(&[]), Duration::from_millis(500));
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
