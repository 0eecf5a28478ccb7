//! A JSON value that borrows its texts from where they came, because an admission looks at most of them once.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Node<'a> {
    /// `null`, and what is absent.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Self>),
    /// An object: members in the order in which they came; of several with one name the last one counts.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Node<'a> {
    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => member(members, name),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array, none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The members of an object, none of anything else.
    pub(crate) fn members(&self) -> &[(Cow<'a, str>, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone().into_owned(), value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Finds the member that counts.
pub(crate) fn member<'m, 'a>(
    members: &'m [(Cow<'a, str>, Node<'a>)],
    name: &str,
) -> Option<&'m Node<'a>> {
    members
        .iter()
        .rfind(|(known, _)| known == name)
        .map(|(_, value)| value)
}

impl<'a> From<&'a Value> for Node<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| (Cow::Borrowed(name.as_str()), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_survives_the_way_there_and_back() {
        let value = json!({"a": [null, true, 1.5, -3, "x"], "b": {"c": {}}});
        assert_eq!(Node::from(&value).to_value(), value);
    }

    #[test]
    fn the_last_of_several_members_counts() {
        let twice = Node::Object(vec![
            ("a".into(), Node::Bool(false)),
            ("a".into(), Node::Bool(true)),
        ]);
        assert_eq!(twice.get("a"), Some(&Node::Bool(true)));
        assert_eq!(twice.to_value(), json!({"a": true}));
    }
}
