use std::collections::BTreeMap;

/// A value without a schema, as a method's or sink's free `config` holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; HCL's octal `0600` is 384 here.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Plain>),
    /// The objects given under one key, in order: HCL cannot tell one block from a list with one block.
    Objects(Vec<BTreeMap<String, Plain>>),
}

impl Plain {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
