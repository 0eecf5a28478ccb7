//! The file through which an init container hands its token and leases to the sidecar.
//!
//! The name is the reference's, the format our own: one JSON document, whose values are sealed one by one with
//! AES-256-GCM under a random key that lies beside them, with the service account token as additional data. So it
//! opens only for who has that token too. It is always replaced whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_redacted::Redacted;
use pannier_vault::random;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::Key;
use super::policy::Brought;
use super::store::Entry;
use crate::files::{Draft, words};
use crate::proxy::call::Answer;

/// The reference's name in the configured directory.
const NAME: &str = "vault-agent-cache.db";
const FORMAT: &str = "pannier-agent-cache/1";

/// Where the file is and what opens it.
pub(crate) struct Vessel {
    path: PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// The service account token, trimmed.
    additional: Redacted,
}

/// What was found in a file.
#[derive(Default)]
pub(crate) struct Cargo {
    /// The agent's own token.
    pub(crate) token: Option<Redacted>,
    /// The kept answers.
    pub(crate) entries: Vec<(Key, Entry)>,
    /// Why the token could not be opened, in the reference's words.
    pub(crate) token_fault: Option<String>,
    /// Why entries, or the file as a whole, could not be opened.
    pub(crate) faults: Vec<String>,
}

/// Why there can be no persistent cache at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PersistError {
    #[error("failed to read service account token from {path}: {cause}")]
    Token { path: String, cause: String },
    #[error("open {path}: {cause}")]
    File { path: String, cause: String },
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    key: String,
    token: Option<String>,
    entries: Vec<String>,
}

/// An entry as it lies in the file, before it is sealed. Texts are zeroed with the buffer that they are sealed in.
#[derive(Serialize, Deserialize)]
struct Sealed {
    id: String,
    path: String,
    namespace: String,
    token: Option<String>,
    brought: SealedBrought,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    first: i64,
    since: u64,
    renewed: u64,
}

#[derive(Serialize, Deserialize)]
enum SealedBrought {
    Lease {
        id: String,
        duration: i64,
    },
    Token {
        token: String,
        accessor: String,
        parent: Option<String>,
        duration: i64,
    },
}

impl Vessel {
    /// Opens or prepares the file in `directory`. The second value is `None` when there is no file yet.
    pub(crate) fn open(
        directory: &str,
        token_file: &str,
    ) -> Result<(Self, Option<Cargo>), PersistError> {
        let token = fs::read(token_file).map_err(|error| PersistError::Token {
            path: token_file.to_owned(),
            cause: format!("open {token_file}: {}", words(&error)),
        })?;
        let token = Zeroizing::new(token);
        let additional = Redacted::from(token.trim_ascii());
        let path = Path::new(directory).join(NAME);
        let mut key = Zeroizing::new([0; 32]);
        random::fill(&mut *key);
        let fail = |error: &io::Error| PersistError::File {
            path: path.display().to_string(),
            cause: words(error),
        };
        match fs::read(&path) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let (cargo, opened) = open(&text, &additional);
                if let Some(opened) = opened {
                    key = opened;
                }
                Ok((
                    Self {
                        path,
                        key,
                        additional,
                    },
                    Some(cargo),
                ))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // The directory must be there and writable now, not when the first secret comes.
                Draft::beside(&path, 0o600).map_err(|error| fail(&error))?;
                Ok((
                    Self {
                        path,
                        key,
                        additional,
                    },
                    None,
                ))
            }
            Err(error) => Err(fail(&error)),
        }
    }

    /// The file's path, for the log.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file by one with these contents.
    pub(crate) fn write<'a>(
        &self,
        token: Option<&Redacted>,
        entries: impl Iterator<Item = (&'a Key, &'a Entry)>,
    ) -> io::Result<()> {
        let seal = |plain: &[u8]| {
            seal(&self.key, &self.additional, plain).ok_or_else(|| io::Error::other("cannot seal"))
        };
        let entries = entries.map(|(key, entry)| {
            let plain = Zeroizing::new(serde_json::to_vec(&Sealed::new(key, entry))?);
            seal(&plain)
        });
        let document = Document {
            format: FORMAT.to_owned(),
            key: STANDARD.encode(*self.key),
            token: token.map(|token| seal(token.expose_bytes())).transpose()?,
            entries: entries.collect::<io::Result<_>>()?,
        };
        let text = serde_json::to_vec(&document)?;
        let mut draft = Draft::beside(&self.path, 0o600)?;
        draft.write(&text)?;
        draft.file().flush()?;
        draft.persist(&self.path)
    }

    /// Removes the file.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

fn open(text: &[u8], additional: &Redacted) -> (Cargo, Option<Zeroizing<[u8; 32]>>) {
    const DECRYPT: &str = "cipher: message authentication failed";
    let mut cargo = Cargo::default();
    let document = serde_json::from_slice::<Document>(text)
        .ok()
        .filter(|document| document.format == FORMAT);
    let key = document
        .as_ref()
        .and_then(|document| <[u8; 32]>::try_from(STANDARD.decode(&document.key).ok()?).ok());
    let (Some(document), Some(key)) = (document, key) else {
        cargo
            .faults
            .push("not a cache file of this program".to_owned());
        return (cargo, None);
    };
    let key = Zeroizing::new(key);
    if let Some(sealed) = &document.token {
        match unseal(&key, additional, sealed) {
            Some(plain) => cargo.token = Some(Redacted::from(plain.as_slice())),
            None => {
                cargo.token_fault = Some(format!("failed to decrypt auto-auth token: {DECRYPT}"))
            }
        }
    }
    for sealed in &document.entries {
        let plain = unseal(&key, additional, sealed);
        match plain.and_then(|plain| serde_json::from_slice::<Sealed>(&plain).ok()?.open()) {
            Some(entry) => cargo.entries.push(entry),
            None => cargo
                .faults
                .push(format!("failed to decrypt index: {DECRYPT}")),
        }
    }
    (cargo, Some(key))
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key)
        .ok()
        .map(LessSafeKey::new)
}

/// Nonce and ciphertext, base64.
fn seal(key: &[u8; 32], additional: &Redacted, plain: &[u8]) -> Option<String> {
    let mut nonce = [0; NONCE_LEN];
    random::fill(&mut nonce);
    let mut sealed = plain.to_vec();
    let additional = Aad::from(additional.expose_bytes());
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), additional, &mut sealed)
        .ok()?;
    Some(STANDARD.encode([&nonce[..], &sealed].concat()))
}

fn unseal(key: &[u8; 32], additional: &Redacted, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(STANDARD.decode(sealed).ok()?);
    let (nonce, body) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = cipher(key)?
        .open_in_place(nonce, Aad::from(additional.expose_bytes()), body)
        .ok()?;
    Some(Zeroizing::new(plain.to_vec()))
}

impl Sealed {
    fn new(key: &Key, entry: &Entry) -> Self {
        let text = |token: &Redacted| token.expose().to_owned();
        let seconds = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs()
        };
        let headers = entry.answer.headers.iter();
        Self {
            id: key.to_hex(),
            path: entry.path.clone(),
            namespace: entry.namespace.clone(),
            token: entry.token.as_ref().map(text),
            brought: match &entry.brought {
                Brought::Lease { lease_id, duration } => SealedBrought::Lease {
                    id: lease_id.clone(),
                    duration: *duration,
                },
                Brought::Token {
                    token,
                    accessor,
                    parent,
                    duration,
                } => SealedBrought::Token {
                    token: text(token),
                    accessor: accessor.clone(),
                    parent: parent.as_ref().map(text),
                    duration: *duration,
                },
            },
            status: entry.answer.status,
            headers: headers
                .filter_map(|(name, value)| {
                    Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
            body: STANDARD.encode(&**entry.answer.body),
            first: entry.first,
            since: seconds(entry.since),
            renewed: seconds(entry.renewed),
        }
    }

    fn open(self) -> Option<(Key, Entry)> {
        let mut headers = hyper::HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                hyper::header::HeaderName::try_from(name).ok()?,
                value.parse().ok()?,
            );
        }
        let time = |seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let brought = match self.brought {
            SealedBrought::Lease { id, duration } => Brought::Lease {
                lease_id: id,
                duration,
            },
            SealedBrought::Token {
                token,
                accessor,
                parent,
                duration,
            } => Brought::Token {
                token: token.into(),
                accessor,
                parent: parent.map(Redacted::from),
                duration,
            },
        };
        let entry = Entry {
            path: self.path,
            namespace: self.namespace,
            token: self.token.map(Redacted::from),
            brought,
            answer: Answer {
                status: self.status,
                headers,
                body: Arc::new(Zeroizing::new(STANDARD.decode(self.body).ok()?)),
                age: None,
            },
            first: self.first,
            since: time(self.since)?,
            renewed: time(self.renewed)?,
        };
        Some((Key::from_hex(&self.id)?, entry))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::proxy::call::Call;

    fn entry(brought: Brought) -> (Key, Entry) {
        let request = hyper::Request::builder()
            .uri("/v1/db")
            .header("x-vault-token", "own")
            .body(())
            .unwrap();
        let mut headers = hyper::HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let answer = Answer {
            status: 200,
            headers,
            body: Arc::new(Zeroizing::new(b"{\"password\":\"hunter2\"}".to_vec())),
            age: None,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let entry = Entry {
            path: "/v1/db".to_owned(),
            namespace: "ns".to_owned(),
            token: Some("own".into()),
            brought,
            answer,
            first: 60,
            since: now,
            renewed: now + Duration::from_secs(5),
        };
        (
            Key::of(&Call::new(request.into_parts().0, Vec::new())),
            entry,
        )
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(token: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.rotate(token);
            folder
        }

        fn rotate(&self, token: &str) {
            fs::write(self.0.path().join("sa"), token).unwrap();
        }

        fn open(&self) -> Result<(Vessel, Option<Cargo>), PersistError> {
            let path = self.0.path().to_str().unwrap();
            Vessel::open(path, &format!("{path}/sa"))
        }

        fn file(&self) -> PathBuf {
            self.0.path().join(NAME)
        }
    }

    #[test]
    fn what_one_agent_wrote_the_next_one_reads() {
        let folder = Folder::new("service-account\n");
        let (vessel, none) = folder.open().unwrap();
        assert!(none.is_none());
        let lease = entry(Brought::Lease {
            lease_id: "db/1".to_owned(),
            duration: 60,
        });
        let token = entry(Brought::Token {
            token: "child".into(),
            accessor: "a".to_owned(),
            parent: Some("own".into()),
            duration: 7,
        });
        for (key, entry) in [&lease, &token] {
            vessel
                .write(Some(&"own".into()), [(key, entry)].into_iter())
                .unwrap();
            let cargo = folder.open().unwrap().1.unwrap();
            assert_eq!(cargo.faults, Vec::<String>::new());
            assert_eq!(cargo.token.unwrap().expose(), "own");
            let (read_key, read) = &cargo.entries[0];
            assert_eq!(
                (read_key, &read.brought, &read.path, &read.namespace),
                (key, &entry.brought, &entry.path, &entry.namespace)
            );
            assert_eq!(
                (&read.token, read.since, read.renewed),
                (&entry.token, entry.since, entry.renewed)
            );
            assert_eq!(
                (&read.answer.headers, &read.answer.body),
                (&entry.answer.headers, &entry.answer.body)
            );
        }
        let written = fs::read_to_string(folder.file()).unwrap();
        assert!(
            !written.contains("hunter2") && !written.contains("own"),
            "{written}"
        );
        assert_eq!(
            fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn another_service_account_token_opens_nothing() {
        let folder = Folder::new("one");
        let (key, entry) = entry(Brought::Lease {
            lease_id: "db/1".to_owned(),
            duration: 60,
        });
        folder
            .open()
            .unwrap()
            .0
            .write(Some(&"own".into()), [(&key, &entry)].into_iter())
            .unwrap();
        folder.rotate("two");
        let cargo = folder.open().unwrap().1.unwrap();
        assert!(cargo.token.is_none() && cargo.entries.is_empty());
        let fault = "failed to decrypt auto-auth token: cipher: message authentication failed";
        assert_eq!(cargo.token_fault.as_deref(), Some(fault));
        assert_eq!(
            cargo.faults,
            ["failed to decrypt index: cipher: message authentication failed"]
        );
    }

    #[test]
    fn what_is_no_cache_file_is_a_fault_and_no_panic() {
        let folder = Folder::new("one");
        for text in [
            "",
            "{}",
            "\0\0\u{1}bolt",
            r#"{"format":"pannier-agent-cache/1","key":"AAAA","token":null,"entries":[]}"#,
        ] {
            fs::write(folder.file(), text).unwrap();
            let cargo = folder.open().unwrap().1.unwrap();
            assert_eq!(
                cargo.faults,
                ["not a cache file of this program"],
                "{text:?}"
            );
        }
        let key = STANDARD.encode([7; 32]);
        fs::write(
            folder.file(),
            format!(
                r#"{{"format":"{FORMAT}","key":"{key}","token":"AA==","entries":["","AAAA"]}}"#
            ),
        )
        .unwrap();
        let cargo = folder.open().unwrap().1.unwrap();
        assert!(cargo.token_fault.is_some() && cargo.faults.len() == 2);
    }

    #[test]
    fn a_missing_directory_or_token_is_told_at_once() {
        let folder = Folder::new("one");
        let path = folder.0.path().to_str().unwrap();
        let error = |directory: &str, token: &str| {
            Vessel::open(directory, token).err().unwrap().to_string()
        };
        assert_eq!(
            error(path, "/nonexistent"),
            "failed to read service account token from /nonexistent: open /nonexistent: no such file or directory"
        );
        assert_eq!(
            error("/nonexistent", &format!("{path}/sa")),
            "open /nonexistent/vault-agent-cache.db: no such file or directory"
        );
    }
}
