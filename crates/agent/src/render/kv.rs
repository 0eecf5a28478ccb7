//! Where a path that people write really is: the mount's version decides.

use pannier_go::json::Json;
use pannier_vault::Secret;

/// What is known of the mount a path lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mount {
    /// Version 2 of the key-value engine, with the mount's path and its trailing slash.
    KvV2(String),
    /// Anything else; the path, if the server told it.
    Plain(Option<String>),
}

impl Mount {
    /// Reads an answer of `sys/internal/ui/mounts/<path>`.
    ///
    /// A mount path that carries the namespace of the client in front loses it.
    pub(crate) fn from_answer(secret: &Secret, namespace: &str) -> Self {
        let text = |name| secret.field(name).and_then(Json::as_str);
        let path = text("path").map(|path| {
            let path = match namespace {
                "" => path,
                namespace => path.strip_prefix(namespace).unwrap_or(path),
            };
            format!("{}/", path.trim_matches('/'))
        });
        let version = secret
            .field("options")
            .and_then(|options| options.get("version"))
            .and_then(Json::as_str);
        match path {
            Some(path) if version == Some("2") && text("type") == Some("kv") => Self::KvV2(path),
            path => Self::Plain(path),
        }
    }

    /// Whether this is known to be the mount of `path`.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let mount = match self {
            Self::KvV2(mount) | Self::Plain(Some(mount)) => mount,
            Self::Plain(None) => return false,
        };
        path.starts_with(mount.as_str()) || path == mount.trim_end_matches('/')
    }

    /// How long the mount's path is.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::KvV2(mount) | Self::Plain(Some(mount)) => mount.len(),
            Self::Plain(None) => 0,
        }
    }

    /// The path to read or write.
    pub(crate) fn data_path(&self, path: &str) -> String {
        self.rewritten(path, "data", &["data/", "metadata/", "subkeys/"])
    }

    /// The path to list.
    pub(crate) fn list_path(&self, path: &str) -> String {
        let kept = &["metadata/"];
        match self {
            Self::KvV2(mount) if path.strip_prefix(mount.as_str()) == Some("metadata") => {
                path.to_owned()
            }
            _ => self.rewritten(path, "metadata", kept),
        }
    }

    fn rewritten(&self, path: &str, insert: &str, kept: &[&str]) -> String {
        let Self::KvV2(mount) = self else {
            return path.to_owned();
        };
        if path == mount.trim_end_matches('/') {
            return format!("{mount}{insert}");
        }
        match path.strip_prefix(mount.as_str()) {
            Some(rest) if kept.iter().any(|kept| rest.starts_with(kept)) => path.to_owned(),
            Some(rest) => format!("{mount}{insert}/{rest}"),
            None => path.to_owned(),
        }
    }

    /// Whether an answer stands for a deleted version of a key-value pair. `now` is the wall clock, RFC 3339 in UTC.
    pub(crate) fn is_deleted(&self, secret: &Secret, now: &str) -> bool {
        if !matches!(self, Self::KvV2(_)) {
            return false;
        }
        let metadata = secret.field("metadata");
        let deleted = metadata
            .and_then(|metadata| metadata.get("deletion_time"))
            .and_then(Json::as_str);
        // A time still to come announces a deletion; in UTC the texts compare like the times.
        deleted.is_some_and(|at| !at.is_empty() && at.get(..19) <= now.get(..19))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn v2(mount: &str) -> Mount {
        Mount::KvV2(mount.to_owned())
    }

    #[test]
    fn paths_of_version_two_get_their_segment() {
        for (path, data, list) in [
            ("secret/app", "secret/data/app", "secret/metadata/app"),
            (
                "secret/data/app",
                "secret/data/app",
                "secret/metadata/data/app",
            ),
            (
                "secret/metadata/app",
                "secret/metadata/app",
                "secret/metadata/app",
            ),
            (
                "secret/subkeys/app",
                "secret/subkeys/app",
                "secret/metadata/subkeys/app",
            ),
            ("secret", "secret/data", "secret/metadata"),
            // Secrets of these very names.
            ("secret/data", "secret/data/data", "secret/metadata/data"),
            ("secret/metadata", "secret/data/metadata", "secret/metadata"),
            (
                "secret/subkeys",
                "secret/data/subkeys",
                "secret/metadata/subkeys",
            ),
            (
                "secret/database/x",
                "secret/data/database/x",
                "secret/metadata/database/x",
            ),
            ("other/app", "other/app", "other/app"),
        ] {
            assert_eq!(
                (v2("secret/").data_path(path), v2("secret/").list_path(path)),
                (data.to_owned(), list.to_owned())
            );
        }
        assert_eq!(
            Mount::Plain(Some("old/".to_owned())).data_path("old/app"),
            "old/app"
        );
    }

    #[test]
    fn reads_what_the_server_says_of_a_mount() {
        let read = |body: &str, namespace: &str| {
            Mount::from_answer(&Secret::parse(body.as_bytes()).unwrap(), namespace)
        };
        let body = r#"{"data":{"path":"team/kv/","type":"kv","options":{"version":"2"}}}"#;
        assert_eq!(read(body, ""), v2("team/kv/"));
        let body = r#"{"data":{"path":"ns1/kv/","type":"kv","options":{"version":"2"}}}"#;
        assert_eq!(read(body, "ns1/"), v2("kv/"));
        let plain = |path: &str| Mount::Plain(Some(path.to_owned()));
        assert_eq!(
            read(
                r#"{"data":{"path":"old/","type":"kv","options":{"version":"1"}}}"#,
                ""
            ),
            plain("old/")
        );
        assert_eq!(
            read(
                r#"{"data":{"path":"pki/","type":"pki","options":null}}"#,
                ""
            ),
            plain("pki/")
        );
        assert_eq!(read("{}", ""), Mount::Plain(None));
    }

    #[test]
    fn a_mount_covers_what_lies_under_it() {
        assert!(v2("secret/").covers("secret/a") && v2("secret/").covers("secret"));
        assert!(!v2("secret/").covers("secrets/a") && !Mount::Plain(None).covers("a"));
    }

    #[test]
    fn only_a_version_deleted_in_the_past_is_deleted() {
        let deleted = |time: &str| {
            let body =
                format!(r#"{{"data":{{"data":null,"metadata":{{"deletion_time":"{time}"}}}}}}"#);
            v2("s/").is_deleted(
                &Secret::parse(body.as_bytes()).unwrap(),
                "2026-11-24T06:00:00Z",
            )
        };
        assert!(!deleted(""));
        assert!(deleted("2026-11-24T05:59:59.1Z"));
        assert!(!deleted("2027-01-01T00:00:00Z"));
        let identity = Secret::parse(br#"{"data":{"metadata":{"a":"b"}}}"#).unwrap();
        assert!(!v2("s/").is_deleted(&identity, "2026-11-24T06:00:00Z"));
    }
}
