//! What the original libraries answered, compared with what we answer.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use pannier_go::json::{Style, decode};
use pannier_inject::{json_patch, quantity};
use serde_json::Value;

#[test]
fn json_patches_give_what_the_go_library_gives() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("oracle/json-patch.json")).unwrap();
    assert!(cases.len() >= 49, "the file has {} cases", cases.len());
    for case in cases {
        let text = |member: &str| case[member].as_str().unwrap_or_default();
        let document = decode(text("document")).unwrap();
        let answer = match json_patch::read(text("patch")) {
            Err(error) => Err(format!("decode: {error}")),
            Ok(patch) => json_patch::apply(&document, &patch).map_err(|error| error.to_string()),
        };
        let answer = answer.map(|value| value.encode(Style::COMPACT));
        let expected = match case["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(text("result").to_owned()),
        };
        assert_eq!(answer, expected, "{}", text("name"));
    }
}

#[test]
fn quantities_are_written_as_the_go_library_writes_them() {
    let values: Value = serde_json::from_str(include_str!("oracle/go-values.json")).unwrap();
    let quantities = values["quantities (canonical form)"].as_object().unwrap();
    assert!(
        quantities.len() >= 50,
        "the file has {} quantities",
        quantities.len()
    );
    for (text, expected) in quantities {
        let answer = quantity::canonical(text).unwrap_or_else(|_| "ERR".to_owned());
        assert_eq!(answer, expected.as_str().unwrap(), "{text:?}");
    }
}

#[test]
fn durations_are_read_as_go_reads_them() {
    let values: Value = serde_json::from_str(include_str!("oracle/go-values.json")).unwrap();
    for (text, expected) in values["durations (nanoseconds)"].as_object().unwrap() {
        let answer = pannier_go::Duration::parse(text).map_or_else(
            |_| "ERR".to_owned(),
            |duration| duration.nanos().to_string(),
        );
        assert_eq!(answer, expected.as_str().unwrap(), "{text:?}");
    }
}
