//! A configuration in HCL, as anybody may write it: read or refused with places that lie inside it, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier_agent_config::{Source, dump, load};

fuzz_target!(|text: &str| {
    let source = Source {
        name: "agent.hcl".to_owned(),
        text: text.to_owned(),
    };
    match load(&[source]) {
        Ok(config) => drop(dump(&config)),
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            let lines = text.split('\n').count();
            for place in problems.iter().filter_map(|problem| problem.at.as_ref()) {
                assert!(
                    (1..=lines).contains(&(place.line as usize)),
                    "{place} is outside the file"
                );
            }
        }
    }
});
