//! Takes the text of secrets out of error texts.

use std::collections::BTreeSet;

use pannier_go::quote;
use zeroize::Zeroize;

use crate::fmt;
use crate::host::Answer;
use crate::value::Value;

const REDACTED: &str = "[redacted]";

/// Values shorter than this are replaced only where they stand alone: `e` is not a secret inside `executing`.
const SHORT: usize = 4;

/// So many parts of a value are looked at: enough for all but absurd ones.
const MAX_LEAVES: usize = 100_000;

/// Every text and number of what a template was given, and of the values that an error is about.
pub(crate) struct Redactor {
    /// Longest first, so that a value is replaced before a part of it.
    values: Vec<String>,
    /// What functions made of secrets: decoded, parsed, put together.
    derived: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(answers: &[Answer], blamed: &[Value]) -> Self {
        let mut values = BTreeSet::new();
        for answer in answers {
            answer.leaves(&mut |leaf| add_forms(&mut values, leaf));
        }
        let mut derived = BTreeSet::new();
        for value in blamed {
            leaves(value, &mut |leaf| add_forms(&mut derived, leaf));
        }
        let longest_first = |values: BTreeSet<String>| {
            let mut values: Vec<String> = values.into_iter().collect();
            values.sort_by_key(|value| std::cmp::Reverse(value.len()));
            values
        };
        Self {
            values: longest_first(values),
            derived: longest_first(derived),
        }
    }

    /// `text` with `[redacted]` for every value of a secret.
    pub(crate) fn redact(&self, text: &str) -> String {
        replaced(text, &self.values)
    }

    /// The same for the words of an error: also without the values it is about, whole or quoted in part.
    pub(crate) fn redact_values(&self, text: &str) -> String {
        let text = replaced(&self.redact(text), &self.derived);
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['"', '`']) {
            out.push_str(&rest[..at]);
            let (mark, after) = rest[at..].split_at(1);
            let Some(length) = after.find(mark) else {
                rest = &rest[at..];
                break;
            };
            let inner = &after[..length];
            let is_part = !inner.is_empty() && self.derived.iter().any(|v| v.contains(inner));
            out.extend([mark, if is_part { REDACTED } else { inner }, mark]);
            rest = &after[length + 1..];
        }
        out.push_str(rest);
        out
    }
}

/// The text as it is, trimmed, and as Go would quote it.
fn add_forms(values: &mut BTreeSet<String>, leaf: &[u8]) {
    let leaf = String::from_utf8_lossy(leaf);
    for form in [leaf.as_ref(), leaf.trim()] {
        if form.is_empty() {
            continue;
        }
        let quoted = quote::quote(form);
        values.insert(quoted[1..quoted.len() - 1].to_owned());
        values.insert(form.to_owned());
    }
}

/// Shows every text and number in a value to `see`. Ends with values that hold themselves, too.
fn leaves(value: &Value, see: &mut dyn FnMut(&[u8])) {
    let mut pending = vec![value.clone()];
    for _ in 0..MAX_LEAVES {
        match pending.pop() {
            None => return,
            Some(Value::String(text) | Value::Number(text) | Value::Bytes(text)) => see(&text),
            Some(Value::Int(_, n)) => see(n.to_string().as_bytes()),
            Some(Value::Uint(_, n)) => see(n.to_string().as_bytes()),
            Some(value @ Value::Float(_)) => see(&fmt::sprint(&[value]).unwrap_or_default()),
            Some(Value::List(list)) => pending.extend(list.items().iter().cloned()),
            Some(Value::Map(map)) => pending.extend(map.entries().into_iter().map(|(_, v)| v)),
            Some(_) => {}
        }
    }
}

/// `text` with `[redacted]` for every one of `values`, which are the longest first.
fn replaced(text: &str, values: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous: Option<char> = None;
    while let Some(c) = rest.chars().next() {
        let found = values
            .iter()
            .find(|value| rest.starts_with(value.as_str()) && stands(value, previous, rest));
        let width = match found {
            Some(value) => {
                out.push_str(REDACTED);
                value.len()
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        previous = rest[..width].chars().next_back();
        rest = &rest[width..];
    }
    out
}

/// Whether a value at the start of `rest` is to be replaced: a short one only as a word of its own.
fn stands(value: &str, previous: Option<char>, rest: &str) -> bool {
    if value.len() >= SHORT {
        return true;
    }
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let next = rest[value.len()..].chars().next();
    let (first, last) = (value.chars().next(), value.chars().next_back());
    let joined =
        |a: Option<char>, b: Option<char>| a.is_some_and(in_word) && b.is_some_and(in_word);
    !joined(previous, first) && !joined(last, next)
}

impl Drop for Redactor {
    fn drop(&mut self) {
        self.values.zeroize();
        self.derived.zeroize();
    }
}
