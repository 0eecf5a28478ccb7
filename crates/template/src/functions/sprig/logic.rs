//! Defaults and choices.

use crate::functions::{Failure, Function};
use crate::value::{Type, Value};

const ANY: &[Type] = &[Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::variadic(
        "sprig_all",
        "sprig_all V...",
        "Whether no value is empty.",
        ANY,
        Type::Bool,
        |call| Ok(Value::Bool(!call.args().iter().any(is_empty))),
    ),
    Function::variadic(
        "sprig_any",
        "sprig_any V...",
        "Whether at least one value is not empty.",
        ANY,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                call.args().iter().any(|value| !is_empty(value)),
            ))
        },
    ),
    Function::variadic(
        "sprig_coalesce",
        "sprig_coalesce V...",
        "The first value that is not empty, else nil.",
        ANY,
        Type::Any,
        |call| {
            Ok(call
                .args()
                .iter()
                .find(|value| !is_empty(value))
                .cloned()
                .unwrap_or(Value::Nil))
        },
    ),
    Function::variadic(
        "sprig_default",
        "sprig_default D V",
        "V, or D if V is empty.",
        &[Type::Any, Type::Any],
        Type::Any,
        |call| {
            Ok(if is_empty(call.arg(1)) {
                call.arg(0).clone()
            } else {
                call.arg(1).clone()
            })
        },
    ),
    Function::new(
        "sprig_empty",
        "sprig_empty V",
        "Whether V is empty: nil, false, 0, `\"\"`, no items.",
        ANY,
        Type::Bool,
        |call| Ok(Value::Bool(is_empty(call.arg(0)))),
    ),
    Function::new(
        "sprig_fail",
        "sprig_fail MSG",
        "Ends the rendering with MSG.",
        &[Type::String],
        Type::String,
        |call| Err(Failure::new(call.str(0))),
    ),
    Function::new(
        "sprig_ternary",
        "sprig_ternary YES NO B",
        "YES if B is true, else NO.",
        &[Type::Any, Type::Any, Type::Bool],
        Type::Any,
        |call| Ok(call.arg(if call.bool(2) { 0 } else { 1 }).clone()),
    ),
];

/// Sprig's idea of an empty value; a structure never is, as in Go.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.truth()
}
