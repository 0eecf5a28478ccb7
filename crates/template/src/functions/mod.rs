//! The functions a template may call, and how they are registered.
//!
//! A [`Function`] says the types of its parameters; the executor checks and converts the arguments by Go's rules of
//! assignment before it runs, so a function finds exactly what it declared:
//!
//! ```
//! use pannier_template::functions::{Call, Failure, Function};
//! use pannier_template::{Type, Value};
//!
//! fn repeat(call: &mut Call<'_>) -> Result<Value, Failure> {
//!     let times = usize::try_from(call.int(0)).map_err(|_| Failure::new("repeat: negative count"))?;
//!     call.spend(times)?;
//!     Ok(Value::string(call.text(1).repeat(times)))
//! }
//!
//! const REPEAT: Function =
//!     Function::new("repeat", "repeat N S", "S, N times.", &[Type::INT, Type::String], Type::String, repeat);
//! ```

mod cast;
mod consul;
mod merge;
pub(crate) mod print;
mod reference;
mod sprig;

pub use reference::markdown;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::host::{Answer, Dependency, Host};
use crate::value::{List, Map, Text, Type, Value};

/// Every table of functions that comes with the crate, in the order of the reference page.
/// One line for each file of functions: `text::TABLE,`.
const TABLES: &[&[Function]] = &[
    consul::data::TABLE,
    consul::text::TABLE,
    consul::parse::TABLE,
    consul::collection::TABLE,
    consul::math::TABLE,
    consul::system::TABLE,
    consul::debug::TABLE,
    sprig::text::TABLE,
    sprig::regex::TABLE,
    sprig::list::TABLE,
    sprig::dict::TABLE,
    sprig::number::TABLE,
    sprig::logic::TABLE,
    sprig::json::TABLE,
    sprig::types::TABLE,
    sprig::encode::TABLE,
    #[cfg(feature = "certificates")]
    sprig::crypto::TABLE,
    sprig::password::TABLE,
    sprig::path::TABLE,
    sprig::url::TABLE,
    sprig::version::TABLE,
    sprig::date::TABLE,
    sprig::random::TABLE,
    sprig::system::TABLE,
];

/// How deep a function may follow nested lists and maps before it gives up with [`Failure::too_deep`].
pub const MAX_NESTING: usize = 1000;

/// A function: what the executor must know to call it and what the reference page says of it.
#[derive(Clone)]
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// How it is called, for the reference page: `split SEP S`.
    pub usage: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// The types of its parameters; the last one is the type of each further argument if `variadic`.
    pub params: &'static [Type],
    /// Whether the last parameter may be repeated, or left out.
    pub variadic: bool,
    /// The static type of the result: `Type::Any` where Go declares `interface {}`. Decides error texts such as
    /// `can't evaluate field x in type interface {}`.
    pub result: Type,
    body: Body,
}

/// The type of a function's code.
pub type Run = fn(&mut Call<'_>) -> Result<Value, Failure>;

/// A function's code that carries state of its own.
pub type SharedRun = Arc<dyn Fn(&mut Call<'_>) -> Result<Value, Failure> + Send + Sync>;

#[derive(Clone)]
enum Body {
    Static(Run),
    Shared(SharedRun),
}

impl Function {
    /// A function with exactly `params.len()` arguments.
    #[must_use]
    pub const fn new(
        name: &'static str,
        usage: &'static str,
        doc: &'static str,
        params: &'static [Type],
        result: Type,
        run: Run,
    ) -> Self {
        Self {
            name,
            usage,
            doc,
            params,
            variadic: false,
            result,
            body: Body::Static(run),
        }
    }

    /// A function whose last parameter may be repeated, or left out.
    #[must_use]
    pub const fn variadic(
        name: &'static str,
        usage: &'static str,
        doc: &'static str,
        params: &'static [Type],
        result: Type,
        run: Run,
    ) -> Self {
        Self {
            name,
            usage,
            doc,
            params,
            variadic: true,
            result,
            body: Body::Static(run),
        }
    }

    /// The same function with code that carries state: for functions of your own.
    #[must_use]
    pub fn with_state(mut self, run: SharedRun) -> Self {
        self.body = Body::Shared(run);
        self
    }

    /// Runs it on arguments that fit its parameters.
    ///
    /// # Errors
    /// The function's own.
    pub fn run(&self, call: &mut Call<'_>) -> Result<Value, Failure> {
        match &self.body {
            Body::Static(run) => run(call),
            Body::Shared(run) => run(call),
        }
    }
}

/// Every function that comes with the crate.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The function of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    BY_NAME
        .get_or_init(|| all().map(|f| (f.name, f)).collect())
        .get(name)
        .copied()
}

/// Why a function failed; the executor puts `error calling NAME: ` before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    kind: FailureKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailureKind {
    Plain,
    Limit,
    Executed,
}

impl Failure {
    /// With the text Go's function would give.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: FailureKind::Plain,
        }
    }

    /// A limit on steps, depth or output was reached; ends the whole execution.
    pub fn limit(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: FailureKind::Limit,
        }
    }

    /// Lists and maps are nested deeper than [`MAX_NESTING`].
    #[must_use]
    pub fn too_deep() -> Self {
        Self::limit(format!("value is nested deeper than {MAX_NESTING} levels"))
    }

    /// An execution inside the function failed, as in `executeTemplate`; the text is complete as it is.
    pub(crate) fn executed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: FailureKind::Executed,
        }
    }

    /// The text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether a limit was reached.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.kind == FailureKind::Limit
    }
}

impl From<crate::fmt::FmtError> for Failure {
    fn from(error: crate::fmt::FmtError) -> Self {
        match error {
            crate::fmt::FmtError::TooDeep => Self::too_deep(),
            crate::fmt::FmtError::TooLong => Self::limit("text is longer than allowed"),
        }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

/// What the running template gives its functions. The executor implements it; so may a test.
pub trait Engine {
    /// The world outside.
    fn host(&self) -> &dyn Host;

    /// What is known of `dependency`; `None` records that it is needed, and the function answers with its empty value.
    fn lookup(&mut self, dependency: Dependency) -> Option<Answer>;

    /// The text of the template `name` with `dot`.
    ///
    /// # Errors
    /// The text of the execution error.
    fn execute_template(&mut self, name: &[u8], dot: Value) -> Result<Text, Failure>;

    /// The store of this execution, for `scratch`.
    fn scratch(&self) -> Map;

    /// Takes `steps` off the budget: call it in proportion to the work or the bytes that an argument asks for.
    ///
    /// # Errors
    /// The budget is spent.
    fn spend(&mut self, steps: usize) -> Result<(), Failure>;
}

/// One call: its arguments, already of the types the function declared, and the engine.
///
/// The accessors by type panic only if the function asks for a type it did not declare, which its first test shows.
pub struct Call<'c> {
    args: &'c [Value],
    engine: &'c mut dyn Engine,
}

impl<'c> Call<'c> {
    /// A call with these arguments.
    pub fn new(args: &'c [Value], engine: &'c mut dyn Engine) -> Self {
        Self { args, engine }
    }

    /// All arguments.
    #[must_use]
    pub fn args(&self) -> &'c [Value] {
        self.args
    }

    /// How many arguments there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// Argument `i`; nil if a variadic one was left out.
    #[must_use]
    pub fn arg(&self, i: usize) -> &'c Value {
        self.args.get(i).unwrap_or(&Value::Nil)
    }

    /// The arguments from `i` on, for variadic functions.
    #[must_use]
    pub fn rest(&self, i: usize) -> &'c [Value] {
        self.args.get(i..).unwrap_or(&[])
    }

    /// Argument `i`, declared as `Type::String`, `Type::Number` or `Type::Bytes`.
    #[must_use]
    pub fn text(&self, i: usize) -> &'c Text {
        match self.arg(i) {
            Value::String(t) | Value::Number(t) | Value::Bytes(t) => t,
            other => undeclared(i, "text", other),
        }
    }

    /// Argument `i` as UTF-8, bad bytes replaced by U+FFFD.
    #[must_use]
    pub fn str(&self, i: usize) -> std::borrow::Cow<'c, str> {
        String::from_utf8_lossy(self.text(i))
    }

    /// Argument `i`, declared as an integer type.
    #[must_use]
    pub fn int(&self, i: usize) -> i64 {
        match self.arg(i) {
            Value::Int(_, n) => *n,
            other => undeclared(i, "an integer", other),
        }
    }

    /// Argument `i`, declared as an unsigned integer type.
    #[must_use]
    pub fn uint(&self, i: usize) -> u64 {
        match self.arg(i) {
            Value::Uint(_, n) => *n,
            other => undeclared(i, "an unsigned integer", other),
        }
    }

    /// Argument `i`, declared as `Type::Float`.
    #[must_use]
    pub fn float(&self, i: usize) -> f64 {
        match self.arg(i) {
            Value::Float(f) => *f,
            other => undeclared(i, "a float", other),
        }
    }

    /// Argument `i`, declared as `Type::Bool`.
    #[must_use]
    pub fn bool(&self, i: usize) -> bool {
        match self.arg(i) {
            Value::Bool(b) => *b,
            other => undeclared(i, "a bool", other),
        }
    }

    /// Argument `i`, declared as a list.
    #[must_use]
    pub fn list(&self, i: usize) -> &'c List {
        match self.arg(i) {
            Value::List(list) => list,
            other => undeclared(i, "a list", other),
        }
    }

    /// Argument `i`, declared as a map.
    #[must_use]
    pub fn map(&self, i: usize) -> &'c Map {
        match self.arg(i) {
            Value::Map(map) => map,
            other => undeclared(i, "a map", other),
        }
    }

    /// The world outside.
    #[must_use]
    pub fn host(&self) -> &dyn Host {
        self.engine.host()
    }

    /// See [`Engine::lookup`].
    pub fn lookup(&mut self, dependency: Dependency) -> Option<Answer> {
        self.engine.lookup(dependency)
    }

    /// See [`Engine::execute_template`].
    ///
    /// # Errors
    /// The text of the execution error.
    pub fn execute_template(&mut self, name: &[u8], dot: Value) -> Result<Text, Failure> {
        self.engine.execute_template(name, dot)
    }

    /// See [`Engine::scratch`].
    #[must_use]
    pub fn scratch(&self) -> Map {
        self.engine.scratch()
    }

    /// See [`Engine::spend`].
    ///
    /// # Errors
    /// The budget is spent.
    pub fn spend(&mut self, steps: usize) -> Result<(), Failure> {
        self.engine.spend(steps)
    }
}

fn undeclared(i: usize, wanted: &str, got: &Value) -> ! {
    panic!(
        "argument {i} was read as {wanted} but is {}: the function's parameter types are wrong",
        got.type_name()
    )
}
