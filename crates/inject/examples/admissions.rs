//! How long one admission takes without network and TLS: `cargo run --release -p pannier-inject --example admissions -- FILE [COUNT]`.
//!
//! FILE holds the body of an AdmissionReview. Made for profilers: everything happens in one thread, one after the other.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "an example prints, and ends at the first surprise"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use pannier_inject::{Settings, admission};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("the body's file");
    let count = arguments.next().map_or(10_000, |text| {
        text.parse::<u32>().expect("a number of admissions")
    });
    let body = std::fs::read(file).expect("a file that can be read");
    let flags = ["-vault-address=http://vault.vault.svc:8200".to_owned()];
    let settings = Settings::new(&flags, &BTreeMap::new()).expect("settings that hold");
    let begun = Instant::now();
    let mut bytes = 0;
    for _ in 0..count {
        let review = admission::read(&body).expect("an AdmissionReview");
        let verdict = admission::decide(&review.question, &settings);
        bytes += review.answer(&verdict).expect("an answer").len();
    }
    let each = begun.elapsed() / count;
    println!(
        "{} bytes in, {} bytes out, {:.1} µs each",
        body.len(),
        bytes / count as usize,
        each.as_secs_f64() * 1e6
    );
}
