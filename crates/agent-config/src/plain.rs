use std::collections::BTreeMap;

use crate::ast::{Object, Scalar, Value};

/// A value without a schema, as a method's or sink's free `config` holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; HCL's octal `0600` is 384 here.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Plain>),
    /// The objects given under one key, in order: HCL cannot tell one block from a list with one block.
    Objects(Vec<BTreeMap<String, Plain>>),
}

impl Plain {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The members of an object without a schema.
pub(crate) type Members = BTreeMap<String, Plain>;

/// Reads an object without a schema, as the original's decoder makes a plain map of it: repeated blocks under one
/// key gather, a repeated scalar's last value wins, and a label is a level of its own.
pub(crate) fn members(object: &Object) -> Members {
    let mut members = Members::new();
    for item in &object.items {
        let Some((key, labels)) = item.keys.split_first() else {
            continue;
        };
        let Some(mut value) = value(&item.value) else {
            continue;
        };
        for label in labels.iter().rev() {
            value = Plain::Objects(vec![Members::from([(label.text.clone(), value)])]);
        }
        match (members.get_mut(&key.text), value) {
            (Some(Plain::Objects(before)), Plain::Objects(more)) => before.extend(more),
            (_, value) => {
                members.insert(key.text.clone(), value);
            }
        }
    }
    members
}

/// `None` for JSON's null, which counts as not given.
fn value(value: &Value) -> Option<Plain> {
    Some(match value {
        Value::Literal(literal) => match &literal.scalar {
            Scalar::Bool(value) => Plain::Bool(*value),
            Scalar::Int(value, _) => Plain::Int(*value),
            Scalar::Float(value, _) => Plain::Float(*value),
            Scalar::Text(text) => Plain::Text(text.clone()),
            Scalar::Null => return None,
        },
        Value::Object(object) => Plain::Objects(vec![members(object)]),
        Value::List(list) => {
            let objects: Option<Vec<Members>> = list
                .values
                .iter()
                .map(|value| match value {
                    Value::Object(object) => Some(members(object)),
                    _ => None,
                })
                .collect();
            match objects {
                Some(objects) if !objects.is_empty() => Plain::Objects(objects),
                _ => Plain::List(list.values.iter().filter_map(self::value).collect()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;
    use crate::{hcl, json};

    /// As the original's answers are written.
    fn to_json(members: &Members) -> serde_json::Value {
        members
            .iter()
            .map(|(key, value)| (key.clone(), value_to_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn value_to_json(value: &Plain) -> serde_json::Value {
        match value {
            Plain::Bool(value) => (*value).into(),
            Plain::Int(value) => (*value).into(),
            Plain::Float(value) if value.fract() == 0.0 => (*value as i64).into(),
            Plain::Float(value) => (*value).into(),
            Plain::Text(text) => text.as_str().into(),
            Plain::List(values) => values.iter().map(value_to_json).collect(),
            Plain::Objects(objects) => objects.iter().map(to_json).collect(),
        }
    }

    /// `28-listener-multi.hcl` is refused by the original's plain decoder but not by its parser, and `vault agent`
    /// reads three listeners from it; so does [`crate::load`], which another test shows.
    const REFUSED_ONLY_AS_A_PLAIN_MAP: &str = "28-listener-multi.hcl";

    #[test]
    fn reads_every_file_as_the_original_parser_does() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/hcl1");
        let answers: BTreeMap<String, serde_json::Value> = serde_json::from_str(
            &std::fs::read_to_string(format!("{folder}/answers.json")).unwrap(),
        )
        .unwrap();
        assert_eq!(answers.len(), 43);
        for (file, answer) in &answers {
            let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
            let ours = if text.trim_start().starts_with('{') {
                json::parse(&text)
            } else {
                hcl::parse(&text)
            };
            match (ours, answer.get("value"), answer.get("error")) {
                (Ok(object), Some(value), _) => {
                    assert_eq!(&to_json(&members(&object)), value, "{file}")
                }
                (Err(ours), _, Some(theirs)) => {
                    let theirs = theirs.as_str().unwrap();
                    let ours = format!("At {}:{}: {}", ours.at.line, ours.at.column, ours.text);
                    assert_eq!(ours, theirs, "{file}");
                }
                (Ok(object), None, Some(_)) if file == REFUSED_ONLY_AS_A_PLAIN_MAP => {
                    assert_eq!(object.items.len(), 3);
                }
                (ours, ..) => panic!("{file}: {ours:?} but the original says {answer}"),
            }
        }
    }
}
