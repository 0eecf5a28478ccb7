//! `pannier inject`: the injection, offline, on manifests.

#![expect(clippy::print_stderr, reason = "this is the edge that prints")]

use std::io::Write as _;
use std::process::ExitCode;

use pannier_go::flag::{Flag, Kind};
use pannier_inject::{Decision, Operation, Settings, patch};

use crate::manifest::{self, Document, Form};
use crate::offline::{self, Input, Reviewed};

static FLAGS: &[Flag] = &[
    offline::FILE,
    offline::NAMESPACE,
    Flag {
        name: "o",
        kind: Kind::Value("form"),
        env: "",
        default: "",
        help: "What to print: `yaml`, `json`, or `patch` (one JSON patch for each document). Without it the form of the input.",
        hidden: false,
    },
];

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Manifests(Option<Form>),
    Patch,
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match print(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(offline::Stop::Help) => {
            eprint!(
                "{}",
                offline::help(
                    "inject",
                    "prints the manifests of FILE with agents injected, as the webhook would",
                    FLAGS
                )
            );
            ExitCode::SUCCESS
        }
        Err(offline::Stop::Failed(lines)) => {
            for line in lines {
                eprintln!("pannier inject: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn print(arguments: &[String]) -> Result<(), offline::Stop> {
    let (settings, outside) = offline::settings(arguments, FLAGS)?;
    let output = match outside.own.last("o").unwrap_or_default() {
        "" => Output::Manifests(None),
        "yaml" => Output::Manifests(Some(Form::Yaml)),
        "json" => Output::Manifests(Some(Form::Json)),
        "patch" => Output::Patch,
        other => {
            return Err(offline::Stop::one(format!(
                "-o: expected `yaml`, `json` or `patch`, got `{other}`"
            )));
        }
    };
    let input = offline::input(&outside)?;
    let text = injected(&input, &settings, output, &mut |line| eprintln!("{line}"))?;
    // All or nothing: a refusal above leaves nothing half printed.
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(offline::Stop::one(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The whole output. Notes and warnings go to `tell`.
fn injected(
    input: &Input,
    settings: &Settings,
    output: Output,
    tell: &mut dyn FnMut(String),
) -> Result<String, offline::Stop> {
    let mut text = String::new();
    let mut refusals = Vec::new();
    for (at, document) in input.documents.iter().enumerate() {
        let operations = operations(document, input, settings, tell, &mut refusals);
        let form = match output {
            Output::Patch => {
                text.push_str(
                    &serde_json::to_string(&operations)
                        .map_err(|error| offline::Stop::one(error.to_string()))?,
                );
                text.push('\n');
                continue;
            }
            Output::Manifests(form) => form.unwrap_or(input.form),
        };
        if at > 0 && form == Form::Yaml {
            text.push_str("---\n");
        }
        match &document.value {
            Some(value) if !operations.is_empty() => {
                let mut value = value.clone();
                patch::apply(&mut value, &operations)
                    .map_err(|error| offline::Stop::one(error.to_string()))?;
                text.push_str(&manifest::write(&value, form).map_err(offline::Stop::one)?);
            }
            Some(value) if form != input.form => {
                text.push_str(&manifest::write(value, form).map_err(offline::Stop::one)?)
            }
            _ if form == input.form => text.push_str(&document.text),
            _ => {}
        }
    }
    if refusals.is_empty() {
        Ok(text)
    } else {
        Err(offline::Stop::Failed(refusals))
    }
}

/// What changes in one document.
fn operations(
    document: &Document,
    input: &Input,
    settings: &Settings,
    tell: &mut dyn FnMut(String),
    refusals: &mut Vec<String>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for reviewed in offline::review(document, input, settings) {
        let Reviewed {
            found,
            subject,
            admitted,
            decision,
        } = reviewed;
        for warning in decision.warnings() {
            tell(format!("warning: {subject}: {warning}"));
        }
        match decision {
            Decision::Skip(_) => {}
            Decision::Deny(denial) => refusals.push(format!(
                "{subject}: {}",
                offline::with_hint(&denial.message, &found.pod)
            )),
            Decision::Inject(injection) => {
                if !admitted.is_empty() {
                    tell(format!("note: {subject}: {}", offline::ADMITTED));
                }
                operations.extend(manifest::at(&found.pointer, admitted));
                operations.extend(manifest::at(&found.pointer, injection.patch));
            }
        }
    }
    operations
}
