//! Log lines in the two formats that operators of Vault know.
//!
//! A program calls [`init`] once; libraries use `tracing`'s macros and name their logger with `target`:
//!
//! ```
//! tracing::info!(target: "agent.auth.handler", backoff = "1s", "error authenticating");
//! ```
//!
//! gives `2026-11-23T06:20:44.882Z [INFO]  agent.auth.handler: error authenticating: backoff=1s`, or one JSON object.
//! Times are UTC. There are no spans and no filter language: a level is enough here, and both would cost size.

mod file;
mod format;
mod level;

pub use file::FileOptions;
pub use format::{Event, line};
pub use level::{Format, Level, UnknownFormat, UnknownLevel};

use file::LogFile;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Which standard stream lines go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Standard error; the default.
    #[default]
    Stderr,
    /// Standard output.
    Stdout,
}

/// Everything [`init`] needs to know.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines below this level are dropped.
    pub level: Level,
    /// How a line looks.
    pub format: Format,
    /// The stream.
    pub output: Output,
    /// A file that gets the same lines.
    pub file: Option<FileOptions>,
}

impl Options {
    /// Lines of `format` from `level` up, on standard error, no file.
    #[must_use]
    pub fn new(level: Level, format: Format) -> Self {
        Self {
            level,
            format,
            ..Self::default()
        }
    }
}

/// Changes what [`init`] set up, while the program runs.
#[derive(Clone, Debug)]
pub struct Handle {
    level: Arc<AtomicU8>,
}

impl Handle {
    /// Sets the level; events from then on obey it.
    pub fn set_level(&self, level: Level) {
        self.level.store(level.to_u8(), Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// The level now.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::from_u8(self.level.load(Ordering::Relaxed))
    }
}

/// Installs the process's logger.
///
/// # Errors
/// The log file cannot be opened (the text names it), or a logger is installed already.
pub fn init(options: Options) -> io::Result<Handle> {
    let Options {
        level,
        format,
        output,
        file,
    } = options;
    let file = file
        .map(|file| LogFile::open(file, Timestamp::now()))
        .transpose()?;
    let level = Arc::new(AtomicU8::new(level.to_u8()));
    let logger = Logger {
        level: Arc::clone(&level),
        format,
        output,
        file: Mutex::new(file),
    };
    tracing::subscriber::set_global_default(logger).map_err(io::Error::other)?;
    Ok(Handle { level })
}

struct Logger {
    level: Arc<AtomicU8>,
    format: Format,
    output: Output,
    file: Mutex<Option<LogFile>>,
}

impl Logger {
    fn level(&self) -> Level {
        Level::from_u8(self.level.load(Ordering::Relaxed))
    }

    fn write(&self, line: &str, now: Timestamp) {
        // A log that cannot be written must not stop the program.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.as_mut() {
            drop(file.write(line, now));
        }
        drop(match self.output {
            Output::Stderr => io::stderr().lock().write_all(line.as_bytes()),
            Output::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(line.as_bytes()).and_then(|()| out.flush())
            }
        });
    }
}

/// Libraries log under their module path. They are heard from warnings up, and in full at trace.
fn is_library(target: &str) -> bool {
    target.contains("::")
        || target.starts_with("kube")
        || target.starts_with("hyper")
        || target.starts_with("rustls")
}

impl Subscriber for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let (least, level) = (self.level(), Level::from(metadata.level()));
        let heard = least == Level::Trace || level >= Level::Warn || !is_library(metadata.target());
        metadata.is_event() && level >= least && heard
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level().filter())
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut collected = Collected::default();
        event.record(&mut collected);
        let now = Timestamp::now();
        let metadata = event.metadata();
        let text = format::line(
            self.format,
            &Event {
                time: now,
                level: Level::from(metadata.level()),
                name: metadata.target(),
                message: &collected.message,
                fields: &collected.fields,
            },
        );
        self.write(&text, now);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Collected {
    message: String,
    fields: Vec<(String, Value)>,
}

impl Collected {
    fn push(&mut self, field: &Field, value: Value) {
        // `log`'s own bookkeeping is no concern of readers.
        if !field.name().starts_with("log.") {
            self.fields.push((field.name().to_owned(), value));
        }
    }
}

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text
        } else {
            self.push(field, text.into())
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = value.to_owned()
        } else {
            self.push(field, value.into())
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.push(field, value.to_string().into());
    }
}
