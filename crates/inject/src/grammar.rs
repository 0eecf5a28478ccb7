//! How the values of annotations and settings are read: Go's rules, with Go's error texts.

use pannier_go::{boolean, float as go_float, integer};

/// A boolean; empty is false.
pub(crate) fn bool(text: &str) -> Result<bool, String> {
    if text.is_empty() {
        return Ok(false);
    }
    boolean::parse(text).map_err(|error| format!("cannot parse '' as bool: {error}"))
}

/// A decimal integer; empty is 0.
pub(crate) fn int(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    integer::parse_int(text, 10).map_err(|error| error.to_string())
}

/// A decimal integer without a sign; empty is an error.
pub(crate) fn uint(text: &str) -> Result<u64, String> {
    integer::parse_uint(text, 10).map_err(|error| error.to_string())
}

/// A float; empty is an error.
pub(crate) fn float(text: &str) -> Result<f64, String> {
    go_float::parse(text).map_err(|error| error.to_string())
}

/// Lower case letter by letter, as Go does: no rules that look at the neighbours.
pub(crate) fn lower(text: &str) -> String {
    text.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}
