//! Levels and formats as operators spell them.

use std::fmt;
use std::str::FromStr;

/// How much is logged. Ordered: `Trace` lets everything through, `Error` the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What an operator wants to know; the default.
    #[default]
    Info,
    /// Something is wrong but work goes on.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// All levels, the most talkative first.
    pub const ALL: [Self; 5] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
    ];

    /// The word in JSON lines (`@level`) and in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The bracketed word of standard lines, padded to one width.
    #[must_use]
    pub(crate) fn bracket(self) -> &'static str {
        match self {
            Self::Trace => "[TRACE]",
            Self::Debug => "[DEBUG]",
            Self::Info => "[INFO] ",
            Self::Warn => "[WARN] ",
            Self::Error => "[ERROR]",
        }
    }

    pub(crate) fn to_u8(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_u8(number: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|level| *level as u8 == number)
            .unwrap_or_default()
    }

    pub(crate) fn filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::Trace => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
        }
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level that is none: `unknown log level: <text>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLevel(
    /// The text as it was given.
    pub String,
);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown log level: {}", self.0)
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Trimmed and without regard to case; `notice` and the empty text mean `info`.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text.trim().to_ascii_lowercase().as_str() {
            "trace" => Ok(Self::Trace),
            "debug" => Ok(Self::Debug),
            "info" | "notice" | "" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warn),
            "err" | "error" => Ok(Self::Error),
            _ => Err(UnknownLevel(text.to_owned())),
        }
    }
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `<time> [LEVEL] <name>: <message>: key=value`; the default.
    #[default]
    Standard,
    /// One JSON object a line.
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::Json => "json",
        })
    }
}

/// A format that is none: `unknown log format: <text>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat(
    /// The text as it was given.
    pub String,
);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown log format: {}", self.0)
    }
}

impl std::error::Error for UnknownFormat {}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// Trimmed and without regard to case; the empty text means `standard`.
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text.trim().to_ascii_lowercase().as_str() {
            "standard" | "" => Ok(Self::Standard),
            "json" => Ok(Self::Json),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_operators_spell_them() {
        let table = [
            ("trace", Level::Trace),
            ("DEBUG", Level::Debug),
            (" info ", Level::Info),
            ("notice", Level::Info),
            ("", Level::Info),
            ("warning", Level::Warn),
            ("warn", Level::Warn),
            ("err", Level::Error),
            ("Error", Level::Error),
        ];
        for (text, level) in table {
            assert_eq!(text.parse(), Ok(level), "{text:?}");
        }
        let refused = "loud".parse::<Level>().map_err(|e| e.to_string());
        assert_eq!(refused, Err("unknown log level: loud".to_owned()));
    }

    #[test]
    fn formats_are_read_without_regard_to_case() {
        assert_eq!("JSON".parse(), Ok(Format::Json));
        assert_eq!("".parse(), Ok(Format::Standard));
        assert_eq!("standard".parse(), Ok(Format::Standard));
        let refused = "xml".parse::<Format>().map_err(|e| e.to_string());
        assert_eq!(refused, Err("unknown log format: xml".to_owned()));
    }

    #[test]
    fn levels_survive_the_way_through_a_number_and_a_name() {
        for level in Level::ALL {
            assert_eq!(Level::from_u8(level.to_u8()), level);
            assert_eq!(level.name().parse(), Ok(level));
        }
    }
}
