//! The logger as a program has it: one for the process, so all of it is one test.
#![expect(clippy::unwrap_used, reason = "tests")]

use pannier_log::{FileOptions, Format, Level, Options, init};
use std::time::Duration;

#[test]
fn events_of_the_chosen_level_reach_the_file_under_their_loggers_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let file = FileOptions {
        path: path.to_str().unwrap().to_owned(),
        default_name: String::new(),
        rotate_bytes: 0,
        rotate_duration: Duration::ZERO,
        max_files: 0,
    };
    let handle = init(Options {
        file: Some(file),
        ..Options::new(Level::Info, Format::Json)
    })
    .unwrap();
    let speak = |word: &str| {
        tracing::debug!(target: "handler", word, "quiet");
        tracing::info!(target: "handler.certwatcher", word, count = 3, ready = true, "loud");
        tracing::info!(target: "kube_client::client", word, "a library");
        tracing::warn!(target: "kube_client::client", word, "a library's warning");
    };
    speak("first");
    handle.set_level(Level::Debug);
    speak("second");
    handle.set_level(Level::Error);
    speak("third");
    assert_eq!(handle.level(), Level::Error);

    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seen: Vec<_> = lines
        .iter()
        .map(|l| format!("{} {} {}", l["@module"], l["@message"], l["word"]).replace('"', ""))
        .collect();
    assert_eq!(
        seen,
        [
            "handler.certwatcher loud first",
            "kube_client::client a library's warning first",
            "handler quiet second",
            "handler.certwatcher loud second",
            "kube_client::client a library's warning second",
        ]
    );
    assert_eq!(lines[0]["count"], 3);
    assert_eq!(lines[0]["ready"], true);
    assert!(
        init(Options::default()).is_err(),
        "a process has one logger"
    );
}
