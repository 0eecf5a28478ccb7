//! What has to be fetched: secrets, listings, certificates, files.

use std::collections::BTreeMap;

use crate::functions::{Call, Failure, Function};
use crate::host::{Answer, Dependency};
use crate::secret::{CertificatesObject, SecretObject};
use crate::strings;
use crate::url;
use crate::value::{List, Text, Type, Value};

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "file",
        "file PATH",
        "The content of a local file, which is watched for changes.",
        &[Type::String],
        Type::String,
        |call| {
            let path = call.str(0).into_owned();
            if path.is_empty() {
                return Ok("".into());
            }
            match call.lookup(Dependency::File { path }) {
                Some(Answer::File(content)) => Ok(content.into()),
                None => Ok("".into()),
                Some(answer) => Err(unexpected(answer)),
            }
        },
    ),
    Function::variadic(
        "pkiCert",
        "pkiCert PATH [K=V]...",
        "A certificate that is issued when there is none or it is due: `.Cert`, `.Key`, `.CA`, `.CAChain`.",
        &[Type::String],
        Type::Any,
        |call| {
            if call.is_empty() {
                return Ok(Value::Nil);
            }
            let (path, _) = path_and_query(call)?;
            let parameters = parameters(call)?;
            match call.lookup(Dependency::Pki { path, parameters }) {
                Some(Answer::Certificates(certificates)) => {
                    Ok(Value::object(CertificatesObject(certificates)))
                }
                None => Ok(Value::Nil),
                Some(answer) => Err(unexpected(answer)),
            }
        },
    ),
    Function::variadic(
        "secret",
        "secret PATH [K=V]...",
        "Reads the secret at PATH; with any further argument, even an empty one, writes to it.",
        &[Type::String],
        Type::Pointer("*dependency.Secret"),
        |call| {
            if call.is_empty() {
                return Ok(Value::Nil);
            }
            let dependency = if call.len() > 1 {
                Dependency::Write {
                    path: plain_path(call)?,
                    parameters: parameters(call)?,
                }
            } else {
                let (path, query) = path_and_query(call)?;
                Dependency::Read { path, query }
            };
            match call.lookup(dependency) {
                Some(Answer::Secret(Some(secret))) => Ok(Value::object(SecretObject::new(secret)?)),
                None | Some(Answer::Secret(None)) => Ok(Value::Nil),
                Some(answer) => Err(unexpected(answer)),
            }
        },
    ),
    Function::new(
        "secrets",
        "secrets PATH",
        "The sorted names below PATH.",
        &[Type::String],
        Type::STRING_LIST,
        |call| {
            let empty = || Ok(List::of_strings::<Text>([]).into());
            let path = String::from_utf8_lossy(call.text(0))
                .trim_matches(surrounding)
                .to_owned();
            if path.is_empty() {
                return empty();
            }
            match call.lookup(Dependency::List { path }) {
                Some(Answer::List(names)) => Ok(Value::strings(names)),
                None => empty(),
                Some(answer) => Err(unexpected(answer)),
            }
        },
    ),
];

fn surrounding(c: char) -> bool {
    c == '/' || c.is_whitespace()
}

fn unexpected(answer: Answer) -> Failure {
    match answer {
        Answer::Failed(text) => Failure::new(text),
        _ => Failure::new("the answer is of another kind than the question"),
    }
}

/// The path of a write without the slashes and white space around it: `?`, `#` and `%` are part of a name there.
fn plain_path(call: &Call<'_>) -> Result<String, Failure> {
    let path = String::from_utf8_lossy(call.text(0));
    not_empty("write", path.trim_matches(surrounding))
}

/// What is read is written as a URL is: the decoded path without the slashes around it, and the query after `?`. A fragment
/// is left out.
fn path_and_query(call: &Call<'_>) -> Result<(String, String), Failure> {
    let mut whole = strings::trim_space(call.text(0));
    while let [b'/', rest @ ..] = whole {
        whole = rest;
    }
    not_empty("read", &String::from_utf8_lossy(whole))?;
    let url = url::parse(whole).map_err(Failure::new)?;
    let path = not_empty("read", String::from_utf8_lossy(&url.path).trim_matches('/'))?;
    Ok((path, String::from_utf8_lossy(&url.query).into_owned()))
}

fn not_empty(kind: &str, path: &str) -> Result<String, Failure> {
    if path.is_empty() {
        return Err(Failure::new(format!("vault.{kind}: invalid format: \"\"")));
    }
    Ok(path.to_owned())
}

/// The `k=v` pairs after the path, both sides trimmed; empty texts are skipped.
fn parameters(call: &Call<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let mut parameters = BTreeMap::new();
    for pair in call.rest(1) {
        let pair = pair
            .as_text()
            .map(|text| text.to_lossy().into_owned())
            .unwrap_or_default();
        if pair.is_empty() {
            continue;
        }
        let Some((key, value)) = pair.split_once('=') else {
            let quoted = pannier_go::quote::quote(&pair);
            return Err(Failure::new(format!("not k=v pair {quoted}")));
        };
        parameters.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(parameters)
}
