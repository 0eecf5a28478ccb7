//! The one table of annotations and families: name, grammar, default and meaning.
//!
//! Parsing, the warning for an unknown key and the reference page come from it.

use std::fmt;

/// What every key of ours begins with.
pub const PREFIX: &str = "vault.hashicorp.com/";

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// Go's booleans: `1` `t` `T` `TRUE` `true` `True` `0` `f` `F` `FALSE` `false` `False`; empty is false.
    Bool,
    /// A decimal integer of 64 bits, with an optional sign; empty is 0.
    Int,
    /// A decimal integer of 64 bits without a sign.
    Uint,
    /// A number as Go writes it.
    Float,
    /// A Go duration such as `1h30m`; empty is "not set".
    Duration,
    /// A Kubernetes quantity such as `250m` or `64Mi`; empty is "not set".
    Quantity,
    /// Values separated by commas, used as they are (blanks count).
    List,
    /// A JSON array of RFC 6902 operations.
    JsonPatch,
    /// Any text.
    Text,
}

impl fmt::Display for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int64",
            Self::Uint => "uint64",
            Self::Float => "float64",
            Self::Duration => "duration",
            Self::Quantity => "quantity",
            Self::List => "list",
            Self::JsonPatch => "json-patch",
            Self::Text => "string",
        })
    }
}

/// One annotation, or one family of annotations.
#[derive(Clone, Copy, Debug)]
pub struct Annotation {
    /// The key without [`PREFIX`]; a family's ends in a dash.
    pub name: &'static str,
    /// How its value is read.
    pub grammar: Grammar,
    /// What holds when the annotation is absent, in words.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Whether the injector that this one replaces knows it.
    pub ours: bool,
}

const fn row(
    name: &'static str,
    grammar: Grammar,
    default: &'static str,
    doc: &'static str,
) -> Annotation {
    Annotation {
        name,
        grammar,
        default,
        doc,
        ours: false,
    }
}

use Grammar::{Bool, Duration, Float, Int, JsonPatch, List, Quantity, Text, Uint};

/// Every key that stands alone, in alphabetical order.
pub static ANNOTATIONS: &[Annotation] = &[
    row(
        "agent-auto-auth-exit-on-err",
        Bool,
        "false",
        "the agent ends when a login fails",
    ),
    row(
        "agent-cache-enable",
        Bool,
        "`false`",
        "run the caching proxy; it is kept between init agent and sidecar when both run",
    ),
    row(
        "agent-cache-exit-on-err",
        Bool,
        "`false`",
        "a kept cache that cannot be restored ends the agent",
    ),
    row(
        "agent-cache-listener-port",
        Text,
        "`8200`",
        "port of the agent's listener on 127.0.0.1",
    ),
    row(
        "agent-cache-use-auto-auth-token",
        Text,
        "`true`",
        "whether the proxy adds the agent's token: `true`, `false` or `force`",
    ),
    row(
        "agent-configmap",
        Text,
        "none",
        "ConfigMap with `config-init.hcl` and `config.hcl`; replaces the generated configuration",
    ),
    row(
        "agent-copy-volume-mounts",
        Text,
        "none",
        "name of a container whose volume mounts both agents get too",
    ),
    row(
        "agent-disable-idle-connections",
        List,
        "`-disable-idle-connections`",
        "parts of the agent that close idle connections: `auto-auth`, `caching`, `templating`",
    ),
    row(
        "agent-disable-keep-alives",
        List,
        "`-disable-keep-alives`",
        "parts of the agent that open a connection for each request: `auto-auth`, `caching`, `templating`",
    ),
    row(
        "agent-enable-quit",
        Bool,
        "false",
        "the agent's listener answers `/agent/v1/quit`",
    ),
    row(
        "agent-extra-secret",
        Text,
        "none",
        "Kubernetes Secret mounted at `/vault/custom` in both agents",
    ),
    row(
        "agent-image",
        Text,
        "`-vault-image`",
        "image of both agents",
    ),
    row(
        "agent-init-first",
        Bool,
        "false",
        "the init agent runs before all other init containers instead of after them",
    ),
    row(
        "agent-init-json-patch",
        JsonPatch,
        "none",
        "JSON patch for the init agent's container",
    ),
    row(
        "agent-inject",
        Bool,
        "false",
        "the master switch: only `true` injects",
    ),
    row(
        "agent-inject-containers",
        List,
        "all containers",
        "containers that get the secrets; init containers always do",
    ),
    row(
        "agent-inject-default-template",
        Text,
        "`-default-template`",
        "how secrets without a template are written: `map` or `json`",
    ),
    row(
        "agent-inject-status",
        Text,
        "unset",
        "written by the injector; a pod that says `injected` is left alone",
    ),
    row(
        "agent-inject-token",
        Bool,
        "false",
        "write the agent's token to the file `token` beside the secrets",
    ),
    row(
        "agent-json-patch",
        JsonPatch,
        "none",
        "JSON patch for the sidecar's container",
    ),
    row(
        "agent-limits-cpu",
        Quantity,
        "`-cpu-limit`",
        "CPU limit of both agents",
    ),
    row(
        "agent-limits-ephemeral",
        Quantity,
        "`-ephemeral-storage-limit`",
        "ephemeral storage limit of both agents",
    ),
    row(
        "agent-limits-mem",
        Quantity,
        "`-memory-limit`",
        "memory limit of both agents",
    ),
    Annotation {
        name: "agent-native-sidecar",
        grammar: Bool,
        default: "`-native-sidecar`",
        doc: "one agent instead of two: an init container that goes on running (Kubernetes 1.29) and lets the application start once all files are there",
        ours: true,
    },
    row(
        "agent-pre-populate",
        Bool,
        "true",
        "run the init agent, so that the files are there before the application starts",
    ),
    row("agent-pre-populate-only", Bool, "false", "run no sidecar"),
    row(
        "agent-request-namespace",
        Text,
        "the pod's namespace",
        "only checked to be non-empty",
    ),
    row(
        "agent-requests-cpu",
        Quantity,
        "`-cpu-request`",
        "CPU request of both agents",
    ),
    row(
        "agent-requests-ephemeral",
        Quantity,
        "`-ephemeral-storage-request`",
        "ephemeral storage request of both agents",
    ),
    row(
        "agent-requests-mem",
        Quantity,
        "`-memory-request`",
        "memory request of both agents",
    ),
    row(
        "agent-revoke-grace",
        Uint,
        "`5`",
        "seconds between the pod's end and the revocation of the token",
    ),
    row(
        "agent-revoke-on-shutdown",
        Bool,
        "`-revoke-on-shutdown`",
        "revoke the token when the sidecar is stopped",
    ),
    row(
        "agent-run-as-group",
        Int,
        "`-run-as-group`",
        "group of the agents; empty means 0",
    ),
    row(
        "agent-run-as-same-user",
        Bool,
        "`-run-as-same-user`",
        "run the agents as the user of the pod's first container",
    ),
    row(
        "agent-run-as-user",
        Int,
        "`-run-as-user`",
        "user of the agents; empty means 0, which is root",
    ),
    row(
        "agent-service-account-token-volume-name",
        Text,
        "found by its mount",
        "projected volume whose token the agents log in with",
    ),
    row(
        "agent-set-security-context",
        Bool,
        "`-set-security-context`",
        "give the agents a security context",
    ),
    row(
        "agent-share-process-namespace",
        Bool,
        "untouched",
        "set the pod's `shareProcessNamespace`",
    ),
    row(
        "auth-max-backoff",
        Duration,
        "`-auth-max-backoff`",
        "longest wait between login attempts",
    ),
    row(
        "auth-min-backoff",
        Duration,
        "`-auth-min-backoff`",
        "shortest wait between login attempts",
    ),
    row(
        "auth-path",
        Text,
        "`-vault-auth-path`",
        "where the authentication method is mounted",
    ),
    row(
        "auth-type",
        Text,
        "`-vault-auth-type`",
        "the authentication method",
    ),
    row(
        "ca-cert",
        Text,
        "none",
        "file with the certificates to trust, inside the agents",
    ),
    row(
        "ca-key",
        Text,
        "none",
        "despite its name: folder with the certificates to trust, inside the agents",
    ),
    row(
        "client-cert",
        Text,
        "none",
        "file with the client's certificate, inside the agents",
    ),
    row(
        "client-key",
        Text,
        "none",
        "file with the client's key, inside the agents",
    ),
    row(
        "client-max-retries",
        Text,
        "none",
        "`VAULT_MAX_RETRIES` of the agents",
    ),
    row(
        "client-timeout",
        Text,
        "none",
        "`VAULT_CLIENT_TIMEOUT` of the agents",
    ),
    row("go-max-procs", Text, "none", "`GOMAXPROCS` of the agents"),
    row(
        "log-format",
        Text,
        "`standard`",
        "log format of the agents: `standard` or `json`",
    ),
    row("log-level", Text, "`info`", "log level of the agents"),
    row(
        "namespace",
        Text,
        "`-vault-namespace`",
        "Vault namespace to log in to",
    ),
    row(
        "preserve-secret-case",
        Bool,
        "false",
        "file names keep the case of the annotation's name",
    ),
    row(
        "proxy-address",
        Text,
        "`-proxy-address`",
        "`HTTPS_PROXY` of the agents",
    ),
    row("role", Text, "none", "role to log in as"),
    row(
        "secret-volume-path",
        Text,
        "`/vault/secrets`",
        "folder of the secrets",
    ),
    row("service", Text, "`-vault-address`", "address of Vault"),
    row(
        "template-config-exit-on-retry-failure",
        Bool,
        "`-template-config-exit-on-retry-failure`",
        "the agent ends when a template failed after all tries",
    ),
    row(
        "template-lease-renewal-threshold",
        Float,
        "`AGENT_INJECT_TEMPLATE_LEASE_RENEWAL_THRESHOLD`",
        "part of a lease's life after which it is renewed",
    ),
    row(
        "template-max-connections-per-host",
        Int,
        "`AGENT_INJECT_TEMPLATE_MAX_CONNECTIONS_PER_HOST`",
        "connections of the template engine to one host",
    ),
    row(
        "template-static-secret-render-interval",
        Text,
        "`-template-static-secret-render-interval`",
        "how often secrets without a lease are read again",
    ),
    row(
        "tls-secret",
        Text,
        "none",
        "Kubernetes Secret mounted at `/vault/tls` in both agents",
    ),
    row(
        "tls-server-name",
        Text,
        "none",
        "name to expect in Vault's certificate",
    ),
    row(
        "tls-skip-verify",
        Bool,
        "false",
        "accept any certificate of Vault",
    ),
];

/// A key that stands alone, by its place in [`ANNOTATIONS`]: looked up where it is written, so that reading its value is no
/// search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) usize);

impl Key {
    /// The key of this name, without [`PREFIX`].
    ///
    /// # Panics
    ///
    /// There is none; [`key!`] makes that an error of the compiler.
    pub(crate) const fn of(name: &str) -> Self {
        let mut at = 0;
        while at < ANNOTATIONS.len() {
            if equal(ANNOTATIONS[at].name.as_bytes(), name.as_bytes()) {
                return Self(at);
            }
            at += 1;
        }
        panic!("no annotation of this name stands alone");
    }

    /// The key of a name that the pod gives.
    pub(crate) fn find(name: &str) -> Option<Self> {
        ANNOTATIONS
            .binary_search_by(|annotation| annotation.name.cmp(name))
            .ok()
            .map(Self)
    }

    /// The key without [`PREFIX`].
    pub(crate) fn name(self) -> &'static str {
        ANNOTATIONS[self.0].name
    }
}

/// `==` of slices is not for constants yet.
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The [`Key`] of a literal name, found by the compiler.
macro_rules! key {
    ($name:literal) => {
        const { $crate::annotations::Key::of($name) }
    };
}
pub(crate) use key;

/// Every family: the key goes on with the name of a secret or of a parameter.
pub static FAMILIES: &[Annotation] = &[
    row(
        "agent-inject-secret-",
        Text,
        "-",
        "declares a secret: its path in Vault",
    ),
    row(
        "agent-inject-template-file-",
        Text,
        "the inline template",
        "declares a secret: file with its template, inside the agents",
    ),
    row(
        "agent-inject-template-",
        Text,
        "the default template",
        "declares a secret: its template",
    ),
    row(
        "agent-inject-file-",
        Text,
        "the secret's name",
        "file of the secret, below its folder",
    ),
    row(
        "agent-inject-perms-",
        Text,
        "`0644`",
        "permissions of the file, octal",
    ),
    row(
        "agent-inject-command-",
        Text,
        "none",
        "command that the agents run after the file changed",
    ),
    row(
        "agent-template-left-delim-",
        Text,
        "`{{`",
        "opening delimiter of the template",
    ),
    row(
        "agent-template-right-delim-",
        Text,
        "`}}`",
        "closing delimiter of the template",
    ),
    row(
        "error-on-missing-key-",
        Bool,
        "false",
        "a key that the secret lacks is an error",
    ),
    row(
        "preserve-secret-case-",
        Bool,
        "`preserve-secret-case`",
        "the file's name keeps the case of the annotation's name",
    ),
    row(
        "secret-volume-path-",
        Text,
        "`secret-volume-path`",
        "folder of this secret",
    ),
    row(
        "auth-config-",
        Text,
        "-",
        "parameter of the authentication method; dashes become underscores",
    ),
    row(
        "agent-telemetry-",
        Text,
        "-",
        "telemetry parameter of the agents; dashes become underscores",
    ),
];

/// What a key under [`PREFIX`] is.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// One that stands alone.
    Alone(&'static Annotation),
    /// A member of a family, and its name.
    Member(&'static Annotation, &'a str),
}

/// Looks a key up that has no [`PREFIX`] any more.
///
/// The longest family wins, so `agent-inject-template-file-x` is a template file. A family's prefix with nothing
/// behind it is no member of the family (but may be one of a shorter family).
#[must_use]
pub fn lookup(key: &str) -> Option<Known<'_>> {
    if let Some(Key(at)) = Key::find(key) {
        return Some(Known::Alone(&ANNOTATIONS[at]));
    }
    FAMILIES
        .iter()
        .filter_map(|family| Some((family, key.strip_prefix(family.name)?)))
        .filter(|(_, name)| !name.is_empty())
        .max_by_key(|(family, _)| family.name.len())
        .map(|(family, name)| Known::Member(family, name))
}

/// The known key most like an unknown one, or `None` when nothing is near.
///
/// Both come without [`PREFIX`]. For a family the rest of the key is kept: `agent-inject-templat-x` gives
/// `agent-inject-template-x`.
#[must_use]
pub fn nearest(key: &str) -> Option<String> {
    let folded = key.to_ascii_lowercase().replace('_', "-");
    let mut best: Option<(usize, String)> = None;
    let mut offer = |distance: usize, candidate: String| {
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, candidate));
        }
    };
    for annotation in ANNOTATIONS {
        offer(
            strsim::damerau_levenshtein(annotation.name, &folded),
            annotation.name.to_owned(),
        );
    }
    for family in FAMILIES {
        let dashes = family.name.matches('-').count();
        // A name may itself have dashes, and a dash of the prefix may be the one that is missing.
        for cut in [dashes.saturating_sub(1), dashes, dashes + 1] {
            let Some((at, _)) = folded.match_indices('-').nth(cut.saturating_sub(1)) else {
                continue;
            };
            let (head, rest) = key.split_at(at + 1);
            if rest.is_empty() {
                continue;
            }
            let head = head.to_ascii_lowercase().replace('_', "-");
            offer(
                strsim::damerau_levenshtein(family.name, &head),
                format!("{}{rest}", family.name),
            );
        }
    }
    let (distance, candidate) = best?;
    (distance <= 1 + key.len() / 5).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert!(
            ANNOTATIONS
                .windows(2)
                .all(|pair| pair[0].name < pair[1].name)
        );
        assert_eq!(
            ANNOTATIONS
                .iter()
                .filter(|annotation| !annotation.ours)
                .count(),
            63
        );
        assert_eq!(FAMILIES.len(), 13);
        // Members are looked for among the keys that do not stand alone.
        assert!(ANNOTATIONS.iter().all(|annotation| {
            FAMILIES
                .iter()
                .all(|family| !annotation.name.starts_with(family.name))
        }));
    }

    #[test]
    fn the_longest_family_wins() {
        for (key, family, name) in [
            (
                "agent-inject-template-file-foo",
                "agent-inject-template-file-",
                "foo",
            ),
            ("agent-inject-template-foo", "agent-inject-template-", "foo"),
            (
                "agent-inject-template-file-",
                "agent-inject-template-",
                "file-",
            ),
            ("secret-volume-path-a-b", "secret-volume-path-", "a-b"),
        ] {
            let Some(Known::Member(found, rest)) = lookup(key) else {
                panic!("{key} is in a family")
            };
            assert_eq!((found.name, rest), (family, name), "{key}");
        }
        assert!(matches!(
            lookup("secret-volume-path"),
            Some(Known::Alone(_))
        ));
        for unknown in [
            "agent-inject-secret-",
            "agent-inject-secret",
            "agent-inject-TEMPLATE-x",
            "",
            "rol",
        ] {
            assert!(lookup(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn finds_the_nearest_known_key() {
        for (key, expected) in [
            ("agent-inject-templat-x", Some("agent-inject-template-x")),
            (
                "agent-inject-TEMPLATE-x.txt",
                Some("agent-inject-template-x.txt"),
            ),
            (
                "agent-inject-secrets-db-creds",
                Some("agent-inject-secret-db-creds"),
            ),
            ("agent_inject", Some("agent-inject")),
            ("rol", Some("role")),
            ("agent-prepopulate-only", Some("agent-pre-populate-only")),
            ("something-else-entirely", None),
            ("ä", None),
        ] {
            assert_eq!(nearest(key).as_deref(), expected, "{key}");
        }
    }
}
