//! The value that JSON text becomes.

use std::collections::BTreeMap;

use zeroize::Zeroize;

/// A JSON value. Numbers keep the text they were written with; objects are sorted, as Go prints maps.
///
/// Strings and numbers are zeroed when dropped, because most of them come out of a secret. For that reason parts
/// cannot be moved out by a pattern: borrow them, or take them with [`Json::take`]. `Debug` shows shape and member
/// names, never values.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its text.
    Number(String),
    /// A string; JSON's strings are Unicode, what is not becomes U+FFFD.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object; of members with the same name the last one counts.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Leaves `null` behind and returns the value.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The digits of a number.
    #[must_use]
    pub fn as_number(&self) -> Option<&str> {
        match self {
            Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// A number that is a whole one within `i64`, written without point and exponent.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()
            .and_then(|text| crate::integer::parse_int(text, 10).ok())
    }

    /// A boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&BTreeMap<String, Json>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A member of an object; `None` as well when this is no object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl Drop for Json {
    /// Zeroes texts, and takes deep nesting apart in a loop, since ten thousand levels would not fit on a small stack.
    fn drop(&mut self) {
        let mut parts = Vec::new();
        take_apart(self, &mut parts);
        while let Some(mut part) = parts.pop() {
            take_apart(&mut part, &mut parts);
        }
    }
}

fn take_apart(value: &mut Json, parts: &mut Vec<Json>) {
    match value {
        Json::String(text) | Json::Number(text) => text.zeroize(),
        Json::Array(items) => parts.append(items),
        Json::Object(members) => parts.extend(std::mem::take(members).into_values()),
        Json::Null | Json::Bool(_) => {}
    }
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Number(_) => f.write_str("number"),
            Self::String(_) => f.write_str("string"),
            Self::Array(items) => write!(f, "list of {}", items.len()),
            Self::Object(members) => f.debug_map().entries(members).finish(),
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<Json>> for Json {
    fn from(value: Vec<Json>) -> Self {
        Self::Array(value)
    }
}

impl From<BTreeMap<String, Json>> for Json {
    fn from(value: BTreeMap<String, Json>) -> Self {
        Self::Object(value)
    }
}

impl<K: Into<String>, V: Into<Json>, const N: usize> From<[(K, V); N]> for Json {
    fn from(members: [(K, V); N]) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }
}
