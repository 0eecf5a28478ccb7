//! Regular expressions as Go's `regexp` package has them.
//!
//! A pattern is read by Go's grammar (RE2), which gives Go's errors, and written out in the syntax of the `regex` crate,
//! which is faster and as safe: it runs in linear time, too.

mod class;
mod syntax;

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
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
        let subject = Subject::new(text);
        match self.0.regex.find(&subject.text) {
            None => false,
            // Whether an empty match is one between characters must be looked at more closely.
            Some(found) => !found.is_empty() || self.next(&subject.text, 0).is_some(),
        }
    }

    pub(crate) fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let subject = Subject::new(text);
        let found = self.next(&subject.text, 0)?.get_match();
        Some(&text[subject.original(found.range())])
    }

    /// At most `limit` matches, all of them if it is negative.
    pub(crate) fn find_all<'t>(&self, text: &'t [u8], limit: i64) -> Vec<&'t [u8]> {
        let subject = Subject::new(text);
        self.matches(&subject.text)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|found| &text[subject.original(found.get_match().range())])
            .collect()
    }

    /// `ReplaceAllString`: `$1`, `${1}` and `${name}` stand for groups, `$$` for a dollar sign.
    pub(crate) fn replace_all(&self, text: &[u8], template: &[u8]) -> Vec<u8> {
        let subject = Subject::new(text);
        self.replaced(text, &subject, |captures, out| {
            let group = |i| {
                let found = captures.get(i)?;
                Some(&text[subject.original(found.range())])
            };
            self.expand(&group, template, out);
        })
    }

    /// `ReplaceAllLiteralString`.
    pub(crate) fn replace_all_literal(&self, text: &[u8], new: &[u8]) -> Vec<u8> {
        let subject = Subject::new(text);
        self.replaced(text, &subject, |_, out| out.extend_from_slice(new))
    }

    fn replaced(
        &self,
        text: &[u8],
        subject: &Subject<'_>,
        mut replace: impl FnMut(&Captures<'_>, &mut Vec<u8>),
    ) -> Vec<u8> {
        let (mut out, mut copied) = (Vec::with_capacity(text.len()), 0);
        for captures in self.matches(&subject.text) {
            let found = subject.original(captures.get_match().range());
            out.extend_from_slice(&text[copied..found.start]);
            replace(&captures, &mut out);
            copied = found.end;
        }
        out.extend_from_slice(&text[copied..]);
        out
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
        let subject = Subject::new(text);
        let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
        for captures in self.matches(&subject.text) {
            if parts.len() + 1 == limit {
                break;
            }
            let found = subject.original(captures.get_match().range());
            end = found.start;
            if found.end != 0 {
                parts.push(&text[start..end]);
            }
            start = found.end;
        }
        if end != text.len() {
            parts.push(&text[start..]);
        }
        Some(parts)
    }

    /// All matches one after another. As in Go an empty one does not touch the one before it.
    fn matches<'s>(&self, text: &'s [u8]) -> impl Iterator<Item = Captures<'s>> {
        let (mut at, mut previous_end) = (0, None);
        std::iter::from_fn(move || {
            loop {
                if at > text.len() {
                    return None;
                }
                let captures = self.next(text, at)?;
                let found = captures.get_match();
                let touches = found.is_empty() && previous_end == Some(found.start());
                previous_end = Some(found.end());
                at = if found.end() > at {
                    found.end()
                } else {
                    // Over a whole character.
                    let next = (at + 1..text.len()).find(|i| starts_character(text[*i]));
                    next.unwrap_or(text.len() + usize::from(at == text.len()))
                };
                if !touches {
                    return Some(captures);
                }
            }
        })
    }

    /// The first match from `at` on. An empty one lies between characters, never within one.
    fn next<'s>(&self, text: &'s [u8], mut at: usize) -> Option<Captures<'s>> {
        loop {
            let captures = self.0.regex.captures_at(text, at)?;
            let found = captures.get_match();
            let within = |i: usize| text.get(i).is_some_and(|b| !starts_character(*b));
            if !(found.is_empty() && within(found.start())) {
                return Some(captures);
            }
            at = found.start() + 1;
        }
    }

    fn expand<'t>(
        &self,
        group: &dyn Fn(usize) -> Option<&'t [u8]>,
        template: &[u8],
        out: &mut Vec<u8>,
    ) {
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
            if let Some(text) = self.named(group, name) {
                out.extend_from_slice(text);
            }
        }
        out.extend_from_slice(rest);
    }

    fn named<'t>(&self, group: &dyn Fn(usize) -> Option<&'t [u8]>, name: &str) -> Option<&'t [u8]> {
        if name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0')) {
            return group(name.parse().ok()?);
        }
        let named = self.0.names.iter().enumerate();
        named
            .filter(|(_, known)| *known == name)
            .find_map(|(i, _)| group(i + 1))
    }
}

fn starts_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// What a pattern runs over. For Go a byte that is not UTF-8 is a character, U+FFFD; here such bytes are replaced by it, and
/// places are counted back.
struct Subject<'t> {
    text: Cow<'t, [u8]>,
    /// Where each byte of `text` comes from, and at last the length of the original; empty if nothing was replaced.
    origins: Vec<usize>,
}

impl<'t> Subject<'t> {
    fn new(original: &'t [u8]) -> Self {
        let mut subject = Self {
            text: Cow::Borrowed(original),
            origins: Vec::new(),
        };
        if std::str::from_utf8(original).is_ok() {
            return subject;
        }
        let (mut text, mut at) = (Vec::with_capacity(original.len()), 0);
        for (c, piece) in crate::strings::pieces(original) {
            subject
                .origins
                .extend(std::iter::repeat_n(at, c.len_utf8()));
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            at += piece.len();
        }
        subject.origins.push(original.len());
        subject.text = Cow::Owned(text);
        subject
    }

    fn original(&self, range: Range<usize>) -> Range<usize> {
        if self.origins.is_empty() {
            return range;
        }
        self.origins[range.start]..self.origins[range.end]
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
