//! Every recorded answer of Go's `text/template`: the same output and the same error text.

#![expect(clippy::unwrap_used, reason = "a broken data file must fail the test")]

#[path = "../oracle/support.rs"]
mod support;

use std::collections::BTreeMap;

use pannier_go::json::{self, Json};
use pannier_template::{Limits, MissingKey, Options, Template};

fn text<'c>(case: &'c Json, name: &str) -> &'c str {
    case.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Output, error and phase, as the oracle reports them.
fn answer(case: &Json, data: &Json) -> (String, String, &'static str) {
    let options = Options {
        left: text(case, "l").to_owned(),
        right: text(case, "r").to_owned(),
        missing_key: match text(case, "mk") {
            "zero" => MissingKey::Zero,
            "error" => MissingKey::Error,
            _ => MissingKey::Invalid,
        },
        functions: support::functions(),
        bare: true,
        ..Options::default()
    };
    let template = match Template::parse("t", text(case, "template"), &options) {
        Ok(template) => template,
        Err(error) => return (String::new(), error.message().to_owned(), "parse"),
    };
    let dot = support::data(data, text(case, "mode") == "number");
    let (result, out) = template.render_with_output(&support::NoHost, dot, &Limits::default());
    let out = out.to_lossy().into_owned();
    match result {
        Ok(_) => (out, String::new(), ""),
        Err(error) => (out, error.message().to_owned(), "exec"),
    }
}

fn check(file: &str, at_least: usize) {
    support::set_function_address(0x59_8f80);
    let content =
        std::fs::read(format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let content = json::decode(content).unwrap();
    let sets: &BTreeMap<String, Json> = content.get("data").and_then(Json::as_object).unwrap();
    let cases = content.get("cases").and_then(Json::as_array).unwrap();
    assert!(
        cases.len() >= at_least,
        "only {} cases in {file}",
        cases.len()
    );
    let mut failures = Vec::new();
    for case in cases {
        let (out, error, phase) = answer(case, &sets[text(case, "data")]);
        let wanted = (
            text(case, "output"),
            text(case, "error"),
            text(case, "phase"),
        );
        if (out.as_str(), error.as_str(), phase) != wanted {
            failures.push(format!(
                "{} ({})\n  template {:?}\n  wanted {wanted:?}\n  got    {:?}",
                text(case, "id"),
                text(case, "category"),
                text(case, "template").chars().take(300).collect::<String>(),
                (out, error, phase)
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} differ:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn answers_our_own_cases_as_go_does() {
    // Written by `make go-cases`.
    check("go-recorded.json", 2000);
}

#[test]
fn answers_the_recorded_cases_as_go_does() {
    check("go-templates.json", 489);
}
