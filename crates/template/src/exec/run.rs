//! The loop over statements.

use super::frame::{Call, Frame, Loop};
use super::range::Rounds;
use super::val::Val;
use super::{At, Exec, MAX_TEMPLATE_DEPTH, Result};
use crate::fmt::Printer;
use crate::parse::node::{Op, PipeId, Target, TemplateCall};
use crate::value::Value;
use pannier_go::quote;

impl<'r> Exec<'r> {
    /// Runs a template from its first step to its last, and everything it calls.
    pub(super) fn run_tree(&mut self, tree: usize, dot: Val) -> Result<()> {
        let bottom = self.frames.len();
        self.tree = tree;
        self.variables_base = self.variables.len();
        self.variables.push((0, dot.clone()));
        self.dot = dot;
        let mut next = 0;
        loop {
            let ops = &self.parsed.trees[self.tree].ops;
            let Some(op) = ops.get(next) else {
                // The template has ended.
                self.variables.truncate(self.variables_base);
                if self.frames.len() <= bottom {
                    return Ok(());
                }
                next = self.return_from_call(next);
                continue;
            };
            next = self.step(op, next)?;
        }
    }

    fn step(&mut self, op: &'r Op, here: Target) -> Result<Target> {
        self.take_steps(1)?;
        match op {
            Op::Text(range) => {
                self.out
                    .extend_from_slice(&self.parsed.source[range.clone()]);
                self.check_output()?;
            }
            Op::Action(pipe) => self.action(*pipe)?,
            Op::If { pipe, otherwise } => {
                let variables = self.variables.len();
                let truth = self.pipeline(*pipe)?.truth();
                self.frames.push(Frame::Scope {
                    dot: None,
                    variables,
                });
                if !truth {
                    return Ok(*otherwise);
                }
            }
            Op::With { pipe, otherwise } => {
                let variables = self.variables.len();
                let value = self.pipeline(*pipe)?;
                let truth = value.truth();
                let dot = truth.then(|| std::mem::replace(&mut self.dot, value));
                self.frames.push(Frame::Scope { dot, variables });
                if !truth {
                    return Ok(*otherwise);
                }
            }
            Op::Range {
                pipe,
                otherwise,
                end,
            } => return self.open_loop(*pipe, here + 1, *otherwise, *end),
            Op::Next => return self.next_round(),
            Op::Jump(target) => return Ok(*target),
            Op::End => self.close_scope(),
            Op::Break => loop {
                match self.frames.last() {
                    Some(Frame::Loop(top)) => return Ok(top.end),
                    Some(Frame::NoRounds { end, .. }) => return Ok(*end),
                    Some(Frame::Scope { .. }) => self.close_scope(),
                    Some(Frame::Call(_)) | None => break,
                }
            },
            Op::Continue => {
                while matches!(
                    self.frames.last(),
                    Some(Frame::Scope { .. } | Frame::NoRounds { .. })
                ) {
                    self.close_scope();
                }
                return self.next_round();
            }
            Op::Template(call) => return self.call_template(call, here + 1),
        }
        Ok(here + 1)
    }

    fn action(&mut self, id: PipeId) -> Result<()> {
        let value = self.pipeline(id)?;
        if self.pipe(id).decl.is_empty() {
            self.at = At::Action(id);
            self.print_value(&value, id)?;
        }
        Ok(())
    }

    fn print_value(&mut self, value: &Val, action: PipeId) -> Result<()> {
        match value {
            Val::Invalid => self.out.extend_from_slice(b"<no value>"),
            Val::Of(Value::String(text)) => self.out.extend_from_slice(text),
            Val::Of(Value::Func(f)) => {
                let shown = crate::parse::print::Printer::new(self.parsed).action(action);
                return Err(self.error(format!("can't print {shown} of type {}", f.type_name)));
            }
            Val::Of(value) | Val::Interface(value) => {
                let max = self.limits.output.saturating_sub(self.out_elsewhere);
                let mut printer = Printer::new(std::mem::take(&mut self.out), max);
                printer.print_followed(value);
                let (out, result) = printer.finish();
                self.out = out;
                if let Err(error) = result {
                    return Err(self.limit_error(error.text(self.limits.output)));
                }
            }
        }
        self.check_output()
    }

    fn close_scope(&mut self) {
        match self.frames.pop() {
            Some(Frame::Scope { dot, variables }) => {
                self.variables.truncate(variables);
                if let Some(dot) = dot {
                    self.dot = dot;
                }
            }
            Some(Frame::Loop(top)) => {
                self.variables.truncate(top.variables);
                self.dot = top.dot;
            }
            Some(Frame::NoRounds { variables, .. }) => self.variables.truncate(variables),
            Some(call @ Frame::Call(_)) => self.frames.push(call),
            None => {}
        }
    }

    // === loops ===

    fn open_loop(
        &mut self,
        id: PipeId,
        body: Target,
        otherwise: Target,
        end: Target,
    ) -> Result<Target> {
        let variables = self.variables.len();
        let value = self.pipeline(id)?;
        let rounds = self.rounds(value, id)?;
        if rounds.is_empty() {
            self.frames.push(Frame::NoRounds { end, variables });
            return Ok(otherwise);
        }
        let body_variables = self.variables.len();
        let dot = self.dot.clone();
        self.frames.push(Frame::Loop(Box::new(Loop {
            rounds,
            pipe: id,
            body,
            end,
            dot,
            variables,
            body_variables,
        })));
        self.next_round()
    }

    /// Starts the next round of the innermost loop, or ends it.
    fn next_round(&mut self) -> Result<Target> {
        let Some(Frame::Loop(top)) = self.frames.last_mut() else {
            return Err(self.error("no loop to go on with"));
        };
        self.variables.truncate(top.body_variables);
        let (pipe, body, end) = (top.pipe, top.body, top.end);
        let Some((index, element)) = top.rounds.next() else {
            return Ok(end);
        };
        let pipe = self.pipe(pipe);
        match (pipe.decl.as_slice(), pipe.is_assign) {
            ([], _) => {}
            ([one], true) => self.set_variable(one, element.clone())?,
            ([first, second, ..], true) => {
                self.set_variable(first, index)?;
                self.set_variable(second, element.clone())?;
            }
            ([_], false) => self.set_top_variable(1, element.clone()),
            ([_, _, ..], false) => {
                self.set_top_variable(1, element.clone());
                self.set_top_variable(2, index);
            }
        }
        self.dot = element;
        Ok(body)
    }

    fn rounds(&mut self, value: Val, id: PipeId) -> Result<Rounds> {
        match Rounds::of(&value) {
            Some(rounds @ (Rounds::Int { .. } | Rounds::Uint { .. }))
                if self.pipe(id).decl.len() > 1 =>
            {
                drop(rounds);
                self.blame(value.value());
                let shown = self.shown(value.value())?;
                Err(self.error(format!(
                    "can't use {shown} to iterate over more than one variable"
                )))
            }
            Some(rounds) => Ok(rounds),
            None => {
                self.blame(value.value());
                let shown = self.shown(value.value())?;
                Err(self.error(format!("range can't iterate over {shown}")))
            }
        }
    }

    /// A value as error texts show it.
    pub(super) fn shown(&self, value: &Value) -> Result<String> {
        let mut printer = Printer::new(Vec::new(), self.limits.output);
        printer.print_pointee(value);
        let (text, result) = printer.finish();
        match result {
            Ok(()) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Err(error) => Err(self.limit_error(error.text(self.limits.output))),
        }
    }

    // === calls ===

    fn call_template(&mut self, call: &'r TemplateCall, next: Target) -> Result<Target> {
        self.at = At::Template(call);
        let Some(&tree) = self.parsed.by_name.get(&call.name) else {
            let shown = quote::quote(&call.name);
            return Err(self.error(format!("template {shown} not defined")));
        };
        if self.depth == MAX_TEMPLATE_DEPTH.min(self.limits.depth) {
            return Err(self.error(format!("exceeded maximum template depth ({})", self.depth)));
        }
        let dot = match call.pipe {
            Some(pipe) => self.pipeline(pipe)?,
            None => Val::Invalid,
        };
        self.frames.push(Frame::Call(Box::new(Call {
            tree: self.tree,
            next,
            dot: std::mem::replace(&mut self.dot, dot.clone()),
            variables_base: self.variables_base,
            at: self.at,
        })));
        self.depth += 1;
        self.tree = tree;
        self.variables_base = self.variables.len();
        self.variables.push((0, dot));
        Ok(0)
    }

    fn return_from_call(&mut self, here: Target) -> Target {
        let Some(Frame::Call(call)) = self.frames.pop() else {
            return here;
        };
        self.depth -= 1;
        self.tree = call.tree;
        self.dot = call.dot;
        self.variables_base = call.variables_base;
        self.at = call.at;
        call.next
    }
}
