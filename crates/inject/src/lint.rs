//! What is accepted, because the injector that this one replaces accepts it, but cannot be meant.

use std::collections::BTreeMap;

use pannier_go::Duration;
use pannier_template::{Options, Template};

use crate::agent::Agent;
use crate::annotations::{self, FAMILIES, Key, PREFIX, key};
use crate::effective::Effective;
use crate::kube_version::KubeVersion;
use crate::node::Node;
use crate::pod::Pod;
use crate::secret::{Body, Secret};
use crate::settings::Settings;
use crate::warning::{Warning, Warnings};
use crate::{grammar, path, quantity};

/// Warnings for a pod that does not ask for injection: perhaps it meant to.
pub(crate) fn unasked(pod: &Node<'_>) -> Vec<Warning> {
    let mut warnings = Warnings::default();
    let annotations = pod
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"));
    for name in annotations
        .map_or(&[][..], Node::members)
        .iter()
        .filter_map(|(key, _)| key.strip_prefix(PREFIX))
    {
        unknown(name, &mut warnings);
    }
    warnings.finish()
}

/// Warns when a key is none of ours.
fn unknown(name: &str, warnings: &mut Warnings) {
    // The empty name is a name in these.
    let is_whole = matches!(name, "auth-config-" | "agent-telemetry-");
    if is_whole || annotations::lookup(name).is_some() {
        return;
    }
    let bare = FAMILIES
        .iter()
        .find(|family| family.name.trim_end_matches('-') == name.trim_end_matches('-'));
    warnings.about(
        name,
        match (bare, annotations::nearest(name)) {
            (Some(family), _) => format!(
                "has no effect without a name: expected `{PREFIX}{}NAME`",
                family.name
            ),
            (None, Some(nearest)) => {
                format!("unknown annotation: did you mean `{PREFIX}{nearest}`?")
            }
            (None, None) => "unknown annotation: it has no effect".to_owned(),
        },
    );
}

/// Warnings that need only what the pod says.
pub(crate) fn annotations(annotations: &Effective<'_>, warnings: &mut Warnings) {
    for (name, _) in annotations.others() {
        unknown(name, warnings);
    }
    for (key, consequence) in [
        (key!("agent-run-as-user"), "the agents run as root"),
        (
            key!("agent-pre-populate"),
            "there is no init agent, so the application starts without its files",
        ),
        (
            key!("template-config-exit-on-retry-failure"),
            "the agents go on without a file that cannot be rendered",
        ),
        (
            key!("secret-volume-path"),
            "the mount has no path, which the API server refuses",
        ),
    ] {
        if annotations.on_pod(key) == Some("") {
            warnings.about(
                key.name(),
                format!("is empty, so {consequence}: remove it to get the default"),
            );
        }
    }
    let own = annotations
        .on_pod(key!("preserve-secret-case"))
        .map(|text| ("preserve-secret-case", text));
    let others = annotations
        .others()
        .filter(|(name, _)| name.starts_with("preserve-secret-case"));
    for (name, text) in own.into_iter().chain(others) {
        if grammar::bool(text).is_err() {
            warnings.about(
                name,
                "is no boolean and counts as false: expected `true` or `false`",
            );
        }
    }
    parameters(annotations, warnings);
    values(annotations, warnings);
}

/// Two keys that name one parameter of the authentication method.
fn parameters(annotations: &Effective<'_>, warnings: &mut Warnings) {
    const FAMILY: &str = "auth-config-";
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (parameter, _) in annotations.members(FAMILY) {
        if let Some(earlier) = seen.insert(parameter.replace('-', "_"), parameter) {
            warnings.about(
                &format!("{FAMILY}{earlier}"),
                format!("names the same parameter as `{PREFIX}{FAMILY}{parameter}`, which counts"),
            );
        }
    }
}

/// Values that are passed on unchecked and cannot be right.
fn values(annotations: &Effective<'_>, warnings: &mut Warnings) {
    let number = |text: &str| text.parse::<u64>().is_ok();
    let interval = |text: &str| Duration::parse_seconds(text).is_ok();
    let level = |text: &str| {
        matches!(
            text.trim().to_lowercase().as_str(),
            "trace" | "debug" | "info" | "notice" | "warn" | "warning" | "err" | "error"
        )
    };
    let parts = |text: &str| {
        text.split(',')
            .all(|part| matches!(part, "auto-auth" | "caching" | "templating" | "proxying"))
    };
    type Check<'c> = (Key, &'static str, &'c dyn Fn(&str) -> bool);
    let checks: [Check<'_>; 11] = [
        (
            key!("agent-cache-listener-port"),
            "a port from 1 to 65535",
            &|text| text.parse::<u16>().is_ok_and(|port| port > 0),
        ),
        (
            key!("agent-cache-use-auto-auth-token"),
            "`true`, `false` or `force`",
            &|text| matches!(text, "true" | "false" | "force"),
        ),
        (
            key!("agent-disable-idle-connections"),
            "`auto-auth`, `caching` and `templating`, separated by commas",
            &parts,
        ),
        (
            key!("agent-disable-keep-alives"),
            "`auto-auth`, `caching` and `templating`, separated by commas",
            &parts,
        ),
        (key!("client-max-retries"), "a number", &number),
        (
            key!("client-timeout"),
            "a duration such as `30s`",
            &interval,
        ),
        (key!("go-max-procs"), "a number", &number),
        (key!("log-format"), "`standard` or `json`", &|text| {
            matches!(text.to_lowercase().as_str(), "standard" | "json")
        }),
        (
            key!("log-level"),
            "`trace`, `debug`, `info`, `warn` or `error`",
            &level,
        ),
        (
            key!("service"),
            "an address such as `https://vault.vault.svc:8200`",
            &|text| {
                ["http://", "https://", "unix://"]
                    .iter()
                    .any(|scheme| text.starts_with(scheme))
            },
        ),
        (
            key!("template-static-secret-render-interval"),
            "a duration such as `5m`",
            &interval,
        ),
    ];
    for (key, expected, fits) in checks {
        let text = annotations.on_pod(key).unwrap_or_default();
        if !text.is_empty() && !fits(text) {
            warnings.about(
                key.name(),
                format!("`{text}` cannot be right: expected {expected}"),
            );
        }
    }
}

/// Warnings that need the whole agent.
pub(crate) fn agent(
    pod: &Pod<'_>,
    agent: &Agent<'_>,
    annotations: &Effective<'_>,
    warnings: &mut Warnings,
) {
    members_without_secret(agent, annotations, warnings);
    blank_declarations(agent, annotations, warnings);
    for secret in &agent.secrets {
        one_secret(secret, annotations, warnings);
    }
    same_file(agent, annotations, warnings);
    containers(pod, annotations, warnings);
    if !agent.init && !agent.sidecar {
        warnings.about(
            "agent-pre-populate-only",
            "with `agent-pre-populate` false there is no agent at all, so no file is ever written",
        );
    }
    if agent.native && !annotations.get(key!("agent-init-json-patch")).is_empty() {
        warnings.about("agent-init-json-patch", "is not used: with `agent-native-sidecar` there is one agent, which `agent-json-patch` changes");
    }
    if agent.waits && agent.has_config_map() {
        warnings.about(
            "agent-native-sidecar",
            "the application does not wait for the files, because only the ConfigMap knows them",
        );
    }
    if let Some(found) = agent.too_old {
        let text = format!(
            "the cluster is Kubernetes {found}, and an init container that goes on running needs {}: the pod gets the usual two agents instead",
            KubeVersion::WITH_NATIVE_SIDECARS
        );
        if annotations.on_pod(key!("agent-native-sidecar")).is_some() {
            warnings.about("agent-native-sidecar", text);
        } else {
            warnings.general(format!("{}: {text}", Settings::names("native_sidecar")));
        }
    }
    if agent.share_process_namespace == Some(true) && pod.host_pid {
        warnings.about(
            "agent-share-process-namespace",
            "the pod has `hostPID`, and the API server refuses both together",
        );
    }
    for (request, limit) in [
        (key!("agent-requests-cpu"), key!("agent-limits-cpu")),
        (key!("agent-requests-mem"), key!("agent-limits-mem")),
        (
            key!("agent-requests-ephemeral"),
            key!("agent-limits-ephemeral"),
        ),
    ] {
        let (more, less) = (annotations.get(request), annotations.get(limit));
        if let (Some(requested), Some(limited)) = (quantity::amount(more), quantity::amount(less))
            && requested > limited
        {
            let limit = limit.name();
            warnings.about(request.name(), format!("`{more}` is above the limit of `{less}`, which the API server refuses: set `{PREFIX}{limit}` too"));
        }
    }
    if agent.max_connections_per_host < 0 {
        warnings.about(
            "template-max-connections-per-host",
            "expected a number of at least 0",
        );
    }
    if !(0.0..=1.0).contains(&agent.lease_renewal_threshold) {
        warnings.about(
            "template-lease-renewal-threshold",
            "expected a number from 0 to 1",
        );
    }
}

/// Families that say something about a secret but declare none.
const ABOUT_A_SECRET: [&str; 8] = [
    "agent-inject-file-",
    "agent-inject-perms-",
    "agent-inject-command-",
    "agent-template-left-delim-",
    "agent-template-right-delim-",
    "error-on-missing-key-",
    "preserve-secret-case-",
    "secret-volume-path-",
];

fn members_without_secret(agent: &Agent<'_>, annotations: &Effective<'_>, warnings: &mut Warnings) {
    let declared = |name: &str| agent.secrets.iter().any(|secret| secret.name == name);
    for family in ABOUT_A_SECRET {
        for (name, _) in annotations
            .members(family)
            .filter(|(name, _)| !name.is_empty() && !declared(name))
        {
            let alike = agent
                .secrets
                .iter()
                .find(|secret| secret.name.eq_ignore_ascii_case(name));
            let hint = alike.map_or_else(String::new, |secret| {
                format!(" (case counts: there is `{}`)", secret.name)
            });
            warnings.about(
                &format!("{family}{name}"),
                format!("has no effect: no `{PREFIX}agent-inject-secret-{name}` or template declares it{hint}"),
            );
        }
    }
}

/// Declaring annotations without a value.
fn blank_declarations(agent: &Agent<'_>, annotations: &Effective<'_>, warnings: &mut Warnings) {
    for family in ["agent-inject-secret-", "agent-inject-template-"] {
        for (name, text) in annotations.members(family) {
            if name.is_empty() || !text.trim().is_empty() {
                continue;
            }
            let key = format!("{family}{name}");
            let file = name
                .strip_prefix("file-")
                .filter(|_| family == "agent-inject-template-");
            if !agent
                .secrets
                .iter()
                .any(|secret| secret.name == file.unwrap_or(name))
            {
                warnings.about(&key, "is blank and declares nothing");
            } else if family == "agent-inject-template-" && file.is_none() && !text.is_empty() {
                warnings.about(&key, "is a blank template, so the file will be blank");
            }
        }
    }
}

fn one_secret(secret: &Secret<'_>, annotations: &Effective<'_>, warnings: &mut Warnings) {
    let name = secret.name;
    if !secret.perms.is_empty() && !is_mode(secret.perms) {
        let key = format!("agent-inject-perms-{name}");
        warnings.about(
            &key,
            format!(
                "`{}` is no file permission: expected octal digits such as `0640`",
                secret.perms
            ),
        );
    }
    if let Body::Inline(text) = secret.body {
        let file = annotations.member("agent-inject-template-file-", name);
        if file.is_some_and(|file| !file.is_empty()) {
            let key = format!("agent-inject-template-file-{name}");
            warnings.about(
                &key,
                format!(
                    "is not used: `{PREFIX}agent-inject-template-{name}` is given too, and wins"
                ),
            );
        }
        if let Some(rest) = name.strip_prefix("file-") {
            let key = format!("agent-inject-template-file-{rest}");
            warnings.about(&key, format!("is read as the inline template of the secret `{name}`, for names may not begin with `file-`"));
        }
        template(name, text, secret, warnings);
    }
    let file = annotations.member("agent-inject-file-", name);
    if file.is_none_or(str::is_empty) {
        return;
    }
    if path::clean(&secret.destination) != secret.destination && !secret.destination.contains("..")
    {
        return;
    }
    let volume = path::clean(secret.volume_path);
    let inside = format!("{}/", volume.trim_end_matches('/'));
    if !secret.destination.starts_with(&inside) {
        let key = format!("agent-inject-file-{name}");
        warnings.about(
            &key,
            format!(
                "leads to `{}`, which is outside the secret's volume",
                secret.destination
            ),
        );
    }
}

/// Octal digits, and no more than twelve bits.
fn is_mode(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'7'))
        && u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= 0o7777)
}

/// Parses a template as the agent will, so that a mistake shows before the pod starts.
fn template(name: &str, text: &str, secret: &Secret<'_>, warnings: &mut Warnings) {
    let options = Options {
        left: secret.left.to_owned(),
        right: secret.right.to_owned(),
        ..Options::default()
    };
    let Err(error) = Template::parse("", text, &options) else {
        return;
    };
    let place = error.place().map_or_else(String::new, |place| {
        format!("line {}, column {}: ", place.line, place.column)
    });
    // The reference names the template and the line in front of what it says.
    let said = error
        .message()
        .strip_prefix("template: :")
        .and_then(|rest| rest.split_once(": "))
        .map_or(error.message(), |(_, said)| said);
    let hint = error
        .hint()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    warnings.about(
        &format!("agent-inject-template-{name}"),
        format!("the template does not parse: {place}{said}{hint}"),
    );
}

/// Two writers of one file.
fn same_file(agent: &Agent<'_>, annotations: &Effective<'_>, warnings: &mut Warnings) {
    let mut writers: BTreeMap<String, &str> = BTreeMap::new();
    if agent.inject_token {
        writers.insert(
            path::join(annotations.get(key!("secret-volume-path")), "token"),
            "",
        );
    }
    for secret in &agent.secrets {
        let name = secret.name;
        if let Some(other) = writers.insert(path::clean(&secret.destination), name) {
            let other = match other {
                "" => format!("`{PREFIX}agent-inject-token`"),
                other => format!("the secret `{other}`"),
            };
            warnings.general(format!(
                "the secret `{name}` writes `{}`, and so does {other}: give one of them another file with `{PREFIX}agent-inject-file-{name}`",
                secret.destination
            ));
        }
    }
}

/// Containers that are named but are not there.
fn containers(pod: &Pod<'_>, annotations: &Effective<'_>, warnings: &mut Warnings) {
    let named = |name: &str| {
        pod.containers
            .iter()
            .any(|container| container.name == name)
    };
    let list = annotations
        .on_pod(key!("agent-inject-containers"))
        .unwrap_or_default();
    if !list.is_empty() {
        for name in list.split(',').filter(|name| !named(name)) {
            let hint = if named(name.trim()) {
                ": write it without the blank"
            } else {
                ""
            };
            warnings.about(
                "agent-inject-containers",
                format!("the pod has no container `{name}`{hint}"),
            );
        }
    }
    let copied = annotations.get(key!("agent-copy-volume-mounts"));
    if !copied.is_empty()
        && !named(copied)
        && !pod
            .init_containers
            .iter()
            .any(|container| container.name == copied)
    {
        warnings.about(
            "agent-copy-volume-mounts",
            format!("the pod has no container `{copied}`: nothing is copied"),
        );
    }
}
