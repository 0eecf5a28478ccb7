//! Go's predefined functions.

use super::val::Val;
use super::{At, Exec, Result, compare, escape, index};
use crate::fmt::Printer;
use crate::functions::{Call, Failure};
use crate::parse::node::Arg;
use crate::value::{Text, Type, Value};

/// One of Go's predefined functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Slice,
    Urlquery,
}

/// The arguments of a builtin: how many at least, and whether more are welcome.
struct Arity {
    params: usize,
    variadic: bool,
}

impl Builtin {
    /// All of them with their names.
    pub(crate) const ALL: [(&'static str, Self); 19] = [
        ("and", Self::And),
        ("call", Self::Call),
        ("eq", Self::Eq),
        ("ge", Self::Ge),
        ("gt", Self::Gt),
        ("html", Self::Html),
        ("index", Self::Index),
        ("js", Self::Js),
        ("le", Self::Le),
        ("len", Self::Len),
        ("lt", Self::Lt),
        ("ne", Self::Ne),
        ("not", Self::Not),
        ("or", Self::Or),
        ("print", Self::Print),
        ("printf", Self::Printf),
        ("println", Self::Println),
        ("slice", Self::Slice),
        ("urlquery", Self::Urlquery),
    ];

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, builtin)| *builtin)
    }

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, b)| *b == self)
            .map_or("", |(name, _)| name)
    }

    fn arity(self) -> Arity {
        let (params, variadic) = match self {
            Self::And
            | Self::Or
            | Self::Call
            | Self::Eq
            | Self::Index
            | Self::Slice
            | Self::Printf => (2, true),
            Self::Html | Self::Js | Self::Urlquery | Self::Print | Self::Println => (1, true),
            Self::Len | Self::Not => (1, false),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => (2, false),
        };
        Arity { params, variadic }
    }

    /// Whether it takes Go values rather than Go's reflections of them.
    fn takes_values(self) -> bool {
        matches!(
            self,
            Self::Html | Self::Js | Self::Urlquery | Self::Print | Self::Println | Self::Printf
        )
    }
}

impl<'r> Exec<'r> {
    pub(super) fn builtin(
        &mut self,
        builtin: Builtin,
        node: At<'r>,
        args: &'r [Arg],
        last: Option<Val>,
    ) -> Result<Val> {
        let name = builtin.name();
        let arity = builtin.arity();
        self.check_count(
            name,
            arity.params,
            arity.variadic,
            args.len(),
            last.is_some(),
        )?;
        if matches!(builtin, Builtin::And | Builtin::Or) {
            return self.and_or(builtin == Builtin::Or, args, last);
        }
        let result = if builtin.takes_values() {
            let mut values = self.spare.pop().unwrap_or_default();
            let type_of = |i| {
                if builtin == Builtin::Printf && i == 0 {
                    Type::String
                } else {
                    Type::Any
                }
            };
            for (i, arg) in args.iter().enumerate() {
                values.push(self.argument(arg, &type_of(i))?);
            }
            if let Some(last) = last {
                values.push(self.assignable(last, &type_of(args.len()))?);
            }
            let result = self.text_builtin(builtin, &values);
            values.clear();
            self.spare.push(values);
            result
        } else {
            let mut vals = Vec::with_capacity(args.len() + 1);
            for arg in args {
                vals.push(self.reflected(arg)?);
            }
            vals.extend(last);
            if builtin == Builtin::Call {
                // The error texts of `call` name what is called.
                let callee = match args.first() {
                    Some(arg) => crate::parse::print::Printer::new(self.parsed).arg(arg),
                    None => vals.first().map_or_else(String::new, reflected_string),
                };
                self.call_value(&callee, vals)
            } else {
                self.value_builtin(builtin, vals)
            }
        };
        result.map_err(|failure| self.failed(node, name, &failure))
    }

    /// Stops at the first argument that decides.
    fn and_or(&mut self, is_or: bool, args: &'r [Arg], last: Option<Val>) -> Result<Val> {
        let mut value = Val::Invalid;
        for arg in args {
            value = self.reflected(arg)?;
            if value.truth() == is_or {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn text_builtin(
        &mut self,
        builtin: Builtin,
        args: &[Value],
    ) -> std::result::Result<Val, Failure> {
        let mut printer = Printer::new(Vec::new(), self.limits.output);
        match builtin {
            Builtin::Print => printer.print(args),
            Builtin::Println => printer.println(args),
            Builtin::Printf => {
                if let Some((Value::String(format), rest)) = args.split_first() {
                    printer.printf(format, rest);
                }
            }
            _ => match args {
                [Value::String(text)] => printer.print_one(&Value::String(text.clone())),
                // As in Go, a nil among the arguments shows as it would in `{{.}}`.
                _ => {
                    let shown: Vec<Value> = args.iter().map(printable).collect();
                    printer.print(&shown);
                }
            },
        }
        let (text, result) = printer.finish();
        result.map_err(|error| Failure::limit(error.text(self.limits.output)))?;
        let text = match builtin {
            Builtin::Html => escape::html(&text),
            Builtin::Js => escape::js(&text),
            Builtin::Urlquery => escape::query(&text),
            _ => text,
        };
        self.account_for(text.len())?;
        Ok(Val::Of(Value::String(Text::from(text))))
    }

    fn value_builtin(
        &mut self,
        builtin: Builtin,
        vals: Vec<Val>,
    ) -> std::result::Result<Val, Failure> {
        let boolean = |b: bool| Val::Of(Value::Bool(b));
        let mut vals = vals.into_iter();
        let first = vals.next().unwrap_or(Val::Invalid);
        let max = self.limits.output;
        match builtin {
            Builtin::Len => index::len(&first).map(Val::Of),
            Builtin::Not => Ok(boolean(!first.truth())),
            Builtin::Index => index::index(first, vals),
            Builtin::Slice => index::slice(first, &vals.collect::<Vec<_>>()),
            Builtin::Eq => {
                let others: Vec<Val> = vals.collect();
                let equal = compare::eq(&first, &others, max);
                if equal.is_err() {
                    self.blame(first.value());
                    others.iter().for_each(|other| self.blame(other.value()));
                }
                equal.map(boolean)
            }
            _ => {
                let second = vals.next().unwrap_or(Val::Invalid);
                let order = match builtin {
                    Builtin::Ne => {
                        compare::eq(&first, std::slice::from_ref(&second), max).map(|equal| !equal)
                    }
                    Builtin::Lt => compare::lt(&first, &second),
                    Builtin::Le => compare::le(&first, &second, max),
                    Builtin::Gt => compare::le(&first, &second, max).map(|b| !b),
                    _ => compare::lt(&first, &second).map(|b| !b),
                };
                if order.is_err() {
                    self.blame(first.value());
                    self.blame(second.value());
                }
                order.map(boolean)
            }
        }
    }

    /// The builtin `call`.
    fn call_value(&mut self, name: &str, vals: Vec<Val>) -> std::result::Result<Val, Failure> {
        let mut vals = vals.into_iter();
        let callee = vals.next().unwrap_or(Val::Invalid).unwrapped();
        let f = match &callee {
            Val::Of(Value::Func(f)) => f.clone(),
            Val::Invalid => return Err("call of nil".into()),
            other => {
                return Err(Failure::new(format!(
                    "non-function {name} of type {}",
                    other.static_type_name()
                )));
            }
        };
        let (given, wanted) = (vals.len(), f.params.len());
        if f.variadic && given + 1 < wanted {
            let least = wanted - 1;
            return Err(Failure::new(format!(
                "wrong number of args for {name}: got {given} want at least {least}"
            )));
        }
        if !f.variadic && given != wanted {
            return Err(Failure::new(format!(
                "wrong number of args for {name}: got {given} want {wanted}"
            )));
        }
        let mut values = Vec::with_capacity(given);
        for (i, val) in vals.enumerate() {
            let of = f
                .params
                .get(i)
                .or(f.params.last())
                .copied()
                .unwrap_or(Type::Any);
            let value = index::prepared(val.unwrapped(), &of)
                .map_err(|failure| Failure::new(format!("arg {i}: {}", failure.message())))?;
            values.push(value);
        }
        let run = f.run.clone();
        let value = run(&mut Call::new(&values, self))?;
        Ok(Val::typed(value, &f.result))
    }
}

/// What `html` and its relatives print for a value.
fn printable(value: &Value) -> Value {
    match value {
        Value::Nil => Value::string("<no value>"),
        other => other.clone(),
    }
}

/// Go's `reflect.Value.String`.
fn reflected_string(val: &Val) -> String {
    match val {
        Val::Of(Value::String(text) | Value::Number(text)) => text.to_lossy().into_owned(),
        Val::Invalid => "<invalid Value>".to_owned(),
        other => format!("<{} Value>", other.static_type_name()),
    }
}
