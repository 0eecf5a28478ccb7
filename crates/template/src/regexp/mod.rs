//! Regular expressions as Go's `regexp` package has them.
//!
//! A pattern is read by Go's grammar (RE2), which gives Go's errors, and written out in the syntax of the `regex` crate,
//! which is faster and as safe: it runs in linear time, too.

mod class;
mod syntax;

use std::cell::RefCell;
use std::rc::Rc;

use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::functions::Failure;

/// How large a compiled pattern may become, in bytes.
const SIZE_LIMIT: usize = 4 << 20;
/// How many compiled patterns are kept for the next call: a pattern inside a loop is compiled once.
const CACHED: usize = 16;

/// A compiled pattern.
#[derive(Clone)]
pub(crate) struct Regexp(Rc<Inner>);

struct Inner {
    pattern: Vec<u8>,
    regex: Regex,
    /// The name of each group from 1 on, empty without one.
    names: Vec<String>,
}

thread_local! {
    static CACHE: RefCell<Vec<Regexp>> = const { RefCell::new(Vec::new()) };
}

impl Regexp {
    /// `regexp.Compile`.
    pub(crate) fn compile(pattern: &[u8]) -> Result<Self, Failure> {
        let known = CACHE.with_borrow(|cache| {
            cache
                .iter()
                .find(|known| known.0.pattern == pattern)
                .cloned()
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let translated = syntax::translate(pattern)
            .map_err(|error| Failure::new(format!("error parsing regexp: {error}")))?;
        let regex = RegexBuilder::new(&translated.pattern)
            .size_limit(SIZE_LIMIT)
            .nest_limit(1000)
            .build()
            .map_err(|_| Failure::new("error parsing regexp: expression too large"))?;
        let compiled = Self(Rc::new(Inner {
            pattern: pattern.to_vec(),
            regex,
            names: translated.names,
        }));
        CACHE.with_borrow_mut(|cache| {
            if cache.len() == CACHED {
                cache.remove(0);
            }
            cache.push(compiled.clone());
        });
        Ok(compiled)
    }

    /// `regexp.MustCompile`, whose panic ends the function with this error.
    pub(crate) fn must_compile(pattern: &[u8]) -> Result<Self, Failure> {
        Self::compile(pattern).map_err(|error| {
            let quoted = if pannier_go::quote::can_backquote(pattern) {
                format!("`{}`", String::from_utf8_lossy(pattern))
            } else {
                pannier_go::quote::quote(pattern)
            };
            Failure::new(format!("regexp: Compile({quoted}): {}", error.message()))
        })
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.0.regex.is_match(text)
    }

    pub(crate) fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        self.0.regex.find(text).map(|found| found.as_bytes())
    }

    /// At most `limit` matches, all of them if it is negative.
    pub(crate) fn find_all<'t>(&self, text: &'t [u8], limit: i64) -> Vec<&'t [u8]> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0
            .regex
            .find_iter(text)
            .take(limit)
            .map(|found| found.as_bytes())
            .collect()
    }

    /// `ReplaceAllString`: `$1`, `${1}` and `${name}` stand for groups, `$$` for a dollar sign.
    pub(crate) fn replace_all(&self, text: &[u8], template: &[u8]) -> Vec<u8> {
        self.0
            .regex
            .replace_all(text, |captures: &Captures<'_>| {
                self.expand(captures, template)
            })
            .into_owned()
    }

    /// `ReplaceAllLiteralString`.
    pub(crate) fn replace_all_literal(&self, text: &[u8], new: &[u8]) -> Vec<u8> {
        self.0
            .regex
            .replace_all(text, regex::bytes::NoExpand(new))
            .into_owned()
    }

    /// `Split`: at most `limit` parts, all of them if it is negative.
    pub(crate) fn split<'t>(&self, text: &'t [u8], limit: i64) -> Option<Vec<&'t [u8]>> {
        if limit == 0 {
            return None;
        }
        if !self.0.pattern.is_empty() && text.is_empty() {
            return Some(vec![text]);
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
        for found in self.0.regex.find_iter(text) {
            if parts.len() + 1 == limit {
                break;
            }
            end = found.start();
            if found.end() != 0 {
                parts.push(&text[start..end]);
            }
            start = found.end();
        }
        if end != text.len() {
            parts.push(&text[start..]);
        }
        Some(parts)
    }

    fn expand(&self, captures: &Captures<'_>, template: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = template;
        while let Some(at) = rest.iter().position(|b| *b == b'$') {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(b"$") {
                out.push(b'$');
                rest = after;
                continue;
            }
            let Some((name, after)) = reference(rest) else {
                out.push(b'$');
                continue;
            };
            rest = after;
            if let Some(group) = self.group(captures, name) {
                out.extend_from_slice(group);
            }
        }
        out.extend_from_slice(rest);
        out
    }

    fn group<'t>(&self, captures: &Captures<'t>, name: &str) -> Option<&'t [u8]> {
        if name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0')) {
            return captures
                .get(name.parse().ok()?)
                .map(|found| found.as_bytes());
        }
        let named = self
            .0
            .names
            .iter()
            .enumerate()
            .filter(|(_, known)| *known == name);
        named
            .filter_map(|(i, _)| captures.get(i + 1))
            .map(|found| found.as_bytes())
            .next()
    }
}

/// The name after a dollar sign, with or without braces, and what follows it.
fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let (braces, body) = match text.strip_prefix(b"{") {
        Some(body) => (true, body),
        None => (false, text),
    };
    let mut end = 0;
    for (c, piece) in crate::strings::pieces(body) {
        if !(c == '_' || c.is_alphabetic() || c.is_numeric()) {
            break;
        }
        end += piece.len();
    }
    let name = std::str::from_utf8(&body[..end])
        .ok()
        .filter(|name| !name.is_empty())?;
    let rest = &body[end..];
    Some((
        name,
        if braces {
            rest.strip_prefix(b"}")?
        } else {
            rest
        },
    ))
}

/// `regexp.QuoteMeta`.
pub(crate) fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}
