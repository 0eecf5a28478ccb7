//! Nodes as text, for the `at <...>` of error texts.

use super::Parsed;
use super::node::{Arg, Command, PipeId, TemplateCall, Variable};
use pannier_go::quote;

/// Prints nodes; knows the pipelines that they refer to, and the delimiters.
pub(crate) struct Printer<'t> {
    parsed: &'t Parsed,
    out: String,
}

impl<'t> Printer<'t> {
    pub(crate) fn new(parsed: &'t Parsed) -> Self {
        Self {
            parsed,
            out: String::new(),
        }
    }

    pub(crate) fn arg(mut self, arg: &Arg) -> String {
        self.write_arg(arg);
        self.out
    }

    pub(crate) fn command(mut self, command: &Command) -> String {
        self.write_command(command);
        self.out
    }

    pub(crate) fn pipe(mut self, pipe: PipeId) -> String {
        self.write_pipe(pipe);
        self.out
    }

    /// The whole action: `{{.x}}`.
    pub(crate) fn action(mut self, pipe: PipeId) -> String {
        self.out.push_str(&self.parsed.left);
        self.write_pipe(pipe);
        self.out.push_str(&self.parsed.right);
        self.out
    }

    pub(crate) fn template(mut self, call: &TemplateCall) -> String {
        self.out.push_str(&self.parsed.left);
        self.out.push_str("template ");
        self.out.push_str(&quote::quote(&call.name));
        if let Some(pipe) = call.pipe {
            self.out.push(' ');
            self.write_pipe(pipe);
        }
        self.out.push_str(&self.parsed.right);
        self.out
    }

    fn write_pipe(&mut self, id: PipeId) {
        let Some(pipe) = self.parsed.pipes.get(id.0 as usize) else {
            return;
        };
        for (i, variable) in pipe.decl.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            self.write_variable(variable);
        }
        if !pipe.decl.is_empty() {
            self.out
                .push_str(if pipe.is_assign { " = " } else { " := " });
        }
        for (i, command) in pipe.commands.iter().enumerate() {
            if i > 0 {
                self.out.push_str(" | ");
            }
            self.write_command(command);
        }
    }

    fn write_command(&mut self, command: &Command) {
        for (i, arg) in command.args.iter().enumerate() {
            if i > 0 {
                self.out.push(' ');
            }
            if let Arg::Pipe { pipe, .. } = arg {
                self.write_parenthesized(*pipe);
            } else {
                self.write_arg(arg);
            }
        }
    }

    fn write_parenthesized(&mut self, pipe: PipeId) {
        self.out.push('(');
        self.write_pipe(pipe);
        self.out.push(')');
    }

    fn write_arg(&mut self, arg: &Arg) {
        match arg {
            Arg::Dot(_) => self.out.push('.'),
            Arg::Nil(_) => self.out.push_str("nil"),
            Arg::Bool(_, value) => self.out.push_str(if *value { "true" } else { "false" }),
            Arg::Number(_, number) => self.out.push_str(&number.text),
            Arg::String { quoted, .. } => self.out.push_str(quoted),
            Arg::Field { names, .. } => self.write_fields(names),
            Arg::Variable(variable) => self.write_variable(variable),
            Arg::Identifier(identifier) => self.out.push_str(&identifier.name),
            Arg::Chain(chain) => {
                if let Arg::Pipe { pipe, .. } = &chain.of {
                    self.write_parenthesized(*pipe);
                } else {
                    self.write_arg(&chain.of);
                }
                self.write_fields(&chain.names);
            }
            Arg::Pipe { pipe, .. } => self.write_pipe(*pipe),
        }
    }

    fn write_variable(&mut self, variable: &Variable) {
        self.out.push_str(&variable.name);
        self.write_fields(&variable.fields);
    }

    fn write_fields(&mut self, names: &[Box<str>]) {
        for name in names {
            self.out.push('.');
            self.out.push_str(name);
        }
    }
}
