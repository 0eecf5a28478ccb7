//! Small things about files: words for errors, names for temporary files, owners.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pannier_vault::random;

/// The system's words for an error, as Go prints them.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// Why a program did not start, as Go says it.
pub(crate) fn not_started(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => {
            format!("exec: {program:?}: executable file not found in $PATH")
        }
        _ => format!("fork/exec {program}: {}", words(error)),
    }
}

/// A name beside `path` that nobody else uses: `<name>.tmp.<8 hex digits>`.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut bytes = [0; 4];
    random::fill(&mut bytes);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".tmp.{:08x}", u32::from_be_bytes(bytes)));
    PathBuf::from(name)
}

/// A file that is removed again unless it was renamed into place.
pub(crate) struct Draft {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Draft {
    /// Creates the file beside `destination`, with `mode` less the umask.
    pub(crate) fn beside(destination: &Path, mode: u32) -> io::Result<Self> {
        let path = temporary(destination);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)?;
        Ok(Self {
            path,
            file,
            kept: false,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Moves it over the destination.
    pub(crate) fn persist(mut self, destination: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, destination)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Permission bits as Go prints a regular file's mode: `-rw-r-----`.
pub(crate) fn mode_text(mode: u32) -> String {
    let mut text = String::from("-");
    for shift in [6, 3, 0] {
        for (bit, letter) in [(4, 'r'), (2, 'w'), (1, 'x')] {
            text.push(if mode >> shift & bit == 0 {
                '-'
            } else {
                letter
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn modes_read_as_in_ls() {
        assert_eq!(mode_text(0o640), "-rw-r-----");
        assert_eq!(mode_text(0o755), "-rwxr-xr-x");
    }

    #[test]
    fn a_draft_that_is_not_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let goal = folder.path().join("goal");
        Draft::beside(&goal, 0o600).unwrap().write(b"x").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut draft = Draft::beside(&goal, 0o600).unwrap();
        draft.write(b"x").unwrap();
        draft.persist(&goal).unwrap();
        assert_eq!(std::fs::read(&goal).unwrap(), b"x");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_read_as_gos() {
        let error = std::fs::read("/nonexistent").unwrap_err();
        assert_eq!(words(&error), "no such file or directory");
    }
}
