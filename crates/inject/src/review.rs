//! One admission request: skip, deny or inject.

use std::cell::LazyCell;
use std::fmt;

use serde_json::Value;

use crate::agent;
use crate::annotations::{Key, PREFIX, key};
use crate::container::{self, Parts, Role};
use crate::effective::Effective;
use crate::fault::Fault;
use crate::node::Node;
use crate::patch::{Addition, Builder, List, Operation, Part};
use crate::plan::{self, InjectionType, Plan};
use crate::pod::{self, Container, Pod};
use crate::settings::Settings;
use crate::spec::{AgentContainer, Mount, Volume};
use crate::warning::{Warning, Warnings};
use crate::{config, grammar, lint, mounts, telemetry};

/// What the API server says about the pod beside the pod itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// The namespace the pod is created in.
    pub namespace: &'a str,
    /// The request's identifier; only for logs.
    pub uid: &'a str,
    /// The resource's plural name; when it is neither empty nor `pods`, the object is left alone.
    pub resource: &'a str,
}

/// The three results of a review.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The pod is left as it is.
    Skip(Skip),
    /// The pod is refused.
    Deny(Denial),
    /// The pod is changed.
    Inject(Box<Injection>),
}

/// A pod that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Why.
    pub reason: SkipReason,
    /// What looks wrong all the same.
    pub warnings: Vec<Warning>,
}

/// Why a pod is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The object is no pod.
    NotAPod,
    /// The pod does not ask for injection.
    NotRequested,
    /// The pod has been running already.
    Started,
    /// The pod has been injected before.
    AlreadyInjected,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPod => "the object is no pod",
            Self::NotRequested => {
                "the annotation `vault.hashicorp.com/agent-inject` is absent or false"
            }
            Self::Started => "the pod is past the phase `Pending`",
            Self::AlreadyInjected => {
                "the annotation `vault.hashicorp.com/agent-inject-status` says `injected`"
            }
        })
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What the user is told.
    pub message: String,
    /// At which stage, for metrics and logs.
    pub reason: DenialReason,
    /// What else looks wrong.
    pub warnings: Vec<Warning>,
}

/// The stage at which a pod was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DenialReason {
    /// The pod has members of the wrong type.
    Undecodable,
    /// The master switch is no boolean.
    Switch,
    /// The namespace is one of the system's.
    SystemNamespace,
    /// The defaults do not hold.
    Defaults,
    /// An annotation cannot be read.
    Annotation,
    /// Something needed is missing.
    Validation,
    /// The containers cannot be built.
    Build,
    /// The pod has something of the same name or at the same path.
    Conflict,
    /// There are warnings, and the injector is strict.
    Strict,
}

impl DenialReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Undecodable,
        Self::Switch,
        Self::SystemNamespace,
        Self::Defaults,
        Self::Annotation,
        Self::Validation,
        Self::Build,
        Self::Conflict,
        Self::Strict,
    ];

    /// A word for labels and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Switch => "switch",
            Self::SystemNamespace => "system_namespace",
            Self::Defaults => "defaults",
            Self::Annotation => "annotation",
            Self::Validation => "validation",
            Self::Build => "build",
            Self::Conflict => "conflict",
            Self::Strict => "strict",
        }
    }
}

/// A change of the pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// The operations.
    pub patch: Vec<Operation>,
    /// What looks wrong.
    pub warnings: Vec<Warning>,
    /// What is injected, for people.
    pub plan: Box<Plan>,
}

impl Decision {
    /// The warnings of any decision.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Skip(skip) => &skip.warnings,
            Self::Deny(denial) => &denial.warnings,
            Self::Inject(injection) => &injection.warnings,
        }
    }
}

/// Namespaces in which nothing is injected.
const SYSTEM_NAMESPACES: [&str; 2] = ["kube-system", "kube-public"];

const SWITCH: Key = key!("agent-inject");
const STATUS: Key = key!("agent-inject-status");
const STATUS_POINTER: &str = "/metadata/annotations/vault.hashicorp.com~1agent-inject-status";

/// Decides about one pod.
///
/// The pod is the raw object, so that members unknown here survive. It is only read as far as the decision needs: a pod that
/// does not ask for injection is skipped whatever else it holds.
#[must_use]
pub fn review(pod: &Value, request: &Request<'_>, settings: &Settings) -> Decision {
    let told = judge(
        &Node::from(pod),
        request,
        settings,
        |parts, built, patch| {
            let patch = patch.iter().map(Addition::to_operation).collect();
            (patch, Box::new(plan::of(parts, built)))
        },
    );
    match told {
        Judgement::Skip(skip) => Decision::Skip(skip),
        Judgement::Deny(denial) => Decision::Deny(denial),
        Judgement::Inject(warnings, (patch, plan)) => Decision::Inject(Box::new(Injection {
            patch,
            warnings,
            plan,
        })),
    }
}

/// A decision, and for an injection whatever is to be told about it.
pub(crate) enum Judgement<T> {
    Skip(Skip),
    Deny(Denial),
    Inject(Vec<Warning>, T),
}

/// The decision itself. What is told of an injection is up to the caller, while all that it is made from is still borrowed:
/// an admission wants nothing but the patch as text, offline commands want values and a plan for people.
pub(crate) fn judge<T>(
    pod: &Node<'_>,
    request: &Request<'_>,
    settings: &Settings,
    tell: impl FnOnce(Parts<'_>, &Built<'_>, &[Addition<'_>]) -> T,
) -> Judgement<T> {
    if !matches!(request.resource, "" | "pods") {
        return skip(SkipReason::NotAPod, Vec::new());
    }
    if asks(pod).is_none() {
        let warnings = lint::unasked(pod);
        return if settings.strict && !warnings.is_empty() {
            strict(&warnings)
        } else {
            skip(SkipReason::NotRequested, warnings)
        };
    }
    let mut warnings = Warnings::default();
    let decided = pod::read(pod)
        .map_err(|message| (DenialReason::Undecodable, message))
        .and_then(|pod| decide(&pod, request, settings, &mut warnings, tell));
    match decided {
        Ok(Outcome::Skip(reason)) => skip(reason, Vec::new()),
        Ok(Outcome::Inject(told)) => {
            let warnings = warnings.finish();
            if settings.strict && !warnings.is_empty() {
                return strict(&warnings);
            }
            Judgement::Inject(warnings, told)
        }
        Err((reason, message)) => Judgement::Deny(Denial {
            message,
            reason,
            warnings: warnings.finish(),
        }),
    }
}

fn skip<T>(reason: SkipReason, warnings: Vec<Warning>) -> Judgement<T> {
    Judgement::Skip(Skip { reason, warnings })
}

fn strict<T>(warnings: &[Warning]) -> Judgement<T> {
    let lines: Vec<String> = warnings.iter().map(Warning::to_string).collect();
    Judgement::Deny(Denial {
        message: format!("refused by -strict: {}", lines.join("; ")),
        reason: DenialReason::Strict,
        warnings: Vec::new(),
    })
}

/// The master switch, raw: `None` when it is absent, empty or plainly false.
fn asks<'p>(pod: &'p Node<'_>) -> Option<&'p Node<'p>> {
    let switch = pod
        .get("metadata")?
        .get("annotations")?
        .get("vault.hashicorp.com/agent-inject")?;
    match switch {
        Node::Null => None,
        Node::Text(text) if grammar::bool(text) == Ok(false) => None,
        other => Some(other),
    }
}

enum Outcome<T> {
    Skip(SkipReason),
    Inject(T),
}

fn decide<T>(
    pod: &Pod<'_>,
    request: &Request<'_>,
    settings: &Settings,
    warnings: &mut Warnings,
    tell: impl FnOnce(Parts<'_>, &Built<'_>, &[Addition<'_>]) -> T,
) -> Result<Outcome<T>, (DenialReason, String)> {
    use DenialReason as Reason;
    let at =
        |reason: Reason, stage: &'static str| move |fault: Fault| (reason, fault.message(stage));
    let mut annotations = Effective::of(pod);
    grammar::bool(annotations.get(SWITCH))
        .map_err(|message| Fault::about(SWITCH.name(), message))
        .map_err(at(
            Reason::Switch,
            "error checking if should inject agent: ",
        ))?;
    if !matches!(pod.phase, "" | "Pending") {
        return Ok(Outcome::Skip(SkipReason::Started));
    }
    if annotations.get(STATUS) == "injected" {
        return Ok(Outcome::Skip(SkipReason::AlreadyInjected));
    }
    if SYSTEM_NAMESPACES.contains(&request.namespace) {
        let text = format!(
            "cannot inject into system namespaces: {}",
            request.namespace
        );
        return Err((
            Reason::SystemNamespace,
            format!("error with request namespace: {text}"),
        ));
    }
    lint::annotations(&annotations, warnings);
    let patches = annotations
        .fill(pod, request.namespace, settings)
        .and_then(|()| agent::patches(&annotations))
        .map_err(at(Reason::Defaults, "error adding default annotations: "))?;
    let agent = agent::read(pod, &annotations, settings.kube_version, patches)
        .map_err(at(Reason::Annotation, "error creating new agent sidecar: "))?;
    lint::agent(pod, &agent, &annotations, warnings);
    agent::validate(&agent, &annotations).map_err(at(
        Reason::Validation,
        "error validating agent configuration: ",
    ))?;
    let parts = Parts {
        pod,
        agent: &agent,
        annotations: &annotations,
        settings,
    };
    let built =
        build(parts, warnings).map_err(at(Reason::Build, "error creating patch for agent: "))?;
    conflicts(parts, &built).map_err(at(Reason::Conflict, "error creating patch for agent: "))?;
    Ok(Outcome::Inject(tell(parts, &built, &patch(parts, &built))))
}

/// What is added to the pod.
pub(crate) struct Built<'p> {
    pub(crate) volumes: Vec<Volume<'p>>,
    pub(crate) secrets_mounts: Vec<Mount<'p>>,
    /// Container and configuration.
    pub(crate) init: Option<BuiltAgent<'p>>,
    pub(crate) sidecar: Option<BuiltAgent<'p>>,
}

/// A container, and its configuration unless the user's ConfigMap has it.
pub(crate) type BuiltAgent<'p> = (AgentContainer<'p>, Option<String>);

impl Built<'_> {
    /// How many agents are injected; `None` for none.
    pub(crate) fn injection_type(&self) -> Option<InjectionType> {
        InjectionType::of(self.init.is_some(), self.sidecar.is_some())
    }
}

fn build<'p>(parts: Parts<'p>, warnings: &mut Warnings) -> Result<Built<'p>, Fault> {
    let Parts {
        agent, annotations, ..
    } = parts;
    let mut config = (!agent.has_config_map()).then(|| {
        let telemetry = telemetry::read(annotations, warnings);
        config::build(agent, annotations, telemetry)
    });
    let resources = LazyCell::new(|| container::resources(annotations));
    let mut one = |wanted: bool, role: Role| {
        if !wanted {
            return Ok(None);
        }
        if let Some(config) = &mut config {
            config::for_role(config, agent, annotations, role);
        }
        container::build(parts, config.as_ref(), role, &resources, warnings).map(Some)
    };
    Ok(Built {
        init: one(agent.init, Role::Init)?,
        sidecar: one(agent.sidecar, Role::Sidecar)?,
        volumes: mounts::volumes(agent, annotations),
        secrets_mounts: mounts::of_secrets(agent, annotations),
    })
}

/// Whether a container of the application gets the secrets.
pub(crate) fn gets_secrets(annotations: &Effective<'_>, container: &Container<'_>) -> bool {
    annotations
        .get(key!("agent-inject-containers"))
        .split(',')
        .any(|name| name == container.name)
}

/// What the API server would refuse with words that do not point here.
fn conflicts(parts: Parts<'_>, built: &Built<'_>) -> Result<(), Fault> {
    let Parts {
        pod,
        agent,
        annotations,
        ..
    } = parts;
    let again = "reset only annotations that the injector did not write, or create the pod from its template";
    for name in built.volumes.iter().map(|volume| &*volume.name) {
        if pod.volumes.iter().any(|volume| volume.name == name) {
            return Err(Fault::plain(format!(
                "the pod has a volume `{name}` already: {again}"
            )));
        }
    }
    let mut first = None;
    let names: Vec<&str> = pod
        .containers
        .iter()
        .chain(&pod.init_containers)
        .map(|container| container.name)
        .collect();
    for (container, _) in [&built.init, &built.sidecar].into_iter().flatten() {
        let name = container.name();
        if first == Some(name) {
            return Err(Fault::plain(format!(
                "both agents are named `{name}`: give them different names in `{PREFIX}agent-json-patch` and `{PREFIX}agent-init-json-patch`"
            )));
        }
        if names.contains(&name) {
            return Err(Fault::plain(format!(
                "the pod has a container `{name}` already: {again}"
            )));
        }
        first = Some(name);
    }
    let receiving = pod
        .containers
        .iter()
        .filter(|container| gets_secrets(annotations, container));
    let initial = pod
        .init_containers
        .iter()
        .filter(|_| built.init.is_some() || agent.native)
        .filter(|container| container.name != Role::Init.name());
    for container in receiving.chain(initial) {
        for path in built.secrets_mounts.iter().map(Mount::path) {
            if container
                .mounts
                .iter()
                .any(|mount| mount.mount_path == path)
            {
                let name = container.name;
                return Err(Fault::plain(format!(
                    "container `{name}` mounts another volume at `{path}`: choose another folder with `{PREFIX}secret-volume-path`"
                )));
            }
        }
    }
    Ok(())
}

fn patch<'b>(parts: Parts<'b>, built: &'b Built<'b>) -> Vec<Addition<'b>> {
    let Parts {
        pod,
        agent,
        annotations,
        ..
    } = parts;
    let mut builder = Builder::default();
    let mut volumes = List::new("/spec/volumes", pod.volumes.is_empty());
    for volume in &built.volumes {
        volumes.push(&mut builder, Part::Volume(volume));
    }
    let mount = |builder: &mut Builder<'b>, list: &str, at: usize, container: &Container<'_>| {
        let mut mounts = List::new(
            format!("/spec/{list}/{at}/volumeMounts"),
            container.mounts.is_empty(),
        );
        for secrets in &built.secrets_mounts {
            mounts.push(builder, Part::Mount(secrets));
        }
    };
    for (at, container) in pod.containers.iter().enumerate() {
        if gets_secrets(annotations, container) {
            mount(&mut builder, "containers", at, container);
        }
    }
    // A native sidecar stands among the init containers, in the init agent's place.
    let (first, sidecar) = if agent.native {
        (&built.sidecar, &None)
    } else {
        (&built.init, &built.sidecar)
    };
    if let Some((init, _)) = first {
        let mut list = List::new("/spec/initContainers", pod.init_containers.is_empty());
        let shift = if agent.init_first {
            list.push_front(&mut builder, Part::Agent(init));
            1
        } else {
            list.push(&mut builder, Part::Agent(init));
            0
        };
        for (at, container) in pod.init_containers.iter().enumerate() {
            if container.name != Role::Init.name() {
                mount(&mut builder, "initContainers", at + shift, container);
            }
        }
    }
    if let Some(share) = agent.share_process_namespace {
        builder.add("/spec/shareProcessNamespace", Part::Bool(share));
    }
    if let Some((sidecar, _)) = sidecar {
        List::new("/spec/containers", pod.containers.is_empty())
            .push(&mut builder, Part::Agent(sidecar));
    }
    builder.add(STATUS_POINTER, Part::Text("injected"));
    builder.finish()
}
