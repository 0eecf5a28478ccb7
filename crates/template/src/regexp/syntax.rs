//! Go's grammar of regular expressions: reads a pattern, gives Go's errors, writes the pattern of the `regex` crate.

use super::class;

/// A pattern that the `regex` crate understands.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// The name of each group from 1 on, empty without one. Groups lose their names, since Go lets two share one.
    pub(super) names: Vec<String>,
}

/// What is wrong with a pattern, in Go's words: `missing closing ): ` and the place in back quotes.
pub(super) type SyntaxError = String;

pub(super) fn wrong(what: &str, place: &str) -> SyntaxError {
    format!("{what}: `{place}`")
}

/// Go's limit on repetitions.
const MAX_REPEAT: u32 = 1000;
/// Go's limit on open groups.
const MAX_HEIGHT: usize = 1000;

pub(super) fn translate(pattern: &[u8]) -> Result<Translated, SyntaxError> {
    let pattern = std::str::from_utf8(pattern)
        .map_err(|_| wrong("invalid UTF-8", &String::from_utf8_lossy(pattern)))?;
    let mut reader = Reader {
        whole: pattern,
        rest: pattern,
        out: String::new(),
        names: Vec::new(),
        depth: 0,
    };
    reader.read()?;
    Ok(Translated {
        pattern: reader.out,
        names: reader.names,
    })
}

/// What stands before a repetition operator.
#[derive(Clone, Copy)]
enum Last<'p> {
    /// Nothing that can be repeated.
    Nothing,
    /// Something that can.
    Atom,
    /// A repetition, which began here.
    Repeat(&'p str),
}

struct Reader<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    names: Vec<String>,
    depth: usize,
}

impl<'p> Reader<'p> {
    fn read(&mut self) -> Result<(), SyntaxError> {
        let mut last = Last::Nothing;
        while let Some(c) = self.rest.chars().next() {
            let here = self.rest;
            self.rest = &self.rest[c.len_utf8()..];
            last = match c {
                '(' => {
                    self.depth += 1;
                    if self.depth > MAX_HEIGHT {
                        return Err(wrong("expression nests too deeply", self.whole));
                    }
                    self.group(here)?
                }
                ')' => {
                    self.depth = self
                        .depth
                        .checked_sub(1)
                        .ok_or_else(|| wrong("unexpected )", self.whole))?;
                    self.out.push(')');
                    Last::Atom
                }
                '|' => {
                    self.out.push('|');
                    Last::Nothing
                }
                '^' | '$' | '.' => {
                    self.out.push(c);
                    Last::Atom
                }
                '*' | '+' | '?' => self.repeat(last, here, &here[..1])?,
                '{' => match counts(here)? {
                    Some(text) => self.repeat(last, here, text)?,
                    None => self.literal('{'),
                },
                '[' => {
                    let (text, rest) = class::translate(here)?;
                    self.out.push_str(&text);
                    self.rest = rest;
                    Last::Atom
                }
                '\\' => self.escape(here)?,
                c => self.literal(c),
            };
        }
        if self.depth > 0 {
            return Err(wrong("missing closing )", self.whole));
        }
        Ok(())
    }

    fn literal(&mut self, c: char) -> Last<'p> {
        push_literal(&mut self.out, c);
        Last::Atom
    }

    /// A repetition operator, written `text`, which starts at `here`.
    fn repeat(
        &mut self,
        last: Last<'p>,
        here: &'p str,
        text: &'p str,
    ) -> Result<Last<'p>, SyntaxError> {
        let mut end = text.len();
        if here[end..].starts_with('?') {
            end += 1;
        }
        match last {
            Last::Nothing => return Err(wrong("missing argument to repetition operator", text)),
            Last::Repeat(first) => {
                let both = &first[..first.len() - here.len() + end];
                return Err(wrong("invalid nested repetition operator", both));
            }
            Last::Atom => {}
        }
        self.out.push_str(&here[..end]);
        self.rest = &here[end..];
        Ok(Last::Repeat(here))
    }

    fn group(&mut self, here: &'p str) -> Result<Last<'p>, SyntaxError> {
        let Some(after) = here.strip_prefix("(?") else {
            self.names.push(String::new());
            self.out.push('(');
            return Ok(Last::Nothing);
        };
        if let Some(named) = after.strip_prefix("P<").or_else(|| after.strip_prefix('<')) {
            let Some(end) = named.find('>') else {
                return Err(wrong("invalid named capture", here));
            };
            let name = &named[..end];
            let through = &here[..here.len() - named.len() + end + 1];
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err(wrong("invalid named capture", through));
            }
            self.names.push(name.to_owned());
            self.out.push('(');
            self.rest = &named[end + 1..];
            return Ok(Last::Nothing);
        }
        let (mut negative, mut seen) = (false, false);
        for (at, c) in after.char_indices() {
            let through = &here[..2 + at + c.len_utf8()];
            let bad = || Err(wrong("invalid or unsupported Perl syntax", through));
            match c {
                'i' | 'm' | 's' | 'U' => seen = true,
                '-' if negative => return bad(),
                '-' => {
                    negative = true;
                    seen = false;
                }
                ':' | ')' => {
                    if negative && !seen {
                        return bad();
                    }
                    self.rest = &after[at + 1..];
                    if through == "(?)" {
                        // Go takes flags that change nothing; the crate does not.
                        self.depth -= 1;
                        return Ok(Last::Nothing);
                    }
                    self.out.push_str(through);
                    if c == ')' {
                        self.depth -= 1;
                    }
                    return Ok(Last::Nothing);
                }
                _ => return bad(),
            }
        }
        Err(wrong("invalid or unsupported Perl syntax", here))
    }

    fn escape(&mut self, here: &'p str) -> Result<Last<'p>, SyntaxError> {
        let after = &here[1..];
        let Some(c) = after.chars().next() else {
            return Err(wrong("trailing backslash at end of expression", ""));
        };
        self.rest = &after[c.len_utf8()..];
        match c {
            'A' | 'z' => {
                self.out.push('\\');
                self.out.push(c);
            }
            // Go's word boundaries know ASCII only.
            'b' => self.out.push_str("(?-u:\\b)"),
            'B' => self.out.push_str("(?-u:\\B)"),
            'Q' => {
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                for c in quoted.chars() {
                    push_literal(&mut self.out, c);
                }
                self.rest = rest;
                if quoted.is_empty() {
                    return Ok(Last::Nothing);
                }
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => self.out.push_str(class::perl(c)),
            'p' | 'P' => {
                let (text, rest) = class::property(here)?;
                self.out.push_str(&text);
                self.rest = rest;
            }
            _ => {
                let (c, rest) = class::escaped(here)?;
                push_literal(&mut self.out, c);
                self.rest = rest;
            }
        }
        Ok(Last::Atom)
    }
}

/// A character that means itself.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

/// `{n}`, `{n,}` or `{n,m}` at the start; `None` if the brace means itself.
fn counts(text: &str) -> Result<Option<&str>, SyntaxError> {
    let Some(end) = text.find('}') else {
        return Ok(None);
    };
    let body = &text[1..end];
    let number = |digits: &str| -> Option<u32> {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        (plain && !leading_zero).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (low, high) = match body.split_once(',') {
        None => (number(body), number(body)),
        Some((low, "")) => (number(low), Some(number(low).unwrap_or(0))),
        Some((low, high)) => (number(low), number(high)),
    };
    let (Some(low), Some(high)) = (low, high) else {
        return Ok(None);
    };
    if low > MAX_REPEAT || high > MAX_REPEAT || low > high {
        return Err(wrong("invalid repeat count", &text[..=end]));
    }
    Ok(Some(&text[..=end]))
}
