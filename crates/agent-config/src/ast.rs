//! The tree that both HCL and JSON are read into: ordered, with positions, nothing decided yet.

use std::sync::Arc;

use crate::Position;

/// A place inside one source. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Spot {
    /// The first character of a source.
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The place after some text that begins here.
    pub(crate) fn after(self, text: &str) -> Self {
        text.chars().fold(self, |at, c| match c {
            '\n' => Self {
                line: at.line + 1,
                column: 1,
            },
            _ => Self {
                line: at.line,
                column: at.column + 1,
            },
        })
    }

    pub(crate) fn in_source(self, source: &Arc<str>) -> Position {
        Position {
            source: Arc::clone(source),
            line: self.line,
            column: self.column,
        }
    }
}

/// What cannot be read at all; the text is the reference's, with `At <line>:<column>: ` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: Spot,
    pub(crate) text: String,
}

/// A body: the items between braces, or a whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    pub(crate) at: Spot,
    pub(crate) items: Vec<Item>,
}

/// `keys... = value` or `keys... { ... }`; there is always at least one key, and a value given with `=` has just one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) keys: Vec<Key>,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: Spot,
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Literal(Literal),
    List(List),
    Object(Object),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    pub(crate) at: Spot,
    pub(crate) values: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal {
    pub(crate) at: Spot,
    pub(crate) scalar: Scalar,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Bool(bool),
    /// A whole number and how it was written, for it may also be wanted as text.
    Int(i64, String),
    Float(f64, String),
    Text(String),
    /// Only in JSON.
    Null,
}

impl Value {
    pub(crate) fn at(&self) -> Spot {
        match self {
            Self::Literal(literal) => literal.at,
            Self::List(list) => list.at,
            Self::Object(object) => object.at,
        }
    }

    /// The kind of value, as Go prints the type of the original's node.
    pub(crate) fn go_node(&self) -> &'static str {
        match self {
            Self::Literal(_) => "*ast.LiteralType",
            Self::List(_) => "*ast.ListType",
            Self::Object(_) => "*ast.ObjectType",
        }
    }
}
