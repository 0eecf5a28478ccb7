//! `snakecase`, `kebabcase`, `camelcase` as the `xstrings` library splits words, and the case changes of `goutils`.

use std::sync::LazyLock;

use crate::strings::{lower, runes, title, upper};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

fn is_punctuation(c: char) -> bool {
    static PUNCTUATION: LazyLock<Option<regex::Regex>> =
        LazyLock::new(|| regex::Regex::new(r"^\p{P}$").ok());
    if c.is_ascii() {
        return c.is_ascii_punctuation()
            && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    PUNCTUATION
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Ideographs are no letters in this sense, as far as the library knows them.
fn is_letter(c: char) -> bool {
    let ideograph = matches!(c,
        '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2a6d6}' | '\u{2a700}'..='\u{2b734}'
        | '\u{2b740}'..='\u{2b81d}');
    c.is_alphabetic() && !ideograph
}

/// The word at the start of the text: its kind and its length in characters.
fn next_word(text: &[char]) -> (Kind, usize) {
    let Some(&first) = text.first() else {
        return (Kind::Nothing, 0);
    };
    let while_true = |from: usize, test: &dyn Fn(char) -> bool| {
        from + text[from..].iter().take_while(|c| test(**c)).count()
    };
    let lower_letter = |c: char| is_letter(c) && !c.is_uppercase();
    if first == char::REPLACEMENT_CHARACTER {
        (Kind::Nothing, 1)
    } else if is_connector(first) {
        (Kind::Connector, while_true(1, &is_connector))
    } else if is_punctuation(first) {
        (Kind::Punctuation, while_true(1, &is_punctuation))
    } else if first.is_uppercase() {
        let end = match text.get(1) {
            Some(second) if second.is_uppercase() => {
                let end = while_true(2, &char::is_uppercase);
                // `HTTPStatus` is `HTTP` and `Status`: the last capital begins the next word.
                if text.get(end).is_some_and(|c| is_letter(*c)) {
                    end - 1
                } else {
                    end
                }
            }
            Some(second) if is_letter(*second) => while_true(2, &lower_letter),
            _ => 1,
        };
        (Kind::Upper, end)
    } else if is_letter(first) {
        (Kind::Letters, while_true(1, &lower_letter))
    } else if first.is_numeric() {
        (Kind::Number, while_true(1, &char::is_numeric))
    } else {
        let other =
            |c: char| !(is_connector(c) || is_letter(c) || c.is_numeric() || is_punctuation(c));
        (Kind::Other, while_true(1, &other))
    }
}

struct Words<'t> {
    rest: &'t [char],
    kind: Kind,
    word: &'t [char],
}

impl<'t> Words<'t> {
    fn advance(&mut self) {
        let (kind, length) = next_word(self.rest);
        let (word, rest) = self.rest.split_at(length);
        (self.kind, self.word, self.rest) = (kind, word, rest);
    }

    fn write(&self, out: &mut String, connector: char) {
        write_word(out, self.kind, self.word, connector);
    }

    /// Whether a connector belongs before the current word.
    fn connects(&self) -> bool {
        !matches!(self.kind, Kind::Connector | Kind::Punctuation)
    }
}

fn write_word(out: &mut String, kind: Kind, word: &[char], connector: char) {
    for &c in word {
        out.push(match kind {
            Kind::Upper | Kind::Connector if is_connector(c) => connector,
            Kind::Upper | Kind::Connector if c.is_uppercase() => lower(c),
            _ => c,
        });
    }
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`.
pub(super) fn lower_words(text: &[u8], connector: char) -> String {
    let text: Vec<char> = runes(text).collect();
    let mut out = String::new();
    let mut words = Words {
        rest: &text,
        kind: Kind::Nothing,
        word: &[],
    };
    words.advance();
    while !words.rest.is_empty() {
        if words.kind != Kind::Connector {
            words.write(&mut out, connector);
        }
        let (previous, last) = (words.kind, words.word);
        words.advance();
        match previous {
            Kind::Number => {
                while matches!(words.kind, Kind::Letters | Kind::Number) {
                    words.write(&mut out, connector);
                    words.advance();
                }
                if words.kind != Kind::Nothing && words.connects() {
                    out.push(connector);
                }
            }
            Kind::Connector => write_word(&mut out, previous, last, connector),
            Kind::Punctuation => {}
            _ if words.kind != Kind::Number => {
                if words.connects() {
                    out.push(connector);
                }
            }
            _ if words.rest.is_empty() => {}
            _ => {
                let number = words.word;
                words.advance();
                if words.kind != Kind::Letters {
                    // A number belongs to the word before it: `Bld4Floor` is `bld4_floor`.
                    write_word(&mut out, Kind::Number, number, connector);
                    if words.connects() {
                        out.push(connector);
                    }
                    continue;
                }
                // Unless small letters follow: `HTTP2xx` is `http_2xx`.
                out.push(connector);
                write_word(&mut out, Kind::Number, number, connector);
                while matches!(words.kind, Kind::Letters | Kind::Number) {
                    words.write(&mut out, connector);
                    words.advance();
                }
                if words.kind != Kind::Nothing && words.connects() {
                    out.push(connector);
                }
            }
        }
    }
    words.write(&mut out, connector);
    out
}

/// `xstrings.ToCamelCase`: capitals after connectors, which go; leading ones and all but one of several stay.
pub(super) fn camel(text: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = runes(text).peekable();
    let mut current = None;
    for c in rest.by_ref() {
        current = Some(c);
        if !is_connector(c) {
            current = Some(upper(c));
            break;
        }
        out.push(c);
    }
    let Some(mut current) = current else {
        return out;
    };
    for c in rest {
        let previous = current;
        current = c;
        if is_connector(current) && is_connector(previous) {
            out.push(previous);
        } else if is_connector(previous) {
            current = upper(current);
        } else {
            out.push(previous);
        }
    }
    out.push(current);
    out
}

/// `goutils.SwapCase`.
pub(super) fn swap(text: &[u8]) -> String {
    let mut after_space = true;
    crate::strings::map(text, |c| {
        if c.is_uppercase() || title(c) == c && lower(c) != c {
            after_space = false;
            lower(c)
        } else if c.is_lowercase() {
            let swapped = if after_space { title(c) } else { upper(c) };
            after_space = false;
            swapped
        } else {
            after_space = c.is_whitespace();
            c
        }
    })
}

/// `goutils.Uncapitalize`: the first letter of each word in lower case.
pub(super) fn uncapitalize(text: &[u8]) -> String {
    let mut next = true;
    crate::strings::map(text, |c| {
        if c.is_whitespace() {
            next = true;
            return c;
        }
        if std::mem::take(&mut next) {
            lower(c)
        } else {
            c
        }
    })
}
