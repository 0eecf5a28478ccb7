use std::fmt;

use crate::Position;

/// One thing that is wrong with a configuration.
///
/// Printed, it is the reference's sentence followed by the place it is about:
/// `error loading configuration from agent.hcl: ... (agent.hcl:3:1)`, and a line that begins with `hint: ` where
/// there is something to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// When it was found, which gives the sentence its beginning.
    pub stage: Stage,
    /// The sentence's rest, in the reference's words where it has words for it.
    pub text: String,
    /// Where, if it is about one place.
    pub at: Option<Position>,
    /// What to do, when there is more to say than the sentence does.
    pub hint: Option<String>,
}

/// What was being done when a [`Problem`] was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading one source, named as the user gave it: `error loading configuration from <path>: `.
    Loading(String),
    /// Looking at the whole: `error validating configuration: `.
    Validating,
    /// Making the parts; `vault agent` notices these only then and its sentence has no common beginning.
    Creating,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Loading(path) => write!(f, "error loading configuration from {path}: ")?,
            Stage::Validating => f.write_str("error validating configuration: ")?,
            Stage::Creating => {}
        }
        f.write_str(&self.text)?;
        if let Some(at) = &self.at {
            write!(f, " ({at})")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
