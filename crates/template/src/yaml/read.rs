//! Reads the first document of a YAML text.
//!
//! A well-kept parser gives the events; what a scalar means, how `<<` merges and what becomes of keys is decided here,
//! because there YAML 1.1 and the Go library differ from YAML 1.2. Keys that are no strings become their text.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::resolve;
use crate::encoding::{Alphabet, base64_decode};
use crate::functions::{Failure, MAX_NESTING};
use crate::value::{List, Map, Text, Type, Value};

/// The value of the first document; nil for an empty text.
///
/// # Errors
/// `yaml: ` and what is wrong.
pub(crate) fn decode(text: &[u8]) -> Result<Value, Failure> {
    let text = readable(text)?;
    let mut reader = Reader {
        anchors: HashMap::new(),
        open: Vec::new(),
    };
    let mut events = Parser::new_from_str(text);
    let value = first_document(text, &mut events, &mut reader)?;
    // The Go library does not mind what follows the value, but for a colon that would make a key of it.
    if let Some(Err(error)) = events.next()
        && error.info().starts_with("mapping values are not allowed")
    {
        return Err(syntax_error(text, &error));
    }
    Ok(value)
}

/// The text, if the Go library's reader would take all its characters.
fn readable(text: &[u8]) -> Result<&str, Failure> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let lead = text.get(error.valid_up_to()).copied().unwrap_or_default();
        Failure::new(match (error.error_len(), lead) {
            (None, _) => "yaml: incomplete UTF-8 octet sequence",
            (_, 0xed) => "yaml: invalid Unicode character",
            (_, 0xc2..=0xf4) => "yaml: invalid trailing UTF-8 octet",
            _ => "yaml: invalid leading UTF-8 octet",
        })
    })?;
    let is_readable = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    if !text.chars().all(is_readable) {
        return Err(Failure::new("yaml: control characters are not allowed"));
    }
    Ok(text)
}

fn first_document<'t>(
    text: &'t str,
    events: &mut Parser<'t, saphyr_parser::StrInput<'t>>,
    reader: &mut Reader,
) -> Result<Value, Failure> {
    for event in events.by_ref() {
        let (event, span) = event.map_err(|error| syntax_error(text, &error))?;
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Nil),
            Event::Alias(anchor) => {
                let Some(value) = reader.anchors.get(&anchor).cloned() else {
                    let line = span.start.line();
                    return Err(Failure::new(format!(
                        "yaml: line {line}: anchor value contains itself"
                    )));
                };
                if let Some(done) = reader.add(value, false)? {
                    return Ok(done);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let merge = plain && tag.is_none() && text == "<<";
                let value = scalar(&text, plain, tag.as_deref())?;
                reader.remember(anchor, &value);
                if let Some(done) = reader.add(value, merge)? {
                    return Ok(done);
                }
            }
            Event::SequenceStart(anchor, _) => reader.open(Open::List(Vec::new(), anchor))?,
            Event::MappingStart(anchor, _) => {
                reader.open(Open::Map(Map::empty(), Key::Next, anchor))?
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(done) = reader.close()? {
                    return Ok(done);
                }
            }
        }
    }
    Ok(Value::Nil)
}

/// The error in the words of the Go library, as far as the parser tells enough; the first line is not named there.
fn syntax_error(text: &str, error: &ScanError) -> Failure {
    let line = error.marker().line().saturating_sub(1);
    let said = error.info();
    let said = said
        .strip_prefix("while ")
        .and_then(|rest| rest.split_once(", "))
        .map_or(said, |(_, what)| what);
    let what = if said.starts_with("unexpected character")
        || said.starts_with("tabs disallowed")
        || said.contains("cannot start any token")
    {
        "found character that cannot start any token".to_owned()
    } else if said.starts_with("simple key expect") {
        "could not find expected ':'".to_owned()
    } else if said == "misplaced bracket" {
        "did not find expected node content".to_owned()
    } else if said.starts_with("expected ',' or") {
        format!("did not find {said}")
    } else if said == "found unknown anchor" {
        let name = text.get(error.marker().index()..).unwrap_or_default();
        let name = name
            .trim_start_matches('*')
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .next();
        format!("unknown anchor '{}' referenced", name.unwrap_or_default())
    } else {
        said.to_owned()
    };
    if line == 0 {
        return Failure::new(format!("yaml: {what}"));
    }
    // The library counts lines from 0 where its parser complains, from 1 where its scanner does.
    let line = line + usize::from(!what.starts_with("did not find expected"));
    Failure::new(format!("yaml: line {line}: {what}"))
}

/// A collection that has begun.
enum Open {
    List(Vec<Value>, usize),
    Map(Map, Key, usize),
}

/// What a mapping waits for.
enum Key {
    Next,
    Value(Text),
    Merge,
}

struct Reader {
    anchors: HashMap<usize, Value>,
    open: Vec<Open>,
}

impl Reader {
    fn remember(&mut self, anchor: usize, value: &Value) {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
    }

    fn open(&mut self, open: Open) -> Result<(), Failure> {
        if self.open.len() == MAX_NESTING {
            return Err(Failure::too_deep());
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<Option<Value>, Failure> {
        let (value, anchor) = match self.open.pop() {
            Some(Open::List(items, anchor)) => (Value::List(List::new(&Type::Any, items)), anchor),
            Some(Open::Map(map, _, anchor)) => (Value::Map(map), anchor),
            None => return Ok(Some(Value::Nil)),
        };
        self.remember(anchor, &value);
        self.add(value, false)
    }

    /// Puts a finished value where it belongs; returns it when it is the whole document.
    fn add(&mut self, value: Value, merge: bool) -> Result<Option<Value>, Failure> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::List(items, _)) => items.push(value),
            Some(Open::Map(map, key, _)) => match std::mem::replace(key, Key::Next) {
                Key::Next if merge => *key = Key::Merge,
                Key::Next => *key = Key::Value(key_text(&value)?),
                Key::Value(name) => map.set(name, value),
                Key::Merge => merge_into(map, &value)?,
            },
        }
        Ok(None)
    }
}

/// `<<: {..}` or `<<: [{..}, {..}]`, where the earlier map of a list wins.
fn merge_into(map: &Map, value: &Value) -> Result<(), Failure> {
    let wrong = || Failure::new("yaml: map merge requires map or sequence of maps as the value");
    match value {
        Value::Map(source) => {
            for (key, item) in source.entries() {
                map.set(key, item);
            }
            Ok(())
        }
        Value::List(sources) => {
            for source in sources.items().iter().rev() {
                match source {
                    Value::Map(_) => merge_into(map, source)?,
                    _ => return Err(wrong()),
                }
            }
            Ok(())
        }
        _ => Err(wrong()),
    }
}

fn key_text(value: &Value) -> Result<Text, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::List(_) | Value::Map(_) => Err(Failure::new(format!(
            "yaml: invalid map key: {}",
            value.type_name()
        ))),
        value => Ok(super::super::functions::print::text(value)?.into()),
    }
}

fn scalar(text: &str, plain: bool, tag: Option<&Tag>) -> Result<Value, Failure> {
    let resolved = || resolve::plain(text);
    let Some(tag) = tag else {
        return Ok(if plain {
            resolved()
        } else {
            Value::string(text)
        });
    };
    if !tag.is_yaml_core_schema() {
        // A tag of one's own means nothing to the library, and `!` alone means text.
        return Ok(Value::string(text));
    }
    let cannot = |what: &str| {
        let kind = kind_of(&resolved());
        Err(Failure::new(format!(
            "yaml: cannot decode !!{kind} `{text}` as a !!{what}"
        )))
    };
    match (tag.suffix.as_str(), resolved()) {
        ("binary", _) => match base64_decode(text.as_bytes(), Alphabet::Standard) {
            Ok(bytes) => Ok(Value::string(bytes)),
            Err(_) => Err(Failure::new(
                "yaml: !!binary value contains invalid base64 data",
            )),
        },
        ("int", value @ (Value::Int(..) | Value::Uint(..)))
        | ("float", value @ Value::Float(_))
        | ("bool", value @ Value::Bool(_))
        | ("null", value @ Value::Nil) => Ok(value),
        ("float", Value::Int(_, n)) => Ok(Value::Float(n as f64)),
        ("float", Value::Uint(_, n)) => Ok(Value::Float(n as f64)),
        (what @ ("int" | "float" | "bool" | "null"), _) => cannot(what),
        _ => Ok(Value::string(text)),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "bool",
        Value::Int(..) | Value::Uint(..) => "int",
        Value::Float(_) => "float",
        _ => "str",
    }
}
