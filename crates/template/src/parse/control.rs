//! Control structures and definitions, read without recursion.

use super::node::{Op, PipeId, TemplateCall, Tree};
use super::token::{Kind, Token};
use super::{Parser, Result, State};
use crate::value::Text;
use pannier_go::quote;

/// A control structure whose `{{end}}` is to come.
pub(super) struct Open {
    kind: Control,
    /// The step that opened it.
    opened: usize,
    /// The jump at the end of its first branch, once there is an `{{else}}`.
    jump: Option<usize>,
    /// How many variables there were before it.
    variables: usize,
    /// Whether it is the `if` of an `{{else if}}`, closed by the `{{end}}` of the structure around it.
    chained: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

/// How the template being read was started, and so how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TreeKind {
    Root,
    Define,
    /// Ends with a call of itself in the template around it.
    Block {
        pos: usize,
        pipe: PipeId,
    },
}

impl Parser<'_> {
    /// Reads the whole source.
    pub(super) fn run(&mut self) -> Result<()> {
        loop {
            let at_top = self.state.kind == TreeKind::Root && self.state.open.is_empty();
            if at_top {
                match self.peek_kind() {
                    Kind::Eof => break,
                    Kind::LeftDelim => {
                        let delim = self.next();
                        if self.next_non_space().kind == Kind::Define {
                            self.define()?;
                            continue;
                        }
                        self.backup2(delim);
                    }
                    _ => {}
                }
            } else if self.peek_non_space().kind == Kind::Eof {
                return Err(self.error("unexpected EOF"));
            }
            self.text_or_action()?;
        }
        self.add_tree()
    }

    fn text_or_action(&mut self) -> Result<()> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                self.state.ops.push(Op::Text(token.pos..token.end));
                Ok(())
            }
            Kind::LeftDelim => {
                self.state.action_line = token.line;
                self.action()
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    /// After the left delimiter.
    fn action(&mut self) -> Result<()> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Block => return self.block(),
            Kind::If => return self.open(Control::If, false),
            Kind::With => return self.open(Control::With, false),
            Kind::Range => return self.open(Control::Range, false),
            Kind::Else => self.else_()?,
            Kind::End => self.end()?,
            Kind::Break => self.leave_loop("break", Op::Break)?,
            Kind::Continue => self.leave_loop("continue", Op::Continue)?,
            Kind::Template => self.template()?,
            _ => {
                self.backup();
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                self.state.ops.push(Op::Action(pipe));
            }
        }
        self.state.action_line = 0;
        Ok(())
    }

    fn leave_loop(&mut self, word: &str, op: Op) -> Result<()> {
        let token = self.next_non_space();
        let context = format!("{{{{{word}}}}}");
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(&token, &context));
        }
        if self.state.range_depth == 0 {
            return Err(self.error(format!("{context} outside {{{{range}}}}")));
        }
        self.state.ops.push(op);
        Ok(())
    }

    fn open(&mut self, kind: Control, chained: bool) -> Result<()> {
        let variables = self.state.variables.len();
        let context = match kind {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        };
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let state = &mut self.state;
        let opened = state.ops.len();
        state.ops.push(match kind {
            Control::If => Op::If { pipe, otherwise: 0 },
            Control::With => Op::With { pipe, otherwise: 0 },
            Control::Range => Op::Range {
                pipe,
                otherwise: 0,
                end: 0,
            },
        });
        if kind == Control::Range {
            state.range_depth += 1;
        }
        state.open.push(Open {
            kind,
            opened,
            jump: None,
            variables,
            chained,
        });
        Ok(())
    }

    fn else_(&mut self) -> Result<()> {
        let next = self.peek_non_space();
        let is_chain = matches!(next.kind, Kind::If | Kind::With);
        if !is_chain {
            self.expect(Kind::RightDelim, "else")?;
        }
        let Some(open) = self.state.open.last_mut() else {
            return Err(self.stray("else"));
        };
        if open.jump.is_some() {
            let found = self.delimited("else");
            return Err(self.error(format!("expected end; found {found}")));
        }
        let kind = open.kind;
        let state = &mut self.state;
        if kind == Control::Range {
            state.range_depth -= 1;
            state.ops.push(Op::Next);
        }
        let jump = state.ops.len();
        state.ops.push(Op::Jump(0));
        let otherwise = state.ops.len();
        if let Some(open) = state.open.last_mut() {
            open.jump = Some(jump);
            let opened = open.opened;
            set_otherwise(&mut state.ops, opened, otherwise);
        }
        let chain = match (kind, next.kind) {
            (Control::If, Kind::If) => Control::If,
            (Control::With, Kind::With) => Control::With,
            // `{{else if}}` of anything else: the words after `else` are met as stray ones.
            _ => return Ok(()),
        };
        self.next();
        // For Go the action of the `else` has ended here.
        self.state.action_line = 0;
        self.open(chain, true)
    }

    fn end(&mut self) -> Result<()> {
        self.expect(Kind::RightDelim, "end")?;
        if self.state.open.is_empty() {
            return self.end_tree();
        }
        while let Some(open) = self.state.open.pop() {
            let state = &mut self.state;
            if open.kind == Control::Range && open.jump.is_none() {
                state.range_depth -= 1;
                state.ops.push(Op::Next);
            }
            let end = state.ops.len();
            match open.jump {
                Some(jump) => state.ops[jump] = Op::Jump(end),
                None => set_otherwise(&mut state.ops, open.opened, end),
            }
            if let Some(Op::Range { end: target, .. }) = state.ops.get_mut(open.opened) {
                *target = end;
            }
            state.ops.push(Op::End);
            state.variables.truncate(open.variables);
            if !open.chained {
                break;
            }
        }
        Ok(())
    }

    fn delimited(&self, word: &str) -> String {
        format!("{}{word}{}", self.parsed.left, self.parsed.right)
    }

    /// `else` or `end` where nothing is open.
    fn stray(&mut self, word: &str) -> super::ParseError {
        let word = self.delimited(word);
        match self.state.kind {
            TreeKind::Root => self.error(format!("unexpected {word}")),
            TreeKind::Define => self.error(format!("unexpected {word} in define clause")),
            TreeKind::Block { .. } => {
                let mut error = self.error(format!("unexpected {word} in block clause"));
                // Go's parser of the template around it complains, and names the line that one has come to.
                if let Some(outer) = self.states.last() {
                    error.line = outer.tokens[0].line;
                }
                error
            }
        }
    }

    fn template(&mut self) -> Result<()> {
        let context = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, context)?;
        let pipe = if self.next_non_space().kind == Kind::RightDelim {
            None
        } else {
            self.backup();
            Some(self.pipeline(context, Kind::RightDelim)?)
        };
        self.state.ops.push(Op::Template(Box::new(TemplateCall {
            pos: token.pos,
            name,
            pipe,
        })));
        Ok(())
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Result<Text> {
        if matches!(token.kind, Kind::String | Kind::RawString) {
            return Ok(self.unquote(token)?.into());
        }
        Err(self.unexpected(token, context))
    }

    // === templates within the source ===

    fn define(&mut self) -> Result<()> {
        let context = "define clause";
        self.push_tree(Text::default(), TreeKind::Define);
        let token = self.next_non_space();
        self.state.name = self.template_name(&token, context)?;
        self.expect(Kind::RightDelim, context)?;
        Ok(())
    }

    fn block(&mut self) -> Result<()> {
        let context = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.push_tree(
            name,
            TreeKind::Block {
                pos: token.pos,
                pipe,
            },
        );
        Ok(())
    }

    fn push_tree(&mut self, name: Text, kind: TreeKind) {
        let mut state = State::new(name);
        state.kind = kind;
        self.states.push(std::mem::replace(&mut self.state, state));
    }

    fn end_tree(&mut self) -> Result<()> {
        if self.state.kind == TreeKind::Root {
            return Err(self.stray("end"));
        }
        self.add_tree()?;
        let Some(outer) = self.states.pop() else {
            return Ok(());
        };
        let inner = std::mem::replace(&mut self.state, outer);
        if let TreeKind::Block { pos, pipe } = inner.kind {
            let call = TemplateCall {
                pos,
                name: inner.name,
                pipe: Some(pipe),
            };
            self.state.ops.push(Op::Template(Box::new(call)));
        }
        self.state.action_line = 0;
        Ok(())
    }

    /// Makes the template being read known by its name. One of nothing but white space never replaces another.
    fn add_tree(&mut self) -> Result<()> {
        let name = self.state.name.clone();
        let ops = std::mem::take(&mut self.state.ops);
        let existing = self.parsed.by_name.get(&name).copied();
        if let Some(existing) = existing
            && !self.is_empty(&self.parsed.trees[existing].ops)
        {
            if self.is_empty(&ops) {
                return Ok(());
            }
            let shown = quote::quote(&name);
            return Err(self.error(format!("template: multiple definition of template {shown}")));
        }
        self.parsed
            .by_name
            .insert(name.clone(), self.parsed.trees.len());
        self.parsed.trees.push(Tree { name, ops });
        Ok(())
    }

    fn is_empty(&self, ops: &[Op]) -> bool {
        ops.iter().all(|op| match op {
            Op::Text(range) => {
                let text = String::from_utf8_lossy(&self.source[range.clone()]);
                text.trim().is_empty()
            }
            _ => false,
        })
    }
}

fn set_otherwise(ops: &mut [Op], at: usize, target: usize) {
    if let Some(
        Op::If { otherwise, .. } | Op::With { otherwise, .. } | Op::Range { otherwise, .. },
    ) = ops.get_mut(at)
    {
        *otherwise = target;
    }
}
