use crate::{
    ApiProxy, AutoAuth, Cache, EnvTemplate, Exec, Listener, LogConfig, Telemetry, Template,
    TemplateConfig, Vault,
};

/// All that the configuration files say, merged and checked, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `auto_auth`.
    pub auto_auth: Option<AutoAuth>,
    /// `exit_after_auth`: do everything once, then end.
    pub exit_after_auth: bool,
    /// `pid_file`.
    pub pid_file: Option<String>,
    /// `vault`.
    pub vault: Vault,
    /// `cache`.
    pub cache: Option<Cache>,
    /// `api_proxy`, also when it is only implied by `cache.use_auto_auth_token`.
    pub api_proxy: Option<ApiProxy>,
    /// `listener`s.
    pub listeners: Vec<Listener>,
    /// `template_config`.
    pub template_config: TemplateConfig,
    /// `template`s.
    pub templates: Vec<Template>,
    /// `exec`.
    pub exec: Option<Exec>,
    /// `env_template`s.
    pub env_templates: Vec<EnvTemplate>,
    /// `telemetry`; `None` when there is no stanza.
    pub telemetry: Option<Telemetry>,
    /// `log_*`.
    pub log: LogConfig,
    /// `disable_idle_connections`.
    pub disable_idle_connections: Subsystems,
    /// `disable_keep_alives`.
    pub disable_keep_alives: Subsystems,
}

/// The parts of the agent that have connections of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subsystems {
    /// `auto-auth`.
    pub auto_auth: bool,
    /// `proxying`, also spelled `caching`.
    pub proxying: bool,
    /// `templating`.
    pub templating: bool,
}
