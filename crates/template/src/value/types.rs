//! Go's types, as far as a template can meet them, and their names.

use std::fmt;

/// A static type: of a parameter, of the elements of a list, or what a value reports of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`.
    Any,
    /// `bool`.
    Bool,
    /// `int` and its relatives.
    Int(IntType),
    /// `uint` and its relatives.
    Uint(UintType),
    /// `float64`.
    Float,
    /// `complex128`.
    Complex,
    /// `string`.
    String,
    /// `json.Number`.
    Number,
    /// `[]uint8`.
    Bytes,
    /// A slice of the inner type.
    List(&'static Type),
    /// A map from strings to the inner type.
    Map(&'static Type),
    /// A pointer to a structure, by its full name: `*dependency.Secret`.
    Pointer(&'static str),
    /// A structure, by its full name: `time.Time`.
    Struct(&'static str),
    /// A function, by its full name: `func(string) string`.
    Func(&'static str),
}

/// The signed integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntType {
    /// `int`: 64 bits wide here.
    Int,
    /// `int8`.
    Int8,
    /// `int16`.
    Int16,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `time.Duration`: nanoseconds in an int64; prints as `1h0m0s`.
    Duration,
    /// `time.Month`; prints its English name.
    Month,
    /// `time.Weekday`; prints its English name.
    Weekday,
}

/// The unsigned integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UintType {
    /// `uint`: 64 bits wide here.
    Uint,
    /// `uint8`.
    Uint8,
    /// `uint16`.
    Uint16,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
}

impl Type {
    /// `int`, the most common number.
    pub const INT: Self = Self::Int(IntType::Int);
    /// `int64`.
    pub const INT64: Self = Self::Int(IntType::Int64);
    /// `uint64`.
    pub const UINT64: Self = Self::Uint(UintType::Uint64);
    /// `[]interface {}`.
    pub const ANY_LIST: Self = Self::List(&Type::Any);
    /// `[]string`.
    pub const STRING_LIST: Self = Self::List(&Type::String);
    /// `map[string]interface {}`.
    pub const ANY_MAP: Self = Self::Map(&Type::Any);
    /// `map[string]string`.
    pub const STRING_MAP: Self = Self::Map(&Type::String);
    /// `time.Time`.
    pub const TIME: Self = Self::Struct("time.Time");
    /// `time.Duration`.
    pub const DURATION: Self = Self::Int(IntType::Duration);
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Bool => f.write_str("bool"),
            Self::Int(t) => f.write_str(t.name()),
            Self::Uint(t) => f.write_str(t.name()),
            Self::Float => f.write_str("float64"),
            Self::Complex => f.write_str("complex128"),
            Self::String => f.write_str("string"),
            Self::Number => f.write_str("json.Number"),
            Self::Bytes => f.write_str("[]uint8"),
            // The one list type with a name of its own.
            Self::List(Self::Struct("sockaddr.IfAddr")) => f.write_str("sockaddr.IfAddrs"),
            Self::List(elem) => write!(f, "[]{elem}"),
            Self::Map(elem) => write!(f, "map[string]{elem}"),
            Self::Pointer(name) | Self::Struct(name) | Self::Func(name) => f.write_str(name),
        }
    }
}

impl IntType {
    /// Go's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
        }
    }
}

impl UintType {
    /// Go's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}
