use crate::ast::Object;
use crate::stanza::{Reading, Stanza};
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

impl Subsystems {
    /// Adds the parts that are named, or notes the first that is none.
    fn read(stanza: &Stanza<'_>, reading: &mut Reading, key: &str) -> Self {
        let mut named = Self::default();
        for name in stanza.texts(reading, key).unwrap_or_default() {
            if !named.add(&name) {
                reading.problem(stanza.place_of(key), format!("unknown {key} value: {name}"));
                reading.hint("expected `auto-auth`, `caching`, `proxying` or `templating`");
            }
        }
        named
    }

    /// Whether the name is one of a part (or empty, which is none).
    fn add(&mut self, name: &str) -> bool {
        match name {
            "auto-auth" => self.auto_auth = true,
            "caching" | "proxying" => self.proxying = true,
            "templating" => self.templating = true,
            "" => {}
            _ => return false,
        }
        true
    }

    /// Reads the comma list of an environment variable, in any case.
    ///
    /// # Errors
    ///
    /// The first name that is none of the parts.
    pub fn from_list(list: &str) -> Result<Self, String> {
        let mut named = Self::default();
        for name in list.split(',') {
            let name = name.trim().to_lowercase();
            if !named.add(&name) {
                return Err(name);
            }
        }
        Ok(named)
    }

    fn join(&mut self, other: Self) {
        self.auto_auth |= other.auto_auth;
        self.proxying |= other.proxying;
        self.templating |= other.templating;
    }
}

/// What one source says, and which of the stanzas it has that a later source replaces whole.
pub(crate) struct Fragment {
    pub(crate) config: Config,
    pub(crate) has_vault: bool,
    pub(crate) has_template_config: bool,
}

impl Fragment {
    pub(crate) fn read(object: &Object, reading: &mut Reading) -> Self {
        let file = Stanza::file(object);
        let vault = only(&file, reading, "vault", REQUIRED);
        let template_config = only(&file, reading, "template_config", ALLOWED);
        let (has_vault, has_template_config) = (vault.is_some(), template_config.is_some());
        let config = Config {
            auto_auth: only(&file, reading, "auto_auth", ALLOWED)
                .map(|block| AutoAuth::read(&block, reading)),
            exit_after_auth: file
                .strict_bool(reading, "exit_after_auth")
                .unwrap_or(false),
            pid_file: file.set_text(reading, "pid_file"),
            vault: vault
                .map(|block| Vault::read(&block, reading))
                .unwrap_or_default(),
            cache: only(&file, reading, "cache", REQUIRED)
                .map(|block| Cache::read(&block, reading)),
            api_proxy: only(&file, reading, "api_proxy", REQUIRED)
                .map(|block| ApiProxy::read(&block, reading)),
            listeners: (0..)
                .zip(file.blocks(reading, "listener"))
                .map(|(number, block)| Listener::read(block, number, reading))
                .collect(),
            template_config: template_config
                .map(|block| TemplateConfig::read(&block, reading))
                .unwrap_or_default(),
            templates: blocks(&file, reading, "template", Template::read),
            exec: only(&file, reading, "exec", ALLOWED).map(|block| Exec::read(block, reading)),
            env_templates: blocks(&file, reading, "env_template", EnvTemplate::read),
            telemetry: only(&file, reading, "telemetry", PERMITTED)
                .map(|block| Telemetry::read(block, reading)),
            log: LogConfig::read(&file, reading),
            disable_idle_connections: Subsystems::read(&file, reading, "disable_idle_connections"),
            disable_keep_alives: Subsystems::read(&file, reading, "disable_keep_alives"),
        };
        Self {
            config,
            has_vault,
            has_template_config,
        }
    }

    /// Takes over what a later source says: lists grow, whole stanzas and set values replace, switches add up.
    pub(crate) fn merge(&mut self, later: Self) {
        let Config {
            auto_auth,
            exit_after_auth,
            pid_file,
            vault,
            cache,
            api_proxy,
            listeners,
            template_config,
            templates,
            exec,
            env_templates,
            telemetry,
            log,
            disable_idle_connections,
            disable_keep_alives,
        } = later.config;
        let config = &mut self.config;
        config.auto_auth = auto_auth.or(config.auto_auth.take());
        config.exit_after_auth |= exit_after_auth;
        config.pid_file = pid_file.or(config.pid_file.take());
        if later.has_vault {
            config.vault = vault;
        }
        config.cache = cache.or(config.cache.take());
        config.api_proxy = api_proxy.or(config.api_proxy.take());
        config.listeners.extend(listeners);
        if later.has_template_config {
            config.template_config = template_config;
        }
        config.templates.extend(templates);
        config.exec = exec.or(config.exec.take());
        config.env_templates.extend(env_templates);
        config.telemetry = telemetry.or(config.telemetry.take());
        config.log.merge(log);
        config
            .disable_idle_connections
            .join(disable_idle_connections);
        config.disable_keep_alives.join(disable_keep_alives);
        self.has_vault |= later.has_vault;
        self.has_template_config |= later.has_template_config;
    }
}

/// The reference's three ways to say that a block may stand only once.
const ALLOWED: fn(&str) -> String =
    |name| format!("error parsing '{name}': at most one \"{name}\" block is allowed");
const REQUIRED: fn(&str) -> String =
    |name| format!("error parsing '{name}':one and only one \"{name}\" block is required");
const PERMITTED: fn(&str) -> String =
    |name| format!("error parsing '{name}': only one '{name}' block is permitted");

/// The block of that name; the last one, beside a problem, if there are several.
fn only<'a>(
    file: &Stanza<'a>,
    reading: &mut Reading,
    name: &str,
    several: fn(&str) -> String,
) -> Option<Stanza<'a>> {
    let mut blocks = file.blocks(reading, name);
    let last = blocks.pop()?;
    if !blocks.is_empty() {
        reading.problem(last.at, several(name));
    }
    let prefix = match name {
        "vault" | "cache" | "api_proxy" => format!("error parsing '{name}':"),
        _ => format!("error parsing '{name}': "),
    };
    Some(last.called(&prefix))
}

fn blocks<T>(
    file: &Stanza<'_>,
    reading: &mut Reading,
    name: &str,
    read: fn(Stanza<'_>, &mut Reading) -> T,
) -> Vec<T> {
    file.blocks(reading, name)
        .into_iter()
        .map(|block| read(block, reading))
        .collect()
}
