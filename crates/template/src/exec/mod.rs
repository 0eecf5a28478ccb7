//! Runs a parsed template.
//!
//! Statements run in a loop over the flat steps of a tree, with a stack of [`frame::Frame`]s on the heap: a template may
//! call itself a hundred thousand times, as Go allows. Only expressions recurse, as deep as the parser lets parentheses
//! nest.

mod arg;
mod builtin;
mod call;
mod compare;
mod engine;
mod error;
mod escape;
mod field;
mod frame;
mod index;
mod method;
mod range;
mod run;
mod val;

use std::collections::BTreeSet;

pub(crate) use builtin::Builtin;
pub(crate) use error::{ExecError, Result};

use crate::host::{Answer, Dependency, Host};
use crate::parse::Parsed;
use crate::parse::node::{Arg, Command, Pipe, PipeId, TemplateCall, Variable};
use crate::parse::print::Printer;
use crate::template::{Limits, MissingKey};
use crate::value::{Map, Value};
use frame::Frame;
use val::Val;

/// How deep templates may call each other: Go's number.
const MAX_TEMPLATE_DEPTH: usize = 100_000;

/// How often `executeTemplate` may be inside itself; unlike `{{template}}` it uses the stack.
const MAX_EXECUTE_DEPTH: usize = 50;

/// How much room the output has at the start, at most.
const MOST_ROOM: usize = 1 << 16;

/// One execution of one template.
pub(crate) struct Exec<'r> {
    parsed: &'r Parsed,
    missing_key: MissingKey,
    host: &'r dyn Host,
    limits: &'r Limits,
    out: Vec<u8>,
    /// What has been written to outputs that are not `out` at the moment.
    out_elsewhere: usize,
    dot: Val,
    variables: Vec<(u32, Val)>,
    /// Where the variables of the current template start.
    variables_base: usize,
    frames: Vec<Frame<'r>>,
    tree: usize,
    /// The node that an error would name.
    at: At<'r>,
    depth: usize,
    execute_depth: usize,
    steps: usize,
    scratch: Map,
    needs: BTreeSet<Dependency>,
    answers: Vec<Answer>,
    /// Values that the text of the error may show.
    blamed: Vec<Value>,
    /// Argument vectors to be used again.
    spare: Vec<Vec<Value>>,
}

/// The node being executed, as error texts show it.
#[derive(Clone, Copy)]
enum At<'r> {
    Nothing,
    Action(PipeId),
    Pipe(PipeId),
    Command(&'r Command),
    Arg(&'r Arg),
    Template(&'r TemplateCall),
}

/// How an execution ended.
pub(crate) struct Outcome {
    pub(crate) result: Result<()>,
    /// What was written, also before an error.
    pub(crate) out: Vec<u8>,
    pub(crate) needs: BTreeSet<Dependency>,
    /// Everything the template was told, for redaction.
    pub(crate) answers: Vec<Answer>,
    /// Values that the text of the error may show, if the template was told anything: they may come from a secret.
    pub(crate) blamed: Vec<Value>,
}

impl<'r> Exec<'r> {
    pub(crate) fn new(
        parsed: &'r Parsed,
        missing_key: MissingKey,
        host: &'r dyn Host,
        limits: &'r Limits,
    ) -> Self {
        Self {
            parsed,
            missing_key,
            host,
            limits,
            // Most texts are about as long as their template.
            out: Vec::with_capacity(parsed.source.len().min(MOST_ROOM)),
            out_elsewhere: 0,
            dot: Val::Invalid,
            variables: Vec::new(),
            variables_base: 0,
            frames: Vec::new(),
            tree: 0,
            at: At::Nothing,
            depth: 0,
            execute_depth: 0,
            steps: 0,
            scratch: Map::empty(),
            needs: BTreeSet::new(),
            answers: Vec::new(),
            blamed: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Executes the template of that index with `dot`.
    pub(crate) fn execute(mut self, tree: usize, dot: Value) -> Outcome {
        let dot = Val::Interface(dot).unwrapped();
        let result = self.run_tree(tree, dot);
        Outcome {
            result,
            out: self.out,
            needs: self.needs,
            answers: self.answers,
            blamed: self.blamed,
        }
    }

    fn pipe(&self, id: PipeId) -> &'r Pipe {
        // The parser hands out only indexes it has pushed.
        &self.parsed.pipes[id.0 as usize]
    }

    fn error(&self, text: impl Into<String>) -> Box<ExecError> {
        let printer = Printer::new(self.parsed);
        let (pos, context) = match self.at {
            At::Nothing => (None, String::new()),
            At::Action(pipe) => (Some(self.pipe(pipe).pos), printer.action(pipe)),
            At::Pipe(pipe) => (Some(self.pipe(pipe).pos), printer.pipe(pipe)),
            At::Command(command) => (Some(command.pos), printer.command(command)),
            At::Arg(arg) => (Some(arg.pos()), printer.arg(arg)),
            At::Template(call) => (Some(call.pos), printer.template(call)),
        };
        Box::new(ExecError {
            template: self.parsed.trees[self.tree].name.to_lossy().into_owned(),
            pos,
            context,
            text: text.into(),
            is_limit: false,
        })
    }

    /// Remembers a value that the text of an error may show.
    fn blame(&mut self, value: &Value) {
        if !self.answers.is_empty() {
            self.blamed.push(value.clone());
        }
    }

    fn limit_error(&self, text: impl Into<String>) -> Box<ExecError> {
        let mut error = self.error(text);
        error.is_limit = true;
        error
    }

    /// Takes steps off the budget.
    fn take_steps(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps {
            return Err(
                self.limit_error(format!("exceeded the limit of {} steps", self.limits.steps))
            );
        }
        Ok(())
    }

    /// Fails if the output has grown too long.
    fn check_output(&self) -> Result<()> {
        if self.out.len().saturating_add(self.out_elsewhere) > self.limits.output {
            return Err(self.limit_error(format!(
                "exceeded the limit of {} bytes of output",
                self.limits.output
            )));
        }
        Ok(())
    }

    // === variables ===

    fn variable_value(&self, variable: &Variable) -> Result<Val> {
        self.variables[self.variables_base..]
            .iter()
            .rev()
            .find(|(id, _)| *id == variable.id)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| self.error(format!("undefined variable: {}", variable.name)))
    }

    fn set_variable(&mut self, variable: &Variable, value: Val) -> Result<()> {
        let found = self.variables[self.variables_base..]
            .iter_mut()
            .rev()
            .find(|(id, _)| *id == variable.id);
        match found {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(self.error(format!("undefined variable: {}", variable.name))),
        }
    }

    /// Sets the variable `n` from the top, counted from 1.
    fn set_top_variable(&mut self, n: usize, value: Val) {
        let index = self.variables.len().checked_sub(n);
        if let Some((_, slot)) = index.and_then(|i| self.variables.get_mut(i)) {
            *slot = value;
        }
    }
}
