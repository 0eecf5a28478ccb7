//! A configured template: its text, parsed, and where the result goes.

use std::time::Duration;

use pannier_agent_config::{
    Body, Command, EnvTemplate, Template as FileTemplate, TemplateText, Wait,
};
use pannier_template::{MissingKey, Options};

use crate::files::words;

/// Where the text goes.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// Into a file.
    File(Box<FileTemplate>),
    /// Into an environment variable of the supervised program.
    Variable(String),
}

/// A template that is ready to be rendered, or the reason why it never will be.
pub(crate) struct Template {
    title: String,
    error_fatal: bool,
    parsed: Result<pannier_template::Template, String>,
    output: Output,
}

impl Template {
    /// Reads and parses the text.
    ///
    /// # Errors
    ///
    /// A `source` file that cannot be read: the agent does not start. A text that does not parse is kept as a failure of
    /// this template alone.
    pub(crate) fn file(spec: &FileTemplate) -> Result<Self, String> {
        Self::new(&spec.text, Output::File(Box::new(spec.clone())))
    }

    /// As [`Self::file`], for a variable.
    pub(crate) fn variable(spec: &EnvTemplate) -> Result<Self, String> {
        Self::new(&spec.text, Output::Variable(spec.name.clone()))
    }

    fn new(text: &TemplateText, output: Output) -> Result<Self, String> {
        let (title, source) = match &text.body {
            Body::Contents(contents) => ("(dynamic)".to_owned(), contents.clone().into_bytes()),
            Body::Source(path) => {
                let source = std::fs::read(path).map_err(|error| {
                    format!(
                        "template: failed to read template: open {path}: {}",
                        words(&error)
                    )
                })?;
                (path.clone(), source)
            }
        };
        let options = Options {
            left: text.left_delimiter.clone(),
            right: text.right_delimiter.clone(),
            missing_key: if text.error_on_missing_key {
                MissingKey::Error
            } else {
                MissingKey::Zero
            },
            denied: text.function_denylist.clone(),
            ..Options::default()
        };
        let parsed = pannier_template::Template::parse("", source, &options);
        let parsed = parsed.map_err(|error| format!("{title}: parse: {error}"));
        Ok(Self {
            title,
            error_fatal: text.error_fatal,
            parsed,
            output,
        })
    }

    /// The `source` path, or `(dynamic)` for `contents`.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn parsed(&self) -> Result<&pannier_template::Template, String> {
        self.parsed.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn error_fatal(&self) -> bool {
        self.error_fatal
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// The file's path or the variable's name.
    pub(crate) fn destination(&self) -> &str {
        match &self.output {
            Output::File(spec) => &spec.destination,
            Output::Variable(name) => name,
        }
    }

    pub(crate) fn sandbox(&self) -> Option<&str> {
        match &self.output {
            Output::File(spec) => spec.sandbox_path.as_deref().filter(|path| !path.is_empty()),
            Output::Variable(_) => None,
        }
    }

    pub(crate) fn command(&self) -> Option<&Command> {
        match &self.output {
            Output::File(spec) => spec.command.as_ref(),
            Output::Variable(_) => None,
        }
    }

    pub(crate) fn wait(&self) -> Option<Wait> {
        match &self.output {
            Output::File(spec) => spec.wait.filter(|wait| wait.min > Duration::ZERO),
            Output::Variable(_) => None,
        }
    }
}
