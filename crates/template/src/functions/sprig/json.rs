//! JSON. The plain forms swallow errors, the `must` forms report them.

use pannier_go::json::Style;

use crate::functions::{Call, Failure, Function};
use crate::json;
use crate::value::{Type, Value};

const S: &[Type] = &[Type::String];
const ANY: &[Type] = &[Type::Any];
const RAW: Style<'static> = Style {
    escape_html: false,
    indent: None,
};

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_fromJson",
        "sprig_fromJson S",
        "The value that the JSON text S stands for, nil if it is none.",
        S,
        Type::Any,
        |call| match from_json(call) {
            Err(error) if !error.is_limit() => Ok(Value::Nil),
            result => result,
        },
    ),
    Function::new(
        "sprig_mustFromJson",
        "sprig_mustFromJson S",
        "The value that the JSON text S stands for.",
        S,
        Type::Any,
        from_json,
    ),
    Function::new(
        "sprig_mustToJson",
        "sprig_mustToJson V",
        "V as JSON.",
        ANY,
        Type::String,
        |call| to_json(call, Style::COMPACT),
    ),
    Function::new(
        "sprig_mustToPrettyJson",
        "sprig_mustToPrettyJson V",
        "V as JSON, indented by two spaces.",
        ANY,
        Type::String,
        |call| to_json(call, Style::PRETTY),
    ),
    Function::new(
        "sprig_mustToRawJson",
        "sprig_mustToRawJson V",
        "V as JSON without escaping for HTML.",
        ANY,
        Type::String,
        |call| to_json(call, RAW),
    ),
    Function::new(
        "sprig_toJson",
        "sprig_toJson V",
        "V as JSON, `\"\"` if it cannot be.",
        ANY,
        Type::String,
        |call| or_empty(to_json(call, Style::COMPACT)),
    ),
    Function::new(
        "sprig_toPrettyJson",
        "sprig_toPrettyJson V",
        "V as JSON, indented by two spaces, `\"\"` if it cannot be.",
        ANY,
        Type::String,
        |call| or_empty(to_json(call, Style::PRETTY)),
    ),
    Function::new(
        "sprig_toRawJson",
        "sprig_toRawJson V",
        "V as JSON without escaping for HTML.",
        ANY,
        Type::String,
        |call| to_json(call, RAW),
    ),
];

fn from_json(call: &mut Call<'_>) -> Result<Value, Failure> {
    call.spend(call.text(0).len() / 16)?;
    json::decode(call.text(0))
}

fn to_json(call: &mut Call<'_>, style: Style<'_>) -> Result<Value, Failure> {
    json::encode(call.arg(0), style).map(Value::from)
}

fn or_empty(result: Result<Value, Failure>) -> Result<Value, Failure> {
    match result {
        Err(error) if !error.is_limit() => Ok("".into()),
        result => result,
    }
}
