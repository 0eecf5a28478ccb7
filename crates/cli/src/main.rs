//! The injector, and everything a person runs.

fn main() {}
