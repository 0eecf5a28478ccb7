//! Certificates from files, read again when they change.
//!
//! Kubernetes replaces a mounted Secret by swapping a directory link, so the files are polled through it.

use crate::tls::{Pair, PairError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the files are looked at.
pub(crate) const POLL: Duration = Duration::from_millis(500);

/// Which files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Certificate chain, PEM, the leaf first (`-tls-cert-file`).
    pub certificate: PathBuf,
    /// Its key, PEM (`-tls-key-file`).
    pub key: PathBuf,
    /// The authorities to put into the caBundle, PEM (`-tls-ca-cert-file`).
    pub ca: Option<PathBuf>,
}

/// Device, inode, size and time of a file: what changes when it is replaced.
type Stamp = (u64, u64, u64, i64, i64);

/// The files' content.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) pair: Pair,
    /// The CA file as it is; `None` without one.
    pub(crate) ca: Option<String>,
}

/// Why the files make no pair.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("open {}: {}", .path.display(), go_words(.error))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The files are there but do not fit.
    #[error("{error} (files {} and {})", .certificate.display(), .key.display())]
    Pair {
        /// What is wrong.
        error: PairError,
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The CA file has no certificate.
    #[error("{}: no certificate found in the CA file", .0.display())]
    NoAuthority(PathBuf),
}

/// The system's reason in the words of Go, where they differ only in form.
fn go_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

impl Files {
    /// Reads them all.
    pub(crate) fn load(&self) -> Result<Loaded, FilesError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| FilesError::Unreadable {
                path: path.to_owned(),
                error,
            })
        };
        let (certificate, key) = (read(&self.certificate)?, read(&self.key)?);
        let ca = self.ca.as_deref().map(read).transpose()?;
        let ca = ca.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if let (Some(path), Some(text)) = (&self.ca, &ca)
            && super::authorities::parse(text).is_empty()
        {
            return Err(FilesError::NoAuthority(path.clone()));
        }
        let (certificate_path, key_path) = (self.certificate.clone(), self.key.clone());
        let pair = Pair::from_pem(&certificate, &key);
        let pair = pair.map_err(|error| FilesError::Pair {
            error,
            certificate: certificate_path,
            key: key_path,
        })?;
        Ok(Loaded { pair, ca })
    }

    /// What changes when a file is replaced: device, inode, size and times of each, links followed.
    fn stamp(&self) -> Vec<Option<Stamp>> {
        let paths = [Some(&self.certificate), Some(&self.key), self.ca.as_ref()];
        let stamp = |path: &PathBuf| {
            let data = std::fs::metadata(path).ok()?;
            Some((
                data.dev(),
                data.ino(),
                data.size(),
                data.mtime(),
                data.mtime_nsec(),
            ))
        };
        paths.into_iter().flatten().map(stamp).collect()
    }
}

/// Notices when the files change.
#[derive(Debug)]
pub(crate) struct Watcher {
    files: Files,
    seen: Vec<Option<Stamp>>,
    last_error: Option<String>,
    loaded: Loaded,
}

impl Watcher {
    /// Reads the files for the first time.
    pub(crate) fn new(files: Files) -> Result<Self, FilesError> {
        let seen = files.stamp();
        let loaded = files.load()?;
        Ok(Self {
            files,
            seen,
            last_error: None,
            loaded,
        })
    }

    /// The last good content.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Looks at the files; true when they have new and good content. Bad content is logged once and tried again at
    /// every look: the files may be in the middle of being replaced.
    pub(crate) fn poll(&mut self) -> bool {
        let stamp = self.files.stamp();
        if stamp == self.seen && self.last_error.is_none() {
            return false;
        }
        self.seen = stamp;
        match self.files.load() {
            Ok(loaded) => {
                self.last_error = None;
                let is_new = !loaded.pair.same_as(&self.loaded.pair) || loaded.ca != self.loaded.ca;
                self.loaded = loaded;
                is_new
            }
            Err(error) => {
                let error = error.to_string();
                if self.last_error.as_ref() != Some(&error) {
                    tracing::warn!(target: "handler.notify", error, "error loading next cert");
                }
                self.last_error = Some(error);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::certificates::issue::{Issued, issue};
    use jiff::Timestamp;
    use std::os::unix::fs::symlink;

    fn made() -> Issued {
        issue(&[], Timestamp::now(), Duration::from_secs(3600)).unwrap()
    }

    /// Replaces a folder's content as the kubelet does: a new folder, then the link to it is swapped.
    fn mount(root: &Path, version: &str, made: &Issued) {
        let folder = root.join(version);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("tls.crt"), &made.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), made.key.expose()).unwrap();
        symlink(version, root.join("..data_tmp")).unwrap();
        std::fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    }

    fn files(root: &Path) -> Files {
        for name in ["tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), root.join(name)).unwrap();
        }
        Files {
            certificate: root.join("tls.crt"),
            key: root.join("tls.key"),
            ca: None,
        }
    }

    #[test]
    fn a_swapped_mount_is_noticed_once() {
        let root = tempfile::tempdir().unwrap();
        mount(root.path(), "one", &made());
        let mut watcher = Watcher::new(files(root.path())).unwrap();
        let before = watcher.loaded().pair.clone();
        assert!(!watcher.poll());
        mount(root.path(), "two", &made());
        assert!(watcher.poll());
        assert!(!watcher.loaded().pair.same_as(&before));
        assert!(!watcher.poll());
    }

    #[test]
    fn the_old_pair_stays_while_the_files_do_not_fit() {
        let root = tempfile::tempdir().unwrap();
        mount(root.path(), "one", &made());
        let mut watcher = Watcher::new(files(root.path())).unwrap();
        let (before, next) = (watcher.loaded().pair.clone(), made());
        std::fs::write(root.path().join("one/tls.crt"), &next.certificate).unwrap();
        assert!(!watcher.poll());
        assert!(watcher.loaded().pair.same_as(&before));
        std::fs::write(root.path().join("one/tls.key"), next.key.expose()).unwrap();
        assert!(watcher.poll());
        assert!(!watcher.loaded().pair.same_as(&before));
        std::fs::remove_file(root.path().join("one/tls.key")).unwrap();
        assert!(!watcher.poll());
    }

    #[test]
    fn errors_name_the_file() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let files = Files {
            certificate: path("c"),
            key: path("k"),
            ca: Some(path("ca")),
        };
        let text = || files.load().unwrap_err().to_string();
        let shown = root.path().display();
        assert_eq!(text(), format!("open {shown}/c: no such file or directory"));
        let made = made();
        std::fs::write(path("c"), &made.certificate).unwrap();
        std::fs::write(path("k"), "nothing").unwrap();
        std::fs::write(path("ca"), "nothing").unwrap();
        assert_eq!(
            text(),
            format!("{shown}/ca: no certificate found in the CA file")
        );
        std::fs::write(path("ca"), &made.ca).unwrap();
        assert_eq!(
            text(),
            format!(
                "tls: failed to find any PEM data in key input (files {shown}/c and {shown}/k)"
            )
        );
        std::fs::write(path("k"), made.key.expose()).unwrap();
        assert_eq!(files.load().unwrap().ca, Some(made.ca));
    }
}
