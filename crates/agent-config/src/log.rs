use std::time::Duration;

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
