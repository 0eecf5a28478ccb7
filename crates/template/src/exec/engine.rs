//! What the executor gives to functions.

use super::{Exec, MAX_EXECUTE_DEPTH};
use crate::functions::{Engine, Failure};
use crate::host::{Answer, Dependency, Host};
use crate::template::go_text;
use crate::value::{Map, Text, Value};
use pannier_go::quote;

impl Engine for Exec<'_> {
    fn host(&self) -> &dyn Host {
        self.host
    }

    fn lookup(&mut self, dependency: Dependency) -> Option<Answer> {
        let answer = self.host.lookup(&dependency);
        match &answer {
            Some(answer) => self.answers.push(answer.clone()),
            None => {
                self.needs.insert(dependency);
            }
        }
        answer
    }

    fn execute_template(&mut self, name: &[u8], dot: Value) -> Result<Text, Failure> {
        let Some(&tree) = self.parsed.by_name.get(name) else {
            let root = self
                .parsed
                .trees
                .last()
                .map_or_else(String::new, |t| quote::quote(&t.name));
            let name = quote::quote(name);
            return Err(Failure::new(format!(
                "template: no template {name} associated with template {root}"
            )));
        };
        if self.execute_depth == MAX_EXECUTE_DEPTH {
            return Err(Failure::limit(format!(
                "executeTemplate is nested deeper than {MAX_EXECUTE_DEPTH} levels"
            )));
        }
        // Everything that belongs to the template that calls is put aside, and back afterwards.
        let out = std::mem::take(&mut self.out);
        let written = out.len();
        self.out_elsewhere += written;
        let saved = (
            self.dot.clone(),
            self.variables_base,
            self.tree,
            self.at,
            self.depth,
        );
        let (frames, variables) = (self.frames.len(), self.variables.len());
        self.execute_depth += 1;
        self.depth = 0;
        let result = self.run_tree(tree, super::Val::Interface(dot).unwrapped());
        self.execute_depth -= 1;
        self.out_elsewhere -= written;
        let text = std::mem::replace(&mut self.out, out);
        self.frames.truncate(frames);
        self.variables.truncate(variables);
        (
            self.dot,
            self.variables_base,
            self.tree,
            self.at,
            self.depth,
        ) = saved;
        match result {
            Ok(()) => Ok(Text::from(text)),
            Err(error) if error.is_limit => Err(Failure::limit(go_text(self.parsed, &error))),
            Err(error) => Err(Failure::executed(go_text(self.parsed, &error))),
        }
    }

    fn scratch(&self) -> Map {
        self.scratch.clone()
    }

    fn spend(&mut self, steps: usize) -> Result<(), Failure> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps {
            return Err(Failure::limit(format!(
                "exceeded the limit of {} steps",
                self.limits.steps
            )));
        }
        Ok(())
    }
}
