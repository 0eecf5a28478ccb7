use std::time::Duration;

use crate::stanza::{Reading, Stanza};

/// The `log_*` keys. Flags and environment come before them; texts are not checked here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// `log_level`.
    pub level: Option<String>,
    /// `log_format`.
    pub format: Option<String>,
    /// `log_file`.
    pub file: Option<String>,
    /// `log_rotate_bytes`; 0 is no limit.
    pub rotate_bytes: Option<u64>,
    /// `log_rotate_duration`.
    pub rotate_duration: Option<Duration>,
    /// `log_rotate_max_files`: 0 keeps all, -1 none.
    pub rotate_max_files: Option<i64>,
}

impl LogConfig {
    /// Reads the keys at the top of a file.
    pub(crate) fn read(file: &Stanza<'_>, reading: &mut Reading) -> Self {
        let bytes = file.integer(reading, "log_rotate_bytes");
        Self {
            level: file.set_text(reading, "log_level"),
            format: file.set_text(reading, "log_format"),
            file: file.set_text(reading, "log_file"),
            rotate_bytes: bytes
                .and_then(|bytes| u64::try_from(bytes).ok())
                .filter(|bytes| *bytes > 0),
            rotate_duration: file
                .seconds(reading, "log_rotate_duration")
                .filter(|time| !time.is_zero()),
            rotate_max_files: file
                .integer(reading, "log_rotate_max_files")
                .filter(|files| *files != 0),
        }
    }

    /// Takes what a later source sets.
    pub(crate) fn merge(&mut self, later: Self) {
        let Self {
            level,
            format,
            file,
            rotate_bytes,
            rotate_duration,
            rotate_max_files,
        } = later;
        self.level = level.or(self.level.take());
        self.format = format.or(self.format.take());
        self.file = file.or(self.file.take());
        self.rotate_bytes = rotate_bytes.or(self.rotate_bytes);
        self.rotate_duration = rotate_duration.or(self.rotate_duration);
        self.rotate_max_files = rotate_max_files.or(self.rotate_max_files);
    }
}
