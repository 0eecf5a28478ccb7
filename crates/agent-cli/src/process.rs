//! What the process asks of the kernel for itself.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use nix::sys::prctl;

/// Keeps secrets out of core dumps and the heap small. Failures are harmless: an old kernel just lacks the switch.
pub(crate) fn harden() {
    // No core dump, no ptrace and no `/proc/<pid>/environ` for others of the same user; a program that is started by
    // this one gets its own switch back.
    let _ = prctl::set_dumpable(false);
    // Where huge pages are always given, each small heap would take two megabytes.
    let _ = prctl::set_thp_disable(true);
}

/// A file with the process id, removed when dropped.
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    pub(crate) fn write(path: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| {
            let text = error.to_string();
            let text = text
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase();
            format!("Error storing PID: could not open pid file: open {path}: {text}")
        };
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self(PathBuf::from(path)))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_pid_file_lives_as_long_as_the_process_works() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let file = PidFile::write(path.to_str().unwrap()).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            std::process::id().to_string()
        );
        drop(file);
        assert!(!path.exists());
        let error = PidFile::write("/nonexistent/pid").err().unwrap();
        assert!(
            error.starts_with("Error storing PID: could not open pid file: "),
            "{error}"
        );
    }
}
