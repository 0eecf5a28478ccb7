//! A value together with what Go's reflection knows of its static type.

use crate::value::{Type, Value};

/// What an expression evaluates to.
#[derive(Clone)]
pub(crate) enum Val {
    /// No value at all: the untyped nil, a missing map key.
    Invalid,
    /// A value whose static type is its own.
    Of(Value),
    /// An `interface {}` holding the value, or nil. Elements of `[]interface {}` and results of functions that return
    /// `any` are such; a pipeline takes the value out of it.
    Interface(Value),
}

impl Val {
    /// A value whose static type is `of`.
    pub(crate) fn typed(value: Value, of: &Type) -> Self {
        match of {
            Type::Any => Self::Interface(value),
            _ if matches!(value, Value::Nil) => Self::Interface(value),
            _ => Self::Of(value),
        }
    }

    /// What the interface holds, as reflection's `Elem` has it.
    pub(crate) fn unwrapped(self) -> Self {
        match self {
            Self::Interface(Value::Nil) => Self::Invalid,
            Self::Interface(value) => Self::Of(value),
            other => other,
        }
    }

    /// The bare value; nil if there is none.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Invalid => Value::Nil,
            Self::Of(value) | Self::Interface(value) => value,
        }
    }

    /// The bare value; nil if there is none.
    pub(crate) fn value(&self) -> &Value {
        match self {
            Self::Invalid => &Value::Nil,
            Self::Of(value) | Self::Interface(value) => value,
        }
    }

    pub(crate) fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid)
    }

    /// The name of the static type.
    pub(crate) fn static_type_name(&self) -> String {
        match self {
            Self::Invalid => "<nil>".to_owned(),
            Self::Of(value) => value.type_name(),
            Self::Interface(_) => "interface {}".to_owned(),
        }
    }

    pub(crate) fn truth(&self) -> bool {
        self.value().truth()
    }
}
