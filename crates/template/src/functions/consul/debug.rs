//! Debugging text.

use crate::functions::Function;
use crate::spew;
use crate::value::{Type, Value};

const ANY: &[Type] = &[Type::Any];
const FORMAT: &[Type] = &[Type::String, Type::Any];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::variadic(
        "spew_dump",
        "spew_dump V...",
        "Prints the values with their types on the program's output; gives `\"\"`.",
        ANY,
        Type::String,
        |call| {
            let text = spew::dump(call.args())?;
            call.host().debug_output(&text);
            Ok("".into())
        },
    ),
    Function::variadic(
        "spew_printf",
        "spew_printf FORMAT V...",
        "Prints the values by FORMAT on the program's output; gives `\"\"`.",
        FORMAT,
        Type::String,
        |call| {
            let text = spew::sprintf(call.text(0), call.rest(1))?;
            call.host().debug_output(&text);
            Ok("".into())
        },
    ),
    Function::variadic(
        "spew_sdump",
        "spew_sdump V...",
        "The values with their types.",
        ANY,
        Type::String,
        |call| Ok(spew::dump(call.args())?.into()),
    ),
    Function::variadic(
        "spew_sprintf",
        "spew_sprintf FORMAT V...",
        "The values by FORMAT, where `%v`, `%+v` and `%#v` show more than `printf` does.",
        FORMAT,
        Type::String,
        |call| Ok(Value::from(spew::sprintf(call.text(0), call.rest(1))?)),
    ),
];
