//! The public face: parse once, render often.

use std::collections::BTreeSet;
use std::sync::Arc;

use pannier_go::quote;

use crate::error::{Error, Place};
use crate::exec::{Builtin, Exec, ExecError};
use crate::functions::{self, Function};
use crate::host::{Dependency, Host};
use crate::parse::node::FunctionRef;
use crate::parse::{self, Context, Parsed};
use crate::redact::Redactor;
use crate::refused;
use crate::value::cycle::Scope;
use crate::value::{Text, Type, Value};

/// What a field that a map does not have evaluates to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value: prints `<no value>`, and so do its own fields. Go's default.
    #[default]
    Invalid,
    /// The zero value of the map's element type. What Consul-Template uses unless told to fail.
    Zero,
    /// An error: `map has no entry for key "x"`.
    Error,
}

/// How a template is to be read.
#[derive(Clone, Default)]
pub struct Options {
    /// The left delimiter; `{{` if empty.
    pub left: String,
    /// The right delimiter; `}}` if empty.
    pub right: String,
    /// What a missing map key gives.
    pub missing_key: MissingKey,
    /// Names of functions that fail when called; `*` stands for any text.
    pub denied: Vec<String>,
    /// Functions of the caller; they come before the ones of the same name that Go or this crate have.
    pub functions: Vec<Function>,
    /// Leaves out the functions of Consul-Template and Sprig: only Go's own and `functions` are known.
    pub bare: bool,
}

/// How much one rendering may use. Each bound is far above what templates for configuration files need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Statements, calls and the work of functions, together.
    pub steps: usize,
    /// How deep templates may call each other.
    pub depth: usize,
    /// Bytes of output, and of any single text on the way to it.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 10_000_000,
            depth: 100_000,
            output: 32 << 20,
        }
    }
}

/// What a rendering gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Render {
    /// The whole text.
    Text(Text),
    /// What must be fetched before there can be a text, in the order of [`Dependency`]. There may be more afterwards.
    Needs(Vec<Dependency>),
}

/// A parsed template, with everything its source defines. May be shared between threads and rendered at any time.
#[derive(Debug)]
pub struct Template {
    parsed: Parsed,
    missing_key: MissingKey,
}

impl Template {
    /// Parses `source`. The name stands in error texts; Consul-Template's is empty.
    ///
    /// # Errors
    /// Go's parse errors, and unknown or unsupported functions.
    pub fn parse(name: &str, source: impl AsRef<[u8]>, options: &Options) -> Result<Self, Error> {
        let source = source.as_ref();
        let custom: Vec<Arc<Function>> = options.functions.iter().cloned().map(Arc::new).collect();
        let find = |name: &str| find_function(name, options, &custom);
        let context = Context {
            name,
            left: &options.left,
            right: &options.right,
            functions: &find,
        };
        match parse::parse(source, &context) {
            Ok(parsed) => Ok(Self {
                parsed,
                missing_key: options.missing_key,
            }),
            Err(error) => {
                let message = format!("template: {name}:{}: {}", error.line, error.text);
                let hint = error.unknown_function.as_deref().and_then(refused::reason);
                let place = Place::in_line_at_most(source, error.pos, error.line);
                Err(Error::parse(message, Some(place), hint))
            }
        }
    }

    /// Renders with `dot` as the dot: the text if everything it asked for is known, else what is missing.
    ///
    /// # Errors
    /// Go's execution errors, with the secrets that the template was given replaced by `[redacted]`, and reached limits.
    pub fn render(&self, host: &dyn Host, dot: Value, limits: &Limits) -> Result<Render, Error> {
        self.render_with_output(host, dot, limits).0
    }

    /// The same, and what had been written when an error stopped it.
    pub fn render_with_output(
        &self,
        host: &dyn Host,
        dot: Value,
        limits: &Limits,
    ) -> (Result<Render, Error>, Text) {
        let root = Text::from(self.parsed.name.as_str());
        let Some(&tree) = self.parsed.by_name.get(&root) else {
            return (Ok(Render::Text(Text::default())), Text::default());
        };
        // Ends last, when nothing of the execution is left but what holds itself.
        let _scope = Scope::new(&dot);
        let outcome = Exec::new(&self.parsed, self.missing_key, host, limits).execute(tree, dot);
        let out = Text::from(outcome.out);
        let result = match outcome.result {
            Err(error) => {
                Err(self.error(&error, &Redactor::new(&outcome.answers, &outcome.blamed)))
            }
            Ok(()) if outcome.needs.is_empty() => Ok(Render::Text(out.clone())),
            Ok(()) => Ok(Render::Needs(outcome.needs.into_iter().collect())),
        };
        (result, out)
    }

    /// Names of the templates in the source, its own included.
    pub fn names(&self) -> BTreeSet<Text> {
        self.parsed.by_name.keys().cloned().collect()
    }

    fn error(&self, error: &ExecError, redactor: &Redactor) -> Error {
        let place = error.pos.map(|pos| Place::at(&self.parsed.source, pos));
        let (before, context) = go_text_parts(&self.parsed, error);
        let text = redactor.redact_values(&error.text);
        let message = before + &redactor.redact(&context) + &text;
        let place = place.map(|place| place.redacted(redactor));
        if error.is_limit {
            Error::limit(message, place)
        } else {
            Error::execute(message, place)
        }
    }
}

/// Go's text of an execution error.
pub(crate) fn go_text(parsed: &Parsed, error: &ExecError) -> String {
    let (before, context) = go_text_parts(parsed, error);
    before + &context + &error.text
}

/// The place, and then the node. What follows is [`ExecError::text`].
fn go_text_parts(parsed: &Parsed, error: &ExecError) -> (String, String) {
    let Some(pos) = error.pos else {
        return (format!("template: {}: ", error.template), String::new());
    };
    let before = parsed.source.get(..pos).unwrap_or_default();
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let column = before.iter().rev().take_while(|b| **b != b'\n').count();
    let template = quote::quote(&error.template);
    (
        format!(
            "template: {}:{line}:{column}: executing {template} at <",
            parsed.name
        ),
        format!("{}>: ", error.context),
    )
}

fn find_function(name: &str, options: &Options, custom: &[Arc<Function>]) -> Option<FunctionRef> {
    let library = |name: &str| {
        if options.bare {
            None
        } else {
            functions::find(name)
        }
    };
    let known = || custom.iter().any(|f| f.name == name) || library(name).is_some();
    // The language's own functions are out of reach.
    let deniable = || known() || Builtin::find(name).is_none();
    let is_denied = options.denied.iter().any(|pattern| {
        (pattern == name && deniable()) || (pattern.contains('*') && glob(pattern, name) && known())
    });
    if is_denied {
        return Some(FunctionRef::Library(&DENIED));
    }
    if let Some(function) = custom.iter().find(|f| f.name == name) {
        return Some(FunctionRef::Custom(function.clone()));
    }
    library(name)
        .map(FunctionRef::Library)
        .or_else(|| Builtin::find(name).map(FunctionRef::Builtin))
}

/// What stands in for a denied function.
static DENIED: Function = Function::variadic(
    "denied",
    "denied",
    "Fails: stands in for a function that the configuration denies.",
    &[Type::String],
    Type::String,
    |_| Err("function is disabled".into()),
);

/// Whether `name` matches `pattern`, where `*` stands for any text.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
