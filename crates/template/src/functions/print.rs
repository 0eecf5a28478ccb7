//! The text of a value, for functions that take anything.

use super::Failure;
use crate::value::Value;

/// `fmt.Sprint` of one value.
pub(crate) fn text(value: &Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::String(text) | Value::Number(text) => Ok(text.to_vec()),
        value => Ok(crate::fmt::sprint(std::slice::from_ref(value))?),
    }
}
