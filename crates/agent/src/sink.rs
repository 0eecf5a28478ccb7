//! Sinks: files that get the token, plain, wrapped or encrypted.

use std::os::unix::fs::fchown;
use std::path::PathBuf;
use std::time::Duration;

use pannier_agent_config::Sink as SinkSpec;
use pannier_go::json;
use pannier_redacted::Redacted;
use pannier_vault::{Client, Request, WrapInfo, random};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::files::{Draft, mode_text, words};
use crate::token::{Token, Tokens};

mod dh;

use dh::Exchange;

const LOG: &str = "agent.sink.file";

/// Why a sink could not be created; the agent does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error creating file sink: {0}")]
pub struct SinkError(String);

/// One configured file.
#[derive(Debug)]
pub(crate) struct Sink {
    path: PathBuf,
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    wrap_ttl: Option<Duration>,
    exchange: Option<Exchange>,
}

impl Sink {
    /// Makes sure that the folder can be written to. `env` gives the value of `aad_env_var`.
    pub(crate) fn new(
        spec: &SinkSpec,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SinkError> {
        tracing::info!(target: LOG, "creating file sink");
        let sink = Self {
            path: PathBuf::from(&spec.path),
            mode: spec.mode,
            uid: spec.uid,
            gid: spec.gid,
            wrap_ttl: spec.wrap_ttl,
            exchange: spec.dh.as_ref().map(|dh| {
                let aad = dh
                    .aad_env_var
                    .as_deref()
                    .and_then(&env)
                    .filter(|value| !value.is_empty());
                Exchange::new(
                    &dh.path,
                    dh.derive_key,
                    aad.unwrap_or_else(|| dh.aad.clone()),
                )
            }),
        };
        Draft::beside(&sink.path, sink.mode).map_err(|error| {
            SinkError(format!("error during write check: {}", sink.about(&error)))
        })?;
        tracing::info!(target: LOG, path = spec.path, mode = mode_text(sink.mode), "file sink configured");
        Ok(sink)
    }

    /// The plain token that an earlier run left in the file.
    pub(crate) fn left_behind(&self) -> Option<Redacted> {
        if self.wrap_ttl.is_some() || self.exchange.is_some() {
            return None;
        }
        let text = Redacted::from(std::fs::read(&self.path).ok()?);
        let plain = !text.is_empty()
            && text.len() < 4096
            && text.expose_bytes().iter().all(u8::is_ascii_graphic);
        plain.then_some(text)
    }

    async fn deliver(&mut self, token: &Token, client: &Client) -> Result<(), String> {
        let content = match (token, self.wrap_ttl) {
            (Token::Wrapped(info), _) => line(info),
            (Token::Plain(token), None) => token.clone(),
            (Token::Plain(token), Some(ttl)) => line(&wrap(client, token, ttl).await?),
        };
        let content = match &mut self.exchange {
            Some(exchange) => exchange.encrypt(&content)?,
            None => content,
        };
        self.write(content.expose_bytes())
            .map_err(|error| self.about(&error))?;
        tracing::info!(target: LOG, path = %self.path.display(), "token written");
        Ok(())
    }

    fn write(&self, content: &[u8]) -> std::io::Result<()> {
        let mut draft = Draft::beside(&self.path, self.mode)?;
        draft.write(content)?;
        if self.uid.is_some() || self.gid.is_some() {
            fchown(draft.file(), self.uid, self.gid)?;
        }
        draft.persist(&self.path)
    }

    fn about(&self, error: &std::io::Error) -> String {
        let folder = self.path.parent().unwrap_or(&self.path).display();
        let temporary = crate::files::temporary(&self.path);
        format!(
            "error opening temp file in dir {folder} for writing: open {}: {}",
            temporary.display(),
            words(error)
        )
    }
}

/// A wrapped answer as one line.
fn line(info: &WrapInfo) -> Redacted {
    let mut text = Vec::with_capacity(info.token.len() + 512);
    let mut put = |name: &str, value: &[u8]| {
        text.extend_from_slice(if text.is_empty() { b"{" } else { b"," });
        json::encode_string(&mut text, name.as_bytes(), true);
        text.push(b':');
        match name {
            "ttl" => text.extend_from_slice(value),
            _ => json::encode_string(&mut text, value, true),
        }
    };
    put("token", info.token.expose_bytes());
    put("accessor", info.accessor.as_bytes());
    put("ttl", info.ttl.to_string().as_bytes());
    put("creation_time", info.creation_time.as_bytes());
    put("creation_path", info.creation_path.as_bytes());
    put("wrapped_accessor", info.wrapped_accessor.as_bytes());
    text.extend_from_slice(b"}\n");
    text.into()
}

async fn wrap(client: &Client, token: &Redacted, ttl: Duration) -> Result<WrapInfo, String> {
    let mut body = Vec::with_capacity(6 * token.len() + 16);
    body.extend_from_slice(b"{\"token\":");
    json::encode_string(&mut body, token.expose_bytes(), true);
    body.push(b'}');
    let request = Request::put("sys/wrapping/wrap", body)
        .token(token.clone())
        .wrap_ttl(Some(ttl));
    let answer = client
        .send(&request)
        .await
        .and_then(|answer| answer.secret());
    let answer = answer.map_err(|error| format!("error wrapping token: {error}"))?;
    answer
        .and_then(|secret| secret.wrap_info)
        .ok_or_else(|| "wrapping resulted in nil wrap info".to_owned())
}

/// How far the first token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// No token, or not yet written.
    Waiting,
    /// At least one sink failed and is tried again.
    Failing,
    /// Each sink has been written once.
    Done,
}

/// Writes every new token to all sinks until it is dropped.
///
/// A sink that fails is tried again after one to three seconds, with the newest token; the others do not wait for it.
pub(crate) async fn serve(
    mut sinks: Vec<Sink>,
    client: Client,
    mut tokens: Tokens,
    delivery: watch::Sender<Delivery>,
) {
    const LOG: &str = "agent.sink.server";
    let mut due = vec![false; sinks.len()];
    let mut once = vec![false; sinks.len()];
    let mut retry_at: Option<Instant> = None;
    loop {
        tokio::select! {
            changed = tokens.changed() => {
                if changed.is_err() {
                    return std::future::pending().await;
                }
                due.fill(true);
            }
            () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {}
        }
        let Some(token) = tokens.borrow_and_update().clone() else {
            continue;
        };
        retry_at = None;
        for ((sink, due), once) in sinks.iter_mut().zip(&mut due).zip(&mut once) {
            if !*due {
                continue;
            }
            match sink.deliver(&token, &client).await {
                Ok(()) => (*due, *once) = (false, true),
                Err(error) => {
                    let wait = Duration::from_secs_f64(1.0 + 2.0 * random::unit());
                    tracing::error!(
                        target: LOG, error, backoff = format!("{:.2}s", wait.as_secs_f64()),
                        "error returned by sink function, retrying"
                    );
                    retry_at = Some(retry_at.unwrap_or_else(|| Instant::now() + wait));
                }
            }
        }
        if once.iter().all(|once| *once) {
            delivery.send_replace(Delivery::Done);
        } else if retry_at.is_some() {
            delivery.send_replace(Delivery::Failing);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use pannier_agent_config::Position;
    use pannier_vault::{Address, ClientConfig};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn spec(path: &Path) -> SinkSpec {
        SinkSpec {
            at: Position {
                source: "test".into(),
                line: 1,
                column: 1,
            },
            path: path.to_str().unwrap().to_owned(),
            mode: 0o600,
            uid: None,
            gid: None,
            wrap_ttl: None,
            dh: None,
        }
    }

    fn client() -> Client {
        Client::new(ClientConfig::new(
            Address::parse("http://127.0.0.1:1").unwrap(),
        ))
        .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn every_new_token_is_written_whole_and_without_newline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let sink = Sink::new(&spec(&path), |_| None).unwrap();
        assert!(!path.exists());
        let (sender, tokens) = watch::channel(None);
        let (written, done) = watch::channel(Delivery::Waiting);
        let server = tokio::spawn(serve(vec![sink], client(), tokens, written));
        for text in ["first", "second"] {
            sender.send_replace(Some(Token::Plain(text.into())));
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(*done.borrow(), Delivery::Done);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        server.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_sink_is_tried_again_and_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let (bad, good) = (folder.path().join("bad"), folder.path().join("good"));
        let sinks = [&bad, &good].map(|path| Sink::new(&spec(path), |_| None).unwrap());
        std::fs::create_dir_all(bad.join("in the way")).unwrap();
        let (_sender, tokens) = watch::channel(Some(Token::Plain("t".into())));
        let mut tokens = tokens;
        tokens.mark_changed();
        let (written, done) = watch::channel(Delivery::Waiting);
        let server = tokio::spawn(serve(sinks.into(), client(), tokens, written));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(std::fs::read_to_string(&good).unwrap(), "t");
        assert_eq!(*done.borrow(), Delivery::Failing);
        std::fs::remove_dir_all(&bad).unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(std::fs::read_to_string(&bad).unwrap(), "t");
        assert_eq!(*done.borrow(), Delivery::Done);
        server.abort();
    }

    #[test]
    fn a_folder_that_cannot_be_written_ends_the_start() {
        let error = Sink::new(&spec(Path::new("/nonexistent/token")), |_| None)
            .unwrap_err()
            .to_string();
        let begin = "error creating file sink: error during write check: error opening temp file in dir /nonexistent \
                     for writing: open /nonexistent/token.tmp.";
        assert!(
            error.starts_with(begin) && error.ends_with(": no such file or directory"),
            "{error}"
        );
    }

    #[test]
    fn a_wrapped_token_is_one_line_of_json() {
        let info = WrapInfo {
            token: "hvs.w".into(),
            accessor: "a".to_owned(),
            ttl: 300,
            creation_time: "2026-11-24T06:00:00.5Z".to_owned(),
            creation_path: "sys/wrapping/wrap".to_owned(),
            wrapped_accessor: String::new(),
        };
        assert_eq!(
            line(&info).expose(),
            "{\"token\":\"hvs.w\",\"accessor\":\"a\",\"ttl\":300,\"creation_time\":\"2026-11-24T06:00:00.5Z\",\
             \"creation_path\":\"sys/wrapping/wrap\",\"wrapped_accessor\":\"\"}\n"
        );
    }

    #[test]
    fn only_a_plain_token_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let sink = Sink::new(&spec(&path), |_| None).unwrap();
        assert!(sink.left_behind().is_none());
        for (text, found) in [
            ("hvs.abc", true),
            ("", false),
            ("{\"token\": \"x\"}\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(sink.left_behind().is_some(), found, "{text}");
        }
    }
}
