//! `pannier explain`: what would be injected, in words.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the edge that prints"
)]

use std::process::ExitCode;

use pannier_go::flag::Flag;
use pannier_inject::Decision;

use crate::offline;

static FLAGS: &[Flag] = &[offline::FILE, offline::NAMESPACE];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match told(arguments) {
        Ok((text, refused)) => {
            print!("{text}");
            if refused {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(offline::Stop::Help) => {
            eprint!(
                "{}",
                offline::help(
                    "explain",
                    "tells what would be injected into the pods of FILE",
                    FLAGS
                )
            );
            ExitCode::SUCCESS
        }
        Err(offline::Stop::Failed(lines)) => {
            for line in lines {
                eprintln!("pannier explain: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The text, and whether a pod was refused.
fn told(arguments: &[String]) -> Result<(String, bool), offline::Stop> {
    let (settings, outside) = offline::settings(arguments, FLAGS)?;
    let input = offline::input(&outside)?;
    let mut parts = Vec::new();
    let mut refused = false;
    for document in &input.documents {
        for reviewed in offline::review(document, &input, &settings) {
            refused |= matches!(reviewed.decision, Decision::Deny(_));
            let mut text =
                pannier_inject::explain(&reviewed.subject, &reviewed.decision, &settings);
            if !reviewed.admitted.is_empty() && matches!(reviewed.decision, Decision::Inject(_)) {
                text.push_str(&format!("\nnote: {}\n", offline::ADMITTED));
            }
            parts.push(text);
        }
    }
    if parts.is_empty() {
        parts.push(format!(
            "{}: holds no pod and no workload with a pod template\n",
            input.name
        ));
    }
    Ok((parts.join("\n"), refused))
}
