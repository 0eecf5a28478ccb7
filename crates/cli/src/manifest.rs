//! Manifests: YAML or JSON, many documents, and the pods in them.
//!
//! A document is kept as the text it came as until something in it changes, so comments and layout of all others survive.

use std::fmt;

use pannier_inject::Operation;
use serde_json::{Value, json};

/// One document of a manifest file.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The text as it came, without its `---` line.
    pub(crate) text: String,
    /// What it says; `None` when there are only blanks and comments.
    pub(crate) value: Option<Value>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Yaml,
    Json,
}

/// Why a file is no manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadManifest {
    /// Line in the file, counted from 1.
    line: usize,
    what: String,
}

impl fmt::Display for BadManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Reads a file: JSON when it begins with a brace or bracket, else YAML.
pub(crate) fn read(text: &str) -> Result<(Form, Vec<Document>), BadManifest> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) {
        json_documents(text)
    } else {
        yaml_documents(text)
    }
}

fn json_documents(text: &str) -> Result<(Form, Vec<Document>), BadManifest> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut start = 0;
    while let Some(value) = stream.next() {
        let value = value.map_err(|error| BadManifest {
            line: error.line().max(1),
            what: format!("expected JSON: {error}"),
        })?;
        let end = stream.byte_offset();
        documents.push(Document {
            text: text[start..end].trim().to_owned() + "\n",
            value: Some(checked(value, line_of(text, start))?),
        });
        start = end;
    }
    Ok((Form::Json, documents))
}

/// A line that begins with `---` ends a document wherever it stands, in block texts too, so it can be looked for in the text.
fn yaml_documents(text: &str) -> Result<(Form, Vec<Document>), BadManifest> {
    let mut documents = Vec::new();
    let mut chunk = String::new();
    let mut first_line = 1;
    let is_marker = |line: &str| {
        line.strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if is_marker(line) {
            if !chunk.trim().is_empty() {
                documents.push(yaml_document(std::mem::take(&mut chunk), first_line)?);
            }
            chunk.clear();
            first_line = at + 2;
            // What stands behind the marker belongs to the document; mostly it is a comment.
            let rest = line["---".len()..].trim();
            if !rest.is_empty() {
                first_line = at + 1;
                chunk = format!("{rest}\n");
            }
        } else {
            chunk.push_str(line);
        }
    }
    if !chunk.trim().is_empty() {
        documents.push(yaml_document(chunk, first_line)?);
    }
    Ok((Form::Yaml, documents))
}

fn yaml_document(text: String, first_line: usize) -> Result<Document, BadManifest> {
    // As `kubectl` reads it: `0400` is octal. The snippet would show the file's contents, which may be secret.
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    let value: Value = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        let at = error.location().map_or(1, |location| {
            usize::try_from(location.line()).unwrap_or(1).max(1)
        });
        let said = error.to_string();
        // The library counts lines from the beginning of the document.
        let what = said
            .split(" at line ")
            .next()
            .unwrap_or(&said)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        BadManifest {
            line: first_line + at - 1,
            what: format!("expected YAML: {what}"),
        }
    })?;
    let value = if value.is_null() {
        None
    } else {
        Some(checked(value, first_line)?)
    };
    let text = if text.ends_with('\n') {
        text
    } else {
        text + "\n"
    };
    Ok(Document { text, value })
}

fn line_of(text: &str, offset: usize) -> usize {
    let blanks = text[offset..].len() - text[offset..].trim_start().len();
    1 + text[..offset + blanks].matches('\n').count()
}

/// A manifest is an object with a kind.
fn checked(value: Value, line: usize) -> Result<Value, BadManifest> {
    if value["kind"].as_str().is_some_and(|kind| !kind.is_empty()) {
        return Ok(value);
    }
    Err(BadManifest {
        line,
        what: "expected a Kubernetes object with `apiVersion` and `kind`".to_owned(),
    })
}

/// A pod, or the template of one, in a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Where it stands, as a JSON pointer.
    pub(crate) pointer: String,
    /// Kind and name of the object it belongs to.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The object's namespace; empty when it does not say.
    pub(crate) namespace: String,
    /// The pod as the API server would see it.
    pub(crate) pod: Value,
}

impl Found {
    /// What messages call it.
    pub(crate) fn subject(&self, namespace: &str) -> String {
        format!("{} {namespace}/{}", self.kind, self.name)
    }
}

/// All pods and templates of a document, in order.
pub(crate) fn pods(document: &Value) -> Vec<Found> {
    let mut found = Vec::new();
    collect(document, "", &mut found);
    found
}

fn collect(object: &Value, pointer: &str, found: &mut Vec<Found>) {
    let kind = object["kind"].as_str().unwrap_or_default();
    if let (true, Some(items)) = (kind.ends_with("List"), object["items"].as_array()) {
        for (at, item) in items.iter().enumerate() {
            collect(item, &format!("{pointer}/items/{at}"), found);
        }
        return;
    }
    let below = match kind {
        "Pod" => "",
        "CronJob" => "/spec/jobTemplate/spec/template",
        "PodTemplate" => "/template",
        // Every other workload, also those of others (Rollouts, say), keeps its template here.
        _ => "/spec/template",
    };
    let Some(holder) = object.pointer(below) else {
        return;
    };
    if kind != "Pod" && !holder["spec"]["containers"].is_array() {
        return;
    }
    let metadata = &object["metadata"];
    let text = |member: &str| {
        metadata[member]
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let pod = if kind == "Pod" {
        holder.clone()
    } else {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": holder["metadata"], "spec": holder["spec"]})
    };
    found.push(Found {
        pointer: format!("{pointer}{below}"),
        kind: kind.to_owned(),
        name: text("name")
            .or_else(|| text("generateName"))
            .unwrap_or_else(|| "(without a name)".to_owned()),
        namespace: text("namespace").unwrap_or_default(),
        pod,
    });
}

/// Operations on a pod as operations on the document that holds it.
pub(crate) fn at(pointer: &str, operations: Vec<Operation>) -> Vec<Operation> {
    operations
        .into_iter()
        .map(|operation| Operation {
            path: format!("{pointer}{}", operation.path),
            ..operation
        })
        .collect()
}

/// A document that changed, as text.
pub(crate) fn write(value: &Value, form: Form) -> Result<String, String> {
    match form {
        Form::Json => serde_json::to_string_pretty(value)
            .map(|text| text + "\n")
            .map_err(|error| error.to_string()),
        Form::Yaml => serde_saphyr::to_string(value).map_err(|error| error.to_string()),
    }
}
