//! The environment, the clock, programs and files, all through the host.

use crate::datetime::{Time, Zone};
use crate::functions::{Call, Failure, Function};
use crate::host::WriteFile;
use crate::value::{Type, Value};

const S: &[Type] = &[Type::String];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "env",
        "env NAME",
        "The environment variable NAME, or `\"\"`.",
        S,
        Type::String,
        |call| Ok(call.host().env(&call.str(0)).unwrap_or_default().into()),
    ),
    Function::new(
        "envOrDefault",
        "envOrDefault NAME DEFAULT",
        "The environment variable NAME, or DEFAULT if it is not set.",
        &[Type::String, Type::String],
        Type::String,
        |call| {
            Ok(call
                .host()
                .env(&call.str(0))
                .map_or_else(|| call.arg(1).clone(), Value::from))
        },
    ),
    Function::new(
        "mustEnv",
        "mustEnv NAME",
        "The environment variable NAME; an error if it is empty or not set.",
        S,
        Type::String,
        |call| match call.host().env(&call.str(0)) {
            Some(value) if !value.is_empty() => Ok(value.into()),
            _ => Err(Failure::new(format!(
                "required environment variable {} is empty",
                call.str(0)
            ))),
        },
    ),
    Function::variadic(
        "plugin",
        "plugin NAME [ARG]...",
        "What the program NAME prints, without white space around it.",
        &[Type::String, Type::String],
        Type::String,
        |call| {
            if call.text(0).is_empty() {
                return Ok("".into());
            }
            let trimmed = (1..call.len()).map(|i| call.str(i).trim().to_owned());
            let arguments: Vec<String> = trimmed.filter(|argument| !argument.is_empty()).collect();
            call.host()
                .plugin(&call.str(0), &arguments)
                .map(Value::from)
                .map_err(Failure::new)
        },
    ),
    Function::variadic(
        "sockaddr",
        "sockaddr EXPR...",
        "An address of this machine, picked by a go-sockaddr expression: `GetPrivateIP`, ``GetInterfaceIP `eth0` ``.",
        S,
        Type::String,
        crate::sockaddr::evaluate,
    ),
    Function::variadic(
        "timestamp",
        "timestamp [LAYOUT]",
        "Now, in UTC: RFC 3339, `\"unix\"` for seconds since 1970, or a layout of Go.",
        S,
        Type::String,
        |call| {
            if call.len() > 1 {
                let got = call.len();
                return Err(Failure::new(format!(
                    "timestamp: wrong number of arguments, expected 0 or 1, but got {got}"
                )));
            }
            let (seconds, nanos) = call.host().now();
            let now = Time::new(seconds, nanos, Zone::Utc);
            if call.is_empty() {
                return Ok(now.format("2006-01-02T15:04:05Z07:00").into());
            }
            match call.text(0).as_bytes() {
                b"unix" => Ok(seconds.to_string().into()),
                _ => Ok(now.format(&call.str(0)).into()),
            }
        },
    ),
    Function::variadic(
        "writeToFile",
        "writeToFile PATH USER GROUP PERMS [FLAGS] CONTENT",
        "Writes CONTENT to a file and gives `\"\"`. FLAGS may hold `append` and `newline`; an empty USER or GROUP is left alone.",
        &[
            Type::String,
            Type::String,
            Type::String,
            Type::String,
            Type::String,
        ],
        Type::String,
        write_to_file,
    ),
];

fn write_to_file(call: &mut Call<'_>) -> Result<Value, Failure> {
    let text = |i: usize| call.str(i).into_owned();
    let (flags, content) = match call.len() {
        5 => (String::new(), call.text(4).clone()),
        6 => (text(4), call.text(5).clone()),
        got @ ..5 => {
            return Err(Failure::new(format!(
                "writeToFile: wrong number of arguments, expected 5 or 6, but got {got}"
            )));
        }
        // With more of them the last one is the content, and none is taken for flags.
        more => (String::new(), call.text(more - 1).clone()),
    };
    let flag = |name: &str| flags.split(',').any(|flag| flag.trim() == name);
    let permissions = text(3);
    let mode = u32::from_str_radix(&permissions, 8).map_err(|_| {
        let quoted = pannier_go::quote::quote(&permissions);
        Failure::new(format!(
            "strconv.ParseUint: parsing {quoted}: invalid syntax"
        ))
    })?;
    let mut content = content.to_vec();
    if flag("newline") {
        content.push(b'\n');
    }
    let file = WriteFile {
        path: text(0),
        user: text(1),
        group: text(2),
        mode,
        append: flag("append"),
        content: content.into(),
    };
    call.host().write_file(&file).map_err(Failure::new)?;
    Ok("".into())
}
