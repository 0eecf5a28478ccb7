//! What is open while a template runs.

use super::At;
use super::range::Rounds;
use super::val::Val;
use crate::parse::node::{PipeId, Target};

pub(super) enum Frame<'r> {
    /// `if` and `with`: what to go back to at the end.
    Scope {
        /// The dot before, if it was moved.
        dot: Option<Val>,
        variables: usize,
    },
    Loop(Box<Loop>),
    /// The `else` of a `range` without rounds. As in Go, `break` ends it, and `continue` belongs to the loop around it.
    NoRounds {
        end: Target,
        variables: usize,
    },
    Call(Box<Call<'r>>),
}

/// A `range` with at least one round.
pub(super) struct Loop {
    pub(super) rounds: Rounds,
    pub(super) pipe: PipeId,
    /// The first step of the body.
    pub(super) body: Target,
    pub(super) end: Target,
    pub(super) dot: Val,
    /// How many variables there were before the loop, and before its body.
    pub(super) variables: usize,
    pub(super) body_variables: usize,
}

/// A template that called another one.
pub(super) struct Call<'r> {
    pub(super) tree: usize,
    pub(super) next: Target,
    pub(super) dot: Val,
    pub(super) variables_base: usize,
    pub(super) at: At<'r>,
}
