//! Fields, map keys and methods.

use super::call::Callee;
use super::val::Val;
use super::{At, Exec, Result};
use crate::parse::node::Arg;
use crate::template::MissingKey;
use crate::value::{Text, Type, Value};
use pannier_go::quote;

impl<'r> Exec<'r> {
    /// `receiver.a.b.c`: the last name may be a method and gets the arguments.
    pub(super) fn fields(
        &mut self,
        receiver: Val,
        names: &'r [Box<str>],
        node: At<'r>,
        args: &'r [Arg],
        last: Option<Val>,
    ) -> Result<Val> {
        let Some((final_name, before)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for name in before {
            receiver = self.field(receiver, name, node, &[], None)?;
        }
        self.field(receiver, final_name, node, args, last)
    }

    fn field(
        &mut self,
        receiver: Val,
        name: &'r str,
        node: At<'r>,
        args: &'r [Arg],
        last: Option<Val>,
    ) -> Result<Val> {
        let value = match &receiver {
            Val::Invalid => {
                if self.missing_key == MissingKey::Error {
                    let shown = quote::quote(name);
                    return Err(self.error(format!("nil data; no entry for key {shown}")));
                }
                return Ok(Val::Invalid);
            }
            Val::Interface(Value::Nil) => {
                return Err(self.error(format!("nil pointer evaluating interface {{}}.{name}")));
            }
            Val::Of(value) | Val::Interface(value) => value,
        };
        let has_args = !args.is_empty() || last.is_some();
        match value {
            Value::Map(map) => {
                if has_args {
                    return Err(self.error(format!("{name} is not a method but has arguments")));
                }
                if let Some(found) = map.get(name.as_bytes()) {
                    return Ok(Val::typed(found, map.elem()));
                }
                match self.missing_key {
                    MissingKey::Invalid => Ok(Val::Invalid),
                    MissingKey::Zero => Ok(zero(map.elem())),
                    MissingKey::Error => {
                        let shown = quote::quote(name);
                        Err(self.error(format!("map has no entry for key {shown}")))
                    }
                }
            }
            Value::Object(object) => {
                if let Some(method) = object.method(name) {
                    let callee = Callee::ObjectMethod(object.clone(), name, method);
                    return self.call(&callee, node, name, args, last);
                }
                if let Some(found) = object.field(name) {
                    if has_args {
                        return Err(self.error(format!(
                            "{name} has arguments but cannot be invoked as function"
                        )));
                    }
                    return Ok(Val::typed(found, &Type::Bool));
                }
                if object.fields().iter().any(|(n, _)| *n == name) {
                    let type_name = receiver.static_type_name();
                    return Err(self.error(format!(
                        "{name} is an unexported field of struct type {type_name}"
                    )));
                }
                Err(self.cannot_evaluate(&receiver, name))
            }
            Value::NilPointer(type_name)
                if crate::secret::nil_pointer_has(type_name, name) == Some(false) =>
            {
                Err(self.cannot_evaluate(&receiver, name))
            }
            Value::NilPointer(type_name) => {
                Err(self.error(format!("nil pointer evaluating {type_name}.{name}")))
            }
            other => {
                if let Some(method) = super::method::of(other, name) {
                    let callee = Callee::ValueMethod(other.clone(), name, method);
                    return self.call(&callee, node, name, args, last);
                }
                Err(self.cannot_evaluate(&receiver, name))
            }
        }
    }

    fn cannot_evaluate(&self, receiver: &Val, name: &str) -> Box<super::ExecError> {
        let type_name = receiver.static_type_name();
        self.error(format!("can't evaluate field {name} in type {type_name}"))
    }
}

/// The zero value of a type, as an expression of that static type.
pub(super) fn zero(of: &Type) -> Val {
    let value = match of {
        Type::Any | Type::Func(_) | Type::Struct(_) => return Val::Interface(Value::Nil),
        Type::Bool => Value::Bool(false),
        Type::Int(kind) => Value::Int(*kind, 0),
        Type::Uint(kind) => Value::Uint(*kind, 0),
        Type::Float => Value::Float(0.0),
        Type::Complex => Value::Complex(0.0, 0.0),
        Type::String => Value::String(Text::default()),
        Type::Number => Value::Number(Text::default()),
        Type::Bytes => Value::Bytes(Text::default()),
        Type::List(elem) => Value::List(crate::value::List::nil(elem)),
        Type::Map(elem) => Value::Map(crate::value::Map::nil(elem)),
        Type::Pointer(name) => Value::NilPointer(name),
    };
    Val::Of(value)
}
