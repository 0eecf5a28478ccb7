//! The values a template works with, and what Go would call their types.
//!
//! Go's engine is reflective: it sees every value together with its static type. A [`Value`] is the dynamic half
//! (what an `interface {}` holds); the executor keeps the static half where it decides an error text.

pub(crate) mod cycle;
mod list;
mod map;
mod object;
mod text;
mod types;

pub use list::List;
pub use map::Map;
pub use object::{FuncBody, FuncValue, Method, Object, Shape};
pub use text::Text;
pub use types::{IntType, Type, UintType};

use std::rc::Rc;

/// One value, cheap to clone: text, lists, maps and objects are shared.
///
/// Maps are shared and mutable, as in Go: `sprig_set` on one name is seen through every other.
#[derive(Clone)]
pub enum Value {
    /// The nil interface: a missing answer, JSON's `null`.
    Nil,
    /// `bool`.
    Bool(bool),
    /// A signed integer of any width, and Go's named ones such as `time.Duration`.
    Int(IntType, i64),
    /// An unsigned integer of any width.
    Uint(UintType, u64),
    /// `float64`.
    Float(f64),
    /// `complex128`: real and imaginary part. Only an imaginary constant makes one.
    Complex(f64, f64),
    /// `string`: bytes, not necessarily UTF-8.
    String(Text),
    /// `json.Number`: a distinct string type that keeps the digits as they were sent.
    Number(Text),
    /// `[]uint8`.
    Bytes(Text),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A function value, for `call`.
    Func(Rc<FuncValue>),
    /// A structure, or a pointer to one, with fields and methods.
    Object(Rc<dyn Object>),
    /// A nil pointer of the named type, for example `*dependency.SecretAuth`.
    NilPointer(&'static str),
}

impl Value {
    /// A `string`.
    pub fn string(bytes: impl Into<Text>) -> Self {
        Self::String(bytes.into())
    }

    /// An `int`.
    #[must_use]
    pub const fn int(n: i64) -> Self {
        Self::Int(IntType::Int, n)
    }

    /// An `int64`.
    #[must_use]
    pub const fn int64(n: i64) -> Self {
        Self::Int(IntType::Int64, n)
    }

    /// A `uint64`.
    #[must_use]
    pub const fn uint64(n: u64) -> Self {
        Self::Uint(UintType::Uint64, n)
    }

    /// A `time.Duration` of so many nanoseconds.
    #[must_use]
    pub const fn duration(nanoseconds: i64) -> Self {
        Self::Int(IntType::Duration, nanoseconds)
    }

    /// A `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(List::of_any(items))
    }

    /// A `[]string`.
    pub fn strings<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(List::of_strings(items))
    }

    /// A `map[string]interface {}`.
    pub fn map<K: Into<Text>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(Map::of_any(entries))
    }

    /// An object.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Rc::new(object))
    }

    /// What Go's `%T` would name; `None` for the nil interface.
    #[must_use]
    pub fn type_of(&self) -> Option<Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(t, _) => Type::Int(*t),
            Self::Uint(t, _) => Type::Uint(*t),
            Self::Float(_) => Type::Float,
            Self::Complex(..) => Type::Complex,
            Self::String(_) => Type::String,
            Self::Number(_) => Type::Number,
            Self::Bytes(_) => Type::Bytes,
            Self::List(list) => Type::List(list.elem()),
            Self::Map(map) => Type::Map(map.elem()),
            Self::Func(f) => Type::Func(f.type_name),
            Self::Object(o) => match o.shape() {
                Shape::Pointer => Type::Pointer(o.type_name()),
                Shape::Struct => Type::Struct(o.type_name()),
            },
            Self::NilPointer(name) => Type::Pointer(name),
        })
    }

    /// The type's name as `%T` prints it; `<nil>` for the nil interface.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.type_of()
            .map_or_else(|| "<nil>".to_owned(), |t| t.to_string())
    }

    /// Go's truth: false are `false`, zero, nil and whatever is empty; a structure is always true.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil | Self::NilPointer(_) => false,
            Self::Bool(b) => *b,
            Self::Int(_, n) => *n != 0,
            Self::Uint(_, n) => *n != 0,
            Self::Float(f) => *f != 0.0,
            Self::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Self::String(t) | Self::Number(t) | Self::Bytes(t) => !t.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Func(_) | Self::Object(_) => true,
        }
    }

    /// The bytes of a `string`; nothing for any other type, `json.Number` included.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::String(t) => Some(t),
            _ => None,
        }
    }
}

/// Shows the type only: a value may be a secret.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({})", self.type_name())
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Self::Float(f)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::string(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::string(s)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::string(bytes)
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::String(text)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

/// Frees a tree of values without recursion, so that no depth of nesting exhausts the stack.
fn drop_all(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => list.take_if_last(&mut pending),
            Value::Map(map) => map.take_if_last(&mut pending),
            _ => {}
        }
    }
}
