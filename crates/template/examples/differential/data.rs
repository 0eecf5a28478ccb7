//! Random data for the dot.

use serde_json::{Value, json};

use crate::random::Random;

/// Keys that templates reach for.
pub(crate) const KEYS: &[&str] = &[
    "a",
    "b",
    "c",
    "k1",
    "name",
    "list",
    "m",
    "n",
    "s",
    "Data",
    "é",
    "with-dash",
    "nope",
    "Key",
    "i",
];

const STRINGS: &[&str] = &[
    "",
    "a",
    "hello",
    "x y",
    "5",
    "héllo ☃",
    "<b>&\"'</b>",
    "line1\nline2",
    "tab\there",
    "日本",
    "\u{0}",
    "\u{7f}",
    "\u{ad}",
    "\u{200b}",
    "back`tick",
    "%d%s",
    "\\",
    "😀",
    "a=b",
    "true",
    "\u{feff}x",
    "e\u{301}",
    "  ",
    "{{",
    "0x1F",
];

const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.5,
    0.1,
    1e6,
    999_999.0,
    1e21,
    1e-7,
    123_456_789.0,
    1e100,
    -2.5,
    3.0,
    1e20,
    5e-324,
    1.797e308,
    0.000_01,
    100_000.5,
    12_345_678.0,
    2e-5,
    65.0,
    1e300,
    0.3333333333333333,
];

const INTS: &[i64] = &[
    0,
    1,
    -1,
    2,
    3,
    5,
    10,
    65,
    97,
    255,
    256,
    -128,
    1000,
    1_000_000,
    8364,
    0x1f600,
    i64::MAX,
    i64::MIN,
    -42,
];

pub(crate) fn string(random: &mut Random) -> &'static str {
    random.word(STRINGS)
}

pub(crate) fn float(random: &mut Random) -> f64 {
    *random.pick(FLOATS)
}

pub(crate) fn int(random: &mut Random) -> i64 {
    *random.pick(INTS)
}

fn value(random: &mut Random, depth: usize) -> Value {
    let kinds = if depth == 0 { 7 } else { 10 };
    match random.below(kinds) {
        0 => Value::Null,
        1 => json!(random.chance(50)),
        2 => json!(float(random)),
        // Beyond 2^53 the oracle's decoder would round.
        3 => json!({"$int": int(random).clamp(-(1 << 50), 1 << 50)}),
        4 => json!({"$uint": random.below(1000)}),
        5 | 6 => json!(string(random)),
        7 => Value::Array(
            (0..random.below(5))
                .map(|_| value(random, depth - 1))
                .collect(),
        ),
        8 => Value::Array(
            (0..random.below(6))
                .map(|_| json!({"$int": random.below(20)}))
                .collect(),
        ),
        _ => map(random, depth - 1),
    }
}

fn map(random: &mut Random, depth: usize) -> Value {
    let count = random.below(6);
    Value::Object(
        (0..count)
            .map(|_| ((*random.pick(KEYS)).to_owned(), value(random, depth)))
            .collect(),
    )
}

/// Mostly a map with everything that templates like to find.
pub(crate) fn dot(random: &mut Random) -> Value {
    if random.chance(8) {
        return value(random, 2);
    }
    let mut dot = map(random, 3);
    for (key, usual) in [
        ("a", json!([1, 2, 3])),
        ("b", json!(random.chance(50))),
        ("n", json!(float(random))),
        ("s", json!(string(random))),
        ("i", json!({"$int": random.below(7)})),
        (
            "m",
            json!({"k1": "v1", "k2": {"x": "y"}, "a": value(random, 1)}),
        ),
        (
            "list",
            json!([{"name": "x", "n": 1}, {"name": "y", "n": {"$int": 2}}]),
        ),
    ] {
        if random.chance(75) {
            dot[key] = usual;
        }
    }
    dot
}
