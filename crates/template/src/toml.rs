//! Values to TOML, laid out as the Go library that Consul-Template uses does it.

use pannier_go::float::{self, Form};
use pannier_go::{Duration, integer};

use crate::functions::{Failure, MAX_NESTING};
use crate::value::{IntType, Text, Value};

/// Writes a value as TOML: plain keys first, then tables and lists of tables, each group sorted.
///
/// # Errors
/// What TOML cannot hold, such as a list with nil in it.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, Failure> {
    let mut encoder = Encoder { out: Vec::new() };
    match shape(value)? {
        Shape::Table => encoder.members(&[], value, 0)?,
        Shape::Tables => {
            return Err(Failure::new(
                "toml: top-level values must be Go maps or structs",
            ));
        }
        Shape::Plain => encoder.element(value, 0)?,
        // A nil slice is an empty one here, and nothing within a table.
        Shape::Nothing if matches!(value, Value::NilPointer(_)) => {}
        Shape::Nothing if matches!(value, Value::List(_)) => encoder.element(value, 0)?,
        Shape::Nothing => {
            return Err(Failure::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
    }
    Ok(encoder.out)
}

enum Shape {
    Nothing,
    Plain,
    Table,
    Tables,
}

fn shape(value: &Value) -> Result<Shape, Failure> {
    Ok(match value {
        Value::Nil | Value::NilPointer(_) => Shape::Nothing,
        Value::Map(map) if map.is_nil() => Shape::Nothing,
        Value::List(list) if list.is_nil() => Shape::Nothing,
        Value::Map(_) => Shape::Table,
        Value::Object(object) if crate::json::marshal_text(&**object).is_some() => Shape::Plain,
        Value::Object(_) => Shape::Table,
        Value::List(list) if !list.is_empty() => {
            let mut all = true;
            for item in list.items() {
                match shape(item)? {
                    Shape::Nothing => {
                        return Err(Failure::new("toml: cannot encode array with nil element"));
                    }
                    Shape::Table => {}
                    Shape::Plain | Shape::Tables => all = false,
                }
            }
            if all { Shape::Tables } else { Shape::Plain }
        }
        _ => Shape::Plain,
    })
}

struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[Text]) {
        for _ in 1..key.len() {
            self.out.extend_from_slice(b"  ");
        }
    }

    /// The members of a table: those that are no tables, then those that are.
    fn members(&mut self, key: &[Text], value: &Value, depth: usize) -> Result<(), Failure> {
        if depth > MAX_NESTING {
            return Err(Failure::too_deep());
        }
        let members = members_of(value);
        let mut tables = Vec::new();
        for (name, member) in &members {
            let path: Vec<Text> = key.iter().cloned().chain([name.clone()]).collect();
            match shape(member)? {
                Shape::Nothing => {}
                shape @ (Shape::Table | Shape::Tables) => {
                    tables.push((path, member, matches!(shape, Shape::Tables)))
                }
                Shape::Plain => {
                    self.indent(&path);
                    self.key(name);
                    self.out.extend_from_slice(b" = ");
                    self.element(member, depth + 1)?;
                    self.new_line();
                }
            }
        }
        for (path, member, list) in tables {
            if !list {
                if path.len() == 1 {
                    self.new_line();
                }
                self.header(&path, "[", "]");
                self.members(&path, member, depth + 1)?;
                continue;
            }
            let Value::List(items) = member else { continue };
            for item in items.items() {
                self.new_line();
                self.header(&path, "[[", "]]");
                self.members(&path, item, depth + 1)?;
            }
        }
        Ok(())
    }

    fn header(&mut self, path: &[Text], open: &str, close: &str) {
        self.indent(path);
        self.out.extend_from_slice(open.as_bytes());
        for (i, part) in path.iter().enumerate() {
            if i > 0 {
                self.out.push(b'.');
            }
            self.key(part);
        }
        self.out.extend_from_slice(close.as_bytes());
        self.new_line();
    }

    fn key(&mut self, name: &[u8]) {
        if !name.is_empty()
            && name
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            self.out.extend_from_slice(name);
        } else {
            self.quoted(name);
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for &byte in text {
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                8 => self.out.extend_from_slice(b"\\b"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                12 => self.out.extend_from_slice(b"\\f"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                0..0x20 | 0x7f => self
                    .out
                    .extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                byte => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }

    /// A value on one line.
    fn element(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        if depth > MAX_NESTING {
            return Err(Failure::too_deep());
        }
        let text = match value {
            Value::Bool(b) => b.to_string(),
            Value::Int(IntType::Duration, nanos) => {
                self.quoted(Duration::from_nanos(*nanos).to_string().as_bytes());
                return Ok(());
            }
            Value::Int(_, n) => n.to_string(),
            Value::Uint(_, n) => n.to_string(),
            Value::Float(f) => float_text(*f),
            Value::String(text) => {
                self.quoted(text);
                return Ok(());
            }
            Value::Number(digits) if digits.is_empty() => "0".to_owned(),
            Value::Number(digits) => match (integer::parse_int(digits, 10), float::parse(digits)) {
                (Ok(n), _) => n.to_string(),
                (_, Ok(f)) => float_text(f),
                _ => {
                    return Err(Failure::new(
                        "toml: unable to convert number to int64 or float64",
                    ));
                }
            },
            Value::Bytes(bytes) => {
                let parts: Vec<String> = bytes.iter().map(ToString::to_string).collect();
                format!("[{}]", parts.join(", "))
            }
            Value::List(list) => {
                self.out.push(b'[');
                for (i, item) in list.items().iter().enumerate() {
                    if i > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    if matches!(shape(item)?, Shape::Nothing) {
                        return Err(Failure::new("toml: cannot encode array with nil element"));
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(b']');
                return Ok(());
            }
            Value::Map(_) => return self.inline(value, depth),
            Value::Object(object) => match crate::json::marshal_text(&**object) {
                // A time is a kind of its own in TOML and stands without quotes.
                Some(text) if object.as_any().is::<crate::datetime::Time>() => text,
                Some(text) => {
                    self.quoted(text.as_bytes());
                    return Ok(());
                }
                None => return self.inline(value, depth),
            },
            Value::Nil | Value::NilPointer(_) | Value::Complex(..) | Value::Func(_) => {
                return Err(Failure::new(format!(
                    "toml: unsupported type: {}",
                    value.type_name()
                )));
            }
        };
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn inline(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        self.out.push(b'{');
        let (mut plain, mut tables) = (Vec::new(), Vec::new());
        for (name, member) in members_of(value) {
            match shape(&member)? {
                Shape::Nothing => {}
                Shape::Plain => plain.push((name, member)),
                Shape::Table | Shape::Tables => tables.push((name, member)),
            }
        }
        for (i, (name, member)) in plain.iter().chain(&tables).enumerate() {
            if i > 0 {
                self.out.extend_from_slice(b", ");
            }
            self.key(name);
            self.out.extend_from_slice(b" = ");
            self.element(member, depth + 1)?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

fn members_of(value: &Value) -> Vec<(Text, Value)> {
    match value {
        Value::Map(map) => map.entries(),
        Value::Object(object) => object
            .fields()
            .into_iter()
            .map(|(name, field)| (name.into(), field))
            .collect(),
        _ => Vec::new(),
    }
}

fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.into();
    }
    let text = float::format(value, Form::Decimal, None);
    if text.contains('.') {
        text
    } else {
        text + ".0"
    }
}
