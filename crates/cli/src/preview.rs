//! `pannier preview`: the files a pod would get, made now, from the server the user is logged in to.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the edge that prints"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pannier_agent::{Agent, Process};
use pannier_agent_config::{Arguments, Config, Environment, Settings, Source, load};
use pannier_go::flag::{Flag, Kind};
use pannier_inject::{Decision, patch};
use pannier_redacted::Redacted;
use serde_json::Value;

use crate::offline::{self, Stop};

static FLAGS: &[Flag] = &[
    offline::FILE,
    offline::NAMESPACE,
    value(
        "root",
        "folder",
        "preview",
        "Folder below which the files are written, one folder for each pod.",
    ),
    value(
        "address",
        "url",
        "",
        "The server; without it `VAULT_ADDR`, without that the address of the pod.",
    ),
    value(
        "role",
        "name",
        "",
        "Log in with the `kubernetes` method and this role instead of using a token.",
    ),
    value(
        "token-path",
        "file",
        "",
        "The service-account token for `-role`; without it the pod's own path.",
    ),
    Flag {
        name: "allow-writes",
        kind: Kind::Bool,
        env: "",
        default: "false",
        help: "Let templates write to the server and have certificates issued.",
        hidden: false,
    },
];

const fn value(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        kind: Kind::Value(kind),
        env: "",
        default,
        help,
        hidden: false,
    }
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match preview(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Stop::Help) => {
            eprint!(
                "{}",
                offline::help(
                    "preview",
                    "writes the files that the pods of FILE would get below a folder",
                    FLAGS
                )
            );
            ExitCode::SUCCESS
        }
        Err(Stop::Failed(lines)) => {
            for line in lines {
                eprintln!("pannier preview: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// How to get at the server.
struct Access {
    environment: Environment,
    address: Option<String>,
    role: Option<String>,
    token_path: Option<String>,
    writes: bool,
}

/// Whether every file could be made.
fn preview(arguments: &[String]) -> Result<bool, Stop> {
    let (settings, outside) = offline::settings(arguments, FLAGS)?;
    let input = offline::input(&outside)?;
    let given = |flag: &str| {
        outside
            .own
            .last(flag)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let root = PathBuf::from(outside.own.last("root").unwrap_or("preview"));
    let access = Access {
        environment: Environment::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        })),
        address: given("address"),
        role: given("role"),
        token_path: given("token-path"),
        writes: outside.own.bool("allow-writes").unwrap_or(false),
    };
    let mut complete = true;
    let mut seen = false;
    for document in &input.documents {
        for reviewed in offline::review(document, &input, &settings) {
            let subject = &reviewed.subject;
            seen = true;
            let injection = match &reviewed.decision {
                Decision::Skip(_) => {
                    println!("{subject}: nothing is injected, so there are no files");
                    continue;
                }
                Decision::Deny(denial) => {
                    let text = offline::with_hint(&denial.message, &reviewed.found.pod);
                    return Err(Stop::one(format!("{subject}: {text}")));
                }
                Decision::Inject(injection) => injection,
            };
            let mut pod = reviewed.found.pod.clone();
            let applied = patch::apply(&mut pod, &reviewed.admitted)
                .and_then(|()| patch::apply(&mut pod, &injection.patch));
            applied.map_err(|error| Stop::one(format!("{subject}: {error}")))?;
            let folder = root.join(subject.replace(['/', ' '], "-").to_lowercase());
            complete &= files(subject, &pod, &folder, &access)?;
        }
    }
    if !seen {
        println!(
            "{}: holds no pod and no workload with a pod template",
            input.name
        );
    }
    Ok(complete)
}

/// Makes the files of one pod and tells of each.
fn files(subject: &str, pod: &Value, folder: &Path, access: &Access) -> Result<bool, Stop> {
    let stop = |text: String| Stop::one(format!("{subject}: {text}"));
    let text = agent_config(pod).ok_or_else(|| {
        stop(
            "the agent's configuration is in a ConfigMap, which cannot be seen from here"
                .to_owned(),
        )
    })?;
    let source = Source {
        name: "VAULT_CONFIG".to_owned(),
        text,
    };
    let mut config = load(&[source])
        .map_err(|problems| Stop::Failed(problems.iter().map(ToString::to_string).collect()))?;
    if let Some(address) = &access.address {
        config.vault.address = Some(address.clone());
    }
    log_in_as(&mut config, access);
    let arguments: Vec<String> = access
        .address
        .iter()
        .map(|address| format!("-address={address}"))
        .collect();
    let arguments = Arguments::parse(&arguments).map_err(|error| stop(error.to_string()))?;
    let mut settings = Settings::new(&arguments, &access.environment, &config)
        .map_err(|error| stop(error.to_string()))?;
    // A person is waiting: what cannot be reached is said at once.
    settings.max_retries = settings.max_retries.or(Some(0));
    let token = if access.role.is_some() {
        None
    } else {
        settings.token.clone().or_else(|| kept(&access.environment))
    };
    if token.is_none() && access.role.is_none() {
        return Err(stop(
            "there is no token: set `VAULT_TOKEN`, log in with `vault login`, or name a role with `-role`".to_owned(),
        ));
    }
    let process = Process {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings,
        environment: access.environment.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| stop(error.to_string()))?;
    let agent = Agent::new(config, process).map_err(|error| stop(error.to_string()))?;
    let made = runtime
        .block_on(agent.preview(folder, token, access.writes))
        .map_err(|failure| stop(one_line(&failure)))?;
    let mut complete = true;
    println!("{subject}:");
    for file in made {
        match file.failure {
            None => println!("  {}  ({})", file.path.display(), file.destination),
            Some(failure) => {
                complete = false;
                eprintln!("  {}: {}", file.destination, one_line(&failure));
            }
        }
    }
    Ok(complete)
}

/// A failure in one line, with what to do about it where that is known.
fn one_line(failure: &str) -> String {
    let mut line = String::new();
    for part in failure
        .lines()
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    let says = |text: &str| line.contains(text);
    let hint = if says("error authenticating") {
        "hint: does the role exist, and is it bound to this service account and namespace? `-role` chooses another"
    } else if says("Code: 403.") {
        "hint: the token has ended or no policy of it allows this path; see `vault token lookup`"
    } else if says("reading JWT") {
        "hint: name the file of a service-account token with `-token-path`"
    } else if says("connect") || says("lookup ") || says("timed out") || says("deadline") {
        "hint: is the server up at this address? Set `VAULT_ADDR` or `-address`"
    } else if says("certificate") {
        "hint: name the server's authority with `VAULT_CACERT`"
    } else if says("no secret exists") {
        "hint: is the path right? See `vault kv list`"
    } else {
        return line;
    };
    line.push_str("; ");
    line.push_str(hint);
    line
}

/// The configuration that the injected containers carry.
fn agent_config(pod: &Value) -> Option<String> {
    use base64::Engine as _;
    let spec = &pod["spec"];
    let containers = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|list| spec[list].as_array())
        .flatten();
    let variables = containers
        .filter_map(|container| container["env"].as_array())
        .flatten();
    let encoded = variables
        .into_iter()
        .find(|variable| variable["name"] == "VAULT_CONFIG")?["value"]
        .as_str()?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    String::from_utf8(bytes).ok()
}

/// No sink is written, and the login is the one asked for.
fn log_in_as(config: &mut Config, access: &Access) {
    let Some(auth) = &mut config.auto_auth else {
        return;
    };
    auth.sinks.clear();
    if let Some(role) = &access.role {
        use pannier_agent_config::Plain;
        if auth.method.kind != "kubernetes" {
            "kubernetes".clone_into(&mut auth.method.kind);
            "auth/kubernetes".clone_into(&mut auth.method.mount_path);
        }
        auth.method
            .config
            .0
            .insert("role".to_owned(), Plain::Text(role.clone()));
        if let Some(path) = &access.token_path {
            auth.method
                .config
                .0
                .insert("token_path".to_owned(), Plain::Text(path.clone()));
        }
    }
}

/// The token that `vault login` keeps.
fn kept(environment: &Environment) -> Option<Redacted> {
    let path = Path::new(environment.set("HOME")?).join(".vault-token");
    let text = Redacted::from(std::fs::read(path).ok()?);
    Some(Redacted::from(text.expose_bytes().trim_ascii())).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_that_says_what_to_do() {
        let denied = "vault.read(a): Error making API request.\n\nURL: GET http://h/v1/a\nCode: 403. Errors:\n\n* permission denied\n";
        assert_eq!(
            one_line(denied),
            "vault.read(a): Error making API request. URL: GET http://h/v1/a Code: 403. Errors: * permission denied; \
             hint: the token has ended or no policy of it allows this path; see `vault token lookup`"
        );
        assert_eq!(one_line("something else"), "something else");
    }

    #[test]
    fn the_configuration_is_found_in_either_list_of_containers() {
        let pod = |list: &str| serde_json::json!({"spec": {list: [{"env": [{"name": "A"}, {"name": "VAULT_CONFIG", "value": "e30="}]}]}});
        assert_eq!(agent_config(&pod("initContainers")).as_deref(), Some("{}"));
        assert_eq!(agent_config(&pod("containers")).as_deref(), Some("{}"));
        assert_eq!(agent_config(&serde_json::json!({"spec": {}})), None);
    }
}
