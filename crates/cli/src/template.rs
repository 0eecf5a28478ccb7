//! `pannier template`: renders a template without Vault, for people who write them.

#![expect(clippy::print_stderr, reason = "this is the edge that prints")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pannier_go::flag::{self, Flag, FlagError, Kind, Parsed};
use pannier_go::json::{self, Json};
use pannier_template::host::Interfaces;
use pannier_template::json::{Numbers, to_value};
use pannier_template::{
    Answer, Certificates, Dependency, Host, Limits, MissingKey, Options, Render, Secret, Template,
    Text, Value,
};

const fn value(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        kind: Kind::Value(value),
        env: "",
        default,
        help,
        hidden: false,
    }
}

static FLAGS: &[Flag] = &[
    value(
        "data",
        "JSON-FILE",
        "",
        "What the dot is at the start; nothing without it.",
    ),
    value(
        "numbers",
        "float|number",
        "float",
        "How the numbers of `-data` are read: as float64, or with their digits as json.Number.",
    ),
    value(
        "secret",
        "PATH=JSON-FILE",
        "",
        "What `secret \"PATH\"` answers; may be repeated. The file holds an answer of the API, as `vault read -format=json` prints it, or only its data.",
    ),
    value("left-delimiter", "TEXT", "{{", "What opens an action."),
    value("right-delimiter", "TEXT", "}}", "What closes an action."),
    value(
        "missing-key",
        "default|zero|error|invalid",
        "default",
        "What a key gives that a map does not have.",
    ),
];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let parsed = match read_arguments(arguments) {
        Ok(parsed) => parsed,
        Err(FlagError::Help) => {
            eprint!(
                "Usage: pannier template [flags] FILE|-\n\nRenders a template with no Vault at all.\n\nFlags:\n{}",
                flag::help(FLAGS)
            );
            return ExitCode::SUCCESS;
        }
        Err(error) => return failed(&error.to_string()),
    };
    match rendered(&parsed) {
        Ok(text) => match std::io::stdout().write_all(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("writing the text: {error}")),
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &str) -> ExitCode {
    eprintln!("pannier template: {error}");
    ExitCode::FAILURE
}

/// Flags may stand before and after the file.
fn read_arguments(arguments: &[String]) -> Result<Parsed, FlagError> {
    let mut all = Parsed::default();
    let mut rest = arguments.to_vec();
    loop {
        let parsed = flag::parse(FLAGS, &rest)?;
        all.given.extend(parsed.given);
        let Some((file, after)) = parsed.rest.split_first() else {
            return Ok(all);
        };
        all.rest.push(file.clone());
        rest = after.to_vec();
    }
}

fn rendered(parsed: &Parsed) -> Result<Text, String> {
    let [file] = parsed.rest.as_slice() else {
        return Err(format!(
            "expected one file or `-`, got {}",
            parsed.rest.len()
        ));
    };
    let source = if file == "-" {
        let mut source = Vec::new();
        std::io::stdin()
            .read_to_end(&mut source)
            .map_err(|error| format!("reading standard input: {error}"))?;
        source
    } else {
        read(file)?
    };
    let dot = match parsed.last("data") {
        None => Value::Nil,
        Some(file) => {
            let numbers = match parsed.last("numbers").unwrap_or("float") {
                "float" => Numbers::Float,
                "number" => Numbers::Digits,
                other => {
                    return Err(format!(
                        "-numbers: expected `float` or `number`, got `{other}`"
                    ));
                }
            };
            to_value(&read_json(file)?, numbers).map_err(|error| format!("{file}: {error}"))?
        }
    };
    let missing_key = match parsed.last("missing-key").unwrap_or("default") {
        "default" | "invalid" => MissingKey::Invalid,
        "zero" => MissingKey::Zero,
        "error" => MissingKey::Error,
        other => {
            return Err(format!(
                "-missing-key: expected `default`, `zero`, `error` or `invalid`, got `{other}`"
            ));
        }
    };
    let options = Options {
        left: parsed.last("left-delimiter").unwrap_or_default().to_owned(),
        right: parsed
            .last("right-delimiter")
            .unwrap_or_default()
            .to_owned(),
        missing_key,
        ..Options::default()
    };
    let host = Workshop::new(parsed.all("secret"))?;
    let template = Template::parse("", source, &options).map_err(|error| error.report())?;
    match template
        .render(&host, dot, &Limits::default())
        .map_err(|error| error.report())?
    {
        Render::Text(text) => Ok(text),
        Render::Needs(needs) => Err(missing(&needs)),
    }
}

/// Every question of the template that no `-secret` answers.
fn missing(needs: &[Dependency]) -> String {
    let wanted: BTreeSet<String> = needs
        .iter()
        .map(|need| match need {
            Dependency::Read { path, .. }
            | Dependency::Write { path, .. }
            | Dependency::Pki { path, .. } => {
                format!("no answer is known for `{path}`: give one with `-secret {path}=JSON-FILE`")
            }
            Dependency::List { path } => format!("no answer is known for the list of `{path}`"),
            Dependency::File { path } => format!("{path}: the file cannot be read"),
        })
        .collect();
    wanted.into_iter().collect::<Vec<_>>().join("\n")
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}"))
}

fn read_json(file: &str) -> Result<Json, String> {
    json::decode(read(file)?).map_err(|error| format!("{file}: {error}"))
}

/// Members of an answer of the API. An object with any other member is taken for the data alone.
const ANSWER: [&str; 9] = [
    "auth",
    "data",
    "lease_duration",
    "lease_id",
    "mount_type",
    "renewable",
    "request_id",
    "warnings",
    "wrap_info",
];

/// The secret in a file: an answer of the API, or only its data.
fn secret(file: &str) -> Result<Secret, String> {
    let content = read(file)?;
    let json = json::decode(&content).map_err(|error| format!("{file}: {error}"))?;
    let is_object = |json: Option<&Json>| json.is_some_and(|json| json.as_object().is_some());
    let has = |name: &str, member: &str| {
        json.get(name)
            .is_some_and(|inner| inner.get(member).is_some())
    };
    let is_answer = json
        .as_object()
        .is_some_and(|members| members.keys().all(|name| ANSWER.contains(&name.as_str())))
        && (is_object(json.get("data"))
            || has("auth", "client_token")
            || has("wrap_info", "token"));
    if !is_answer {
        return Ok(Secret {
            data: json,
            ..Secret::default()
        });
    }
    let answer =
        pannier_vault::Secret::parse(&content).map_err(|error| format!("{file}: {error}"))?;
    Ok(pannier_agent::secret(answer))
}

/// Answers from the files of the command line, the environment and the clock. Programs are not run and files are not
/// written, since rendering is only tried out here.
struct Workshop {
    secrets: BTreeMap<String, Arc<Secret>>,
    randomness: RefCell<Option<std::fs::File>>,
}

impl Workshop {
    fn new<'a>(given: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut secrets = BTreeMap::new();
        for pair in given {
            // A path may hold `=`, a file's name hardly ever does.
            let Some((path, file)) = pair.rsplit_once('=') else {
                return Err(format!("-secret: expected PATH=JSON-FILE, got `{pair}`"));
            };
            let path = path.trim().trim_matches('/').to_owned();
            secrets.insert(path, Arc::new(secret(file)?));
        }
        Ok(Self {
            secrets,
            randomness: RefCell::new(std::fs::File::open("/dev/urandom").ok()),
        })
    }

    fn answer(&self, path: &str, query: &str) -> Option<Arc<Secret>> {
        let with_query = format!("{path}?{query}");
        self.secrets
            .get(&with_query)
            .or_else(|| self.secrets.get(path))
            .map(Arc::clone)
    }
}

impl Host for Workshop {
    fn lookup(&self, dependency: &Dependency) -> Option<Answer> {
        match dependency {
            Dependency::Read { path, query } => self
                .answer(path, query)
                .map(|secret| Answer::Secret(Some(secret))),
            Dependency::Write { path, .. } => self
                .answer(path, "")
                .map(|secret| Answer::Secret(Some(secret))),
            Dependency::List { path } => {
                let below = format!("{path}/");
                let names: BTreeSet<String> = self
                    .secrets
                    .keys()
                    .filter_map(|path| path.strip_prefix(&below))
                    .map(|rest| {
                        rest.split_once('/')
                            .map_or_else(|| rest.to_owned(), |(folder, _)| format!("{folder}/"))
                    })
                    .collect();
                Some(Answer::List(names.into_iter().collect()))
            }
            Dependency::Pki { path, .. } => {
                let secret = self.answer(path, "")?;
                let text = |name: &str| {
                    let text = secret
                        .data
                        .get(name)
                        .and_then(Json::as_str)
                        .unwrap_or_default()
                        .trim_end();
                    if text.is_empty() {
                        String::new()
                    } else {
                        format!("{text}\n")
                    }
                };
                Some(Answer::Certificates(Arc::new(Certificates {
                    cert: text("certificate"),
                    key: text("private_key"),
                    ca: text("issuing_ca"),
                    ca_chain: Vec::new(),
                })))
            }
            Dependency::File { path } => std::fs::read(path)
                .ok()
                .map(|content| Answer::File(content.into())),
        }
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn now(&self) -> (i64, u32) {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => (
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                since.subsec_nanos(),
            ),
            Err(_) => (0, 0),
        }
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        match self.randomness.borrow_mut().as_mut() {
            Some(source) => source
                .read_exact(bytes)
                .map_err(|error| format!("/dev/urandom: {error}")),
            None => Err("/dev/urandom cannot be read".to_owned()),
        }
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        pannier_agent::resolve(name)
    }

    fn interfaces(&self) -> Result<Interfaces, String> {
        pannier_agent::interfaces()
    }

    fn debug_output(&self, text: &[u8]) {
        drop(std::io::stdout().write_all(text));
    }
}
