//! The environment and the addresses of hosts, through the host.

use pannier_go::quote;

use crate::functions::{Failure, Function, Host};
use crate::value::Type;

const S: &[Type] = &[Type::String];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_env",
        "sprig_env NAME",
        "The environment variable NAME, or `\"\"`.",
        S,
        Type::String,
        |call| {
            let value = call.host().process_env(&call.str(0));
            Ok(value.unwrap_or_default().into())
        },
    ),
    Function::new(
        "sprig_expandenv",
        "sprig_expandenv S",
        "S with `$NAME` and `${NAME}` replaced by environment variables.",
        S,
        Type::String,
        |call| Ok(expand(call.text(0), call.host()).into()),
    ),
    Function::new(
        "sprig_getHostByName",
        "sprig_getHostByName NAME",
        "An address of the host NAME; always the same one as long as its addresses stay.",
        S,
        Type::String,
        |call| {
            let name = call.str(0);
            // The original picks one at random, and the words before the colon are what it says when there is none.
            let none = |why: String| Failure::new(format!("invalid argument to Intn: {why}"));
            let addresses = call.host().resolve(&name).map_err(none)?;
            match addresses.first() {
                Some(address) => Ok(address.to_string().into()),
                None => Err(none(format!(
                    "no address of {} is known",
                    quote::quote(&*name)
                ))),
            }
        },
    ),
];

/// `os.ExpandEnv`.
fn expand(text: &[u8], host: &dyn Host) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'$' || after.is_empty() {
            out.push(byte);
            continue;
        }
        let (name, length) = shell_name(after);
        match name {
            // A dollar sign that no name follows stays.
            [] if length == 0 => out.push(b'$'),
            [] => {}
            name => {
                let name = String::from_utf8_lossy(name);
                out.extend_from_slice(host.process_env(&name).unwrap_or_default().as_bytes());
            }
        }
        rest = &after[length..];
    }
    out
}

/// The name after a dollar sign, and how many bytes are read. Bad syntax has no name but is read, too.
fn shell_name(text: &[u8]) -> (&[u8], usize) {
    let special = |byte: u8| b"*#$@!?-0123456789".contains(&byte);
    match text {
        [b'{', byte, b'}', ..] if special(*byte) => (&text[1..2], 3),
        [b'{', ..] => match text.iter().position(|b| *b == b'}') {
            Some(1) => (&[], 2),
            Some(end) => (&text[1..end], end + 1),
            None => (&[], 1),
        },
        [byte, ..] if special(*byte) => (&text[..1], 1),
        _ => {
            let end = text
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count();
            (&text[..end], end)
        }
    }
}
