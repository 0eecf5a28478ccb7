//! Takes the text of secrets out of error texts.

use std::collections::BTreeSet;

use pannier_go::quote;
use zeroize::Zeroize;

use crate::host::Answer;

const REDACTED: &str = "[redacted]";

/// Values shorter than this are replaced only where they stand alone: `e` is not a secret inside `executing`.
const SHORT: usize = 4;

/// Every text and number of what a template was given.
pub(crate) struct Redactor {
    /// Longest first, so that a value is replaced before a part of it.
    values: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(answers: &[Answer]) -> Self {
        let mut values = BTreeSet::new();
        for answer in answers {
            answer.leaves(&mut |leaf| {
                let leaf = String::from_utf8_lossy(leaf);
                for form in [leaf.as_ref(), leaf.trim()] {
                    if form.is_empty() {
                        continue;
                    }
                    let quoted = quote::quote(form);
                    values.insert(quoted[1..quoted.len() - 1].to_owned());
                    values.insert(form.to_owned());
                }
            });
        }
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// `text` with `[redacted]` for every value.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut previous: Option<char> = None;
        while let Some(c) = rest.chars().next() {
            let found = self
                .values
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
    }
}
