use crate::Position;

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
