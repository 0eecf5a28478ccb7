//! Parts of file paths.

use crate::functions::{Call, Failure, Function};
use crate::value::{Type, Value};

const S: &[Type] = &[Type::String];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_base",
        "sprig_base PATH",
        "The last part of PATH.",
        S,
        Type::String,
        base,
    ),
    Function::new(
        "sprig_clean",
        "sprig_clean PATH",
        "The shortest path that means the same.",
        S,
        Type::String,
        |call| Ok(clean(call.text(0)).into()),
    ),
    Function::new(
        "sprig_dir",
        "sprig_dir PATH",
        "PATH without its last part.",
        S,
        Type::String,
        dir,
    ),
    Function::new(
        "sprig_ext",
        "sprig_ext PATH",
        "The ending of the file's name with its dot.",
        S,
        Type::String,
        ext,
    ),
    Function::new(
        "sprig_isAbs",
        "sprig_isAbs PATH",
        "Whether PATH starts at the root.",
        S,
        Type::Bool,
        is_abs,
    ),
    Function::new(
        "sprig_osBase",
        "sprig_osBase PATH",
        "As `sprig_base`.",
        S,
        Type::String,
        base,
    ),
    Function::new(
        "sprig_osClean",
        "sprig_osClean PATH",
        "As `sprig_clean`.",
        S,
        Type::String,
        |call| Ok(clean(call.text(0)).into()),
    ),
    Function::new(
        "sprig_osDir",
        "sprig_osDir PATH",
        "As `sprig_dir`.",
        S,
        Type::String,
        dir,
    ),
    Function::new(
        "sprig_osExt",
        "sprig_osExt PATH",
        "As `sprig_ext`.",
        S,
        Type::String,
        ext,
    ),
    Function::new(
        "sprig_osIsAbs",
        "sprig_osIsAbs PATH",
        "As `sprig_isAbs`.",
        S,
        Type::Bool,
        is_abs,
    ),
];

fn is_abs(call: &mut Call<'_>) -> Result<Value, Failure> {
    Ok(Value::Bool(call.text(0).starts_with(b"/")))
}

fn base(call: &mut Call<'_>) -> Result<Value, Failure> {
    let path = call.text(0).as_bytes();
    if path.is_empty() {
        return Ok(".".into());
    }
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    let name = path[..end]
        .rsplit(|b| *b == b'/')
        .next()
        .unwrap_or_default();
    Ok(if name.is_empty() {
        "/".into()
    } else {
        Value::string(name)
    })
}

fn dir(call: &mut Call<'_>) -> Result<Value, Failure> {
    let path = call.text(0).as_bytes();
    let end = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    Ok(clean(&path[..end]).into())
}

fn ext(call: &mut Call<'_>) -> Result<Value, Failure> {
    let name = call
        .text(0)
        .rsplit(|b| *b == b'/')
        .next()
        .unwrap_or_default();
    let dot = name.iter().rposition(|b| *b == b'.');
    Ok(Value::string(dot.map_or(&[][..], |at| &name[at..])))
}

/// `path.Clean`.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", &joined[..]].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
