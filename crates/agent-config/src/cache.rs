use crate::Position;
use crate::ast::{Literal, Scalar, Value};
use crate::stanza::{Reading, Stanza, loose_bool};

/// Whether requests that come to a listener get the agent's own token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoAuthToken {
    /// Never.
    #[default]
    Off,
    /// When they bring none.
    On,
    /// Always; the one they bring is dropped.
    Force,
}

impl AutoAuthToken {
    /// On or forced.
    #[must_use]
    pub fn enabled(self) -> bool {
        self != Self::Off
    }
}

/// The `cache` stanza; an empty one enables caching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Where it stands.
    pub at: Position,
    /// `use_auto_auth_token`, the older place of [`ApiProxy::use_auto_auth_token`].
    pub use_auto_auth_token: AutoAuthToken,
    /// `persist`.
    pub persist: Option<Persist>,
}

/// `cache.persist`: hand token and leases from the init container to the sidecar. The type is always `kubernetes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persist {
    /// Where it stands.
    pub at: Position,
    /// `path`: a directory.
    pub path: String,
    /// `keep_after_import`: leave the file where it is after reading it.
    pub keep_after_import: bool,
    /// `exit_on_err`: an unreadable file ends the agent.
    pub exit_on_err: bool,
    /// `service_account_token_file`, which protects the file.
    pub service_account_token_file: String,
}

/// The `api_proxy` stanza, or the one that `cache.use_auto_auth_token` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiProxy {
    /// Where it stands.
    pub at: Position,
    /// `use_auto_auth_token`.
    pub use_auto_auth_token: AutoAuthToken,
}

impl Cache {
    pub(crate) fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        let mut blocks: Vec<_> = stanza
            .blocks(reading, "persist")
            .into_iter()
            .map(|block| block.on_its_own("error parsing 'cache':error parsing persist: "))
            .collect();
        let persist = blocks.pop();
        if let (Some(persist), false) = (&persist, blocks.is_empty()) {
            persist.problem(
                reading,
                persist.at,
                "only one \"persist\" block is required",
            );
        }
        Self {
            at: reading.place(stanza.at),
            use_auto_auth_token: AutoAuthToken::read(stanza, reading),
            persist: persist.map(|block| Persist::read(&block, reading)),
        }
    }
}

impl Persist {
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        const CREATING: &str = "Error creating persistent cache: ";
        let kind = stanza
            .set_text(reading, "type")
            .or_else(|| stanza.label().map(str::to_lowercase));
        match kind.as_deref() {
            None => stanza.problem(reading, stanza.at, "persist type must be specified"),
            Some("kubernetes") => {}
            Some(kind) => reading.creating(
                stanza.at,
                format!(
                    "{CREATING}persistent key protection type \"{}\" not supported",
                    kind.escape_debug()
                ),
            ),
        }
        let path = stanza.set_text(reading, "path");
        if path.is_none() {
            reading.creating(
                stanza.at,
                format!("{CREATING}must specify persistent cache path"),
            );
        }
        Self {
            at: reading.place(stanza.at),
            path: path.unwrap_or_default(),
            keep_after_import: stanza
                .strict_bool(reading, "keep_after_import")
                .unwrap_or(false),
            exit_on_err: stanza.strict_bool(reading, "exit_on_err").unwrap_or(false),
            service_account_token_file: stanza
                .set_text(reading, "service_account_token_file")
                .unwrap_or_else(|| SERVICE_ACCOUNT_TOKEN.to_owned()),
        }
    }
}

/// Where Kubernetes mounts a pod's token.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

impl ApiProxy {
    pub(crate) fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        Self {
            at: reading.place(stanza.at),
            use_auto_auth_token: AutoAuthToken::read(stanza, reading),
        }
    }
}

impl AutoAuthToken {
    fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        const KEY: &str = "use_auto_auth_token";
        let Some(value) = stanza.get(KEY) else {
            return Self::Off;
        };
        if let Value::Literal(Literal {
            scalar: Scalar::Text(text),
            ..
        }) = value
        {
            if text.eq_ignore_ascii_case("force") {
                return Self::Force;
            }
            if loose_bool(value).is_err() {
                let text = format!(
                    "value of '{KEY}' can be either true/false/force, \"{}\" is an invalid option",
                    text.escape_debug()
                );
                stanza.problem(reading, value.at(), &text);
                return Self::Off;
            }
        }
        match stanza.loose_bool(reading, KEY) {
            Some(true) => Self::On,
            Some(false) | None => Self::Off,
        }
    }
}
