//! Merging maps as the `mergo` library does, which both Consul-Template and Sprig use.

use super::{Failure, MAX_NESTING};
use crate::value::{Map, Value};

/// Adds what `source` has to `target`, at every depth. `overwrite` says who wins where both have a value that is not
/// empty. Maps that `target` lacks are shared with `source` afterwards, as in the original.
pub(super) fn merge(target: &Map, source: &Map, overwrite: bool) -> Result<(), Failure> {
    merge_at(target, source, overwrite, 0)
}

fn merge_at(target: &Map, source: &Map, overwrite: bool, depth: usize) -> Result<(), Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    if target.same(source) {
        return Ok(());
    }
    for (key, new) in source.entries() {
        match target.get(&key) {
            Some(Value::Map(inner)) if matches!(new, Value::Map(_)) => {
                if let Value::Map(new) = &new {
                    merge_at(&inner, new, overwrite, depth + 1)?;
                }
            }
            // Nothing is not added.
            _ if !overwrite && matches!(new, Value::Nil) => {}
            Some(old) if !overwrite && !is_empty(&old) => {}
            _ => target.set(key, new),
        }
    }
    Ok(())
}

/// The library's idea of an empty value: the zero value, or nothing in it.
fn is_empty(value: &Value) -> bool {
    !value.truth()
}
