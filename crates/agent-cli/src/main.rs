//! The program that runs in pods; it answers to the name vault too.

fn main() {}
