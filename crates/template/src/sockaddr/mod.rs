//! `sockaddr`: the addresses of this machine, picked by a template of its own.
//!
//! The expression is put between braces and run as a Go template that knows the functions below, after the documentation
//! of `github.com/hashicorp/go-sockaddr/template`; what that leaves open was measured (`oracle/cases/sockaddr.txt`).
//!
//! ```text
//! {{ sockaddr "GetPrivateInterfaces | include `network` `10.0.0.0/8` | sort `-size` | attr `address`" }}
//! ```

mod address;
mod filter;
mod if_addr;
mod rfc;

use pannier_go::quote::quote;

use crate::functions::{Call, Failure, Function};
use crate::template::{Limits, Options, Render, Template};
use crate::value::{Type, UintType, Value};
use filter::Keep;
use if_addr::{IF_ADDRS, IfAddr};

const NAME: &str = "sockaddr.Parse";

/// What one expression may use. Its own limits, since it is a whole template.
const LIMITS: Limits = Limits {
    steps: 100_000,
    depth: 1_000,
    output: 1 << 20,
};

/// What it costs the template around it, besides its length.
const COST: usize = 10_000;

const S: &[Type] = &[Type::String];
const S_LIST: &[Type] = &[Type::String, IF_ADDRS];
const SS_LIST: &[Type] = &[Type::String, Type::String, IF_ADDRS];
const UINT: Type = Type::Uint(UintType::Uint);

/// Evaluates the words of an expression.
pub(crate) fn evaluate(call: &mut Call<'_>) -> Result<Value, Failure> {
    let words: Vec<_> = (0..call.len()).map(|i| call.text(i).to_vec()).collect();
    let text = [b"{{ ", &*words.join(&b' '), b" }}"].concat();
    call.spend(COST.saturating_add(text.len()))?;
    let options = Options {
        functions: FUNCTIONS.to_vec(),
        bare: true,
        ..Options::default()
    };
    let template = Template::parse(NAME, &text, &options).map_err(|error| {
        Failure::new(format!(
            "unable to parse template {}: {}",
            quote(&text),
            error.message()
        ))
    })?;
    let dot = all(call)?;
    match template.render(call.host(), IfAddr::list(dot), &LIMITS) {
        Ok(Render::Text(text)) => Ok(Value::String(text)),
        // None of the functions asks for anything that would have to be fetched.
        Ok(Render::Needs(_)) => Ok("".into()),
        Err(error) => {
            let message = format!(
                "unable to execute sockaddr input {}: {}",
                quote(&text),
                error.message()
            );
            Err(Failure::new(message))
        }
    }
}

const fn function(
    name: &'static str,
    params: &'static [Type],
    result: Type,
    run: crate::functions::Run,
) -> Function {
    Function::new(name, name, "", params, result, run)
}

static FUNCTIONS: [Function; 19] = [
    function("GetAllInterfaces", &[], IF_ADDRS, |call| {
        Ok(IfAddr::list(all(call)?))
    }),
    function("GetDefaultInterfaces", &[], IF_ADDRS, |call| {
        let list: Vec<_> = all(call)?
            .into_iter()
            .filter(|one| one.is_default)
            .collect();
        if list.is_empty() {
            return Err("No default interface found".into());
        }
        Ok(IfAddr::list(list))
    }),
    function("GetPrivateInterfaces", &[], IF_ADDRS, |call| {
        Ok(IfAddr::list(reachable(call, Keep::Matching)?))
    }),
    function("GetPublicInterfaces", &[], IF_ADDRS, |call| {
        Ok(IfAddr::list(reachable(call, Keep::Others)?))
    }),
    function("GetPrivateIP", &[], Type::String, |call| {
        Ok(first(&reachable(call, Keep::Matching)?))
    }),
    function("GetPrivateIPs", &[], Type::String, |call| {
        let private = filter::filter(Keep::Matching, "rfc", "6890", &all(call)?)?;
        forwardable_ips(&private)
    }),
    function("GetPublicIP", &[], Type::String, |call| {
        Ok(first(&reachable(call, Keep::Others)?))
    }),
    function("GetPublicIPs", &[], Type::String, |call| {
        let public = filter::filter(Keep::Others, "rfc", "6890", &all(call)?)?;
        forwardable_ips(&public)
    }),
    function("GetInterfaceIP", S, Type::String, |call| {
        let named = filter::filter(Keep::Matching, "name", &call.str(0), &all(call)?)?;
        let usable = filter::filter(Keep::Matching, "flags", "forwardable", &named)?;
        Ok(first(&filter::sort("type,size", &usable)?))
    }),
    function("GetInterfaceIPs", S, Type::String, |call| {
        let named = filter::filter(Keep::Matching, "name", &call.str(0), &all(call)?)?;
        joined("address", " ", &filter::sort("type,size", &named)?)
    }),
    function("sort", S_LIST, IF_ADDRS, |call| {
        Ok(IfAddr::list(filter::sort(&call.str(0), &list(call, 1))?))
    }),
    function("exclude", SS_LIST, IF_ADDRS, |call| {
        let kept = filter::filter(Keep::Others, &call.str(0), &call.str(1), &list(call, 2))?;
        Ok(IfAddr::list(kept))
    }),
    function("include", SS_LIST, IF_ADDRS, |call| {
        let kept = filter::filter(Keep::Matching, &call.str(0), &call.str(1), &list(call, 2))?;
        Ok(IfAddr::list(kept))
    }),
    function("unique", S_LIST, IF_ADDRS, |call| {
        Ok(IfAddr::list(filter::unique(&call.str(0), &list(call, 1))?))
    }),
    function("limit", &[UINT, IF_ADDRS], IF_ADDRS, |call| {
        let mut list = list(call, 1);
        list.truncate(usize::try_from(call.uint(0)).unwrap_or(usize::MAX));
        Ok(IfAddr::list(list))
    }),
    function("offset", &[Type::INT, IF_ADDRS], IF_ADDRS, offset),
    function("math", SS_LIST, IF_ADDRS, |call| {
        let mut list = list(call, 2);
        for one in &mut list {
            let math = one.address.math(&call.str(0), &call.str(1));
            one.address = math
                .map_err(|why| format!("unable to perform an IPMath operation on {one}: {why}"))?;
        }
        Ok(IfAddr::list(list))
    }),
    function("attr", &[Type::String, Type::Any], Type::String, attr),
    function("join", SS_LIST, Type::String, |call| {
        joined(&call.str(0), &call.str(1), &list(call, 2))
    }),
];

/// Everything there is.
fn all(call: &Call<'_>) -> Result<Vec<IfAddr>, Failure> {
    Ok(IfAddr::all(call.host().interfaces()?))
}

fn list(call: &Call<'_>, i: usize) -> Vec<IfAddr> {
    match call.arg(i) {
        Value::List(list) => IfAddr::of_list(list),
        _ => Vec::new(),
    }
}

/// What others can reach this machine by, privately or (with [`Keep::Others`]) publicly; the default route's first.
fn reachable(call: &Call<'_>, private: Keep) -> Result<Vec<IfAddr>, Failure> {
    let up = filter::filter(Keep::Matching, "flags", "up", &all(call)?)?;
    let forwardable = filter::filter(Keep::Matching, "flags", "forwardable", &up)?;
    let kept = filter::filter(private, "rfc", "6890", &forwardable)?;
    filter::sort("default,type,size", &kept)
}

fn forwardable_ips(list: &[IfAddr]) -> Result<Value, Failure> {
    let usable = filter::filter(Keep::Matching, "flags", "forwardable", list)?;
    joined("address", " ", &filter::sort("type,size", &usable)?)
}

fn first(list: &[IfAddr]) -> Value {
    let address = |one: &IfAddr| one.address.ip().to_string();
    list.first().map(address).unwrap_or_default().into()
}

/// Attributes of all, one after another. A function, not a method, takes names in any case.
fn joined(name: &str, separator: &str, list: &[IfAddr]) -> Result<Value, Failure> {
    let name = name.to_lowercase();
    let texts: Vec<String> = list
        .iter()
        .map(|one| one.attribute(&name))
        .collect::<Result<_, _>>()?;
    Ok(texts.join(separator).into())
}

fn attr(call: &mut Call<'_>) -> Result<Value, Failure> {
    let name = call.str(0).to_lowercase();
    let value = call.arg(1);
    let one = match value {
        Value::List(list) if Some(IF_ADDRS) == value.type_of() => {
            match IfAddr::of_list(list).first() {
                Some(first) => first.clone(),
                None => return Ok("".into()),
            }
        }
        _ => IfAddr::of(value).ok_or_else(|| {
            let shown = crate::fmt::sprint(std::slice::from_ref(value)).unwrap_or_default();
            Failure::new(format!(
                "unable to obtain attribute {name} from type {} ({})",
                value.type_name(),
                String::from_utf8_lossy(&shown)
            ))
        })?,
    };
    Ok(one.attribute(&name)?.into())
}

fn offset(call: &mut Call<'_>) -> Result<Value, Failure> {
    let list = list(call, 1);
    let by = call.int(0);
    let steps = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if steps > list.len() {
        return Err(Failure::new(format!(
            "unable to seek past the end of the interface array: offset ({steps}) exceeds the number of interfaces ({})",
            list.len()
        )));
    }
    let from = if by < 0 { list.len() - steps } else { steps };
    Ok(IfAddr::list(list[from..].to_vec()))
}
