//! A configuration in JSON, and the same text after one that is good: merged or refused, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier_agent_config::{Source, load};

const GOOD: &str = r#"{"listener":[{"type":"tcp","tls_disable":true}]}"#;

fuzz_target!(|text: &str| {
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let text = format!("{{{text}");
    let alone = load(&[source("agent.json", &text)]);
    let after = load(&[source("good.json", GOOD), source("agent.json", &text)]);
    // A good source before it can take problems of the whole away, but never adds one.
    assert!(alone.is_err() || after.is_ok());
});
