//! Any bytes, with any delimiters, are parsed or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier_template::{Options, Template};

fuzz_target!(|data: &[u8]| {
    // The first byte chooses the delimiters.
    let (choice, source) = data.split_first().unwrap_or((&0, &[]));
    let (left, right) =
        [("", ""), ("[[", "]]"), ("(", ")"), ("-", "-"), ("«", "»")][usize::from(choice % 5)];
    let options = Options {
        left: left.into(),
        right: right.into(),
        ..Options::default()
    };
    if let Err(error) = Template::parse("t", source, &options) {
        assert!(error.report().starts_with("template: t:"));
    }
});
