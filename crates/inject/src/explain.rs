//! An injection told in words and as a small tree.

use std::fmt::Write as _;

use crate::annotations::PREFIX;
use crate::container::Role;
use crate::plan::{AgentPlan, FilePlan, Plan, Source, TemplatePlan};
use crate::review::Decision;
use crate::settings::{Origin, Settings, TABLE};
use crate::warning::Warning;

/// Tells what was decided about `subject`, such as `Deployment demo/web`.
#[must_use]
pub fn explain(subject: &str, decision: &Decision, settings: &Settings) -> String {
    let mut out = String::new();
    match decision {
        Decision::Skip(skip) => {
            _ = writeln!(out, "{subject}: left as it is, because {}", skip.reason)
        }
        Decision::Deny(denial) => _ = writeln!(out, "{subject}: refused: {}", denial.message),
        Decision::Inject(injection) => {
            _ = writeln!(out, "{subject}: injected\n");
            words(&mut out, &injection.plan);
            tree(&mut out, &injection.plan);
            defaults(&mut out, &injection.plan, settings);
        }
    }
    warnings(&mut out, decision.warnings());
    out
}

fn words(out: &mut String, plan: &Plan) {
    let agents: Vec<&str> = plan
        .agents
        .iter()
        .map(|agent| match agent.role {
            Role::Init => "`vault-agent-init` writes the files before the application starts",
            Role::Sidecar if is_init(agent) && plan.agents.len() == 1 => {
                "`vault-agent` writes the files before the application starts, and keeps them fresh"
            }
            Role::Sidecar => "`vault-agent` keeps them fresh",
        })
        .collect();
    if agents.is_empty() {
        out.push_str("No agent is added, so nothing writes the files.\n\n");
        return;
    }
    _ = writeln!(out, "{}.", agents.join("; "));
    if !plan.config_map.is_empty() {
        _ = writeln!(
            out,
            "Their configuration is the user's ConfigMap `{}`.\n",
            plan.config_map
        );
        return;
    }
    let login = &plan.login;
    let role = if login.role.is_empty() {
        String::new()
    } else {
        format!(" as role `{}`", login.role)
    };
    let namespace = if login.namespace.is_empty() {
        String::new()
    } else {
        format!(" (namespace `{}`)", login.namespace)
    };
    _ = writeln!(
        out,
        "They log in to {}{namespace} by `{}` at `{}`{role}, with the token `{}` of volume `{}`.\n",
        login.address, login.method, login.mount, login.token_file, login.token_volume
    );
}

/// A branch of the tree: its label and its leaves.
struct Branch {
    label: &'static str,
    leaves: Vec<(String, String)>,
}

fn tree(out: &mut String, plan: &Plan) {
    let folders = plan.folders.join(", ");
    let containers = |init: bool| {
        let own = plan
            .containers
            .iter()
            .filter(move |container| container.init == init);
        let own = own.map(|container| {
            let gets = if container.gets_secrets {
                format!("gets {folders}")
            } else {
                "untouched".to_owned()
            };
            (container.name.clone(), gets)
        });
        let agents = plan
            .agents
            .iter()
            .filter(move |agent| is_init(agent) == init);
        let agents = agents.map(|agent| (format!("+ {}", name(agent)), agent_line(agent)));
        if init && plan.init_first {
            agents.chain(own).collect()
        } else {
            own.chain(agents).collect::<Vec<_>>()
        }
    };
    let branches = [
        Branch {
            label: "init containers",
            leaves: containers(true),
        },
        Branch {
            label: "containers",
            leaves: containers(false),
        },
        Branch {
            label: "volumes",
            leaves: plan
                .volumes
                .iter()
                .map(|(name, source)| (format!("+ {name}"), source.clone()))
                .collect(),
        },
        Branch {
            label: "files",
            leaves: plan
                .files
                .iter()
                .map(|file| (file.destination.clone(), file_line(file)))
                .chain(
                    plan.token_file
                        .iter()
                        .map(|file| (file.clone(), "the agent's token".to_owned())),
                )
                .collect(),
        },
    ];
    let branches: Vec<&Branch> = branches
        .iter()
        .filter(|branch| !branch.leaves.is_empty())
        .collect();
    let width = branches
        .iter()
        .flat_map(|branch| &branch.leaves)
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default();
    out.push_str("pod\n");
    for (at, branch) in branches.iter().enumerate() {
        let last = at + 1 == branches.len();
        _ = writeln!(out, "{} {}", if last { "└──" } else { "├──" }, branch.label);
        for (at, (name, line)) in branch.leaves.iter().enumerate() {
            let stem = if last { "   " } else { "│  " };
            let knot = if at + 1 == branch.leaves.len() {
                "└──"
            } else {
                "├──"
            };
            _ = writeln!(out, "{stem} {knot} {name:width$}  {line}");
        }
    }
}

fn name(agent: &AgentPlan) -> &str {
    agent.container["name"].as_str().unwrap_or_default()
}

/// Whether the agent stands among the init containers.
fn is_init(agent: &AgentPlan) -> bool {
    agent.role == Role::Init || agent.container["restartPolicy"] == "Always"
}

fn agent_line(agent: &AgentPlan) -> String {
    let container = &agent.container;
    let mut parts = vec![container["image"].as_str().unwrap_or_default().to_owned()];
    if let Some(user) = container["securityContext"]["runAsUser"].as_i64() {
        parts.push(format!("user {user}"));
    }
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        let of = |kind: &str| {
            container["resources"][kind][resource]
                .as_str()
                .map(str::to_owned)
        };
        match (of("requests"), of("limits")) {
            (Some(request), Some(limit)) => parts.push(format!("{resource} {request} to {limit}")),
            (Some(request), None) => parts.push(format!("{resource} from {request}")),
            (None, Some(limit)) => parts.push(format!("{resource} up to {limit}")),
            (None, None) => {}
        }
    }
    if container["restartPolicy"] == "Always" {
        parts.push("native sidecar".to_owned());
    }
    parts.join(", ")
}

fn file_line(file: &FilePlan) -> String {
    let mut line = match &file.template {
        TemplatePlan::Default(form) => {
            format!("from `{}` by the default template `{form}`", file.path)
        }
        TemplatePlan::Inline(_) => "by the template of its annotation".to_owned(),
        TemplatePlan::File(source) => format!("by the template in `{source}`"),
    };
    if !file.perms.is_empty() {
        _ = write!(line, ", permissions {}", file.perms);
    }
    if !file.command.is_empty() {
        _ = write!(line, ", then runs `{}`", file.command);
    }
    line
}

fn defaults(out: &mut String, plan: &Plan, settings: &Settings) {
    let rows: Vec<_> = plan
        .defaults
        .iter()
        .filter(|(_, text, _)| !text.is_empty())
        .collect();
    let longest = |of: fn(&(String, String, Source)) -> usize| {
        rows.iter().map(|row| of(row)).max().unwrap_or_default()
    };
    let names = longest(|(name, _, _)| name.chars().count());
    let values = longest(|(_, text, _)| text.chars().count());
    _ = writeln!(out, "\ndefaults that applied (annotations {PREFIX}…)");
    for (name, text, source) in rows {
        _ = writeln!(
            out,
            "    {name:names$}  {text:values$}  {}",
            origin(*source, settings)
        );
    }
}

fn origin(source: Source, settings: &Settings) -> String {
    match source {
        Source::Pod => "the pod".to_owned(),
        Source::BuiltIn => "built in".to_owned(),
        Source::Request => "from the pod's other fields".to_owned(),
        Source::Setting(id) => {
            let row = TABLE.iter().find(|setting| setting.id == id);
            match (settings.origin(id), row) {
                (Origin::Flag, Some(row)) => format!("flag -{}", row.flag),
                (Origin::Variable, Some(row)) => format!("variable {}", row.variable),
                _ => "built in".to_owned(),
            }
        }
    }
}

fn warnings(out: &mut String, warnings: &[Warning]) {
    if !warnings.is_empty() {
        out.push_str("\nwarnings\n");
        for warning in warnings {
            _ = writeln!(out, "    {warning}");
        }
    }
}
