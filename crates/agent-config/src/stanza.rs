//! One block of the tree, and how its keys are read.
//!
//! Every method takes a key and returns its value, or `None` when it is not given; a value of the wrong kind is
//! noted as a problem and counts as not given. So reading always goes on and finds all that is wrong.

use std::sync::Arc;
use std::time::Duration;

use pannier_go::{Duration as GoDuration, boolean, integer};

use crate::ast::{Item, Key, Literal, Object, Scalar, Spot, Value};
#[cfg(debug_assertions)]
use crate::keys;
use crate::keys::Kind;
use crate::{Position, Problem, Stage};

/// What is found while one source is read.
pub(crate) struct Reading {
    source: Arc<str>,
    /// The reference knows no places in JSON.
    json: bool,
    pub(crate) problems: Vec<Problem>,
    /// Problems that belong to the look at the whole.
    pub(crate) later: Vec<Problem>,
}

impl Reading {
    pub(crate) fn new(source: &str, json: bool) -> Self {
        Self {
            source: source.into(),
            json,
            problems: Vec::new(),
            later: Vec::new(),
        }
    }

    /// A place as the reference prints it within a sentence.
    fn shown(&self, Spot { line, column }: Spot) -> String {
        match self.json {
            true => "At -".to_owned(),
            false => format!("At {line}:{column}"),
        }
    }

    pub(crate) fn place(&self, at: Spot) -> Position {
        at.in_source(&self.source)
    }

    /// A problem of this source.
    pub(crate) fn problem(&mut self, at: Spot, text: String) {
        self.note(Stage::Loading(self.source.to_string()), at, text);
    }

    /// A problem that the reference notices when it looks at the whole.
    pub(crate) fn validating(&mut self, at: Spot, text: String) {
        let at = Some(self.place(at));
        self.later.push(Problem {
            stage: Stage::Validating,
            text,
            at,
            hint: None,
        });
    }

    /// A problem that the reference notices only when it makes the part that is configured.
    pub(crate) fn creating(&mut self, at: Spot, text: String) {
        self.note(Stage::Creating, at, text);
    }

    fn note(&mut self, stage: Stage, at: Spot, text: String) {
        let at = Some(self.place(at));
        self.problems.push(Problem {
            stage,
            text,
            at,
            hint: None,
        });
    }

    /// Adds what to do to the last problem.
    pub(crate) fn hint(&mut self, hint: &str) {
        if let Some(problem) = self.problems.last_mut() {
            problem.hint = Some(hint.to_owned());
        }
    }
}

/// A block and where it stands, which gives its messages their words.
#[derive(Clone)]
pub(crate) struct Stanza<'a> {
    pub(crate) at: Spot,
    labels: &'a [Key],
    object: &'a Object,
    /// Before what is wrong with a value, such as `error parsing 'vault':`.
    pub(crate) prefix: String,
    words: Words,
    /// The table's row for this block, which what is read is held to.
    #[cfg(debug_assertions)]
    keys: &'static keys::Block,
}

/// How the reference words a value of the wrong type. It reads some stanzas straight from the tree and some through
/// plain maps.
#[derive(Clone)]
enum Words {
    /// `<prefix>At 1:2: <path>.key: unknown type *ast.LiteralType`.
    Tree { prefix: String, path: String },
    /// `<stanza's prefix>decoding failed ...: '<path>key' expected type 'bool', got unconvertible type 'string'`.
    Map { path: String },
}

impl<'a> Stanza<'a> {
    /// The whole file.
    pub(crate) fn file(object: &'a Object) -> Self {
        let words = Words::Tree {
            prefix: String::new(),
            path: "root".to_owned(),
        };
        Self {
            at: object.at,
            labels: &[],
            object,
            prefix: String::new(),
            words,
            #[cfg(debug_assertions)]
            keys: keys::block(""),
        }
    }

    /// The label, if there is exactly one.
    pub(crate) fn label(&self) -> Option<&'a str> {
        match self.labels {
            [label] => Some(&label.text),
            _ => None,
        }
    }

    pub(crate) fn label_count(&self) -> usize {
        self.labels.len()
    }

    /// Notes a label where the reference, reading through a plain map, takes it for a key.
    pub(crate) fn refuse_labels(&self, reading: &mut Reading, go: &str) {
        if let Some(label) = self.labels.first() {
            let text = format!("'{go}' has invalid keys: {}", label.text);
            self.map_problem(reading, label.at, &text);
        }
    }

    /// What the block holds.
    pub(crate) fn object(&self) -> &'a Object {
        self.object
    }

    /// The same block with another beginning of its messages.
    pub(crate) fn called(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The same block, read by the reference in a step of its own: also type errors have the prefix then.
    pub(crate) fn on_its_own(mut self, prefix: &str) -> Self {
        self.words = Words::Tree {
            prefix: prefix.to_owned(),
            path: "root".to_owned(),
        };
        self.called(prefix)
    }

    /// The same block, read by the reference through a plain map.
    pub(crate) fn through_map(mut self, prefix: &str) -> Self {
        self.words = Words::Map {
            path: String::new(),
        };
        self.called(prefix)
    }

    /// Every key with the place of its first item, labels left out.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a Key> {
        self.object
            .items
            .iter()
            .filter_map(|item| item.keys.first())
    }

    fn named(&self, key: &str) -> impl DoubleEndedIterator<Item = &'a Item> {
        let name = key.to_owned();
        self.object.items.iter().filter(move |item| {
            item.keys
                .first()
                .is_some_and(|key| key.text.eq_ignore_ascii_case(&name))
        })
    }

    /// The value of a key that may be of several kinds.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.find(key, Kind::Other("anything"))
    }

    /// Whether a key is given that makes no sense here, so that this can be said.
    pub(crate) fn has_misplaced(&self, key: &str) -> bool {
        self.last(key).is_some()
    }

    /// The value of a key of the table, which must say the kind that is read.
    fn find(&self, key: &str, kind: Kind) -> Option<&'a Value> {
        #[cfg(debug_assertions)]
        self.hold_to_table(key, kind);
        #[cfg(not(debug_assertions))]
        let _ = kind;
        self.last(key)
    }

    #[cfg(debug_assertions)]
    fn hold_to_table(&self, key: &str, kind: Kind) {
        let path = self.keys.path;
        match self.keys.key(key).map(|key| key.kind) {
            None => debug_assert!(false, "`{path}.{key}` is read but not in the table"),
            Some(Kind::Other(_)) => {}
            Some(listed) => debug_assert!(
                listed == kind || matches!(kind, Kind::Other(_)),
                "`{path}.{key}` is read as {kind}, the table says {listed}"
            ),
        }
        #[cfg(test)]
        keys::read::note(path, key);
    }

    /// The value of a key; the last one counts, and JSON's null is none.
    fn last(&self, key: &str) -> Option<&'a Value> {
        let value = &self.named(key).next_back()?.value;
        match value {
            Value::Literal(Literal {
                scalar: Scalar::Null,
                ..
            }) => None,
            value => Some(value),
        }
    }

    /// Where the key stands, or the block when it is not there.
    pub(crate) fn place_of(&self, key: &str) -> Spot {
        self.named(key)
            .next_back()
            .and_then(|item| item.keys.first())
            .map_or(self.at, |key| key.at)
    }

    /// The blocks of that name: repeated ones, a single object, and a list of objects are all the same.
    pub(crate) fn blocks(&self, reading: &mut Reading, name: &str) -> Vec<Stanza<'a>> {
        let mut blocks = Vec::new();
        #[cfg(debug_assertions)]
        self.hold_to_table(name, Kind::Block);
        for item in self.named(name) {
            let Some((key, labels)) = item.keys.split_first() else {
                continue;
            };
            let block = |object: &'a Object| Stanza {
                at: key.at,
                labels,
                object,
                prefix: self.prefix.clone(),
                words: self.words.inside(name),
                #[cfg(debug_assertions)]
                keys: keys::block(format!("{}.{name}", self.keys.path).trim_start_matches('.')),
            };
            match &item.value {
                Value::Object(object) => blocks.push(block(object)),
                Value::Literal(Literal {
                    scalar: Scalar::Null,
                    ..
                }) => {}
                Value::List(list) => {
                    for value in &list.values {
                        match value {
                            Value::Object(object) => blocks.push(Stanza {
                                at: object.at,
                                ..block(object)
                            }),
                            _ => {
                                self.no_block(reading, name, &item.value);
                                break;
                            }
                        }
                    }
                }
                Value::Literal(_) => self.no_block(reading, name, &item.value),
            }
        }
        blocks
    }

    fn no_block(&self, reading: &mut Reading, name: &str, value: &Value) {
        match &self.words {
            Words::Tree { prefix, path } => {
                let place = reading.shown(value.at());
                let node = value.go_node();
                reading.problem(
                    value.at(),
                    match name {
                        // Its keys are free, so the reference reads it into a map and names its own field.
                        "config" => format!(
                            "{prefix}{place}: {path}.Config: not an object type for map ({node})"
                        ),
                        _ => format!(
                            "{prefix}{place}: {path}.{name}: not an object type for struct ({node})"
                        ),
                    },
                );
            }
            Words::Map { path } => {
                let go = match value {
                    Value::List(_) => "slice",
                    other => go_type(other),
                };
                self.map_problem(
                    reading,
                    value.at(),
                    &format!("'{path}{name}' expected a map or struct, got \"{go}\""),
                );
            }
        }
        reading.hint("expected a block, such as `key { ... }`");
    }

    /// A problem with a value that has the right type.
    pub(crate) fn problem(&self, reading: &mut Reading, at: Spot, text: &str) {
        reading.problem(at, format!("{}{text}", self.prefix));
    }

    /// A problem with a value of a stanza that the reference reads through a plain map.
    pub(crate) fn map_problem(&self, reading: &mut Reading, at: Spot, text: &str) {
        let text = format!(
            "{}decoding failed due to the following error(s):\n\n{text}",
            self.prefix
        );
        reading.problem(at, text);
    }

    /// A problem with a key's value, which the reference names if it reads the stanza through a plain map.
    fn value_problem(&self, reading: &mut Reading, key: &str, text: &str) {
        let at = self.last(key).map_or(self.at, Value::at);
        match &self.words {
            Words::Tree { .. } => self.problem(reading, at, text),
            Words::Map { path } => self.map_problem(reading, at, &format!("'{path}{key}' {text}")),
        }
    }

    fn wrong_type(&self, reading: &mut Reading, key: &str, value: &Value, wanted: &Wanted) {
        match &self.words {
            Words::Tree { prefix, path } => {
                let (place, node) = (reading.shown(value.at()), value.go_node());
                let what = match wanted.go {
                    "string" => format!("{path}.{key}: unknown type for string {node}"),
                    "slice" => format!("unknown slice type: {node}"),
                    _ => format!("{path}.{key}: unknown type {node}"),
                };
                reading.problem(value.at(), format!("{prefix}{place}: {what}"));
            }
            Words::Map { path } => {
                let (go, wanted) = (go_type(value), wanted.go);
                let text = match wanted {
                    "slice" => {
                        format!("'{path}{key}' source data must be an array or slice, got {go}")
                    }
                    _ => format!(
                        "'{path}{key}' expected type '{wanted}', got unconvertible type '{go}'"
                    ),
                };
                self.map_problem(reading, value.at(), &text);
            }
        }
        reading.hint(&format!("`{key}`: expected {}", wanted.human));
    }

    /// A key that names a signal in words that the reference cannot turn into one, so that any value is refused.
    pub(crate) fn signal_of_no_type(&self, reading: &mut Reading, key: &str) {
        if let Some(value) = self.get(key) {
            let human = "nothing, a template's command is only ever killed";
            self.refuse(reading, key, value, "os.Signal", human);
        }
    }

    /// A string. Where the reference reads the tree, a whole number counts as its text.
    pub(crate) fn text(&self, reading: &mut Reading, key: &str) -> Option<String> {
        const WANTED: Wanted = Wanted {
            go: "string",
            human: "a string in double quotes",
        };
        let value = self.find(key, Kind::Text)?;
        match (value, &self.words) {
            (
                Value::Literal(Literal {
                    scalar: Scalar::Text(text),
                    ..
                }),
                _,
            ) => Some(text.clone()),
            (
                Value::Literal(Literal {
                    scalar: Scalar::Int(_, written),
                    ..
                }),
                Words::Tree { .. },
            ) => Some(written.clone()),
            _ => {
                self.wrong_type(reading, key, value, &WANTED);
                None
            }
        }
    }

    /// A string that is not empty.
    pub(crate) fn set_text(&self, reading: &mut Reading, key: &str) -> Option<String> {
        self.text(reading, key).filter(|text| !text.is_empty())
    }

    /// A boolean without quotes.
    pub(crate) fn strict_bool(&self, reading: &mut Reading, key: &str) -> Option<bool> {
        const WANTED: Wanted = Wanted {
            go: "bool",
            human: "true or false, without quotes",
        };
        let value = self.find(key, Kind::Bool)?;
        match value {
            Value::Literal(Literal {
                scalar: Scalar::Bool(value),
                ..
            }) => Some(*value),
            _ => {
                self.wrong_type(reading, key, value, &WANTED);
                None
            }
        }
    }

    /// A boolean, also as text or number.
    pub(crate) fn loose_bool(&self, reading: &mut Reading, key: &str) -> Option<bool> {
        match loose_bool(self.find(key, Kind::LooseBool)?) {
            Ok(value) => value,
            Err(text) => {
                self.value_problem(reading, key, &text);
                reading.hint(&format!("`{key}`: expected true or false"));
                None
            }
        }
    }

    /// A duration: a number, also in quotes, is in seconds. Below zero counts as zero.
    pub(crate) fn seconds(&self, reading: &mut Reading, key: &str) -> Option<Duration> {
        self.signed_seconds(reading, key)
            .map(|duration| duration.to_std().unwrap_or_default())
    }

    /// How long answers are to be wrapped; zero is not at all. Below zero is refused: counted as zero it would hand out
    /// what was to be wrapped.
    pub(crate) fn wrap_ttl(&self, reading: &mut Reading) -> Option<Duration> {
        const KEY: &str = "wrap_ttl";
        let ttl = self.signed_seconds(reading, KEY)?.to_std();
        if ttl.is_none() {
            let at = self.last(KEY).map_or(self.at, Value::at);
            self.problem(reading, at, "`wrap_ttl` cannot be negative");
            reading.hint("`wrap_ttl`: expected a duration such as \"5m\", or none of the key");
        }
        ttl.filter(|ttl| !ttl.is_zero())
    }

    fn signed_seconds(&self, reading: &mut Reading, key: &str) -> Option<GoDuration> {
        let parsed = match self.find(key, Kind::Seconds)? {
            Value::Literal(Literal {
                scalar: Scalar::Int(seconds, _),
                ..
            }) => Ok(GoDuration::from_secs(*seconds)),
            Value::Literal(Literal {
                scalar: Scalar::Float(seconds, _),
                ..
            }) => Ok(GoDuration::from_nanos((seconds * 1e9) as i64)),
            Value::Literal(Literal {
                scalar: Scalar::Text(text),
                ..
            }) => GoDuration::parse_seconds(text).map_err(|error| error.to_string()),
            _ => Err("could not parse duration from input".to_owned()),
        };
        self.duration(
            reading,
            key,
            parsed,
            "a duration such as \"30s\", \"5m\" or a number of seconds",
        )
    }

    /// A duration with a unit; a number without quotes is in nanoseconds, and loses what is behind the point. Below
    /// zero counts as zero.
    pub(crate) fn go_duration(&self, reading: &mut Reading, key: &str) -> Option<Duration> {
        const HUMAN: &str = "a duration with a unit, such as \"30s\"";
        let value = self.find(key, Kind::Duration)?;
        let parsed = match value {
            Value::Literal(Literal {
                scalar: Scalar::Int(nanos, _),
                ..
            }) => Ok(GoDuration::from_nanos(*nanos)),
            Value::Literal(Literal {
                scalar: Scalar::Float(nanos, _),
                ..
            }) => Ok(GoDuration::from_nanos(*nanos as i64)),
            Value::Literal(Literal {
                scalar: Scalar::Text(text),
                ..
            }) => GoDuration::parse(text).map_err(|error| {
                // The reference leaves the text out.
                let text = error.to_string();
                let kept = match text.starts_with("time: unknown unit ") {
                    true => Some("time: unknown unit"),
                    false => text.rsplit_once(' ').map(|(kept, _)| kept),
                };
                kept.unwrap_or(&text).to_owned()
            }),
            _ => {
                self.wrong_type(
                    reading,
                    key,
                    value,
                    &Wanted {
                        go: "time.Duration",
                        human: HUMAN,
                    },
                );
                return None;
            }
        };
        self.duration(reading, key, parsed, HUMAN)
            .map(|duration| duration.to_std().unwrap_or_default())
    }

    fn duration(
        &self,
        reading: &mut Reading,
        key: &str,
        parsed: Result<GoDuration, String>,
        human: &str,
    ) -> Option<GoDuration> {
        match parsed {
            Ok(duration) => Some(duration),
            Err(text) => {
                self.value_problem(reading, key, &text);
                reading.hint(&format!("`{key}`: expected {human}"));
                None
            }
        }
    }

    /// A whole number, also as text.
    pub(crate) fn integer(&self, reading: &mut Reading, key: &str) -> Option<i64> {
        const WANTED: Wanted = Wanted {
            go: "int",
            human: "a whole number",
        };
        let value = self.find(key, Kind::Integer)?;
        match (value, &self.words) {
            (
                Value::Literal(Literal {
                    scalar: Scalar::Int(value, _),
                    ..
                }),
                _,
            ) => Some(*value),
            (
                Value::Literal(Literal {
                    scalar: Scalar::Text(text),
                    ..
                }),
                Words::Tree { .. },
            ) => match integer::parse_int(text, 0) {
                Ok(value) => Some(value),
                Err(error) => {
                    reading.problem(value.at(), error.to_string());
                    reading.hint(&format!("`{key}`: expected a whole number"));
                    None
                }
            },
            _ => {
                self.wrong_type(reading, key, value, &WANTED);
                None
            }
        }
    }

    /// A number, also as text.
    pub(crate) fn float(&self, reading: &mut Reading, key: &str) -> Option<f64> {
        const WANTED: Wanted = Wanted {
            go: "float64",
            human: "a number",
        };
        let value = self.find(key, Kind::Float)?;
        let found = match value {
            Value::Literal(Literal {
                scalar: Scalar::Int(value, _),
                ..
            }) => Some(*value as f64),
            Value::Literal(Literal {
                scalar: Scalar::Float(value, _),
                ..
            }) => Some(*value),
            Value::Literal(Literal {
                scalar: Scalar::Text(text),
                ..
            }) => text.parse().ok(),
            _ => None,
        };
        if found.is_none() {
            self.wrong_type(reading, key, value, &WANTED);
        }
        found
    }

    /// A list of strings.
    pub(crate) fn texts(&self, reading: &mut Reading, key: &str) -> Option<Vec<String>> {
        const WANTED: Wanted = Wanted {
            go: "slice",
            human: "a list of strings, such as [\"a\", \"b\"]",
        };
        let value = self.find(key, Kind::Texts)?;
        let Value::List(list) = value else {
            self.wrong_type(reading, key, value, &WANTED);
            return None;
        };
        if let Words::Map { path } = &self.words {
            return self.elements(reading, &format!("{path}{key}"), &list.values);
        }
        let texts = list.values.iter().map(|value| match value {
            Value::Literal(Literal {
                scalar: Scalar::Text(text) | Scalar::Int(_, text),
                ..
            }) => Ok(text.clone()),
            other => Err(other),
        });
        match texts.collect() {
            Ok(texts) => Some(texts),
            Err(other) => {
                self.wrong_type(
                    reading,
                    key,
                    other,
                    &Wanted {
                        go: "string",
                        ..WANTED
                    },
                );
                None
            }
        }
    }
}

impl Stanza<'_> {
    /// The strings of a list; each element that is none is a problem of its own.
    fn elements(&self, reading: &mut Reading, path: &str, values: &[Value]) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for (number, value) in values.iter().enumerate() {
            if let Value::Literal(Literal {
                scalar: Scalar::Text(text),
                ..
            }) = value
            {
                texts.push(text.clone());
                continue;
            }
            let go = go_type(value);
            let text =
                format!("'{path}[{number}]' expected type 'string', got unconvertible type '{go}'");
            self.map_problem(reading, value.at(), &text);
        }
        (texts.len() == values.len()).then_some(texts)
    }

    /// A list of strings, or one that is cut at every comma.
    pub(crate) fn texts_or_commas(&self, reading: &mut Reading, key: &str) -> Option<Vec<String>> {
        match self.get(key) {
            Some(Value::Literal(Literal {
                scalar: Scalar::Text(text),
                ..
            })) => {
                let words = text.split(',').map(str::to_owned);
                Some(words.filter(|_| !text.is_empty()).collect())
            }
            _ => self.texts(reading, key),
        }
    }

    /// A whole number; a fraction loses what is behind the point, as in the reference.
    pub(crate) fn rounded(&self, reading: &mut Reading, key: &str) -> Option<i64> {
        match self.get(key) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "so does the reference, and what is out of range is no id"
            )]
            Some(Value::Literal(Literal {
                scalar: Scalar::Float(value, _),
                ..
            })) => Some(*value as i64),
            _ => self.integer(reading, key),
        }
    }

    /// A value of a type that the reference does not take.
    pub(crate) fn refuse(
        &self,
        reading: &mut Reading,
        key: &str,
        value: &Value,
        go: &'static str,
        human: &'static str,
    ) {
        self.wrong_type(reading, key, value, &Wanted { go, human });
    }
}

struct Wanted {
    /// The Go type's name in the reference's words.
    go: &'static str,
    human: &'static str,
}

impl Words {
    fn inside(&self, name: &str) -> Self {
        match self {
            Self::Tree { prefix, path } => Self::Tree {
                prefix: prefix.clone(),
                path: format!("{path}.{name}"),
            },
            Self::Map { path } => Self::Map {
                path: format!("{path}{name}."),
            },
        }
    }
}

/// A boolean as the reference's lenient reader takes it; empty text is not given.
pub(crate) fn loose_bool(value: &Value) -> Result<Option<bool>, String> {
    let Value::Literal(literal) = value else {
        return Err(format!(
            "'' expected type 'bool', got unconvertible type '{}', value: '{}'",
            go_type(value),
            go_value(value)
        ));
    };
    match &literal.scalar {
        Scalar::Bool(value) => Ok(Some(*value)),
        Scalar::Int(value, _) => Ok(Some(*value != 0)),
        Scalar::Float(value, _) => Ok(Some(*value != 0.0)),
        Scalar::Text(text) if text.is_empty() => Ok(None),
        Scalar::Text(text) => boolean::parse(text)
            .map(Some)
            .map_err(|error| format!("cannot parse '' as bool: {error}")),
        Scalar::Null => Ok(None),
    }
}

/// The Go type that the plain decoder makes of a value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Literal(literal) => match literal.scalar {
            Scalar::Bool(_) => "bool",
            Scalar::Int(..) => "int",
            Scalar::Float(..) => "float64",
            Scalar::Text(_) => "string",
            Scalar::Null => "nil",
        },
        Value::List(_) => "[]interface {}",
        Value::Object(_) => "[]map[string]interface {}",
    }
}

/// A value as Go prints what the plain decoder makes of it.
fn go_value(value: &Value) -> String {
    match value {
        Value::Literal(literal) => match &literal.scalar {
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(value, _) => value.to_string(),
            Scalar::Float(_, text) | Scalar::Text(text) => text.clone(),
            Scalar::Null => "<nil>".to_owned(),
        },
        Value::List(list) => {
            let values: Vec<String> = list.values.iter().map(go_value).collect();
            format!("[{}]", values.join(" "))
        }
        Value::Object(object) => {
            let mut members: Vec<String> = object
                .items
                .iter()
                .filter_map(|item| {
                    Some(format!(
                        "{}:{}",
                        item.keys.first()?.text,
                        go_value(&item.value)
                    ))
                })
                .collect();
            members.sort();
            format!("[map[{}]]", members.join(" "))
        }
    }
}
