//! One event as one line: pure functions from values to text.

use crate::{Format, Level};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What is known about one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// How loud.
    pub level: Level,
    /// The logger's name, dotted (`agent.auth.handler`); may be empty.
    pub name: &'a str,
    /// The sentence.
    pub message: &'a str,
    /// Keys and values in the order they were given.
    pub fields: &'a [(String, Value)],
}

/// The line for `event` with its final newline.
#[must_use]
pub fn line(format: Format, event: &Event<'_>) -> String {
    match format {
        Format::Standard => standard(event),
        Format::Json => json(event),
    }
}

fn standard(event: &Event<'_>) -> String {
    let mut out = String::with_capacity(96 + event.message.len());
    out.push_str(&event.time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    out.push(' ');
    out.push_str(event.level.bracket());
    out.push(' ');
    if !event.name.is_empty() {
        out.push_str(event.name);
        out.push_str(": ");
    }
    out.push_str(event.message);
    if !event.fields.is_empty() {
        out.push(':');
    }
    let mut after_block = false;
    for (key, value) in event.fields {
        if after_block {
            // The line after a block starts two columns in; the field's own blank makes it three.
            out.push_str("  ");
        }
        after_block = field(&mut out, key, &plain(value));
    }
    if !after_block {
        out.push('\n');
    }
    out
}

/// Appends one field; true when it was written as a block that ended its line.
fn field(out: &mut String, key: &str, value: &str) -> bool {
    if value.contains('\n') {
        out.push_str("\n  ");
        out.push_str(key);
        out.push_str("=\n");
        for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
            out.push_str("  | ");
            out.push_str(&escape(line, false));
            out.push('\n');
        }
        return true;
    }
    out.push(' ');
    out.push_str(key);
    out.push('=');
    if value.is_empty()
        || value
            .chars()
            .any(|c| c.is_whitespace() || c == '"' || is_hidden(c))
    {
        out.push('"');
        out.push_str(&escape(value, true));
        out.push('"');
    } else {
        out.push_str(value);
    }
    false
}

/// A value without JSON's quotes around text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Characters that must not reach a terminal as they are.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}')
}

fn escape(text: &str, quoted: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' if quoted => {
                out.push('\\');
                out.push(c);
            }
            '\t' if quoted => out.push_str("\\t"),
            '\t' => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_hidden(c) && (c as u32) < 0x80 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if is_hidden(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

fn json(event: &Event<'_>) -> String {
    // serde_json's map is ordered by key, which puts the `@` keys first.
    let mut object = Map::new();
    for (key, value) in event.fields {
        object.insert(key.clone(), value.clone());
    }
    let time = event.time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    object.insert("@timestamp".to_owned(), time.into());
    object.insert("@level".to_owned(), event.level.name().into());
    object.insert("@message".to_owned(), event.message.into());
    if !event.name.is_empty() {
        object.insert("@module".to_owned(), event.name.into());
    }
    let mut out = Value::Object(object).to_string();
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn event<'a>(
        level: Level,
        name: &'a str,
        message: &'a str,
        fields: &'a [(String, Value)],
    ) -> Event<'a> {
        let time = "2026-11-23T06:20:44.882345Z".parse().unwrap();
        Event {
            time,
            level,
            name,
            message,
            fields,
        }
    }

    fn fields(pairs: &[(&str, Value)]) -> Vec<(String, Value)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn names_start_in_one_column_at_every_level() {
        let table = [
            (Level::Trace, "2026-11-23T06:20:44.882Z [TRACE] agent: x\n"),
            (Level::Debug, "2026-11-23T06:20:44.882Z [DEBUG] agent: x\n"),
            (Level::Info, "2026-11-23T06:20:44.882Z [INFO]  agent: x\n"),
            (Level::Warn, "2026-11-23T06:20:44.882Z [WARN]  agent: x\n"),
            (Level::Error, "2026-11-23T06:20:44.882Z [ERROR] agent: x\n"),
        ];
        for (level, expected) in table {
            assert_eq!(
                line(Format::Standard, &event(level, "agent", "x", &[])),
                expected
            );
        }
    }

    #[test]
    fn values_are_quoted_where_they_need_it() {
        let table = [
            (json!("POST"), " k=POST\n"),
            (json!("/mutate?timeout=10s"), " k=/mutate?timeout=10s\n"),
            (json!("a b"), " k=\"a b\"\n"),
            (json!("say \"hi\""), " k=\"say \\\"hi\\\"\"\n"),
            (json!(r"c:\dir"), " k=c:\\dir\n"),
            (json!(r"c:\a dir"), " k=\"c:\\\\a dir\"\n"),
            (json!(""), " k=\"\"\n"),
            (json!("tab\there"), " k=\"tab\\there\"\n"),
            (json!("bell\u{7}"), " k=\"bell\\x07\"\n"),
            (json!("rtl\u{202e}x"), " k=\"rtl\\u202ex\"\n"),
            (json!("grün"), " k=grün\n"),
            (json!(7), " k=7\n"),
            (json!(true), " k=true\n"),
            (json!(1.5), " k=1.5\n"),
        ];
        for (value, end) in table {
            let got = line(
                Format::Standard,
                &event(Level::Info, "h", "m", &fields(&[("k", value)])),
            );
            assert_eq!(got, format!("2026-11-23T06:20:44.882Z [INFO]  h: m:{end}"));
        }
    }

    #[test]
    fn a_value_of_several_lines_becomes_a_block() {
        let text = "Error making API request.\n\nCode: 403. Errors:\n\n* permission denied";
        let both = fields(&[("error", json!(text)), ("backoff", json!("1s"))]);
        let expected = "2026-11-23T06:20:44.882Z [ERROR] agent.auth.handler: error authenticating:\n  error=\n  \
            | Error making API request.\n  | \n  | Code: 403. Errors:\n  | \n  | * permission denied\n   backoff=1s\n";
        assert_eq!(
            line(
                Format::Standard,
                &event(
                    Level::Error,
                    "agent.auth.handler",
                    "error authenticating",
                    &both
                )
            ),
            expected
        );
        let alone = fields(&[("error", json!("a\nb\n"))]);
        let expected = "2026-11-23T06:20:44.882Z [ERROR] h: m:\n  error=\n  | a\n  | b\n";
        assert_eq!(
            line(Format::Standard, &event(Level::Error, "h", "m", &alone)),
            expected
        );
    }

    #[test]
    fn a_logger_without_a_name_writes_no_colon() {
        assert_eq!(
            line(Format::Standard, &event(Level::Info, "", "m", &[])),
            "2026-11-23T06:20:44.882Z [INFO]  m\n"
        );
    }

    #[test]
    fn json_lines_have_sorted_keys_and_microseconds() {
        let with = fields(&[
            ("URL", json!("/mutate")),
            ("Method", json!("POST")),
            ("count", json!(3)),
        ]);
        let expected = concat!(
            r#"{"@level":"warn","@message":"say \"x\"","@module":"handler","@timestamp":"2026-11-23T06:20:44.882345Z","#,
            r#""Method":"POST","URL":"/mutate","count":3}"#,
            "\n"
        );
        assert_eq!(
            line(
                Format::Json,
                &event(Level::Warn, "handler", "say \"x\"", &with)
            ),
            expected
        );
    }

    #[test]
    fn a_json_line_stays_one_line() {
        let with = fields(&[("error", json!("a\nb"))]);
        let got = line(Format::Json, &event(Level::Error, "h", "m\nn", &with));
        assert_eq!(got.matches('\n').count(), 1);
        assert_eq!(
            serde_json::from_str::<Value>(&got).unwrap()["error"],
            json!("a\nb")
        );
    }
}
