//! JSON configurations, read into the same tree as HCL.
//!
//! The original converts JSON to HCL with a special rule: an object all of whose values are objects is dissolved,
//! its keys becoming labels of the parent, wherever it stands. Here that happens only under the keys that can carry
//! a label ([`LABELLED`]), so every form that works there works here, and so do the obvious forms that fail there,
//! such as `"auto_auth": {"method": {...}, "sink": {...}}`.
//!
//! Read leniently, as the original does: `,` before a closing bracket. Beyond the original: `\/`, and surrogate pairs.

use crate::ast::{Item, Key, List, Literal, Object, Scalar, Spot, SyntaxError, Value};

/// The keys under which `{"label": {...}}` is the block `key "label" {...}`.
const LABELLED: [&str; 5] = ["env_template", "listener", "method", "persist", "sink"];

/// As for HCL, deeper nesting is refused instead of exhausting the stack.
const MAX_DEPTH: u32 = 100;

/// Reads a whole source whose first character that is no blank is `{`.
pub(crate) fn parse(source: &str) -> Result<Object, SyntaxError> {
    let mut reader = Reader {
        rest: source,
        at: Spot::START,
        depth: 0,
    };
    let Value::Object(object) = reader.value()? else {
        return Err(reader.error("expected: LBRACE"));
    };
    reader.blanks();
    match reader.peek() {
        None => Ok(object),
        Some(_) => Err(reader.error("unexpected text after the configuration's closing `}`")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    at: Spot,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Value, SyntaxError> {
        self.blanks();
        let at = self.at;
        let scalar = match self.peek() {
            Some('{') => return self.nested(Self::object).map(Value::Object),
            Some('[') => return self.nested(Self::list).map(Value::List),
            Some('"') => Scalar::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('a'..='z') => match self.word() {
                "true" => Scalar::Bool(true),
                "false" => Scalar::Bool(false),
                "null" => Scalar::Null,
                _ => {
                    return Err(SyntaxError {
                        at,
                        text: "illegal char".to_owned(),
                    });
                }
            },
            Some(c) => return Err(self.error(&format!("illegal char: {c}"))),
            None => return Err(self.error("unexpected end of file, expected a value")),
        };
        Ok(Value::Literal(Literal { at, scalar }))
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(&format!(
                "more than {MAX_DEPTH} levels of objects and lists"
            )));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Object, SyntaxError> {
        let at = self.at;
        self.bump();
        let mut items = Vec::new();
        while !self.closes('}')? {
            let key = Key {
                at: self.at,
                text: self.string()?,
            };
            self.blanks();
            if self.peek() != Some(':') {
                return Err(self.error("expected `:` after a key"));
            }
            self.bump();
            let value = self.value()?;
            if LABELLED
                .iter()
                .any(|labelled| key.text.eq_ignore_ascii_case(labelled))
            {
                dissolve(&key, value, &mut items);
            } else {
                items.push(Item {
                    keys: vec![key],
                    value,
                });
            }
            self.comma('}')?;
        }
        Ok(Object { at, items })
    }

    fn list(&mut self) -> Result<List, SyntaxError> {
        let at = self.at;
        self.bump();
        let mut values = Vec::new();
        while !self.closes(']')? {
            values.push(self.value()?);
            self.comma(']')?;
        }
        Ok(List { at, values })
    }

    /// Whether the bracket closes here; it is taken then.
    fn closes(&mut self, bracket: char) -> Result<bool, SyntaxError> {
        self.blanks();
        match self.peek() {
            Some(c) if c == bracket => {
                self.bump();
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(self.error(&format!("unexpected end of file, expected `{bracket}`"))),
        }
    }

    /// Takes the comma after an element, if the bracket does not follow.
    fn comma(&mut self, bracket: char) -> Result<(), SyntaxError> {
        self.blanks();
        match self.peek() {
            Some(',') => {
                self.bump();
                Ok(())
            }
            Some(c) if c == bracket => Ok(()),
            Some(c) => {
                let c = c.escape_default();
                Err(self.error(&format!("illegal char: {c} (expected `,` or `{bracket}`)")))
            }
            None => Err(self.error(&format!("unexpected end of file, expected `{bracket}`"))),
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        if self.peek() != Some('"') {
            return Err(self.error("illegal char: expected a string in double quotes"));
        }
        self.bump();
        let mut out = String::new();
        loop {
            let at = self.at;
            match self.bump() {
                Some('"') => return Ok(out),
                Some('\\') => {
                    let escaped = self.escape();
                    out.push(escaped.ok_or(SyntaxError {
                        at,
                        text: "illegal char escape".to_owned(),
                    })?);
                }
                Some('\n' | '\0') => {
                    return Err(SyntaxError {
                        at,
                        text: "illegal char: a string ends on its line".to_owned(),
                    });
                }
                None => {
                    return Err(SyntaxError {
                        at: start,
                        text: "literal not terminated".to_owned(),
                    });
                }
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.bump()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            c @ ('"' | '\\' | '/') => c,
            'x' => char::from_u32(self.hex(2)?)?,
            'U' => char::from_u32(self.hex(8)?)?,
            'u' => match self.hex(4)? {
                high @ 0xd800..=0xdbff if self.rest.starts_with("\\u") => {
                    let rest = self.rest;
                    self.advance(2);
                    match self.hex(4) {
                        Some(low @ 0xdc00..=0xdfff) => {
                            char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?
                        }
                        _ => {
                            self.rest = rest;
                            char::REPLACEMENT_CHARACTER
                        }
                    }
                }
                0xd800..=0xdfff => char::REPLACEMENT_CHARACTER,
                code => char::from_u32(code)?,
            },
            _ => return None,
        })
    }

    fn hex(&mut self, count: usize) -> Option<u32> {
        let text = self.rest.get(..count)?;
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.advance(count);
        u32::from_str_radix(text, 16).ok()
    }

    fn number(&mut self) -> Result<Scalar, SyntaxError> {
        let at = self.at;
        let error = |text: &str| SyntaxError {
            at,
            text: text.to_owned(),
        };
        let length = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let text = self.advance(length.unwrap_or(self.rest.len()));
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit() {
            return Err(error("numbers cannot start with 0"));
        }
        if let Ok(value) = text.parse::<i64>() {
            return Ok(Scalar::Int(value, text.to_owned()));
        }
        match text.parse::<f64>() {
            Ok(value) if text.bytes().any(|b| b.is_ascii_digit()) => {
                Ok(Scalar::Float(value, text.to_owned()))
            }
            _ => Err(error("illegal number")),
        }
    }

    fn word(&mut self) -> &'a str {
        let length = self.rest.find(|c: char| !c.is_ascii_lowercase());
        self.advance(length.unwrap_or(self.rest.len()))
    }

    fn blanks(&mut self) {
        let blanks = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.advance(blanks);
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.advance(c.len_utf8());
        Some(c)
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.at = self.at.after(taken);
        taken
    }

    fn error(&self, text: &str) -> SyntaxError {
        SyntaxError {
            at: self.at,
            text: text.to_owned(),
        }
    }
}

/// Adds a member as items: one for each block that a list holds, and one for each label.
fn dissolve(key: &Key, value: Value, items: &mut Vec<Item>) {
    match value {
        Value::List(list)
            if list
                .values
                .iter()
                .all(|value| matches!(value, Value::Object(_))) =>
        {
            list.values
                .into_iter()
                .for_each(|value| dissolve(key, value, items));
        }
        Value::Object(object) if holds_labels(&object) => {
            for item in object.items {
                let label = item.keys.into_iter().next();
                let before = items.len();
                dissolve_labelled(key, label, item.value, items);
                debug_assert!(items.len() > before);
            }
        }
        value => items.push(Item {
            keys: vec![key.clone()],
            value,
        }),
    }
}

/// One label with its object, or the list of objects that it has.
fn dissolve_labelled(key: &Key, label: Option<Key>, value: Value, items: &mut Vec<Item>) {
    let keys: Vec<Key> = std::iter::once(key.clone()).chain(label).collect();
    match value {
        Value::List(list) => {
            items.extend(list.values.into_iter().map(|value| Item {
                keys: keys.clone(),
                value,
            }));
        }
        value => items.push(Item { keys, value }),
    }
}

/// Whether all values are objects, or lists of some; `config` is a stanza's key, never a label.
fn holds_labels(object: &Object) -> bool {
    let is_object = |value: &Value| matches!(value, Value::Object(_));
    !object.items.is_empty()
        && object.items.iter().all(|item| {
            item.keys
                .iter()
                .all(|key| !key.text.eq_ignore_ascii_case("config"))
                && match &item.value {
                    Value::Object(_) => true,
                    Value::List(list) => {
                        !list.values.is_empty() && list.values.iter().all(is_object)
                    }
                    Value::Literal(_) => false,
                }
        })
}
