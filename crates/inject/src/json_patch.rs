//! JSON patches from annotations, applied as the Go library does that users know.
//!
//! It is laxer than RFC 6902: `replace` of a missing member adds it, indices may be negative or have leading zeros, `add`
//! without a value adds `null`, `test` of a missing member against `null` holds, `copy` of a missing member copies `null`.
//! It is stricter in one point: nothing can be added at the root. Error texts are the library's, because a denial shows them.

use pannier_go::json::{self, Json};
use pannier_go::{integer, quote};

/// How deep a patch may nest: far more than a container does, and little enough to be copied by recursion.
const MAX_DEPTH: usize = 100;
/// How much all `copy` operations of a patch may add together, in bytes: each may double what the one before it left.
const MAX_COPIED: usize = 1 << 20;

/// A patch that was read: a list of operations, not yet looked into.
#[derive(Clone, Debug)]
pub struct Patch(Vec<Json>);

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatchError {
    /// Which operation, counted from 0.
    pub operation: usize,
    /// What is wrong, in the library's words.
    pub message: String,
}

/// Reads a patch: a JSON array of objects; `null` is a patch without operations.
///
/// # Errors
///
/// The words of Go's JSON decoder.
pub fn read(text: &str) -> Result<Patch, String> {
    let mut value = json::decode(text).map_err(|error| error.to_string())?;
    let operations = match &mut value {
        Json::Null => Vec::new(),
        Json::Array(operations) => std::mem::take(operations),
        other => {
            return Err(format!(
                "json: cannot unmarshal {} into Go value of type jsonpatch.Patch",
                kind(other)
            ));
        }
    };
    if operations
        .iter()
        .any(|operation| measure(operation).1 > MAX_DEPTH)
    {
        return Err(format!(
            "expected a patch that nests no deeper than {MAX_DEPTH}"
        ));
    }
    match operations
        .iter()
        .find(|operation| !matches!(operation, Json::Object(_) | Json::Null))
    {
        Some(other) => Err(format!(
            "json: cannot unmarshal {} into Go value of type jsonpatch.Operation",
            kind(other)
        )),
        None => Ok(Patch(operations)),
    }
}

/// Applies a patch; on an error the document is as it was.
///
/// # Errors
///
/// The first operation that does not apply.
pub fn apply(document: &Json, patch: &Patch) -> Result<Json, PatchError> {
    let mut document = document.clone();
    let mut budget = MAX_COPIED;
    for (at, operation) in patch.0.iter().enumerate() {
        step(&mut document, operation, &mut budget).map_err(|message| PatchError {
            operation: at,
            message,
        })?;
    }
    Ok(document)
}

fn step(document: &mut Json, operation: &Json, budget: &mut usize) -> Result<(), String> {
    let kind = operation
        .get("op")
        .and_then(Json::as_str)
        .unwrap_or("unknown");
    let text = |member: &str| {
        operation
            .get(member)
            .and_then(Json::as_str)
            .ok_or_else(|| format!("{kind} operation failed to decode {member}: missing value"))
    };
    let value = || operation.get("value").cloned().unwrap_or_default();
    match kind {
        "add" => add(document, text("path")?, value()),
        "remove" => remove(document, text("path")?).map(drop),
        "replace" => replace(document, text("path")?, value()),
        "move" => {
            let (from, path) = (text("from")?, text("path")?);
            let Some((parent, key)) = find(document, from) else {
                return Err(format!(
                    "move operation does not apply: doc is missing from path: {from}: missing value"
                ));
            };
            let moved = take(parent, &key)
                .map_err(|why| format!("error in move for path: '{key}': {why}"))?;
            place(document, path, moved, "move")
        }
        "copy" => {
            let (from, path) = (text("from")?, text("path")?);
            let Some((parent, key)) = find(document, from) else {
                return Err(format!(
                    "copy operation does not apply: doc is missing from path: {from}: missing value"
                ));
            };
            let copied = match parent {
                Json::Array(items) => {
                    let index = position(&key, items.len(), items.len())
                        .map_err(|why| format!("error in copy for path: '{key}': {why}"))?;
                    items[index].clone()
                }
                parent => parent.get(&key).cloned().unwrap_or_default(),
            };
            *budget = budget.checked_sub(measure(&copied).0).ok_or_else(|| {
                format!("error in copy for path: '{path}': the patch copies more than {MAX_COPIED} bytes")
            })?;
            place(document, path, copied, "copy")
        }
        "test" => test(document, text("path")?, &value()),
        kind => Err(format!("Unexpected kind: {kind}")),
    }
}

fn add(document: &mut Json, path: &str, value: Json) -> Result<(), String> {
    match find(document, path) {
        Some((parent, key)) => insert(parent, key, value)
            .map_err(|why| format!("error in add for path: '{path}': {why}")),
        None => Err(format!(
            "add operation does not apply: doc is missing path: {}: missing value",
            quote::quote(path)
        )),
    }
}

/// Adds what was moved or copied.
fn place(document: &mut Json, path: &str, value: Json, kind: &str) -> Result<(), String> {
    match find(document, path) {
        Some((parent, key)) => insert(parent, key, value)
            .map_err(|why| format!("error in {kind} for path: '{path}': {why}")),
        None => Err(format!(
            "{kind} operation does not apply: doc is missing destination path: {path}: missing value"
        )),
    }
}

fn remove(document: &mut Json, path: &str) -> Result<Json, String> {
    match find(document, path) {
        Some((parent, key)) => {
            take(parent, &key).map_err(|why| format!("error in remove for path: '{path}': {why}"))
        }
        None => Err(format!(
            "remove operation does not apply: doc is missing path: {}: missing value",
            quote::quote(path)
        )),
    }
}

fn replace(document: &mut Json, path: &str, value: Json) -> Result<(), String> {
    if path.is_empty() {
        if !matches!(value, Json::Object(_) | Json::Array(_)) {
            return Err("replace operation hit type that is not object or array".to_owned());
        }
        *document = value;
        return Ok(());
    }
    match find(document, path) {
        Some((Json::Object(members), key)) => {
            members.insert(key, value);
            Ok(())
        }
        Some((Json::Array(items), key)) => match position(&key, items.len(), items.len()) {
            Ok(index) => {
                items[index] = value;
                Ok(())
            }
            Err(_) => Err(format!(
                "replace operation does not apply: doc is missing key: {path}: missing value"
            )),
        },
        _ => Err(format!(
            "replace operation does not apply: doc is missing path: {path}: missing value"
        )),
    }
}

fn test(document: &mut Json, path: &str, expected: &Json) -> Result<(), String> {
    let holds = if path.is_empty() {
        *document == *expected
    } else {
        match find(document, path) {
            Some((Json::Array(items), key)) => {
                let index = position(&key, items.len(), items.len())
                    .map_err(|why| format!("error in test for path: '{path}': {why}"))?;
                items[index] == *expected
            }
            Some((parent, key)) => *parent.get(&key).unwrap_or(&Json::Null) == *expected,
            None if expected.is_null() => true,
            None => {
                return Err(format!(
                    "test operation does not apply: is missing path: {path}: missing value"
                ));
            }
        }
    };
    if holds {
        Ok(())
    } else {
        Err(format!("testing value {path} failed: test failed"))
    }
}

/// The container that a path leads into, and the last key. Everything before the first slash is passed over.
fn find<'d>(document: &'d mut Json, path: &str) -> Option<(&'d mut Json, String)> {
    let (_, path) = path.split_once('/')?;
    let mut keys: Vec<String> = path
        .split('/')
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    let last = keys.pop()?;
    // Nothing that deep can be there: patches nest less, and so do containers.
    if keys.len() > MAX_DEPTH {
        return None;
    }
    let mut parent = document;
    for key in keys {
        parent = match parent {
            Json::Object(members) => members.get_mut(&key)?,
            Json::Array(items) => {
                let index = position(&key, items.len(), items.len()).ok()?;
                &mut items[index]
            }
            _ => return None,
        };
    }
    matches!(parent, Json::Object(_) | Json::Array(_)).then_some((parent, last))
}

fn insert(parent: &mut Json, key: String, value: Json) -> Result<(), String> {
    match parent {
        Json::Array(items) => {
            let index = if key == "-" {
                items.len()
            } else {
                position(&key, items.len() + 1, items.len() + 1)?
            };
            items.insert(index, value);
        }
        Json::Object(members) => {
            members.insert(key, value);
        }
        _ => {
            return Err(format!(
                "Unable to access nonexistent key: {key}: missing value"
            ));
        }
    }
    Ok(())
}

fn take(parent: &mut Json, key: &str) -> Result<Json, String> {
    match parent {
        Json::Array(items) => {
            let index = position(key, items.len(), items.len())?;
            Ok(items.remove(index))
        }
        Json::Object(members) => members
            .remove(key)
            .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
        _ => Err(format!(
            "Unable to remove nonexistent key: {key}: missing value"
        )),
    }
}

/// An index below `limit`; a negative one counts back from `end`.
fn position(key: &str, limit: usize, end: usize) -> Result<usize, String> {
    let index = integer::atoi(key)
        .map_err(|error| format!("value was not a proper array index: '{key}': {error}"))?;
    let invalid = || format!("Unable to access invalid index: {key}: invalid index referenced");
    let place = if index < 0 {
        i64::try_from(end)
            .ok()
            .and_then(|end| end.checked_add(index))
    } else {
        Some(index)
    };
    place
        .and_then(|place| usize::try_from(place).ok())
        .filter(|place| *place < limit)
        .ok_or_else(invalid)
}

/// Roughly the size of a value in bytes, and how deep it nests. No recursion: values may nest deeper than a stack allows.
fn measure(value: &Json) -> (usize, usize) {
    let (mut size, mut depth) = (0, 0);
    let mut rest = vec![(value, 1)];
    while let Some((value, level)) = rest.pop() {
        depth = depth.max(level);
        size += 4;
        match value {
            Json::String(text) | Json::Number(text) => size += text.len(),
            Json::Array(items) => rest.extend(items.iter().map(|item| (item, level + 1))),
            Json::Object(members) => {
                size += members.keys().map(String::len).sum::<usize>();
                rest.extend(members.values().map(|member| (member, level + 1)));
            }
            Json::Null | Json::Bool(_) => {}
        }
    }
    (size, depth)
}

/// Go's word for a JSON value.
pub(crate) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_that_nests_too_deep_is_refused_before_it_is_copied() {
        let nested = |depth: usize| {
            format!(
                r#"[{{"op":"add","path":"/x","value":{}{}}}]"#,
                "[".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert!(read(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(
            read(&nested(9000)).err().as_deref(),
            Some("expected a patch that nests no deeper than 100")
        );
    }

    #[test]
    fn a_patch_that_doubles_the_document_again_and_again_is_stopped() {
        let copies = vec![r#"{"op":"copy","from":"/env","path":"/env/-"}"#; 40].join(",");
        let document = json::decode(r#"{"env":["some text"]}"#).expect("JSON");
        let patch = read(&format!("[{copies}]")).expect("a patch");
        let error = apply(&document, &patch).expect_err("2 to the power of 40 texts");
        assert_eq!(
            error.message,
            "error in copy for path: '/env/-': the patch copies more than 1048576 bytes"
        );
    }
}
