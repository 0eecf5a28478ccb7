//! Text to values and values to text: JSON, YAML, TOML, numbers.

use pannier_go::json::Style;
use pannier_go::{boolean, float, integer};

use crate::functions::{Call, Failure, Function};
use crate::value::{Map, Type, Value};
use crate::{json, strings, toml, yaml};

const S: &[Type] = &[Type::String];
const ANY: &[Type] = &[Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "parseBool",
        "parseBool S",
        "The boolean that S is written as (`1 t T true TRUE True` and so on); false for `\"\"`.",
        S,
        Type::Bool,
        |call| {
            parsed(call, "parseBool", Value::Bool(false), |text| {
                boolean::parse(text).map(Value::Bool)
            })
        },
    ),
    Function::new(
        "parseFloat",
        "parseFloat S",
        "The float64 that S is written as; 0 for `\"\"`.",
        S,
        Type::Float,
        |call| {
            parsed(call, "parseFloat", Value::Float(0.0), |text| {
                float::parse(text).map(Value::Float)
            })
        },
    ),
    Function::new(
        "parseInt",
        "parseInt S",
        "The int64 that S is written as in decimal; 0 for `\"\"`.",
        S,
        Type::INT64,
        |call| {
            parsed(call, "parseInt", Value::int64(0), |text| {
                integer::parse_int(text, 10).map(Value::int64)
            })
        },
    ),
    Function::new(
        "parseJSON",
        "parseJSON S",
        "The value that the JSON text S stands for; numbers become float64. An empty map for `\"\"`.",
        S,
        Type::Any,
        |call| {
            let text = call.text(0);
            if text.is_empty() {
                return Ok(Map::empty().into());
            }
            call.spend(text.len() / 16)?;
            json::decode(text)
        },
    ),
    Function::new(
        "parseUint",
        "parseUint S",
        "The uint64 that S is written as in decimal; 0 for `\"\"`.",
        S,
        Type::UINT64,
        |call| {
            parsed(call, "parseUint", Value::uint64(0), |text| {
                integer::parse_uint(text, 10).map(Value::uint64)
            })
        },
    ),
    Function::new(
        "parseYAML",
        "parseYAML S",
        "The value that the YAML 1.1 text S stands for. An empty map for `\"\"`.",
        S,
        Type::Any,
        |call| {
            let text = call.text(0);
            if text.is_empty() {
                return Ok(Map::empty().into());
            }
            call.spend(text.len() / 16)?;
            yaml::decode(text)
        },
    ),
    Function::new(
        "toJSON",
        "toJSON V",
        "V as JSON on one line; `<`, `>` and `&` are escaped.",
        ANY,
        Type::String,
        |call| to_json(call, "toJSON", Style::COMPACT),
    ),
    Function::new(
        "toJSONPretty",
        "toJSONPretty V",
        "V as JSON, indented by two spaces; `<`, `>` and `&` are escaped.",
        ANY,
        Type::String,
        |call| to_json(call, "toJSONPretty", Style::PRETTY),
    ),
    Function::new(
        "toTOML",
        "toTOML V",
        "V as TOML.",
        ANY,
        Type::String,
        |call| {
            if matches!(call.arg(0), Value::Nil) {
                // The original's library gives up before it can name itself.
                return Err(Failure::new(
                    "reflect: call of reflect.Value.Type on zero Value",
                ));
            }
            let text = toml::encode(call.arg(0)).map_err(|error| within("toTOML", &error))?;
            Ok(Value::string(strings::trim_space(&text)))
        },
    ),
    Function::new(
        "toUnescapedJSON",
        "toUnescapedJSON V",
        "V as JSON on one line, without escaping for HTML.",
        ANY,
        Type::String,
        |call| {
            to_json(
                call,
                "toUnescapedJSON",
                Style {
                    escape_html: false,
                    indent: None,
                },
            )
        },
    ),
    Function::new(
        "toUnescapedJSONPretty",
        "toUnescapedJSONPretty V",
        "V as JSON, indented by two spaces, without escaping for HTML.",
        ANY,
        Type::String,
        |call| {
            to_json(
                call,
                "toUnescapedJSONPretty",
                Style {
                    escape_html: false,
                    indent: Some("  "),
                },
            )
        },
    ),
    Function::new(
        "toYAML",
        "toYAML V",
        "V as YAML in block style.",
        ANY,
        Type::String,
        |call| {
            let text = yaml::encode(call.arg(0)).map_err(|error| within("toYAML", &error))?;
            Ok(Value::string(strings::trim_space(&text)))
        },
    ),
];

/// An error as Consul-Template hands it on: the name of the function, a colon, the text.
pub(super) fn within(name: &str, error: &Failure) -> Failure {
    if error.is_limit() {
        error.clone()
    } else {
        Failure::new(format!("{name}: {error}"))
    }
}

fn parsed(
    call: &mut Call<'_>,
    name: &str,
    empty: Value,
    parse: impl Fn(&[u8]) -> Result<Value, pannier_go::NumberError>,
) -> Result<Value, Failure> {
    match call.text(0).as_bytes() {
        b"" => Ok(empty),
        text => parse(text).map_err(|error| Failure::new(format!("{name}: {error}"))),
    }
}

fn to_json(call: &mut Call<'_>, name: &str, style: Style<'_>) -> Result<Value, Failure> {
    json::encode(call.arg(0), style)
        .map(Value::from)
        .map_err(|error| within(name, &error))
}
