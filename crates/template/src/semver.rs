//! Semantic versions and constraints on them, as the Go library that Sprig uses reads them.

use std::any::Any;
use std::cmp::Ordering;

use crate::functions::{Call, Failure};
use crate::value::{Method, Object, Shape, Text, Type, Value};

/// A version such as `1.2.3-rc.1+build`; `v1.2` is taken, too.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: String,
    metadata: String,
    original: String,
    /// Whether Go has the structure itself, as from `IncMajor`, and not a pointer to it: it has fewer methods then.
    by_value: bool,
}

/// The text is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VersionError {
    #[error("invalid semantic version")]
    Invalid,
    #[error("version segment starts with 0")]
    LeadingZero,
}

impl Version {
    /// `semver.NewVersion`.
    pub(crate) fn parse(text: &str) -> Result<Self, VersionError> {
        let body = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match body.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (body, None),
        };
        let (core, prerelease) = match rest.split_once('-') {
            Some((core, prerelease)) => (core, Some(prerelease)),
            None => (rest, None),
        };
        let identifiers = |text: &str| {
            text.split('.').all(|id| {
                !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
        };
        if !prerelease.is_none_or(identifiers) || !metadata.is_none_or(identifiers) {
            return Err(VersionError::Invalid);
        }
        let mut numbers = [0; 3];
        for (i, part) in core.split('.').enumerate() {
            if i == 3 || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(VersionError::Invalid);
            }
            numbers[i] = part.parse().map_err(|_| VersionError::Invalid)?;
        }
        let numeric = |id: &str| id.bytes().all(|b| b.is_ascii_digit());
        if prerelease.is_some_and(|text| {
            text.split('.')
                .any(|id| id.len() > 1 && id.starts_with('0') && numeric(id))
        }) {
            return Err(VersionError::LeadingZero);
        }
        let [major, minor, patch] = numbers;
        Ok(Self {
            major,
            minor,
            patch,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
            by_value: false,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let numbers = |v: &Self| (v.major, v.minor, v.patch);
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }

    fn plain(&self, major: u64, minor: u64, patch: u64) -> Self {
        let mut new = Self {
            major,
            minor,
            patch,
            prerelease: String::new(),
            metadata: String::new(),
            original: String::new(),
            by_value: true,
        };
        new.rename(self);
        new
    }

    /// Sets the original text: in the manner of another version's.
    fn rename(&mut self, like: &Self) {
        self.original = if like.original.starts_with('v') {
            format!("v{self}")
        } else {
            self.to_string()
        };
    }

    fn with_prerelease(&self, text: &str) -> Result<Self, Failure> {
        if !text.is_empty() {
            Self::parse(&format!("0.0.0-{text}")).map_err(|error| match error {
                VersionError::Invalid => Failure::new("invalid prerelease string"),
                VersionError::LeadingZero => Failure::new(error.to_string()),
            })?;
        }
        let mut new = Self {
            prerelease: text.to_owned(),
            by_value: true,
            ..self.clone()
        };
        new.rename(self);
        Ok(new)
    }

    fn with_metadata(&self, text: &str) -> Result<Self, Failure> {
        if !text.is_empty() && Self::parse(&format!("0.0.0+{text}")).is_err() {
            return Err("invalid metadata string".into());
        }
        let mut new = Self {
            metadata: text.to_owned(),
            by_value: true,
            ..self.clone()
        };
        new.rename(self);
        Ok(new)
    }
}

fn compare_prerelease(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

const TYPE: &str = "*semver.Version";
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

impl Object for Version {
    fn type_name(&self) -> &'static str {
        if self.by_value {
            "semver.Version"
        } else {
            TYPE
        }
    }

    fn shape(&self) -> Shape {
        if self.by_value {
            Shape::Struct
        } else {
            Shape::Pointer
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("major", Value::uint64(self.major)),
            ("minor", Value::uint64(self.minor)),
            ("patch", Value::uint64(self.patch)),
            ("pre", self.prerelease.as_str().into()),
            ("metadata", self.metadata.as_str().into()),
            ("original", self.original.as_str().into()),
        ]
    }

    fn method(&self, name: &str) -> Option<Method> {
        const NONE: &[Type] = &[];
        const OTHER: &[Type] = &[Type::Pointer(TYPE)];
        let (params, result): (&'static [Type], Type) = match name {
            "Major" | "Minor" | "Patch" => (NONE, Type::UINT64),
            "Prerelease" | "Metadata" | "String" => (NONE, Type::String),
            "MarshalJSON" | "MarshalText" => (NONE, Type::Bytes),
            "Value" => (NONE, Type::Any),
            "SetPrerelease" | "SetMetadata" => (&[Type::String], Type::Struct("semver.Version")),
            _ if self.by_value && !name.starts_with("Inc") => return None,
            "Original" => (NONE, Type::String),
            "Compare" => (OTHER, Type::INT),
            "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" | "Equal" => {
                (OTHER, Type::Bool)
            }
            "IncPatch" | "IncMinor" | "IncMajor" => (NONE, Type::Struct("semver.Version")),
            _ => return None,
        };
        Some(Method::new(params, result))
    }

    fn call(&self, name: &str, call: &mut Call<'_>) -> Result<Value, Failure> {
        let order = || match call.arg(0) {
            Value::Object(other) => other
                .as_any()
                .downcast_ref::<Self>()
                .map(|other| self.compare(other)),
            _ => None,
        };
        let compared = |holds: fn(Ordering) -> bool| match order() {
            Some(order) => Ok(Value::Bool(holds(order))),
            None => Err(Failure::new(NIL)),
        };
        Ok(match name {
            "Major" => Value::uint64(self.major),
            "Minor" => Value::uint64(self.minor),
            "Patch" => Value::uint64(self.patch),
            "Prerelease" => self.prerelease.as_str().into(),
            "Metadata" => self.metadata.as_str().into(),
            "Original" => self.original.as_str().into(),
            "Compare" => match order() {
                Some(order) => Value::int(order as i64),
                None => return Err(Failure::new(NIL)),
            },
            "Equal" if matches!(call.arg(0), Value::Nil | Value::NilPointer(_)) => {
                Value::Bool(false)
            }
            "MarshalJSON" => Value::Bytes(format!("\"{self}\"").into()),
            "MarshalText" => Value::Bytes(self.to_string().into()),
            "SetPrerelease" => Value::object(self.with_prerelease(&call.str(0))?),
            "SetMetadata" => Value::object(self.with_metadata(&call.str(0))?),
            "LessThan" => return compared(Ordering::is_lt),
            "LessThanEqual" => return compared(Ordering::is_le),
            "GreaterThan" => return compared(Ordering::is_gt),
            "GreaterThanEqual" => return compared(Ordering::is_ge),
            "Equal" => return compared(Ordering::is_eq),
            // A version with a prerelease comes before its release, so the release is the next patch.
            "IncPatch" if !self.prerelease.is_empty() => {
                Value::object(self.plain(self.major, self.minor, self.patch))
            }
            "IncPatch" => {
                Value::object(self.plain(self.major, self.minor, self.patch.saturating_add(1)))
            }
            "IncMinor" => Value::object(self.plain(self.major, self.minor.saturating_add(1), 0)),
            "IncMajor" => Value::object(self.plain(self.major.saturating_add(1), 0, 0)),
            _ => self.to_string().into(),
        })
    }

    fn string(&self) -> Option<Text> {
        Some(self.to_string().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Alternatives, each a list of conditions that must all hold: `>=1.2, <2 || ^3`.
pub(crate) struct Constraints(Vec<Vec<Condition>>);

struct Condition {
    operator: Operator,
    version: Version,
    /// Parts that were left out or written as `x`.
    minor_open: bool,
    patch_open: bool,
    open: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Same,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

const OPERATORS: [(&str, Operator); 12] = [
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("!=", Operator::NotEqual),
    ("~>", Operator::Tilde),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Same),
    ("", Operator::Same),
];

impl Constraints {
    /// `semver.NewConstraint`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let rewritten = rewrite_ranges(text);
        let alternatives = rewritten
            .split("||")
            .map(|part| conditions(part, text))
            .collect::<Result<_, _>>()?;
        Ok(Self(alternatives))
    }

    /// Whether a version meets the constraints.
    pub(crate) fn check(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let prerelease = all
                .iter()
                .any(|condition| !condition.version.prerelease.is_empty());
            all.iter().all(|condition| {
                (prerelease || version.prerelease.is_empty()) && condition.holds(version)
            })
        })
    }
}

/// `1.2 - 1.4` becomes `>=1.2 <=1.4`.
fn rewrite_ranges(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < words.len() {
        if words.get(i + 1) == Some(&"-")
            && let Some(high) = words.get(i + 2)
        {
            out.push(format!(">={}", words[i]));
            out.push(format!("<={high}"));
            i += 3;
        } else {
            out.push(words[i].to_owned());
            i += 1;
        }
    }
    out.join(" ")
}

fn conditions(part: &str, whole: &str) -> Result<Vec<Condition>, Failure> {
    let improper = || Failure::new(format!("improper constraint: {whole}"));
    let mut rest = part.trim();
    if rest.is_empty() {
        return Err(improper());
    }
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (symbol, operator) = OPERATORS
            .iter()
            .find(|(symbol, _)| rest.starts_with(symbol))
            .copied()
            .ok_or_else(improper)?;
        let body = rest[symbol.len()..].trim_start();
        let end = body
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(body.len());
        out.push(condition(operator, &body[..end]).ok_or_else(improper)?);
        let after = body[end..].trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    Ok(out)
}

fn condition(operator: Operator, text: &str) -> Option<Condition> {
    let body = text.strip_prefix('v').unwrap_or(text);
    let core_end = body.find(['-', '+']).unwrap_or(body.len());
    let (core, suffix) = body.split_at(core_end);
    let parts: Vec<&str> = core.split('.').collect();
    let wild = |part: &str| matches!(part, "x" | "X" | "*");
    if parts.len() > 3
        || parts
            .iter()
            .any(|p| !wild(p) && (p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit())))
    {
        return None;
    }
    let open_at = |i: usize| parts.get(i).is_none_or(|part| wild(part));
    let prerelease = suffix.split('+').next().unwrap_or_default();
    let (text, open, minor_open, patch_open) = if open_at(0) {
        (format!("0.0.0{prerelease}"), true, false, false)
    } else if open_at(1) {
        (format!("{}.0.0{prerelease}", parts[0]), true, true, false)
    } else if open_at(2) {
        (
            format!("{}.{}.0{prerelease}", parts[0], parts[1]),
            true,
            false,
            true,
        )
    } else {
        (body.to_owned(), false, false, false)
    };
    let version = Version::parse(&text).ok()?;
    Some(Condition {
        operator,
        version,
        minor_open,
        patch_open,
        open,
    })
}

impl Condition {
    fn holds(&self, v: &Version) -> bool {
        let c = &self.version;
        let order = v.compare(c);
        match self.operator {
            Operator::Same if self.open => self.tilde(v),
            Operator::Same => order.is_eq(),
            Operator::NotEqual => self.differs(v),
            Operator::Greater if !self.open => order.is_gt(),
            Operator::Greater => match v.major.cmp(&c.major) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal if self.minor_open => false,
                Ordering::Equal if self.patch_open => v.minor > c.minor,
                Ordering::Equal => order.is_gt(),
            },
            Operator::Less => order.is_lt(),
            Operator::GreaterEqual => order.is_ge(),
            Operator::LessEqual if !self.open => order.is_le(),
            Operator::LessEqual => {
                v.major < c.major || (v.major == c.major && (self.minor_open || v.minor <= c.minor))
            }
            Operator::Tilde => self.tilde(v),
            Operator::Caret => self.caret(v),
        }
    }

    fn differs(&self, v: &Version) -> bool {
        let c = &self.version;
        if self.open {
            if c.major != v.major {
                return true;
            }
            if self.minor_open {
                return false;
            }
            if c.minor != v.minor {
                return true;
            }
            if self.patch_open {
                return compare_prerelease(&v.prerelease, &c.prerelease).is_ne();
            }
        }
        v.compare(c).is_ne()
    }

    /// Within the part that was given: `~1.2` is `>=1.2, <1.3`.
    fn tilde(&self, v: &Version) -> bool {
        let c = &self.version;
        if v.compare(c).is_lt() {
            return false;
        }
        if (c.major, c.minor, c.patch) == (0, 0, 0) && !self.minor_open && !self.patch_open {
            return true;
        }
        v.major == c.major && (self.minor_open || v.minor == c.minor)
    }

    /// Up to the next change of the first number that is not 0.
    fn caret(&self, v: &Version) -> bool {
        let c = &self.version;
        if v.compare(c).is_lt() {
            return false;
        }
        if c.major > 0 || self.minor_open {
            return v.major == c.major;
        }
        if v.major > 0 {
            return false;
        }
        if c.minor > 0 || self.patch_open {
            return v.minor == c.minor;
        }
        v.minor == 0 && v.patch == c.patch
    }
}
