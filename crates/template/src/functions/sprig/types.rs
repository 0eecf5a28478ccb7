//! Names of types.

use super::equal::deep_equal;
use crate::functions::Function;
use crate::value::{IntType, Shape, Type, Value};

const ANY: &[Type] = &[Type::Any];
const NAME_ANY: &[Type] = &[Type::String, Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_deepEqual",
        "sprig_deepEqual A B",
        "Whether both have the same type and the same parts.",
        &[Type::Any, Type::Any],
        Type::Bool,
        |call| Ok(Value::Bool(deep_equal(call.arg(0), call.arg(1))?)),
    ),
    Function::new(
        "sprig_kindIs",
        "sprig_kindIs KIND V",
        "Whether V is of that kind.",
        NAME_ANY,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                call.text(0).as_bytes() == kind(call.arg(1)).as_bytes(),
            ))
        },
    ),
    Function::new(
        "sprig_kindOf",
        "sprig_kindOf V",
        "The kind of V: `string`, `int`, `map`, `slice`, ...",
        ANY,
        Type::String,
        |call| Ok(kind(call.arg(0)).into()),
    ),
    Function::new(
        "sprig_typeIs",
        "sprig_typeIs TYPE V",
        "Whether V is of that type.",
        NAME_ANY,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                call.text(0).as_bytes() == call.arg(1).type_name().as_bytes(),
            ))
        },
    ),
    Function::new(
        "sprig_typeIsLike",
        "sprig_typeIsLike TYPE V",
        "Whether V is of that type or a pointer to it.",
        NAME_ANY,
        Type::Bool,
        |call| {
            let name = call.arg(1).type_name();
            let wanted = call.text(0).as_bytes();
            Ok(Value::Bool(
                wanted == name.as_bytes()
                    || name
                        .strip_prefix('*')
                        .is_some_and(|name| wanted == name.as_bytes()),
            ))
        },
    ),
    Function::new(
        "sprig_typeOf",
        "sprig_typeOf V",
        "The type of V, as `printf \"%T\"` names it.",
        ANY,
        Type::String,
        |call| Ok(call.arg(0).type_name().into()),
    ),
];

/// `reflect.Kind`.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(IntType::Duration, _) => "int64",
        Value::Int(IntType::Month | IntType::Weekday, _) => "int",
        Value::Int(t, _) => t.name(),
        Value::Uint(t, _) => t.name(),
        Value::Float(_) => "float64",
        Value::Complex(..) => "complex128",
        Value::String(_) | Value::Number(_) => "string",
        Value::Bytes(_) | Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Func(_) => "func",
        Value::Object(object) if object.shape() == Shape::Struct => "struct",
        Value::Object(_) | Value::NilPointer(_) => "ptr",
    }
}
