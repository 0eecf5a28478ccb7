//! Writes pods for a real API server: `cargo run -p pannier-inject --example generated_pods -- 300 [SEED]`.
//!
//! One `v1.List` on standard output, in it as many random pods as asked for, all of which [`review`] injects. Whoever
//! sends them through the webhook learns whether the pods after the patch are valid in the API server's eyes.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example prints"
)]

#[path = "../tests/common/generate.rs"]
#[expect(dead_code, reason = "tests use the rest of it")]
mod generate;

use std::collections::BTreeMap;
use std::process::ExitCode;

use pannier_inject::{Decision, Request, Settings, review};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(count)), seed) = (numbers.next(), numbers.next().unwrap_or(Ok(1))) else {
        eprintln!("usage: generated_pods COUNT [SEED]");
        return ExitCode::FAILURE;
    };
    let Ok(seed) = seed else {
        eprintln!("generated_pods: expected a number as seed");
        return ExitCode::FAILURE;
    };
    let settings = Settings::new(
        &["-vault-address=http://vault.vault.svc:8200".to_owned()],
        &BTreeMap::new(),
    );
    let Ok(settings) = settings else {
        eprintln!("generated_pods: the settings are refused");
        return ExitCode::FAILURE;
    };
    let request = Request {
        namespace: "app",
        ..Request::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let mut items = Vec::new();
    let mut tried = 0;
    while (items.len() as u64) < count {
        tried += 1;
        let Ok(tree) = generate::valid_pod().new_tree(&mut runner) else {
            continue;
        };
        let mut pod = tree.current();
        if matches!(review(&pod, &request, &settings), Decision::Inject(_)) {
            pod["metadata"]["name"] = format!("generated-{}", items.len()).into();
            items.push(pod);
        }
    }
    eprintln!("generated_pods: {count} of {tried} generated pods are injected");
    println!(
        "{}",
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    );
    ExitCode::SUCCESS
}
