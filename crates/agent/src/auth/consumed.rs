//! A file with a credential that is consumed when read, and looked for again in the background.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pannier_redacted::Redacted;

use crate::files;

/// How often a file is looked for that goes when it is read.
const OFTEN: Duration = Duration::from_millis(500);

/// How often a file is looked at that stays.
const SELDOM: Duration = Duration::from_mins(1);

/// What could not be done; the last text stays in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the file is empty, keeping the last value")]
    Empty,
    #[error("not a regular file or symlink")]
    Kind,
    #[error("failed to read: {0}")]
    Read(String),
    #[error("error removing: {0}")]
    Remove(String),
}

#[derive(Debug)]
pub(super) struct Consumed {
    path: PathBuf,
    remove: bool,
    /// Removes what a symbolic link points to in place of the link.
    follow: bool,
    period: Duration,
    latest: Redacted,
    sent: Redacted,
}

impl Consumed {
    pub(super) fn new(path: String, remove: bool, follow: bool, period: Option<Duration>) -> Self {
        Self {
            path: path.into(),
            remove,
            follow,
            period: period.unwrap_or(if remove { OFTEN } else { SELDOM }),
            latest: Redacted::default(),
            sent: Redacted::default(),
        }
    }

    pub(super) fn period(&self) -> Duration {
        self.period
    }

    /// The text to send now; `None` if none was ever read.
    pub(super) fn send(&mut self) -> Option<&Redacted> {
        self.sent = self.latest.clone();
        (!self.sent.is_empty()).then_some(&self.sent)
    }

    /// Whether there is another text than the one sent last. Asked twice, the second answer is no.
    pub(super) fn is_news(&mut self) -> bool {
        let news = self.latest != self.sent;
        self.sent = self.latest.clone();
        news
    }

    /// Takes the file's text over. Without a file, the last text stays.
    pub(super) fn ingest(&mut self) -> Result<(), Trouble> {
        let Ok(link) = fs::symlink_metadata(&self.path) else {
            return Ok(());
        };
        if !link.is_symlink() && !link.is_file() {
            return Err(Trouble::Kind);
        }
        let text = fs::read(&self.path).map_err(|error| Trouble::Read(files::words(&error)))?;
        let text = Redacted::from(text);
        let empty = text.is_empty();
        if !empty {
            self.latest = text;
        }
        if self.remove {
            let gone = if self.follow {
                fs::canonicalize(&self.path).and_then(fs::remove_file)
            } else {
                fs::remove_file(&self.path)
            };
            gone.map_err(|error| Trouble::Remove(files::words(&error)))?;
        }
        if empty { Err(Trouble::Empty) } else { Ok(()) }
    }
}
