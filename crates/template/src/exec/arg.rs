//! Pipelines, commands and arguments.

use super::call::Callee;
use super::val::Val;
use super::{At, Exec, Result};
use crate::parse::node::{Arg, Command, FunctionRef, Identifier, PipeId, Variable};
use crate::parse::number::{Ideal, Number};
use crate::parse::print::Printer;
use crate::value::{List, Map, Text, Type, Value};

impl<'r> Exec<'r> {
    /// The value of a pipeline; declares its variables.
    pub(super) fn pipeline(&mut self, id: PipeId) -> Result<Val> {
        self.at = At::Pipe(id);
        let pipe = self.pipe(id);
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value)?.unwrapped());
        }
        let value = value.unwrap_or(Val::Invalid);
        for variable in &pipe.decl {
            if pipe.is_assign {
                self.set_variable(variable, value.clone())?;
            } else {
                self.variables.push((variable.id, value.clone()));
            }
        }
        Ok(value)
    }

    /// `last` is what the command before it in the pipeline gave.
    fn command(&mut self, command: &'r Command, last: Option<Val>) -> Result<Val> {
        let Some((first, args)) = command.args.split_first() else {
            return Err(self.error("empty command"));
        };
        match first {
            Arg::Field { names, .. } => {
                self.at = At::Arg(first);
                let dot = self.dot.clone();
                return self.fields(dot, names, At::Arg(first), args, last);
            }
            Arg::Chain(_) => return self.chain(first, args, last),
            Arg::Identifier(identifier) => {
                self.at = At::Arg(first);
                return self.function(identifier, At::Command(command), args, last);
            }
            Arg::Pipe { pipe, .. } => {
                self.not_a_function(first, args, last.as_ref())?;
                return self.pipeline(*pipe);
            }
            Arg::Variable(variable) => {
                self.at = At::Arg(first);
                return self.variable(variable, args, last, first);
            }
            _ => {}
        }
        self.at = At::Arg(first);
        self.not_a_function(first, args, last.as_ref())?;
        match first {
            Arg::Dot(_) => Ok(self.dot.clone()),
            Arg::Nil(_) => Err(self.error("nil is not a command")),
            _ => self.constant(first),
        }
    }

    fn not_a_function(&self, first: &Arg, args: &[Arg], last: Option<&Val>) -> Result<()> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        let shown = Printer::new(self.parsed).arg(first);
        Err(self.error(format!("can't give argument to non-function {shown}")))
    }

    fn variable(
        &mut self,
        variable: &'r Variable,
        args: &'r [Arg],
        last: Option<Val>,
        node: &'r Arg,
    ) -> Result<Val> {
        let value = self.variable_value(variable)?;
        if variable.fields.is_empty() {
            self.not_a_function(node, args, last.as_ref())?;
            return Ok(value);
        }
        self.fields(value, &variable.fields, At::Arg(node), args, last)
    }

    fn chain(&mut self, node: &'r Arg, args: &'r [Arg], last: Option<Val>) -> Result<Val> {
        let Arg::Chain(chain) = node else {
            return Err(self.error("not a chain"));
        };
        self.at = At::Arg(node);
        let value = self.reflected(&chain.of)?;
        self.fields(value, &chain.names, At::Arg(node), args, last)
    }

    fn function(
        &mut self,
        identifier: &'r Identifier,
        node: At<'r>,
        args: &'r [Arg],
        last: Option<Val>,
    ) -> Result<Val> {
        let name = &identifier.name;
        match &identifier.function {
            FunctionRef::Builtin(builtin) => self.builtin(*builtin, node, args, last),
            FunctionRef::Library(function) => {
                self.call(&Callee::Function(function), node, name, args, last)
            }
            FunctionRef::Custom(function) => {
                self.call(&Callee::Function(function), node, name, args, last)
            }
        }
    }

    /// The value of a constant where any type goes.
    fn constant(&self, arg: &Arg) -> Result<Val> {
        Ok(Val::Of(match arg {
            Arg::Bool(_, value) => Value::Bool(*value),
            Arg::String { text, .. } => Value::String(text.clone()),
            Arg::Number(_, number) => return self.ideal(number),
            _ => return Err(self.error("not a constant")),
        }))
    }

    fn ideal(&self, number: &Number) -> Result<Val> {
        Ok(match number.ideal() {
            Some(Ideal::Int(n)) => Val::Of(Value::int(n)),
            Some(Ideal::Float(f)) => Val::Of(Value::Float(f)),
            Some(Ideal::Complex(re, im)) => Val::Of(Value::Complex(re, im)),
            Some(Ideal::Overflow) => {
                return Err(self.error(format!("{} overflows int", number.text)));
            }
            None => Val::Invalid,
        })
    }

    /// An argument with its static type, as functions on Go's reflection get it.
    pub(super) fn reflected(&mut self, arg: &'r Arg) -> Result<Val> {
        self.at = At::Arg(arg);
        match arg {
            Arg::Dot(_) => Ok(self.dot.clone()),
            Arg::Nil(_) => Ok(Val::Invalid),
            Arg::Field { names, .. } => {
                let dot = self.dot.clone();
                self.fields(dot, names, At::Arg(arg), &[], None)
            }
            Arg::Variable(variable) => self.variable(variable, &[], None, arg),
            Arg::Pipe { pipe, .. } => self.pipeline(*pipe),
            Arg::Identifier(identifier) => self.function(identifier, At::Arg(arg), &[], None),
            Arg::Chain(_) => self.chain(arg, &[], None),
            Arg::Bool(..) | Arg::Number(..) | Arg::String { .. } => self.constant(arg),
        }
    }

    /// An argument for a parameter of type `of`.
    pub(super) fn argument(&mut self, arg: &'r Arg, of: &Type) -> Result<Value> {
        match arg {
            Arg::Nil(_) => {
                self.at = At::Arg(arg);
                zero_of_nilable(of).ok_or_else(|| self.error(format!("cannot assign nil to {of}")))
            }
            Arg::Bool(..) | Arg::Number(..) | Arg::String { .. } if *of != Type::Any => {
                self.at = At::Arg(arg);
                self.converted_constant(arg, of)
            }
            _ => {
                let value = self.reflected(arg)?;
                self.assignable(value, of)
            }
        }
    }

    /// A constant takes the type of the parameter.
    fn converted_constant(&self, arg: &Arg, of: &Type) -> Result<Value> {
        let wanted = match (of, arg) {
            (Type::Bool, Arg::Bool(_, value)) => return Ok(Value::Bool(*value)),
            (Type::Bool, _) => "bool",
            (Type::String, Arg::String { text, .. }) => return Ok(Value::String(text.clone())),
            (Type::Number, Arg::String { text, .. }) => return Ok(Value::Number(text.clone())),
            (Type::String | Type::Number, _) => "string",
            (Type::Int(kind), Arg::Number(_, number)) if number.int.is_some() => {
                return Ok(Value::Int(*kind, number.int.unwrap_or(0)));
            }
            (Type::Int(_), _) => "integer",
            (Type::Uint(kind), Arg::Number(_, number)) if number.uint.is_some() => {
                return Ok(Value::Uint(*kind, number.uint.unwrap_or(0)));
            }
            (Type::Uint(_), _) => "unsigned integer",
            (Type::Float, Arg::Number(_, number)) if number.float.is_some() => {
                return Ok(Value::Float(number.float.unwrap_or(0.0)));
            }
            (Type::Float, _) => "float",
            (Type::Complex, Arg::Number(_, number)) if number.complex.is_some() => {
                let (re, im) = number.complex.unwrap_or_default();
                return Ok(Value::Complex(re, im));
            }
            (Type::Complex, _) => "complex",
            _ => {
                let shown = Printer::new(self.parsed).arg(arg);
                return Err(self.error(format!("can't handle {shown} for arg of type {of}")));
            }
        };
        let shown = Printer::new(self.parsed).arg(arg);
        Err(self.error(format!("expected {wanted}; found {shown}")))
    }

    /// Checks that a value may be given to a parameter of type `of`.
    pub(super) fn assignable(&self, value: Val, of: &Type) -> Result<Value> {
        let inner = match value {
            Val::Invalid => {
                return zero_of_nilable(of)
                    .ok_or_else(|| self.error(format!("invalid value; expected {of}")));
            }
            Val::Of(inner) => inner,
            Val::Interface(Value::Nil) if *of != Type::Any => {
                return Err(self.error(format!(
                    "wrong type for value; expected {of}; got interface {{}}"
                )));
            }
            Val::Interface(inner) => inner,
        };
        if *of == Type::Any || inner.type_of() == Some(*of) {
            return Ok(inner);
        }
        Err(self.error(format!(
            "wrong type for value; expected {of}; got {}",
            inner.type_name()
        )))
    }
}

/// The zero value of a type that can be nil.
fn zero_of_nilable(of: &Type) -> Option<Value> {
    Some(match of {
        Type::Any | Type::Func(_) => Value::Nil,
        Type::Bytes => Value::Bytes(Text::default()),
        Type::List(elem) => Value::List(List::nil(elem)),
        Type::Map(elem) => Value::Map(Map::nil(elem)),
        Type::Pointer(name) => Value::NilPointer(name),
        _ => return None,
    })
}
