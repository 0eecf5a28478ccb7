//! What makes two calls in templates the same dependency, and how it is called in the log.

use std::collections::BTreeMap;
use std::fmt;

use pannier_template::Dependency;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// The identity of a dependency within a runner: equal keys share one watcher and one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The same for all templates.
    Shared(Dependency),
    /// A certificate belongs to the file it is kept in; the parameters do not count.
    Pki {
        /// Path of the issuing endpoint.
        path: String,
        /// Destination of the template.
        destination: String,
    },
}

impl Key {
    /// The key of what a template with this destination asked for.
    pub(crate) fn of(dependency: &Dependency, destination: &str) -> Self {
        match dependency {
            Dependency::Pki { path, .. } => Self::Pki {
                path: path.clone(),
                destination: destination.to_owned(),
            },
            // Of the query only the version counts: of reads that differ elsewhere the first one is made.
            Dependency::Read { path, query } => Self::Shared(Dependency::Read {
                path: path.clone(),
                query: version(query)
                    .map_or_else(String::new, |version| format!("version={version}")),
            }),
            other => Self::Shared(other.clone()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pki { path, destination } => write!(f, "vault.pki({path}->{destination})"),
            Self::Shared(Dependency::Read { path, query }) => match version(query) {
                Some(version) if !version.is_empty() => write!(f, "vault.read({path}.v{version})"),
                _ => write!(f, "vault.read({path})"),
            },
            Self::Shared(Dependency::Write { path, parameters }) => {
                write!(f, "vault.write({path} -> {})", fingerprint(parameters))
            }
            Self::Shared(Dependency::List { path }) => write!(f, "vault.list({path})"),
            Self::Shared(Dependency::Pki { path, .. }) => write!(f, "vault.pki({path})"),
            Self::Shared(Dependency::File { path }) => write!(f, "file({path})"),
        }
    }
}

fn version(query: &str) -> Option<&str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("version="))
}

/// Eight hexadecimal digits for a set of parameters, so that the log need not show them.
fn fingerprint(parameters: &BTreeMap<String, String>) -> String {
    let mut text = zeroize::Zeroizing::new(String::new());
    for (name, value) in parameters {
        text.push_str(&format!("{name}={}", pannier_go::quote::quote(value)));
    }
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Key {
        Key::Shared(Dependency::Read {
            path: "secret/a".to_owned(),
            query: query.to_owned(),
        })
    }

    #[test]
    fn is_called_as_in_the_reference() {
        assert_eq!(read("").to_string(), "vault.read(secret/a)");
        assert_eq!(read("x=1&version=3").to_string(), "vault.read(secret/a.v3)");
        let pki = Dependency::Pki {
            path: "pki/issue/web".to_owned(),
            parameters: BTreeMap::new(),
        };
        assert_eq!(
            Key::of(&pki, "/vault/secrets/c").to_string(),
            "vault.pki(pki/issue/web->/vault/secrets/c)"
        );
        let write = |value: &str| {
            let parameters = BTreeMap::from([("plaintext".to_owned(), value.to_owned())]);
            Key::Shared(Dependency::Write {
                path: "transit/encrypt/k".to_owned(),
                parameters,
            })
            .to_string()
        };
        assert!(
            write("a").starts_with("vault.write(transit/encrypt/k -> ") && write("a").len() == 42,
            "{}",
            write("a")
        );
        assert_ne!(write("a"), write("b"));
        assert!(!write("hunter2").contains("hunter2"));
    }

    #[test]
    fn of_a_query_only_the_version_makes_another_read() {
        let key = |query: &str| {
            let path = "secret/a".to_owned();
            let query = query.to_owned();
            Key::of(&Dependency::Read { path, query }, "/d")
        };
        for (one, other) in [
            ("", "a=1"),
            ("a=1", "a=2"),
            ("version=1", "version=1&a=1"),
            ("a=1&version=2", "version=2&version=1"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        for (one, other) in [
            ("", "version=1"),
            ("", "version="),
            ("version=1", "version=01"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn parameters_do_not_make_another_certificate() {
        let pki = |name: &str| Dependency::Pki {
            path: "p".to_owned(),
            parameters: BTreeMap::from([("common_name".to_owned(), name.to_owned())]),
        };
        assert_eq!(Key::of(&pki("a"), "/d"), Key::of(&pki("b"), "/d"));
        assert_ne!(Key::of(&pki("a"), "/d"), Key::of(&pki("a"), "/e"));
    }
}
