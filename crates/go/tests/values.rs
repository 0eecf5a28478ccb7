//! What Go itself answered, as data: `oracle/main.go` wrote `data/values.json` and says how to write it again.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;

use pannier_go::float::Form;
use pannier_go::json::{self, Style};
use pannier_go::{Duration, boolean, float, integer, quote};

#[derive(Debug, Clone)]
struct Row {
    input: Vec<u8>,
    argument: String,
    answer: Result<String, String>,
}

/// Bytes are kept as one character each in the data.
fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

fn latin(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| char::from(*b)).collect()
}

fn rows(group: &str) -> Vec<Row> {
    let all: BTreeMap<String, Vec<BTreeMap<String, String>>> =
        serde_json::from_str(include_str!("data/values.json")).unwrap();
    let field =
        |row: &BTreeMap<String, String>, name: &str| row.get(name).cloned().unwrap_or_default();
    all[group]
        .iter()
        .map(|row| Row {
            input: bytes(&field(row, "in")),
            argument: field(row, "arg"),
            answer: match row.get("err") {
                Some(error) => Err(error.clone()),
                None => Ok(field(row, "out")),
            },
        })
        .collect()
}

fn check(group: &str, ours: impl Fn(&Row) -> Result<String, String>) {
    let rows = rows(group);
    assert!(rows.len() > 10, "{group} has too few rows");
    let mut wrong = Vec::new();
    for row in &rows {
        let got = ours(row).map(latin).map_err(latin);
        if got != row.answer {
            let input: String = latin(&row.input).chars().take(60).collect();
            wrong.push(format!(
                "{group}({input:?}, {}): Go {:?}, here {got:?}",
                row.argument, row.answer
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

fn text<T: ToString, E: ToString>(result: Result<T, E>) -> Result<String, String> {
    result.map(|v| v.to_string()).map_err(|e| e.to_string())
}

fn number(row: &Row) -> u64 {
    String::from_utf8_lossy(&row.input).parse().unwrap()
}

#[test]
fn durations_read_as_go_reads_them() {
    check("duration", |row| {
        text(Duration::parse(&row.input).map(Duration::nanos))
    });
}

#[test]
fn durations_print_as_go_prints_them() {
    check("durationText", |row| {
        let nanos = String::from_utf8_lossy(&row.input).parse().unwrap();
        Ok(Duration::from_nanos(nanos).to_string())
    });
}

#[test]
fn integers_read_as_go_reads_them() {
    check("int", |row| {
        text(integer::parse_int(
            &row.input,
            row.argument.parse().unwrap(),
        ))
    });
    check("uint", |row| {
        text(integer::parse_uint(
            &row.input,
            row.argument.parse().unwrap(),
        ))
    });
    check("atoi", |row| text(integer::atoi(&row.input)));
}

#[test]
fn booleans_read_as_go_reads_them() {
    check("bool", |row| text(boolean::parse(&row.input)));
}

#[test]
fn floats_read_as_go_reads_them() {
    check("float", |row| {
        text(float::parse(&row.input).map(|v| {
            if v.is_nan() {
                9221120237041090561
            } else {
                v.to_bits()
            }
        }))
    });
}

#[test]
fn floats_print_as_go_prints_them() {
    check("floatText", |row| {
        let form = match row.argument.as_bytes()[0] {
            b'e' => Form::Exponent,
            b'f' => Form::Decimal,
            b'g' => Form::General,
            b'x' => Form::Hexadecimal,
            _ => Form::Binary,
        };
        Ok(float::format(
            f64::from_bits(number(row)),
            form,
            row.argument[1..].parse().ok(),
        ))
    });
    check("floatJSON", |row| {
        json::float_text(f64::from_bits(number(row))).ok_or_else(String::new)
    });
}

#[test]
fn texts_are_quoted_as_go_quotes_them() {
    check("quote", |row| Ok(quote::quote(&row.input)));
    check("quoteASCII", |row| Ok(quote::quote_to_ascii(&row.input)));
    check("quoteRune", |row| Ok(quote::quote_rune(number(row) as u32)));
    check("quoteRuneASCII", |row| {
        Ok(quote::quote_rune_to_ascii(number(row) as u32))
    });
    check("backquote", |row| {
        Ok(quote::can_backquote(&row.input).to_string())
    });
    for row in rows("unquote") {
        let got = quote::unquote(&row.input)
            .map(latin)
            .map_err(|e| e.to_string());
        assert_eq!(got, row.answer, "{:?}", latin(&row.input));
    }
}

#[test]
fn json_reads_and_refuses_as_go_does() {
    check("json", |row| {
        json::decode(&row.input)
            .map(|v| v.encode(Style::COMPACT))
            .map_err(|e| e.to_string())
    });
    check("jsonIndent", |row| {
        let style = Style {
            escape_html: false,
            indent: Some("  "),
        };
        json::decode(&row.input)
            .map(|v| v.encode(style))
            .map_err(|e| e.to_string())
    });
}

#[test]
fn json_strings_are_escaped_as_go_escapes_them() {
    check("jsonString", |row| {
        let mut out = Vec::new();
        json::encode_string(&mut out, &row.input, row.argument == "html");
        Ok(String::from_utf8(out).unwrap())
    });
}

#[test]
fn json_nests_ten_thousand_deep_on_a_small_stack() {
    let text = "[".repeat(10_000) + &"]".repeat(10_000);
    let handle = std::thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(move || json::decode(&text).unwrap().encode(Style::COMPACT) == text)
        .unwrap();
    assert!(handle.join().unwrap());
}

#[test]
fn json_debug_shows_no_value() {
    let value = json::decode(r#"{"password":"hunter2","pin":4711,"list":["x"]}"#).unwrap();
    let shown = format!("{value:?}");
    assert_eq!(
        shown,
        r#"{"list": list of 1, "password": string, "pin": number}"#
    );
}

#[test]
fn the_first_of_several_documents_is_read_alone() {
    let (value, length) = json::decode_first(r#" {"a":1} {"b":"#).unwrap();
    assert_eq!(value.encode(Style::COMPACT), r#"{"a":1}"#);
    assert_eq!(length, 8);
}

#[test]
fn durations_of_configuration_may_be_plain_seconds_or_days() {
    let table = [
        ("", Ok(0)),
        ("90", Ok(90)),
        ("-5", Ok(-5)),
        ("1d", Ok(86_400)),
        ("5m", Ok(300)),
        ("abc", Err("time: invalid duration \"abc\"")),
        ("1x", Err("time: unknown unit \"x\" in duration \"1x\"")),
        ("1.5", Err("time: missing unit in duration \"1.5\"")),
        (
            "99999999999999",
            Err("time: invalid duration \"99999999999999\""),
        ),
    ];
    for (input, expected) in table {
        let got = Duration::parse_seconds(input)
            .map(Duration::seconds)
            .map_err(|e| e.to_string());
        assert_eq!(got, expected.map_err(str::to_owned), "{input}");
    }
}
