//! The JSON patch for the pod: `add` operations only, so that everything else of the pod stays as it is.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::spec::{AgentContainer, Mount, Volume};

/// One operation of RFC 6902.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operation {
    /// Always `add`.
    pub op: &'static str,
    /// Where, as a JSON pointer.
    pub path: String,
    /// What is added.
    pub value: Value,
}

/// One operation of an injection, before anybody asks for it as a value.
#[derive(Debug, Serialize)]
pub(crate) struct Addition<'b> {
    op: &'static str,
    path: Cow<'b, str>,
    value: Added<'b>,
}

/// What an injection adds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Part<'b> {
    Volume(&'b Volume<'b>),
    Mount(&'b Mount<'b>),
    Agent(&'b AgentContainer<'b>),
    Bool(bool),
    Text(&'b str),
    Raw(&'b Value),
}

/// A part, by itself or as a list of one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Added<'b> {
    Alone(Part<'b>),
    List([Part<'b>; 1]),
}

impl Addition<'_> {
    /// The operation as a value.
    pub(crate) fn to_operation(&self) -> Operation {
        Operation {
            op: self.op,
            path: self.path.clone().into_owned(),
            // Parts are plain JSON: nothing in them can be refused.
            value: serde_json::to_value(&self.value).unwrap_or_default(),
        }
    }
}

/// Builds a patch.
#[derive(Debug, Default)]
pub(crate) struct Builder<'b> {
    additions: Vec<Addition<'b>>,
}

impl<'b> Builder<'b> {
    pub(crate) fn add(&mut self, path: impl Into<Cow<'b, str>>, part: Part<'b>) {
        self.push(path.into(), Added::Alone(part));
    }

    fn push(&mut self, path: Cow<'b, str>, value: Added<'b>) {
        self.additions.push(Addition {
            op: "add",
            path,
            value,
        });
    }

    pub(crate) fn finish(self) -> Vec<Addition<'b>> {
        self.additions
    }

    /// The operations as values.
    pub(crate) fn operations(self) -> Vec<Operation> {
        self.additions.iter().map(Addition::to_operation).collect()
    }
}

/// A list of the pod, with what earlier operations did to it: the first element of an empty or missing list is added
/// as a list of one.
#[derive(Debug)]
pub(crate) struct List {
    path: Cow<'static, str>,
    empty: bool,
}

impl List {
    pub(crate) fn new(path: impl Into<Cow<'static, str>>, empty: bool) -> Self {
        Self {
            path: path.into(),
            empty,
        }
    }

    /// Adds an element at the end.
    pub(crate) fn push<'b>(&mut self, builder: &mut Builder<'b>, part: Part<'b>) {
        self.put(builder, "-", part);
    }

    /// Adds an element at the beginning.
    pub(crate) fn push_front<'b>(&mut self, builder: &mut Builder<'b>, part: Part<'b>) {
        self.put(builder, "0", part);
    }

    fn put<'b>(&mut self, builder: &mut Builder<'b>, place: &str, part: Part<'b>) {
        if std::mem::take(&mut self.empty) {
            builder.push(self.path.clone(), Added::List([part]));
        } else {
            builder.add(format!("{}/{place}", self.path), part);
        }
    }
}

/// Why a patch does not fit a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot add at `{path}`: {why}")]
pub struct Misfit {
    /// The operation's path.
    pub path: String,
    /// What was expected there.
    pub why: &'static str,
}

/// Applies a patch of [`Operation`]s, as an API server would.
///
/// # Errors
///
/// When a parent is missing, is no container, or an index is out of range; the document is then changed up to that operation.
pub fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Misfit> {
    for operation in operations {
        let misfit = |why| Misfit {
            path: operation.path.clone(),
            why,
        };
        let Some((parent, key)) = operation.path.rsplit_once('/') else {
            return Err(misfit("expected a path that begins with `/`"));
        };
        let key = key.replace("~1", "/").replace("~0", "~");
        match document.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.insert(key, operation.value.clone());
            }
            Some(Value::Array(items)) => {
                let index = if key == "-" {
                    Some(items.len())
                } else {
                    key.parse().ok()
                };
                match index.filter(|index| *index <= items.len()) {
                    Some(index) => items.insert(index, operation.value.clone()),
                    None => return Err(misfit("the index is out of range")),
                }
            }
            Some(_) => return Err(misfit("the parent is neither an object nor a list")),
            None => return Err(misfit("the parent is missing")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_without_elements_is_added_once_and_then_appended_to() {
        let parts = ["a", "b", "c"].map(|name| json!({"name": name}));
        let mut builder = Builder::default();
        let mut volumes = List::new("/spec/volumes", true);
        volumes.push(&mut builder, Part::Raw(&parts[0]));
        volumes.push(&mut builder, Part::Raw(&parts[1]));
        volumes.push_front(&mut builder, Part::Raw(&parts[2]));
        let patch = builder.operations();
        let paths: Vec<&str> = patch
            .iter()
            .map(|operation| operation.path.as_str())
            .collect();
        assert_eq!(
            paths,
            ["/spec/volumes", "/spec/volumes/-", "/spec/volumes/0"]
        );
        let mut pod = json!({"spec": {}});
        assert_eq!(apply(&mut pod, &patch), Ok(()));
        assert_eq!(
            pod,
            json!({"spec": {"volumes": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}})
        );
    }

    #[test]
    fn a_patch_that_does_not_fit_says_where() {
        for (path, why) in [
            ("/a/b/c", "the parent is missing"),
            ("/l/7", "the index is out of range"),
            ("/l/x", "the index is out of range"),
            ("/n/x", "the parent is neither an object nor a list"),
            ("", "expected a path that begins with `/`"),
        ] {
            let operation = Operation {
                op: "add",
                path: path.to_owned(),
                value: json!(1),
            };
            let mut document = json!({"l": [], "n": 1});
            assert_eq!(
                apply(&mut document, &[operation]),
                Err(Misfit {
                    path: path.to_owned(),
                    why
                })
            );
        }
    }
}
