//! Pipelines, commands and operands.

use super::ParseError;
use super::node::{Arg, Chain, Command, Identifier, Pipe, PipeId, Variable};
use super::number::Number;
use super::token::{Kind, Token};
use super::{Parser, Result};
use crate::value::Text;
use pannier_go::quote;

/// How deep parentheses may be nested. Go stops at 10,000; what is evaluated one inside the other here uses the stack.
pub(crate) const MAX_PARENTHESES: usize = 1000;

/// A pipeline being read, inside the one below it on the stack.
struct Level {
    pipe: Pipe,
    context: &'static str,
    end: Kind,
    command: Option<Command>,
}

/// Where the reader is within the topmost level.
enum Step {
    Declarations,
    Command,
    Operand,
    AfterTerm(Option<Arg>),
}

enum Term {
    None,
    Arg(Arg),
    Parenthesis,
}

impl Parser<'_> {
    /// Reads up to and including `end`.
    pub(super) fn pipeline(&mut self, context: &'static str, end: Kind) -> Result<PipeId> {
        let mut levels = vec![self.level(context, end)];
        let mut step = Step::Declarations;
        while let Some(level) = levels.last_mut() {
            match step {
                Step::Declarations => {
                    self.declarations(level)?;
                    step = Step::Command;
                }
                Step::Command => {
                    let token = self.next_non_space();
                    if token.kind == level.end {
                        self.check_pipeline(&level.pipe, level.context)?;
                        let Some(done) = levels.pop() else { break };
                        let pos = done.pipe.pos;
                        let pipe =
                            PipeId(u32::try_from(self.parsed.pipes.len()).unwrap_or(u32::MAX));
                        self.parsed.pipes.push(done.pipe);
                        if levels.is_empty() {
                            return Ok(pipe);
                        }
                        step = Step::AfterTerm(Some(Arg::Pipe { pos, pipe }));
                    } else if token.kind.starts_operand() {
                        self.backup();
                        let pos = self.peek_non_space().pos;
                        level.command = Some(Command {
                            pos,
                            args: Vec::new(),
                        });
                        step = Step::Operand;
                    } else {
                        let context = level.context;
                        return Err(self.unexpected(&token, context));
                    }
                }
                Step::Operand => {
                    self.peek_non_space();
                    step = match self.term()? {
                        Term::None => Step::AfterTerm(None),
                        Term::Arg(arg) => Step::AfterTerm(Some(arg)),
                        Term::Parenthesis => {
                            if levels.len() > MAX_PARENTHESES {
                                return Err(self.error("max expression depth exceeded"));
                            }
                            let inner = self.level("parenthesized pipeline", Kind::RightParen);
                            levels.push(inner);
                            Step::Declarations
                        }
                    };
                }
                Step::AfterTerm(term) => step = self.after_term(level, term)?,
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn level(&mut self, context: &'static str, end: Kind) -> Level {
        let pos = self.peek_non_space().pos;
        let pipe = Pipe {
            pos,
            is_assign: false,
            decl: Vec::new(),
            commands: Vec::new(),
        };
        Level {
            pipe,
            context,
            end,
            command: None,
        }
    }

    /// `$x :=`, `$x =`, `$i, $x :=` at the start of a pipeline.
    fn declarations(&mut self, level: &mut Level) -> Result<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next();
            // To tell a declaration from an argument takes three tokens: the variable, a space, and what follows.
            let adjacent = self.peek();
            let next = self.peek_non_space();
            let is_comma = next.kind == Kind::Char && self.text_of(&next) == b",";
            if matches!(next.kind, Kind::Assign | Kind::Declare) || is_comma {
                level.pipe.is_assign = level.pipe.is_assign || next.kind == Kind::Assign;
                self.next_non_space();
                let name = self.string_of(&variable);
                let declared = self.variable(variable.pos, &name);
                level.pipe.decl.push(declared);
                self.state.variables.push(name.into());
                if !is_comma {
                    return Ok(());
                }
                if level.context != "range" || level.pipe.decl.len() >= 2 {
                    let context = level.context;
                    return Err(self.error(format!("too many declarations in {context}")));
                }
                let after = self.peek_non_space().kind;
                if !matches!(after, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                    return Err(self.error("range can only initialize variables"));
                }
            } else {
                if adjacent.kind == Kind::Space {
                    self.backup3(variable, adjacent);
                } else {
                    self.backup2(variable);
                }
                return Ok(());
            }
        }
    }

    fn check_pipeline(&mut self, pipe: &Pipe, context: &str) -> Result<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.args.first();
            if matches!(
                first,
                Some(
                    Arg::Bool(..)
                        | Arg::Dot(_)
                        | Arg::Nil(_)
                        | Arg::Number(..)
                        | Arg::String { .. }
                )
            ) {
                let stage = i + 1;
                return Err(self.error(format!("non executable command in pipeline stage {stage}")));
            }
        }
        Ok(())
    }

    /// Fields behind the operand, and whether the command goes on.
    fn after_term(&mut self, level: &mut Level, term: Option<Arg>) -> Result<Step> {
        if let Some(arg) = term {
            let arg = if self.peek_kind() == Kind::Field {
                self.chain(arg)?
            } else {
                arg
            };
            if let Some(command) = &mut level.command {
                command.args.push(arg);
            }
        }
        let token = self.next();
        match token.kind {
            Kind::Space => return Ok(Step::Operand),
            Kind::RightDelim | Kind::RightParen => self.backup(),
            Kind::Pipe => {}
            _ => return Err(self.unexpected(&token, "operand")),
        }
        match level.command.take() {
            Some(command) if !command.args.is_empty() => level.pipe.commands.push(command),
            _ => return Err(self.error("empty command")),
        }
        Ok(Step::Command)
    }

    fn chain(&mut self, arg: Arg) -> Result<Arg> {
        let pos = self.peek().pos;
        let mut more: Vec<Box<str>> = Vec::new();
        while self.peek_kind() == Kind::Field {
            let token = self.next();
            more.push(self.field_name(&token));
        }
        Ok(match arg {
            Arg::Field { mut names, .. } => {
                names.append(&mut more);
                Arg::Field { pos, names }
            }
            Arg::Variable(mut variable) => {
                variable.pos = pos;
                variable.fields.append(&mut more);
                Arg::Variable(variable)
            }
            Arg::Bool(..) | Arg::String { .. } | Arg::Number(..) | Arg::Nil(_) | Arg::Dot(_) => {
                // A string is shown as it is written, down to bytes that are no UTF-8.
                let shown = match arg {
                    Arg::String { pos: begin, .. } => {
                        quote::quote(self.source.get(begin..pos).unwrap_or_default())
                    }
                    other => quote::quote(super::print::Printer::new(&self.parsed).arg(&other)),
                };
                return Err(self.error(format!("unexpected . after term {shown}")));
            }
            of => Arg::Chain(Box::new(Chain {
                pos,
                of,
                names: more,
            })),
        })
    }

    fn term(&mut self) -> Result<Term> {
        let token = self.next_non_space();
        let pos = token.pos;
        Ok(Term::Arg(match token.kind {
            Kind::Identifier => {
                let name = self.string_of(&token);
                let Some(function) = (self.context.functions)(&name) else {
                    self.unknown_function = Some(name.clone());
                    let shown = quote::quote(&name);
                    return Err(self.error(format!("function {shown} not defined")));
                };
                Arg::Identifier(Box::new(Identifier {
                    pos,
                    name: name.into(),
                    function,
                }))
            }
            Kind::Dot => Arg::Dot(pos),
            Kind::Nil => Arg::Nil(pos),
            Kind::Variable => {
                let name = self.string_of(&token);
                if !self.state.variables.iter().any(|v| **v == *name) {
                    let shown = quote::quote(&name);
                    let error = self.error(format!("undefined variable {shown}"));
                    // The next token may have been looked at already.
                    return Err(ParseError { pos, ..error });
                }
                Arg::Variable(self.variable(pos, &name))
            }
            Kind::Field => Arg::Field {
                pos,
                names: vec![self.field_name(&token)],
            },
            Kind::Bool => Arg::Bool(pos, self.text_of(&token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match Number::parse(self.text_of(&token), token.kind) {
                    Ok(number) => Arg::Number(pos, Box::new(number)),
                    Err(text) => return Err(self.error(text)),
                }
            }
            Kind::LeftParen => return Ok(Term::Parenthesis),
            Kind::String | Kind::RawString => {
                let text = Text::from(self.unquote(&token)?);
                Arg::String {
                    pos,
                    quoted: self.string_of(&token).into(),
                    text,
                }
            }
            _ => {
                self.backup();
                return Ok(Term::None);
            }
        }))
    }

    /// Without the dot.
    fn field_name(&self, token: &Token) -> Box<str> {
        String::from_utf8_lossy(self.text_of(token).get(1..).unwrap_or_default()).into()
    }

    fn variable(&mut self, pos: usize, name: &str) -> Variable {
        let next = u32::try_from(self.variable_ids.len()).unwrap_or(u32::MAX) + 1;
        // The dollar sign alone is always number 0.
        let id = if name == "$" {
            0
        } else {
            *self.variable_ids.entry(name.into()).or_insert(next)
        };
        Variable {
            pos,
            name: name.into(),
            id,
            fields: Vec::new(),
        }
    }
}
