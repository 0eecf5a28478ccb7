//! The template server: renders what can be rendered, fetches what is missing, writes what changed, and starts over with
//! each new token.
//!
//! Each template stands alone: one that fails is named and tried again, the others go on. Only `exit_on_retry_failure`
//! lets one of them end the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use pannier_agent_config::Command;
use pannier_redacted::Redacted;
use pannier_template::{Answer, Limits, Render, Value};
use pannier_vault::random;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::command;
use super::fetch::{Context, Mounts};
use super::file::{self, Goal, Written};
use super::host::{TemplateHost, Variables};
use super::key::Key;
use super::schedule::Schedule;
use super::template::{Output, Template};
use super::watch::{News, watch};
use crate::auth::Refusals;
use crate::backoff::{FetchBackoff, OuterBackoff};
use crate::metrics::Metrics;
use crate::token::Tokens;
use crate::upstream::Upstream;

const LOG: &str = "agent.template.server";

/// Where the same is told of templates for a program's environment.
const EXEC_LOG: &str = "agent.exec.server";

/// More dependencies than this are worth a warning.
const MANY: usize = 128;

/// Makes the upstream of one token.
pub(crate) type Connect = Box<dyn Fn(&Redacted) -> Arc<dyn Upstream> + Send>;

/// How the template server works.
pub(crate) struct Options {
    /// Makes the upstream of one token.
    pub(crate) connect: Connect,
    /// Namespace of the requests, with its trailing slash.
    pub(crate) namespace: String,
    /// When secrets are fetched again.
    pub(crate) schedule: Schedule,
    /// How failed fetches are retried.
    pub(crate) backoff: FetchBackoff,
    /// Bounds of the back-off after that.
    pub(crate) outer: (Option<Duration>, Option<Duration>),
    /// A failure ends the agent.
    pub(crate) exit_on_failure: bool,
    /// Later tokens do not matter.
    pub(crate) exit_after_auth: bool,
    /// What templates and commands see.
    pub(crate) variables: Variables,
    /// Puts every file under this folder.
    pub(crate) root: Option<PathBuf>,
    /// Whether commands run, and functions with side effects work.
    pub(crate) side_effects: bool,
    /// Whether templates may write to the server and have certificates issued.
    pub(crate) writes: bool,
    /// Where to tell that a token was refused.
    pub(crate) refusals: Option<Refusals>,
    /// Where to count.
    pub(crate) metrics: Arc<Metrics>,
}

/// What the templates have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// All have been rendered at least once with the current token or an earlier one.
    pub(crate) complete: bool,
    /// The environment variables, once all of them are rendered.
    pub(crate) variables: Option<Arc<BTreeMap<String, Redacted>>>,
    /// Failures now, by template.
    pub(crate) failures: BTreeMap<usize, String>,
    /// Templates that have been rendered.
    pub(crate) rendered: BTreeSet<usize>,
}

/// The failure that ended the template server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template server: {0}")]
pub(crate) struct RunnerError(String);

/// One template and how far it is.
struct Slot {
    template: Template,
    used: BTreeSet<Key>,
    dirty: bool,
    rendered: bool,
    content: Option<Redacted>,
    backoff: OuterBackoff,
    retry_at: Option<Instant>,
    /// `wait`: when changes began, and when they will have settled.
    quiet: Option<(Instant, Instant)>,
}

/// What is fetched: a value if there is one, and the task that keeps it true.
struct Watched {
    task: AbortHandle,
}

/// The template server.
pub(crate) struct Runner {
    slots: Vec<Slot>,
    options: Options,
    values: BTreeMap<Key, Answer>,
    watched: BTreeMap<Key, Watched>,
    failures: BTreeMap<usize, String>,
    /// What could not be fetched last time.
    troubled: BTreeSet<Key>,
    progress: watch::Sender<Progress>,
    warned: bool,
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.forget();
        if !self.slots.is_empty() {
            tracing::info!(target: "agent", "(runner) stopping");
        }
        tracing::info!(target: LOG, "template server stopped");
    }
}

impl Runner {
    pub(crate) fn new(
        templates: Vec<Template>,
        options: Options,
        progress: watch::Sender<Progress>,
    ) -> Self {
        let outer = options.outer;
        let slots = templates.into_iter().map(|template| Slot {
            template,
            used: BTreeSet::new(),
            dirty: true,
            rendered: false,
            content: None,
            backoff: OuterBackoff::new(outer.0, outer.1),
            retry_at: None,
            quiet: None,
        });
        Self {
            slots: slots.collect(),
            options,
            values: BTreeMap::new(),
            watched: BTreeMap::new(),
            failures: BTreeMap::new(),
            troubled: BTreeSet::new(),
            progress,
            warned: false,
        }
    }

    /// Runs until it is dropped; returns only what ends the agent.
    pub(crate) async fn run(mut self, mut tokens: Tokens) -> RunnerError {
        if !self.has_files() {
            tracing::info!(target: LOG, "no templates found");
        }
        if self.slots.is_empty() {
            self.progress
                .send_modify(|progress| progress.complete = true);
            return std::future::pending().await;
        }
        let dry = !self.has_files();
        tracing::info!(target: "agent", "(runner) creating new runner (dry: {dry}, once: false)");
        tracing::info!(target: "agent", "(runner) creating watcher");
        let mut token = next(&mut tokens).await;
        loop {
            if self.has_files() {
                tracing::info!(target: LOG, "template server received new token");
            } else {
                tracing::info!(target: EXEC_LOG, "exec server received new token");
            }
            self.start_over();
            tracing::info!(target: "agent", "(runner) starting");
            match self.with_token(&token, &mut tokens).await {
                Ok(newer) => token = newer,
                Err(error) => return error,
            }
        }
    }

    /// Works with one token until there is another.
    async fn with_token(
        &mut self,
        token: &Redacted,
        tokens: &mut Tokens,
    ) -> Result<Redacted, RunnerError> {
        let context = Arc::new(Context {
            upstream: (self.options.connect)(token),
            token: token.clone(),
            since: Instant::now(),
            namespace: self.options.namespace.clone(),
            writes: self.options.writes,
            schedule: self.options.schedule,
            backoff: self.options.backoff,
            outer: self.options.outer,
            refusals: self.options.refusals.clone(),
            metrics: Arc::clone(&self.options.metrics),
            mounts: Mounts::default(),
        });
        let (sender, mut news) = mpsc::unbounded_channel();
        loop {
            self.pass(&context, &sender).await?;
            let wake = self.next_wake();
            tokio::select! {
                newer = next(tokens) => {
                    if !self.options.exit_after_auth {
                        return Ok(newer);
                    }
                    tracing::info!(target: LOG, "template server not restarting with new token with exit_after_auth set to true");
                }
                Some(first) = news.recv() => {
                    self.take(first)?;
                    // All that is there already, so that one pass sees it.
                    while let Ok(more) = news.try_recv() {
                        self.take(more)?;
                    }
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.wake(),
            }
        }
    }

    /// Forgets what was fetched with the old token.
    fn start_over(&mut self) {
        self.forget();
        self.failures.clear();
        self.troubled.clear();
        for slot in &mut self.slots {
            slot.dirty = true;
            slot.quiet = None;
            slot.retry_at = None;
            slot.used.clear();
        }
    }

    fn forget(&mut self) {
        self.values.clear();
        for watched in std::mem::take(&mut self.watched).into_values() {
            watched.task.abort();
        }
    }

    /// Takes in what a watcher has to tell.
    fn take(&mut self, (key, news): (Key, News)) -> Result<(), RunnerError> {
        let now = Instant::now();
        let settled = self.slots.iter().all(|slot| slot.rendered);
        match news {
            News::Trouble => self.in_trouble(key),
            News::Value(value) => {
                self.troubled.remove(&key);
                self.values.insert(key.clone(), value);
                for slot in self
                    .slots
                    .iter_mut()
                    .filter(|slot| slot.used.contains(&key))
                {
                    match slot.template.wait().filter(|_| settled) {
                        None => slot.dirty = true,
                        Some(wait) => {
                            let first = slot.quiet.map_or(now, |(first, _)| first);
                            slot.quiet = Some((first, (now + wait.min).min(first + wait.max)));
                        }
                    }
                }
            }
            News::Failed(error) => {
                tracing::error!(target: "agent", "(runner) watcher reported error: {error}");
                self.complain(&error, None);
                for (number, slot) in self.slots.iter().enumerate() {
                    if slot.used.contains(&key) {
                        self.failures.insert(number, error.clone());
                    }
                }
                self.in_trouble(key);
                self.tell();
                if self.options.exit_on_failure {
                    return Err(RunnerError(error));
                }
            }
        }
        Ok(())
    }

    /// Whether there are files to be rendered; else all templates are for a program's environment.
    fn has_files(&self) -> bool {
        let mut outputs = self.slots.iter().map(|slot| slot.template.output());
        outputs.any(|output| matches!(output, Output::File(_)))
    }

    /// The line that people look for, with the template it is about where that is one.
    fn complain(&self, error: &str, number: Option<usize>) {
        let destination = number.map(|number| self.slots[number].template.destination());
        if self.has_files() {
            tracing::error!(target: LOG, error, destination, "template server error");
        } else {
            tracing::error!(target: EXEC_LOG, error, destination, "template server error");
        }
    }

    /// What a template is made of could not be fetched: its file is not fresh until that works again.
    fn in_trouble(&mut self, key: Key) {
        for slot in self.slots.iter().filter(|slot| slot.used.contains(&key)) {
            let metrics = &self.options.metrics;
            metrics.template_failed(slot.template.destination());
        }
        self.troubled.insert(key);
    }

    /// When something is due without news.
    fn next_wake(&self) -> Option<Instant> {
        self.slots
            .iter()
            .flat_map(|slot| [slot.retry_at, slot.quiet.map(|(_, due)| due)])
            .flatten()
            .min()
    }

    fn wake(&mut self) {
        let now = Instant::now();
        for slot in &mut self.slots {
            if slot.retry_at.is_some_and(|at| at <= now) {
                slot.retry_at = None;
                slot.dirty = true;
            }
            if slot.quiet.is_some_and(|(_, due)| due <= now) {
                slot.quiet = None;
                slot.dirty = true;
            }
        }
    }

    /// Renders everything that may have changed, fetches what turned out to be missing, writes, runs commands.
    async fn pass(
        &mut self,
        context: &Arc<Context>,
        sender: &mpsc::UnboundedSender<(Key, News)>,
    ) -> Result<(), RunnerError> {
        let mut changed = Vec::new();
        for number in 0..self.slots.len() {
            if std::mem::take(&mut self.slots[number].dirty) {
                match self.render(number, context, sender) {
                    Ok(true) => changed.push(number),
                    Ok(false) => {}
                    Err(error) => self.failed(number, error)?,
                }
            }
        }
        self.drop_unused();
        let mut done: Vec<Command> = Vec::new();
        for number in changed {
            let Some(command) = self.slots[number]
                .template
                .command()
                .filter(|command| command.enabled)
            else {
                continue;
            };
            if !self.options.side_effects
                || done.iter().any(|earlier| earlier.words == command.words)
            {
                continue;
            }
            let command = command.clone();
            let template = &self.slots[number].template;
            let what = format!(
                "command {} from {:?} => {:?}",
                listed(&command.words),
                template.title(),
                template.destination()
            );
            tracing::info!(target: "agent", "(runner) executing {what}");
            let outcome = command::run(&command, &self.options.variables.connection).await;
            done.push(command);
            if let Err(error) = outcome {
                let error = format!("failed to execute {what}: child: {error}");
                self.command_failed(&error)?;
            }
        }
        // After the commands, so that `exit_after_auth` does not cut them off.
        self.tell();
        Ok(())
    }

    /// One template: true if its file changed.
    fn render(
        &mut self,
        number: usize,
        context: &Arc<Context>,
        sender: &mpsc::UnboundedSender<(Key, News)>,
    ) -> Result<bool, String> {
        let template = &self.slots[number].template;
        let parsed = template.parsed()?;
        let host = TemplateHost {
            variables: &self.options.variables,
            values: &self.values,
            destination: template.destination(),
            sandbox: template.sandbox(),
            side_effects: self.options.side_effects,
            asked: std::cell::RefCell::default(),
        };
        let outcome = parsed.render(&host, Value::Nil, &Limits::default());
        let asked = host.asked.into_inner();
        let slot = &mut self.slots[number];
        match &outcome {
            Ok(_) => slot.used = asked.keys().cloned().collect(),
            // What an error cut off may still be needed.
            Err(_) => slot.used.extend(asked.keys().cloned()),
        }
        let destination = slot.template.destination().to_owned();
        for (key, dependency) in asked {
            self.watched.entry(key.clone()).or_insert_with(|| {
                let task = watch(
                    key,
                    dependency,
                    destination.clone(),
                    Arc::clone(context),
                    sender.clone(),
                );
                Watched {
                    task: tokio::spawn(task).abort_handle(),
                }
            });
        }
        if self.watched.len() > MANY && !std::mem::replace(&mut self.warned, true) {
            let count = self.watched.len();
            tracing::warn!(target: "agent", "(runner) watching {count} dependencies, which is a load for the server");
        }
        let slot = &mut self.slots[number];
        let text = match outcome {
            Err(error) => return Err(format!("{}: execute: {error}", slot.template.title())),
            Ok(Render::Needs(_)) => return Ok(false),
            Ok(Render::Text(text)) => text,
        };
        let changed = deliver(slot, text.as_bytes(), self.options.root.as_deref())?;
        let destination = slot.template.destination();
        self.options
            .metrics
            .template_rendered(destination, text.len(), SystemTime::now());
        if !slot.used.is_disjoint(&self.troubled) {
            self.options.metrics.template_stale(destination);
        }
        slot.rendered = true;
        slot.backoff.reset();
        self.failures.remove(&number);
        Ok(changed)
    }

    /// A template that could not be parsed, executed or written.
    fn failed(&mut self, number: usize, error: String) -> Result<(), RunnerError> {
        let slot = &mut self.slots[number];
        let fatal = slot.template.error_fatal();
        let wait = slot.backoff.next(random::unit());
        slot.retry_at = Some(Instant::now() + wait);
        self.options
            .metrics
            .template_failed(slot.template.destination());
        self.failures.insert(number, error.clone());
        if fatal {
            self.complain(&error, Some(number));
        } else {
            tracing::error!(target: "agent", "(runner) {error}");
        }
        if fatal && self.options.exit_on_failure {
            self.tell();
            return Err(RunnerError(error));
        }
        Ok(())
    }

    /// The file is written and stays; only the command is told.
    fn command_failed(&self, error: &str) -> Result<(), RunnerError> {
        let complete = self.slots.iter().all(|slot| slot.rendered);
        tracing::error!(target: LOG, error, "template server error");
        if self.options.exit_on_failure && !(complete && self.options.exit_after_auth) {
            self.tell();
            return Err(RunnerError(error.to_owned()));
        }
        Ok(())
    }

    /// Stops what no template asks for any more.
    fn drop_unused(&mut self) {
        let used: BTreeSet<&Key> = self.slots.iter().flat_map(|slot| &slot.used).collect();
        self.troubled.retain(|key| used.contains(key));
        let (values, watched) = (&mut self.values, &mut self.watched);
        watched.retain(|key, watched| {
            let keep = used.contains(key);
            if !keep {
                watched.task.abort();
                values.remove(key);
            }
            keep
        });
    }

    /// Publishes how far the templates are.
    fn tell(&self) {
        let complete = self.slots.iter().all(|slot| slot.rendered);
        let variables = || {
            let pairs = self
                .slots
                .iter()
                .filter_map(|slot| match slot.template.output() {
                    Output::Variable(name) => Some((name.clone(), slot.content.clone()?)),
                    Output::File(_) => None,
                });
            Arc::new(pairs.collect::<BTreeMap<_, _>>())
        };
        let rendered = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.rendered)
            .map(|(number, _)| number);
        let mut now = Progress {
            complete,
            variables: complete.then(variables),
            failures: self.failures.clone(),
            rendered: rendered.collect(),
        };
        self.progress.send_if_modified(|progress| {
            // What was complete once stays so, and its variables stay until there are new ones.
            now.complete |= progress.complete;
            now.variables = now.variables.take().or_else(|| progress.variables.clone());
            let changed = *progress != now;
            *progress = now.clone();
            changed
        });
    }
}

/// Puts the text where it goes: true if that changed something.
fn deliver(slot: &mut Slot, text: &[u8], root: Option<&Path>) -> Result<bool, String> {
    let title = slot.template.title().to_owned();
    let destination = slot.template.destination().to_owned();
    let changed = match slot.template.output() {
        Output::Variable(_) => {
            let text = Redacted::from(text);
            let changed = slot.content.as_ref() != Some(&text);
            slot.content = Some(text);
            changed
        }
        Output::File(spec) => {
            let path = match root {
                Some(root) => root.join(spec.destination.trim_start_matches('/')),
                None => PathBuf::from(&spec.destination),
            };
            let goal = Goal {
                path: if spec.destination.is_empty() {
                    Path::new("")
                } else {
                    &path
                },
                create_dirs: spec.create_dest_dirs || root.is_some(),
                perms: spec.perms,
                user: spec.user.as_ref().filter(|_| root.is_none()),
                group: spec.group.as_ref().filter(|_| root.is_none()),
                backup: spec.backup,
            };
            let written = file::write(&goal, text);
            let written = written.map_err(|error| {
                format!("error rendering \"{title}\" => \"{destination}\": {error}")
            })?;
            written == Written::Changed
        }
    };
    if changed {
        tracing::info!(target: "agent", "(runner) rendered \"{title}\" => \"{destination}\"");
    }
    Ok(changed)
}

/// A command as the reference prints it.
fn listed(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(pannier_go::quote::quote).collect();
    pannier_go::quote::quote(format!("[{}]", words.join(" ")))
}

/// The next plain token.
async fn next(tokens: &mut Tokens) -> Redacted {
    loop {
        if tokens.changed().await.is_err() {
            return std::future::pending().await;
        }
        let token = tokens.borrow_and_update();
        if let Some(token) = token.as_ref().and_then(crate::token::Token::plain) {
            return token.clone();
        }
    }
}
