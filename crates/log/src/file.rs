//! A log file that is put aside when it is large or old.

use jiff::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where lines go besides the terminal, and when the file is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The file; a path that ends in `/` gets `default_name` appended. Its folder must exist.
    pub path: String,
    /// The name used for a path that ends in `/` (`agent.log`).
    pub default_name: String,
    /// Bytes after which a new file is begun; 0: no limit.
    pub rotate_bytes: u64,
    /// Age after which a new file is begun; zero: no limit. The agent's default is 24 hours.
    pub rotate_duration: Duration,
    /// Files put aside that are kept: 0 all of them, −1 none, n the newest n.
    pub max_files: i64,
}

/// The open file and what decides about the next one.
#[derive(Debug)]
pub(crate) struct LogFile {
    file: File,
    path: PathBuf,
    written: u64,
    opened: Timestamp,
    options: FileOptions,
}

impl LogFile {
    /// Opens (or makes) the file for appending, mode 0640.
    ///
    /// # Errors
    /// The path has glob characters, or the file cannot be opened; the text names the path.
    pub(crate) fn open(options: FileOptions, now: Timestamp) -> io::Result<Self> {
        if options.path.contains(['*', '?', '[']) {
            let text = format!(
                "log file path `{}` must not contain glob characters",
                options.path
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut path = PathBuf::from(&options.path);
        if options.path.ends_with('/') {
            path.push(&options.default_name);
        }
        let (file, written) = append(&path)?;
        Ok(Self {
            file,
            path,
            written,
            opened: now,
            options,
        })
    }

    /// Appends a line, beginning a new file first where it is time. When no new file can be begun the old one
    /// goes on: a full folder must not lose lines.
    pub(crate) fn write(&mut self, line: &str, now: Timestamp) -> io::Result<()> {
        if self.is_due(now) {
            self.rotate(now)?;
        }
        self.file.write_all(line.as_bytes())?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let FileOptions {
            rotate_bytes,
            rotate_duration,
            ..
        } = self.options;
        let age = now.duration_since(self.opened).unsigned_abs();
        (rotate_bytes > 0 && self.written >= rotate_bytes)
            || (!rotate_duration.is_zero() && age >= rotate_duration)
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        // Whatever happens, the next try is one period away.
        self.opened = now;
        if std::fs::rename(&self.path, archive_path(&self.path, now)).is_ok() {
            match append(&self.path) {
                Ok((file, written)) => (self.file, self.written) = (file, written),
                Err(error) => return Err(error),
            }
        }
        prune(&self.path, self.options.max_files)
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("open {}: {error}", path.display()))
    };
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o640)
        .open(path)
        .map_err(named)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

/// `<name>-<unix nanoseconds><.ext>`, `.log` where the name has no extension.
fn archive_path(path: &Path, now: Timestamp) -> PathBuf {
    let (stem, extension) = stem_and_extension(path);
    path.with_file_name(format!("{stem}-{}{extension}", now.as_nanosecond()))
}

fn stem_and_extension(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned());
    let extension = text(path.extension()).map_or_else(|| ".log".to_owned(), |e| format!(".{e}"));
    (text(path.file_stem()).unwrap_or_default(), extension)
}

/// Deletes the oldest files put aside beyond `max_files`.
fn prune(path: &Path, max_files: i64) -> io::Result<()> {
    if max_files == 0 {
        return Ok(());
    }
    let keep = usize::try_from(max_files).unwrap_or(0);
    let (stem, extension) = stem_and_extension(path);
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut archives = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let stamp = name
            .strip_prefix(&stem)
            .and_then(|n| n.strip_prefix('-'))
            .and_then(|n| n.strip_suffix(&extension));
        if let Some(stamp) = stamp.and_then(|s| s.parse::<i128>().ok()) {
            archives.push((stamp, name));
        }
    }
    archives.sort_unstable();
    let surplus = archives.len().saturating_sub(keep);
    for (_, name) in archives.into_iter().take(surplus) {
        std::fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn options(path: &str, rotate_bytes: u64, seconds: u64, max_files: i64) -> FileOptions {
        let rotate_duration = Duration::from_secs(seconds);
        FileOptions {
            path: path.to_owned(),
            default_name: "agent.log".to_owned(),
            rotate_bytes,
            rotate_duration,
            max_files,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_gets_the_default_name_and_mode_0640() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(
            options(&format!("{}/", folder.path().display()), 0, 0, 0),
            at(0),
        )
        .unwrap();
        log.write("one\n", at(1)).unwrap();
        drop(log);
        let path = folder.path().join("agent.log");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        let mut log = LogFile::open(options(path.to_str().unwrap(), 0, 0, 0), at(2)).unwrap();
        log.write("two\n", at(3)).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn a_full_file_is_put_aside_under_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let mut log = LogFile::open(options(path.to_str().unwrap(), 8, 0, 0), at(0)).unwrap();
        for second in 1..=3 {
            log.write("12345678\n", at(second)).unwrap();
        }
        assert_eq!(
            names(folder.path()),
            [
                "a-1700000002000000000.txt",
                "a-1700000003000000000.txt",
                "a.txt"
            ]
        );
    }

    #[test]
    fn an_old_file_is_put_aside_and_a_name_without_extension_gets_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut log = LogFile::open(options(path.to_str().unwrap(), 0, 60, 0), at(0)).unwrap();
        log.write("1\n", at(59)).unwrap();
        log.write("2\n", at(60)).unwrap();
        assert_eq!(names(folder.path()), ["a", "a-1700000060000000000.log"]);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "2\n");
    }

    #[test]
    fn only_the_newest_archives_are_kept() {
        for (max_files, expected) in [
            (1, vec!["a-1700000004000000000.log", "a-other.log", "a.log"]),
            (-1, vec!["a-other.log", "a.log"]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a-other.log"), "not ours").unwrap();
            let path = folder.path().join("a.log");
            let mut log =
                LogFile::open(options(path.to_str().unwrap(), 1, 0, max_files), at(0)).unwrap();
            for second in 1..=4 {
                log.write("x\n", at(second)).unwrap();
            }
            assert_eq!(names(folder.path()), expected);
        }
    }

    #[test]
    fn glob_characters_and_missing_folders_are_refused_by_name() {
        let error = LogFile::open(options("/tmp/*.log", 0, 0, 0), at(0))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "log file path `/tmp/*.log` must not contain glob characters"
        );
        let error = LogFile::open(options("/nowhere/at/all/a.log", 0, 0, 0), at(0))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("open /nowhere/at/all/a.log: "), "{error}");
    }
}
