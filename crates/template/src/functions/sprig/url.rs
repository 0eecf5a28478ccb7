//! URLs, as dictionaries of their parts.

use super::types::kind;
use crate::functions::{Call, Failure, Function};
use crate::url::{self, Url};
use crate::value::{Map, Text, Type, Value};

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_urlJoin",
        "sprig_urlJoin D",
        "The URL of the parts in D: `scheme host path query opaque fragment userinfo`.",
        &[Type::ANY_MAP],
        Type::String,
        join,
    ),
    Function::new(
        "sprig_urlParse",
        "sprig_urlParse S",
        "The parts of a URL: `scheme host hostname path query opaque fragment userinfo`.",
        &[Type::String],
        Type::ANY_MAP,
        |call| {
            let url = url::parse(call.text(0))
                .map_err(|error| Failure::new(format!("unable to parse url: {error}")))?;
            let hostname = url.hostname().to_vec();
            Ok(Map::of_any::<&str>([
                ("fragment", url.fragment.into()),
                ("hostname", hostname.into()),
                ("host", url.host.into()),
                ("opaque", url.opaque.into()),
                ("path", url.path.into()),
                ("query", url.query.into()),
                ("scheme", url.scheme.into()),
                ("userinfo", url.user.unwrap_or_default().into()),
            ])
            .into())
        },
    ),
];

fn join(call: &mut Call<'_>) -> Result<Value, Failure> {
    let map = call.map(0);
    let part = |key: &str| match map.get(key.as_bytes()) {
        None => Ok(Text::default()),
        Some(Value::String(text) | Value::Number(text)) => Ok(text),
        Some(other) => {
            let found = kind(&other);
            Err(Failure::new(format!(
                "unable to parse {key} key, must be of type string, but {found} found"
            )))
        }
    };
    let mut joined = Url {
        scheme: part("scheme")?.to_lossy().into_owned(),
        host: part("host")?.to_vec(),
        path: part("path")?.to_vec(),
        query: part("query")?.to_vec(),
        opaque: part("opaque")?.to_vec(),
        fragment: part("fragment")?.to_vec(),
        ..Url::default()
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let whole = [b"proto://", &user[..], b"@host"].concat();
        let parsed = url::parse(&whole);
        joined.user = parsed
            .map_err(|error| Failure::new(format!("unable to parse userinfo in dict: {error}")))?
            .user;
    }
    Ok(joined.text().into())
}
