//! Debugging text as `go-spew` writes it. Maps are sorted here, where the original walks them in no order.

use pannier_go::float::{self, Form};
use pannier_go::quote;

use crate::functions::{Failure, MAX_NESTING, print};
use crate::value::{Object, Shape, Text, Value};

/// `spew.Sdump`: every value with its type, one a line, indented by one space a level.
pub(crate) fn dump(values: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    for value in values {
        dump_value(&mut out, value, 0)?;
        out.push(b'\n');
    }
    Ok(out)
}

fn indent(out: &mut Vec<u8>, depth: usize) {
    out.resize(out.len() + depth, b' ');
}

fn dump_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    let kind = if matches!(value, Value::Nil) {
        "interface {}".to_owned()
    } else {
        value.type_name()
    };
    let pointer = matches!(value, Value::NilPointer(_))
        || matches!(value, Value::Object(object) if object.shape() == Shape::Pointer);
    if !pointer {
        out.extend_from_slice(format!("({kind}) ").as_bytes());
    }
    let items = |out: &mut Vec<u8>,
                 items: &mut dyn Iterator<Item = (Option<Text>, Value)>|
     -> Result<(), Failure> {
        out.extend_from_slice(b"{\n");
        let mut items = items.peekable();
        while let Some((key, item)) = items.next() {
            indent(out, depth + 1);
            if let Some(key) = key {
                dump_value(out, &Value::String(key), depth + 1)?;
                out.extend_from_slice(b": ");
            }
            dump_value(out, &item, depth + 1)?;
            out.extend_from_slice(if items.peek().is_some() {
                b",\n"
            } else {
                b"\n"
            });
        }
        indent(out, depth);
        out.push(b'}');
        Ok(())
    };
    match value {
        Value::Nil => out.extend_from_slice(b"<nil>"),
        Value::NilPointer(name) => out.extend_from_slice(format!("({name})(<nil>)").as_bytes()),
        Value::String(text) if text.is_empty() => out.extend_from_slice(b"\"\""),
        Value::String(text) => {
            out.extend_from_slice(
                format!("(len={}) {}", text.len(), quote::quote(text)).as_bytes(),
            );
        }
        Value::Number(text) => {
            out.extend_from_slice(format!("(len={}) ", text.len()).as_bytes());
            out.extend_from_slice(text);
        }
        Value::List(list) if list.is_nil() => out.extend_from_slice(b"<nil>"),
        Value::List(list) => {
            if !list.is_empty() {
                // A decoder doubles a list's capacity as it grows; other lists are made to measure.
                let any = *list.elem() == crate::value::Type::Any;
                let capacity = if any {
                    list.len().next_power_of_two()
                } else {
                    list.len()
                };
                out.extend_from_slice(format!("(len={} cap={capacity}) ", list.len()).as_bytes());
            }
            items(
                out,
                &mut list.items().iter().map(|item| (None, item.clone())),
            )?;
        }
        Value::Map(map) if map.is_nil() => out.extend_from_slice(b"<nil>"),
        Value::Map(map) => {
            if !map.is_empty() {
                out.extend_from_slice(format!("(len={}) ", map.len()).as_bytes());
            }
            items(
                out,
                &mut map
                    .entries()
                    .into_iter()
                    .map(|(key, item)| (Some(key), item)),
            )?;
        }
        Value::Object(object) => dump_object(out, &**object, depth)?,
        other => out.extend_from_slice(&leaf(other)?),
    }
    Ok(())
}

fn dump_object(out: &mut Vec<u8>, object: &dyn Object, depth: usize) -> Result<(), Failure> {
    let pointer = object.shape() == Shape::Pointer;
    if pointer {
        // No address: it would change with every run.
        out.extend_from_slice(format!("({})(", object.type_name()).as_bytes());
    }
    if let Some(text) = object.string() {
        out.extend_from_slice(&text);
    } else {
        out.extend_from_slice(b"{\n");
        let fields = object.fields();
        let count = fields.len();
        for (i, (name, field)) in fields.into_iter().enumerate() {
            indent(out, depth + 1);
            out.extend_from_slice(format!("{name}: ").as_bytes());
            dump_value(out, &field, depth + 1)?;
            out.extend_from_slice(if i + 1 < count { b",\n" } else { b"\n" });
        }
        indent(out, depth);
        out.push(b'}');
    }
    if pointer {
        out.push(b')');
    }
    Ok(())
}

fn leaf(value: &Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::Float(f) => Ok(float::format(*f, Form::General, None).into_bytes()),
        value => print::text(value),
    }
}

/// What the original wraps arguments of a format in: `%T` and superfluous ones show its name.
const WRAPPER: &str = "*spew.formatState";

/// `spew.Sprintf`: `%v`, `%+v`, `%#v` and `%#+v` are spew's, other verbs those of `printf`.
pub(crate) fn sprintf(format: &[u8], args: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut rewritten = Vec::with_capacity(format.len());
    let mut args = args.to_vec();
    let mut next = 0;
    let mut rest = format.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        rewritten.push(byte);
        if byte != b'%' {
            continue;
        }
        let mut flags = Vec::new();
        while let Some(flag) = rest.next_if(|b| b"+#-0 123456789.".contains(b)) {
            flags.push(flag);
        }
        let Some(verb) = rest.next() else {
            rewritten.extend_from_slice(&flags);
            break;
        };
        match verb {
            b'%' => rewritten.push(b'%'),
            // Chosen or counted arguments: left to printf as a whole.
            b'[' | b'*' => {
                return Ok(crate::fmt::sprintf(format, &args)?);
            }
            b'v' => {
                if let Some(arg) = args.get_mut(next) {
                    let mut out = Vec::new();
                    let typed = flags.contains(&b'#');
                    show(&mut out, arg, typed, flags.contains(&b'+'), 0)?;
                    *arg = Value::string(out);
                }
                rewritten.push(if args.len() > next { b's' } else { b'v' });
                next += 1;
            }
            b'T' => {
                if let Some(arg) = args.get_mut(next) {
                    *arg = WRAPPER.into();
                }
                rewritten.extend_from_slice(&flags);
                rewritten.push(if args.len() > next { b's' } else { b'T' });
                next += 1;
            }
            verb => {
                rewritten.extend_from_slice(&flags);
                rewritten.push(verb);
                next += 1;
            }
        }
    }
    let extra = args.split_off(next.min(args.len()));
    let mut out = crate::fmt::sprintf(&rewritten, &args)?;
    for (i, arg) in extra.iter().enumerate() {
        let before = if i == 0 { "%!(EXTRA " } else { ", " };
        out.extend_from_slice(format!("{before}{WRAPPER}=").as_bytes());
        show(&mut out, arg, false, false, 0)?;
    }
    if !extra.is_empty() {
        out.push(b')');
    }
    Ok(out)
}

fn show(
    out: &mut Vec<u8>,
    value: &Value,
    typed: bool,
    named: bool,
    depth: usize,
) -> Result<(), Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::too_deep());
    }
    if typed {
        let kind = if matches!(value, Value::Nil) {
            "interface {}".to_owned()
        } else {
            value.type_name()
        };
        out.extend_from_slice(format!("({kind})").as_bytes());
    }
    match value {
        Value::Nil | Value::NilPointer(_) => out.extend_from_slice(b"<nil>"),
        Value::List(list) if list.is_nil() => out.extend_from_slice(b"<nil>"),
        Value::List(list) => {
            // The type of the elements says it already, unless they are of any type.
            let typed = typed && *list.elem() == crate::value::Type::Any;
            out.push(b'[');
            for (i, item) in list.items().iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                show(out, item, typed, named, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Map(map) if map.is_nil() => out.extend_from_slice(b"<nil>"),
        Value::Map(map) => {
            out.extend_from_slice(b"map[");
            for (i, (key, item)) in map.entries().into_iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(&key);
                out.push(b':');
                show(
                    out,
                    &item,
                    typed && *map.elem() == crate::value::Type::Any,
                    named,
                    depth + 1,
                )?;
            }
            out.push(b']');
        }
        Value::Object(object) if object.string().is_none() => {
            if object.shape() == Shape::Pointer && !typed {
                out.extend_from_slice(b"<*>");
            }
            out.push(b'{');
            for (i, (name, field)) in object.fields().into_iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                if named || typed {
                    out.extend_from_slice(name.as_bytes());
                    out.push(b':');
                }
                show(out, &field, typed, named, depth + 1)?;
            }
            out.push(b'}');
        }
        value => out.extend_from_slice(&leaf(value)?),
    }
    Ok(())
}
