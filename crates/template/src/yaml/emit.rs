//! Writes YAML in the block style of `yaml.v2`: which quotes a text gets, where a long line is folded, how keys are
//! sorted. The rules are those of libyaml's emitter with a width of 80 and an indentation of 2.

use std::cmp::Ordering;

use pannier_go::float::{self, Form};
use pannier_go::{Duration, integer};

use super::resolve;
use crate::encoding::{Alphabet, base64_encode};
use crate::functions::{Failure, MAX_NESTING};
use crate::value::{IntType, Text, Value};

const WIDTH: usize = 80;
const INDENT: usize = 2;
/// A longer key is written with a question mark.
const LONGEST_KEY: usize = 128;

/// Writes a value as a YAML document, which ends with a new line.
///
/// # Errors
/// What YAML cannot hold.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, Failure> {
    let mut emitter = Emitter {
        out: String::new(),
        column: 0,
        whitespace: true,
        indention: true,
    };
    emitter.node(value, None, Context::default(), 0)?;
    emitter.out.push('\n');
    Ok(emitter.out.into_bytes())
}

#[derive(Clone, Copy, Default)]
struct Context {
    /// Directly under a key of a mapping.
    in_mapping: bool,
    /// A key that stands on one line with its value.
    simple_key: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

struct Emitter {
    out: String,
    column: usize,
    /// The last thing written was white space.
    whitespace: bool,
    /// Only indentation and indicators stand on this line so far.
    indention: bool,
}

impl Emitter {
    fn node(
        &mut self,
        value: &Value,
        indent: Option<usize>,
        context: Context,
        depth: usize,
    ) -> Result<(), Failure> {
        if depth > MAX_NESTING {
            return Err(Failure::too_deep());
        }
        match value {
            Value::List(list) => {
                if list.is_empty() {
                    self.indicator("[]", true, false);
                    return Ok(());
                }
                // A list under a key is not indented further, unless the key itself follows a dash or question mark.
                let indent = match indent {
                    Some(indent) if context.in_mapping && !self.indention => indent,
                    indent => deeper(indent),
                };
                for item in list.items() {
                    self.new_line(indent);
                    self.indicator("-", true, true);
                    self.node(item, Some(indent), Context::default(), depth + 1)?;
                }
                Ok(())
            }
            Value::Map(map) => self.mapping(&sorted(map.entries()), indent, depth),
            Value::Object(object) => match crate::json::marshal_text(&**object) {
                Some(text) if object.as_any().is::<crate::datetime::Time>() => {
                    self.scalar(&text, None, Style::Plain, indent, context);
                    Ok(())
                }
                Some(text) => self.string(text.as_bytes(), indent, context),
                None => {
                    let fields = object.fields().into_iter();
                    let fields: Vec<(Text, Value)> = fields
                        .map(|(name, field)| (name.to_lowercase().into(), field))
                        .collect();
                    self.mapping(&fields, indent, depth)
                }
            },
            value => self.leaf(value, indent, context),
        }
    }

    fn mapping(
        &mut self,
        entries: &[(Text, Value)],
        indent: Option<usize>,
        depth: usize,
    ) -> Result<(), Failure> {
        if entries.is_empty() {
            self.indicator("{}", true, false);
            return Ok(());
        }
        let indent = deeper(indent);
        for (key, item) in entries {
            self.new_line(indent);
            let in_mapping = Context {
                in_mapping: true,
                simple_key: false,
            };
            if key.len() <= LONGEST_KEY && !key.iter().any(|b| matches!(b, b'\n' | b'\r')) {
                self.string(
                    key,
                    Some(indent),
                    Context {
                        in_mapping: true,
                        simple_key: true,
                    },
                )?;
                self.indicator(":", false, false);
            } else {
                self.indicator("?", true, true);
                self.string(key, Some(indent), in_mapping)?;
                self.new_line(indent);
                self.indicator(":", true, true);
            }
            self.node(item, Some(indent), in_mapping, depth + 1)?;
        }
        Ok(())
    }

    fn leaf(
        &mut self,
        value: &Value,
        indent: Option<usize>,
        context: Context,
    ) -> Result<(), Failure> {
        let text = match value {
            Value::Nil | Value::NilPointer(_) => "null".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Int(IntType::Duration, nanos) => Duration::from_nanos(*nanos).to_string(),
            Value::Int(_, n) => n.to_string(),
            Value::Uint(_, n) => n.to_string(),
            Value::Float(f) => float_text(*f),
            Value::Number(digits) => match (integer::parse_int(digits, 10), float::parse(digits)) {
                (Ok(n), _) => n.to_string(),
                (_, Ok(f)) => float_text(f),
                _ => return self.string(digits, indent, context),
            },
            Value::String(text) => return self.string(text, indent, context),
            Value::Bytes(bytes) => {
                self.scalar(
                    &base64_encode(bytes, Alphabet::Standard),
                    Some("!!binary"),
                    Style::Plain,
                    indent,
                    context,
                );
                return Ok(());
            }
            value => {
                return Err(Failure::new(format!(
                    "cannot marshal type: {}",
                    value.type_name()
                )));
            }
        };
        self.scalar(&text, None, Style::Plain, indent, context);
        Ok(())
    }

    fn string(
        &mut self,
        text: &[u8],
        indent: Option<usize>,
        context: Context,
    ) -> Result<(), Failure> {
        let Ok(text) = std::str::from_utf8(text) else {
            let encoded = base64_encode(text, Alphabet::Standard);
            let lines: Vec<&str> = encoded
                .as_bytes()
                .chunks(70)
                .filter_map(|line| std::str::from_utf8(line).ok())
                .collect();
            let style = if lines.len() > 1 {
                Style::Literal
            } else {
                Style::Plain
            };
            self.scalar(&lines.join("\n"), Some("!!binary"), style, indent, context);
            return Ok(());
        };
        let style = if text.contains('\n') {
            Style::Literal
        } else if resolve::needs_quotes(text) {
            Style::Double
        } else {
            Style::Plain
        };
        self.scalar(text, None, style, indent, context);
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        tag: Option<&str>,
        wanted: Style,
        indent: Option<usize>,
        context: Context,
    ) {
        if let Some(tag) = tag {
            self.indicator(tag, true, false);
        }
        let allowed = Allowed::of(text);
        let mut style = wanted;
        if context.simple_key && allowed.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!allowed.plain || (text.is_empty() && context.simple_key)) {
            style = Style::Single;
        }
        if style == Style::Single && !allowed.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!allowed.block || context.simple_key) {
            style = Style::Double;
        }
        let indent = indent.map_or(INDENT, |indent| indent + INDENT);
        let fold = !context.simple_key;
        match style {
            Style::Plain => self.plain(text, fold, indent),
            Style::Single => self.single(text, fold, indent),
            Style::Double => self.double(text, fold, indent),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    fn new_line(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, space_before: bool, is_indention: bool) {
        if space_before && !self.whitespace {
            self.put(' ');
        }
        for c in text.chars() {
            self.put(c);
        }
        self.whitespace = false;
        self.indention = self.indention && is_indention;
    }

    fn plain(&mut self, text: &str, fold: bool, indent: usize) {
        if !self.whitespace {
            self.put(' ');
        }
        self.folded(text, fold, indent, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &str, fold: bool, indent: usize) {
        self.indicator("'", true, false);
        self.folded(text, fold, indent, true);
        self.indicator("'", false, false);
    }

    /// The text of a plain or single-quoted scalar: long lines break at a lone space.
    fn folded(&mut self, text: &str, fold: bool, indent: usize, quoted: bool) {
        let mut after_space = false;
        let mut after_break = false;
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let next_is_space = rest.peek().is_some_and(|(_, c)| *c == ' ');
            let inside = !quoted || (at > 0 && at + 1 < text.len());
            if c == ' ' {
                if fold && !after_space && self.column > WIDTH && inside && !next_is_space {
                    self.new_line(indent);
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else if is_break(c) {
                if !after_break && c == '\n' {
                    self.line_break();
                }
                self.write_break(c);
                self.indention = true;
                after_break = true;
            } else {
                if after_break {
                    self.new_line(indent);
                }
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                after_space = false;
                after_break = false;
            }
        }
    }

    fn double(&mut self, text: &str, fold: bool, indent: usize) {
        self.indicator("\"", true, false);
        let mut after_space = false;
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            if !is_printable(c) || is_break(c) || matches!(c, '\u{feff}' | '"' | '\\') {
                self.put('\\');
                for c in escape(c).chars() {
                    self.put(c);
                }
                after_space = false;
            } else if c == ' ' {
                if fold && !after_space && self.column > WIDTH && at > 0 && at + 1 < text.len() {
                    self.new_line(indent);
                    if rest.peek().is_some_and(|(_, c)| *c == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.put(c);
                after_space = false;
            }
        }
        self.indicator("\"", false, false);
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.indicator("|", true, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator(&INDENT.to_string(), false, false);
        }
        let mut from_the_end = text.chars().rev();
        match (from_the_end.next(), from_the_end.next()) {
            (Some(last), _) if !is_break(last) => self.indicator("-", false, false),
            (Some(_), None) => self.indicator("+", false, false),
            (Some(_), Some(previous)) if is_break(previous) => self.indicator("+", false, false),
            _ => {}
        }
        self.line_break();
        self.indention = true;
        self.whitespace = true;
        let mut after_break = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                after_break = true;
            } else {
                if after_break {
                    self.new_line(indent);
                }
                self.put(c);
                self.indention = false;
                after_break = false;
            }
        }
    }
}

fn deeper(indent: Option<usize>) -> usize {
    indent.map_or(0, |indent| indent + INDENT)
}

fn float_text(value: f64) -> String {
    if value.is_nan() {
        ".nan".into()
    } else if value.is_infinite() {
        if value > 0.0 { ".inf" } else { "-.inf" }.into()
    } else {
        float::format(value, Form::General, None)
    }
}

/// The styles that a text allows.
struct Allowed {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

impl Allowed {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self {
                multiline: false,
                plain: true,
                single: true,
                block: false,
            };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut line_breaks, mut special) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut previous_space, mut previous_break) = (false, false);
        let mut preceded = true;
        let mut rest = text.chars().peekable();
        let mut first = true;
        while let Some(c) = rest.next() {
            let followed = rest.peek().is_none_or(|c| is_blank(*c));
            indicators |= match c {
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => first,
                '?' | '-' => first && followed,
                ':' => followed,
                '#' => first || preceded,
                _ => false,
            };
            special |= !is_printable(c);
            if c == ' ' {
                break_space |= previous_break;
            } else if is_break(c) {
                line_breaks = true;
                space_break |= previous_space;
            }
            previous_space = c == ' ';
            previous_break = is_break(c);
            preceded = is_blank(c);
            first = false;
        }
        let at_edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(at_edge) || text.ends_with(at_edge);
        let bad = space_break || special;
        Self {
            multiline: line_breaks,
            plain: !(indicators || edges || break_space || bad || line_breaks),
            single: !(break_space || bad),
            block: !(text.ends_with(' ') || bad),
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_break(c)
}

/// What the library writes as it is: neither tabs nor anything beyond U+FFFF.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => "0",
        '\x07' => "a",
        '\x08' => "b",
        '\t' => "t",
        '\n' => "n",
        '\x0b' => "v",
        '\x0c' => "f",
        '\r' => "r",
        '\x1b' => "e",
        '"' => "\"",
        '\\' => "\\",
        '\u{85}' => "N",
        '\u{a0}' => "_",
        '\u{2028}' => "L",
        '\u{2029}' => "P",
        c => {
            return match u32::from(c) {
                code @ 0..=0xff => format!("x{code:02X}"),
                code @ 0x100..=0xffff => format!("u{code:04X}"),
                code => format!("U{code:08X}"),
            };
        }
    };
    short.to_owned()
}

/// Sorts keys by [`natural`]. That order is not transitive for a few odd mixtures of letters and digits, which the
/// sorting of the standard library may answer with a panic; merging cannot.
fn sorted(mut entries: Vec<(Text, Value)>) -> Vec<(Text, Value)> {
    if entries.len() < 2 {
        return entries;
    }
    let tail = sorted(entries.split_off(entries.len() / 2));
    let head = sorted(entries);
    let mut out = Vec::with_capacity(head.len() + tail.len());
    let (mut head, mut tail) = (head.into_iter().peekable(), tail.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (head.peek(), tail.peek()) {
        let from = if natural(a, b) == Ordering::Greater {
            &mut tail
        } else {
            &mut head
        };
        out.extend(from.next());
    }
    out.extend(head);
    out.extend(tail);
    out
}

/// The library's order of keys: letters after other characters, digits compared as numbers.
fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let a: Vec<char> = crate::strings::runes(a).collect();
    let b: Vec<char> = crate::strings::runes(b).collect();
    for i in 0..a.len().min(b.len()) {
        if a[i] == b[i] {
            continue;
        }
        let (a_letter, b_letter) = (a[i].is_alphabetic(), b[i].is_alphabetic());
        if a_letter && b_letter {
            return a[i].cmp(&b[i]);
        }
        if a_letter || b_letter {
            return if b_letter {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
        let leading = (a[i] == '0' || b[i] == '0')
            && a[..i]
                .iter()
                .rev()
                .take_while(|c| c.is_ascii_digit())
                .any(|c| *c != '0');
        let number = |text: &[char]| {
            let start = u64::from(leading);
            let digits = text[i..].iter().map_while(|c| c.to_digit(10));
            digits.fold((start, i), |(n, end), d| {
                (n.wrapping_mul(10).wrapping_add(u64::from(d)), end + 1)
            })
        };
        let ((a_number, a_end), (b_number, b_end)) = (number(&a), number(&b));
        return a_number
            .cmp(&b_number)
            .then(a_end.cmp(&b_end))
            .then(a[i].cmp(&b[i]));
    }
    a.len().cmp(&b.len())
}
