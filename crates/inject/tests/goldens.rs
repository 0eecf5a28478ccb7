//! Pods as people write them, and what becomes of each: decision, warnings, explanation, patch and the pod after it.
//!
//! `UPDATE_GOLDENS=1 cargo test -p pannier-inject --test goldens` writes the files anew; read the difference before you commit it.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::{REQUEST, after, settings};
use pannier_inject::{Decision, explain, review};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// Name, flags and pod of each case.
fn cases() -> Vec<(String, Vec<String>, Value)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .strip_suffix(".pod.yaml")
            .map(str::to_owned)
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let flags = text
            .lines()
            .find_map(|line| line.strip_prefix("# flags: "))
            .unwrap_or_default();
        cases.push((
            name,
            flags.split_whitespace().map(str::to_owned).collect(),
            serde_saphyr::from_str(&text).unwrap(),
        ));
    }
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    cases
}

/// The patch with one operation a line, so that a difference can be read.
fn patch_text(injection: &pannier_inject::Injection) -> String {
    let lines: Vec<String> = injection
        .patch
        .iter()
        .map(|operation| serde_json::to_string(operation).unwrap())
        .collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[test]
fn every_pod_gives_what_its_golden_files_say() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    let mut differences = String::new();
    let cases = cases();
    assert!(cases.len() >= 20, "{} cases", cases.len());
    for (name, flags, pod) in cases {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let settings = settings(&flags);
        let decision = review(&pod, &REQUEST, &settings);
        let mut files = vec![("explain.txt", explain("Pod app/app", &decision, &settings))];
        if let Decision::Inject(injection) = &decision {
            files.push(("patch.json", patch_text(injection)));
            files.push((
                "after.yaml",
                serde_saphyr::to_string(&after(&pod, injection)).unwrap(),
            ));
        }
        for kind in ["explain.txt", "patch.json", "after.yaml"] {
            let path = folder().join(format!("{name}.{kind}"));
            let expected = std::fs::read_to_string(&path).ok();
            let actual = files
                .iter()
                .find(|(other, _)| *other == kind)
                .map(|(_, text)| text.clone());
            match (&actual, update) {
                _ if actual == expected => {}
                (Some(text), true) => std::fs::write(&path, text).unwrap(),
                (None, true) => std::fs::remove_file(&path).unwrap(),
                (_, false) => {
                    let line = first_difference(
                        expected.as_deref().unwrap_or_default(),
                        actual.as_deref().unwrap_or_default(),
                    );
                    writeln!(differences, "{}: {line}", path.display()).unwrap();
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "golden files differ:\n{differences}"
    );
}

fn first_difference(expected: &str, actual: &str) -> String {
    let at = expected
        .lines()
        .zip(actual.lines())
        .take_while(|(one, other)| one == other)
        .count();
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    format!(
        "line {}\n  expected {}\n  got      {}",
        at + 1,
        line(expected),
        line(actual)
    )
}
