//! What a template is parsed into.
//!
//! Control structures become a flat list of steps with jumps, and parenthesized pipelines live in one vector, so that no
//! nesting of a template ever turns into nesting of Rust values: freeing and running it need no stack.

use std::ops::Range;
use std::sync::Arc;

use super::number::Number;
use crate::exec::Builtin;
use crate::functions::Function;
use crate::value::Text;

/// One named template.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) name: Text,
    pub(crate) ops: Vec<Op>,
}

/// The index of a step in [`Tree::ops`].
pub(crate) type Target = usize;

#[derive(Debug)]
pub(crate) enum Op {
    /// Copies a piece of the source.
    Text(Range<usize>),
    /// Prints the value of a pipeline, or declares its variables.
    Action(PipeId),
    /// Opens a scope and goes on, or jumps if the value is empty.
    If {
        pipe: PipeId,
        otherwise: Target,
    },
    /// The same, and moves the dot.
    With {
        pipe: PipeId,
        otherwise: Target,
    },
    /// Opens a loop and goes on with its first round, or jumps to `otherwise` if there is none.
    Range {
        pipe: PipeId,
        otherwise: Target,
        end: Target,
    },
    /// The end of a loop's body: the next round, or on to the end of the loop.
    Next,
    /// From the end of the first branch over the second one.
    Jump(Target),
    /// Closes the scope that `If`, `With` or `Range` opened.
    End,
    Break,
    Continue,
    Template(Box<TemplateCall>),
}

#[derive(Debug)]
pub(crate) struct TemplateCall {
    pub(crate) pos: usize,
    pub(crate) name: Text,
    pub(crate) pipe: Option<PipeId>,
}

/// The index of a pipeline in the template's vector of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipeId(pub(crate) u32);

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    /// `=` rather than `:=`.
    pub(crate) is_assign: bool,
    pub(crate) decl: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) args: Vec<Arg>,
}

#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) pos: usize,
    /// With the dollar sign.
    pub(crate) name: Box<str>,
    /// The same for equal names of one template.
    pub(crate) id: u32,
    pub(crate) fields: Vec<Box<str>>,
}

#[derive(Debug)]
pub(crate) enum Arg {
    Dot(usize),
    Nil(usize),
    Bool(usize, bool),
    Number(usize, Box<Number>),
    String {
        pos: usize,
        quoted: Box<str>,
        text: Text,
    },
    Field {
        pos: usize,
        names: Vec<Box<str>>,
    },
    Variable(Variable),
    Identifier(Box<Identifier>),
    /// Fields of what is neither a field nor a variable.
    Chain(Box<Chain>),
    Pipe {
        pos: usize,
        pipe: PipeId,
    },
}

#[derive(Debug)]
pub(crate) struct Identifier {
    pub(crate) pos: usize,
    pub(crate) name: Box<str>,
    pub(crate) function: FunctionRef,
}

#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) pos: usize,
    /// An identifier or a pipeline, never another chain.
    pub(crate) of: Arg,
    pub(crate) names: Vec<Box<str>>,
}

/// The function an identifier stands for.
#[derive(Clone)]
pub(crate) enum FunctionRef {
    Builtin(Builtin),
    Library(&'static Function),
    Custom(Arc<Function>),
}

impl std::fmt::Debug for FunctionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Builtin(_) => "builtin",
            Self::Library(function) => function.name,
            Self::Custom(function) => function.name,
        })
    }
}

impl Arg {
    /// Whether the value stands in the template itself.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(
            self,
            Self::Bool(..) | Self::Number(..) | Self::String { .. } | Self::Nil(_)
        )
    }

    pub(crate) fn pos(&self) -> usize {
        match self {
            Self::Dot(pos)
            | Self::Nil(pos)
            | Self::Bool(pos, _)
            | Self::Number(pos, _)
            | Self::String { pos, .. }
            | Self::Field { pos, .. }
            | Self::Pipe { pos, .. } => *pos,
            Self::Variable(variable) => variable.pos,
            Self::Identifier(identifier) => identifier.pos,
            Self::Chain(chain) => chain.pos,
        }
    }
}
