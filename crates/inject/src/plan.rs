//! What an injection does, as data for people: `explain` tells it in words, and previews start from it.

use serde_json::Value;

use crate::agent::Agent;
use crate::annotations::{Key, key};
use crate::container::{Parts, Role};
pub use crate::effective::Source;
use crate::path;
use crate::review::{Built, BuiltAgent, gets_secrets};
use crate::secret::{Body, Secret};
use crate::spec::{AgentContainer, Volume};

/// Everything that is injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The agents, in the order in which they start.
    pub agents: Vec<AgentPlan>,
    /// How the agents log in.
    pub login: Login,
    /// The files.
    pub files: Vec<FilePlan>,
    /// The file with the token, when the pod asks for it.
    pub token_file: Option<String>,
    /// The user's ConfigMap that replaces the generated configuration; empty for none.
    pub config_map: String,
    /// The pod's own containers.
    pub containers: Vec<ContainerPlan>,
    /// Name and source of each added volume.
    pub volumes: Vec<(String, String)>,
    /// Whether the agent comes before the other init containers.
    pub init_first: bool,
    /// Folders of the secrets.
    pub folders: Vec<String>,
    /// What the pod does not say itself: annotation without prefix, value, and where it came from.
    pub defaults: Vec<(String, String, Source)>,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPlan {
    /// Which of the two.
    pub role: Role,
    /// The whole container, as it is added.
    pub container: Value,
    /// The configuration as JSON; `None` when the user's ConfigMap has it.
    pub config: Option<String>,
}

/// How the agents log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Address of Vault.
    pub address: String,
    /// Vault namespace; empty for none.
    pub namespace: String,
    /// Authentication method.
    pub method: String,
    /// Where the method is mounted.
    pub mount: String,
    /// Role; empty for none.
    pub role: String,
    /// Volume with the service-account token.
    pub token_volume: String,
    /// The token's file inside the agents.
    pub token_file: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlan {
    /// The secret's name in the annotations.
    pub name: String,
    /// The file.
    pub destination: String,
    /// Path in Vault; empty when only the template knows.
    pub path: String,
    /// What the file is made from.
    pub template: TemplatePlan,
    /// Permissions; empty for the agent's default.
    pub perms: String,
    /// Command after a change; empty for none.
    pub command: String,
}

/// What a file is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePlan {
    /// The default template of this name.
    Default(&'static str),
    /// The annotation's own text.
    Inline(String),
    /// A file inside the agents.
    File(String),
}

/// One container of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerPlan {
    /// Its name.
    pub name: String,
    /// Whether it is an init container.
    pub init: bool,
    /// Whether it gets the secrets.
    pub gets_secrets: bool,
}

/// How many agents are injected, in the words of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionType {
    /// Both.
    InitAndSidecar,
    /// Only the init agent.
    InitOnly,
    /// Only the sidecar.
    SidecarOnly,
}

impl InjectionType {
    pub(crate) const fn of(init: bool, sidecar: bool) -> Option<Self> {
        match (init, sidecar) {
            (true, true) => Some(Self::InitAndSidecar),
            (true, false) => Some(Self::InitOnly),
            (false, true) => Some(Self::SidecarOnly),
            (false, false) => None,
        }
    }

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InitAndSidecar => "init_and_sidecar",
            Self::InitOnly => "init_only",
            Self::SidecarOnly => "sidecar_only",
        }
    }
}

impl Plan {
    /// How many agents are injected; `None` for none.
    #[must_use]
    pub fn injection_type(&self) -> Option<InjectionType> {
        let has = |role: Role| self.agents.iter().any(|agent| agent.role == role);
        InjectionType::of(has(Role::Init), has(Role::Sidecar))
    }

    /// One of the agents.
    #[must_use]
    pub fn agent(&self, role: Role) -> Option<&AgentPlan> {
        self.agents.iter().find(|agent| agent.role == role)
    }
}

pub(crate) fn of(parts: Parts<'_>, built: &Built<'_>) -> Plan {
    let Parts {
        pod,
        agent,
        annotations,
        ..
    } = parts;
    let text = |key: Key| annotations.get(key).to_owned();
    let one = |role: Role, built: &Option<BuiltAgent<'_>>| {
        built.as_ref().map(|(container, config)| AgentPlan {
            role,
            container: value(container),
            config: config.clone(),
        })
    };
    let role = match annotations.get(key!("role")) {
        "" => annotations
            .member("auth-config-", "role")
            .unwrap_or_default(),
        role => role,
    };
    let mut folders = vec![text(key!("secret-volume-path"))];
    folders.extend(agent.custom_volumes.iter().map(|&path| path.to_owned()));
    let of_init = pod
        .init_containers
        .iter()
        .map(|container| (container, true, built.init.is_some() || agent.native));
    let of_main = pod
        .containers
        .iter()
        .map(|container| (container, false, gets_secrets(annotations, container)));
    Plan {
        agents: one(Role::Init, &built.init)
            .into_iter()
            .chain(one(Role::Sidecar, &built.sidecar))
            .collect(),
        login: Login {
            address: text(key!("service")),
            namespace: text(key!("namespace")),
            method: text(key!("auth-type")),
            mount: text(key!("auth-path")),
            role: role.to_owned(),
            token_volume: agent.token.volume.to_owned(),
            token_file: path::join(agent.token.mount_path, agent.token.token_path),
        },
        files: files(agent),
        token_file: agent
            .inject_token
            .then(|| path::join(annotations.get(key!("secret-volume-path")), "token")),
        config_map: agent.config_map.to_owned(),
        containers: of_init
            .chain(of_main)
            .map(|(container, init, gets_secrets)| ContainerPlan {
                name: container.name.to_owned(),
                init,
                gets_secrets,
            })
            .collect(),
        volumes: built.volumes.iter().map(volume).collect(),
        init_first: agent.init_first,
        folders,
        defaults: annotations
            .defaults()
            .map(|(name, text, source)| (name.to_owned(), text.to_owned(), source))
            .collect(),
    }
}

/// The container as a value; it is plain JSON, so nothing in it can be refused.
fn value(container: &AgentContainer<'_>) -> Value {
    serde_json::to_value(container).unwrap_or_default()
}

fn files(agent: &Agent<'_>) -> Vec<FilePlan> {
    if agent.has_config_map() {
        return Vec::new();
    }
    let file = |secret: &Secret<'_>| FilePlan {
        name: secret.name.to_owned(),
        destination: secret.destination.clone(),
        path: secret.path.to_owned(),
        template: match secret.body {
            Body::Default(form) => TemplatePlan::Default(form.name()),
            Body::Inline(text) => TemplatePlan::Inline(text.to_owned()),
            Body::File(file) => TemplatePlan::File(file.to_owned()),
        },
        perms: secret.perms.to_owned(),
        command: secret.command.to_owned(),
    };
    agent.secrets.iter().map(file).collect()
}

fn volume(volume: &Volume<'_>) -> (String, String) {
    let source = if let Some(secret) = &volume.secret {
        format!("Secret `{}`", secret.secret_name)
    } else if let Some(map) = &volume.config_map {
        format!("ConfigMap `{}`", map.name)
    } else {
        "in memory".to_owned()
    };
    (volume.name.clone().into_owned(), source)
}
