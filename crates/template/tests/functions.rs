//! What `bao agent` itself rendered, as data: `oracle/ask_bao.py` wrote `data/functions/*.json` and says how to write
//! them again. Where we differ on purpose, `data/functions/differences.json` holds our answer and COMPATIBILITY.md the reason.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pannier_go::json::{self, Json};
use pannier_template::host::Interfaces;
use pannier_template::{Limits, MissingKey, Options, Render, Template, Value};
use support::{World, network};

/// The text, or the error as the original words it.
fn render(text: &str, network: &Interfaces) -> Result<Vec<u8>, String> {
    let options = Options {
        missing_key: MissingKey::Zero,
        ..Options::default()
    };
    let template = Template::parse("", text, &options)
        .map_err(|error| format!("(dynamic): parse: {}", error.message()))?;
    let world = World::new(network.clone());
    match template.render(&world, Value::Nil, &Limits::default()) {
        Ok(Render::Text(text)) => Ok(text.to_vec()),
        Ok(Render::Needs(needs)) => Err(format!("needs {needs:?}")),
        Err(error) => Err(format!("(dynamic): execute: {}", error.message())),
    }
}

/// What the feature `certificates` brings; the endings are left out.
const CERTIFICATES: &[&str] = &[
    "sprig_buildCustomCert",
    "sprig_genCA",
    "sprig_genPrivateKey",
    "sprig_genS",
];

fn field<'j>(row: &'j Json, name: &str) -> Option<&'j str> {
    row.get(name).and_then(Json::as_str)
}

fn read(name: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/functions")
        .join(name);
    let text = std::fs::read_to_string(&path).expect("the data is there");
    let mut json = json::decode(text).expect("the data is JSON");
    match &mut json {
        Json::Array(rows) => std::mem::take(rows),
        _ => panic!("{name} is no list"),
    }
}

fn expected(row: &Json) -> Result<Vec<u8>, String> {
    if let Some(text) = field(row, "out") {
        return Ok(text.as_bytes().to_vec());
    }
    if let Some(encoded) = field(row, "base64") {
        return Ok(BASE64.decode(encoded).expect("the data is base 64"));
    }
    if let Some(error) = field(row, "err") {
        return Err(error.to_owned());
    }
    Err("the row has neither out nor err".to_owned())
}

fn shown(result: &Result<Vec<u8>, String>) -> String {
    match result {
        Ok(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Err(error) => format!("ERROR {error}"),
    }
}

/// Errors are the same but for two things: the original's redaction mangles a per cent sign, after which nothing is
/// compared; and ours hides every value of a secret, where the original hides some.
fn same(ours: &Result<Vec<u8>, String>, theirs: &Result<Vec<u8>, String>) -> bool {
    let (Err(ours), Err(theirs)) = (ours, theirs) else {
        return ours == theirs;
    };
    if theirs.contains("(MISSING)") {
        let at = theirs.find('%').unwrap_or(theirs.len());
        return ours.get(..at) == theirs.get(..at);
    }
    let mut rest = theirs.trim_end();
    let pieces: Vec<&str> = ours.trim_end().split("[redacted]").collect();
    for (i, piece) in pieces.iter().enumerate() {
        let last = i + 1 == pieces.len();
        let at = match (i, last) {
            (0, _) => rest.starts_with(piece).then_some(0),
            (_, true) => rest
                .len()
                .checked_sub(piece.len())
                .filter(|at| rest.ends_with(piece) && *at > 0),
            _ => rest.find(piece),
        };
        let Some(at) = at else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

/// Sections 10 to 12 of the specification of the language. A missing secret and a missing key are the agent's to report
/// and are tested there.
#[test]
fn worked_examples_render_as_the_specification_says() {
    check("../worked");
}

fn check(name: &str) {
    check_in(name, &network::usual());
}

fn check_in(name: &str, network: &Interfaces) {
    let mut differences: BTreeMap<String, Json> = read("differences.json")
        .into_iter()
        .filter_map(|row| Some((field(&row, "t")?.to_owned(), row)))
        .collect();
    let rows = read(&format!("{name}.json"));
    let mut wrong = Vec::new();
    for row in &rows {
        let text = field(row, "t").expect("a row has a template");
        let theirs = expected(row);
        let wanted = differences
            .remove(text)
            .map_or_else(|| theirs.clone(), |row| expected(&row));
        let ours = render(text, network);
        if !cfg!(feature = "certificates") && CERTIFICATES.iter().any(|name| text.contains(name)) {
            // Left out of this build: not known, and nothing else.
            let unknown = |error: &String| error.contains("\" not defined");
            assert!(ours.as_ref().is_err_and(unknown), "{text}");
            continue;
        }
        if !same(&ours, &wanted) {
            wrong.push(format!(
                "{text}\n    wanted {}\n    got    {}",
                shown(&wanted),
                shown(&ours)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ in {name}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

#[test]
fn strings_of_consul_template_are_those_of_the_original() {
    check("consul_text");
}

#[test]
fn json_yaml_and_toml_are_those_of_the_original() {
    check("consul_parse");
}

#[test]
fn collections_arithmetic_and_debugging_are_those_of_the_original() {
    check("consul_other");
}

#[test]
fn strings_of_sprig_are_those_of_the_original() {
    check("sprig_text");
}

#[test]
fn lists_and_dictionaries_of_sprig_are_those_of_the_original() {
    check("sprig_lists");
}

#[test]
fn numbers_and_types_of_sprig_are_those_of_the_original() {
    check("sprig_numbers");
}

#[test]
fn everything_else_of_sprig_is_that_of_the_original() {
    check("sprig_other");
}

#[test]
fn examples_of_the_reference_page_are_those_of_the_original() {
    check("examples");
}

#[test]
fn functions_refuse_what_the_original_refuses() {
    check("misuse");
}

#[test]
fn odd_values_of_json_yaml_and_toml_are_those_of_the_original() {
    check("odd_yaml");
}

#[test]
fn odd_texts_patterns_and_numbers_are_those_of_the_original() {
    check("odd_text");
}

#[test]
fn odd_numbers_dates_lists_and_paths_are_those_of_the_original() {
    check("odd_values");
}

#[test]
fn addresses_of_the_machine_are_picked_as_the_original_picks_them() {
    check("sockaddr");
}

#[test]
fn addresses_set_aside_are_picked_as_the_original_picks_them() {
    check_in("sockaddr_odd", &network::odd());
}

#[test]
fn odd_versions_spans_dates_and_merges_are_those_of_the_original() {
    check("odd_objects");
}

#[test]
fn mistakes_in_json_toml_base_64_and_patterns_are_those_of_the_original() {
    check("odd_parse");
}

#[test]
fn mistakes_places_and_scopes_are_those_of_the_original() {
    check("odd_engine");
}

#[test]
fn random_calls_within_calls_are_those_of_the_original() {
    check("random");
}

#[test]
fn what_templates_do_with_secrets_is_as_in_the_original() {
    check("secrets");
}
