//! Calls of functions and methods.

use std::rc::Rc;

use super::val::Val;
use super::{At, Exec, Result};
use crate::functions::{Call, Failure, Function};
use crate::parse::node::Arg;
use crate::value::{Method, Object, Type, Value};

/// What is called.
pub(super) enum Callee<'f> {
    Function(&'f Function),
    ObjectMethod(Rc<dyn Object>, &'f str, Method),
    /// A method of a plain value, such as a duration or a `json.Number`.
    ValueMethod(Value, &'f str, Method),
}

impl Callee<'_> {
    fn signature(&self) -> (&'static [Type], bool, Type) {
        match self {
            Self::Function(f) => (f.params, f.variadic, f.result),
            Self::ObjectMethod(_, _, m) | Self::ValueMethod(_, _, m) => {
                (m.params, m.variadic, m.result)
            }
        }
    }
}

impl<'r> Exec<'r> {
    /// Evaluates the arguments for their parameters and calls. `last` comes after the written arguments.
    pub(super) fn call(
        &mut self,
        callee: &Callee<'_>,
        node: At<'r>,
        name: &str,
        args: &'r [Arg],
        last: Option<Val>,
    ) -> Result<Val> {
        let (params, variadic, result_type) = callee.signature();
        self.check_count(name, params.len(), variadic, args.len(), last.is_some())?;
        if let Callee::ObjectMethod(_, _, method) = callee
            && let Some(why) = method.uncallable
        {
            return Err(self.error(why));
        }
        let parameter = |i: usize| {
            // A repeated parameter has the type of the last one.
            params
                .get(i)
                .or(params.last())
                .copied()
                .unwrap_or(Type::Any)
        };
        let mut values = self.spare.pop().unwrap_or_default();
        for (i, arg) in args.iter().enumerate() {
            values.push(self.argument(arg, &parameter(i))?);
        }
        if let Some(last) = last {
            values.push(self.assignable(last, &parameter(args.len()))?);
        }
        let result = self.invoke(callee, &values);
        // What `sprig_fail` says is the author's own text.
        if result.is_err() && name != "sprig_fail" {
            for (i, value) in values.iter().enumerate() {
                if !args.get(i).is_some_and(Arg::is_constant) {
                    self.blame(value);
                }
            }
        }
        values.clear();
        self.spare.push(values);
        match result {
            Ok(value) => Ok(Val::typed(value, &result_type)),
            Err(failure) => Err(self.failed(node, name, &failure)),
        }
    }

    fn invoke(
        &mut self,
        callee: &Callee<'_>,
        values: &[Value],
    ) -> std::result::Result<Value, Failure> {
        let mut call = Call::new(values, self);
        let value = match callee {
            Callee::Function(f) => f.run(&mut call),
            Callee::ObjectMethod(object, name, _) => object.call(name, &mut call),
            Callee::ValueMethod(value, name, _) => super::method::call(value, name, &mut call),
        }?;
        if let Value::String(text) = &value {
            self.account_for(text.len())?;
        }
        Ok(value)
    }

    /// Texts that functions make count against the limits as well.
    pub(super) fn account_for(&mut self, bytes: usize) -> std::result::Result<(), Failure> {
        if bytes > self.limits.output {
            return Err(Failure::limit(format!(
                "text is longer than the limit of {} bytes",
                self.limits.output
            )));
        }
        crate::functions::Engine::spend(self, bytes / 64)
    }

    /// The error of a call that failed.
    pub(super) fn failed(
        &mut self,
        node: At<'r>,
        name: &str,
        failure: &Failure,
    ) -> Box<super::ExecError> {
        self.at = node;
        let mut error = self.error(format!("error calling {name}: {}", failure.message()));
        error.is_limit = failure.is_limit();
        error
    }

    pub(super) fn check_count(
        &self,
        name: &str,
        params: usize,
        variadic: bool,
        args: usize,
        last: bool,
    ) -> Result<()> {
        let given = args + usize::from(last);
        if variadic {
            let least = params.saturating_sub(1);
            if given < least {
                return Err(self.error(format!(
                    "wrong number of args for {name}: want at least {least} got {args}"
                )));
            }
        } else if given != params {
            return Err(self.error(format!(
                "wrong number of args for {name}: want {params} got {given}"
            )));
        }
        Ok(())
    }
}
