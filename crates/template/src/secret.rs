//! What a read or write of Vault answers, as templates see it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use pannier_go::json::Json;

use crate::datetime::{self, Time};
use crate::functions::Failure;
use crate::json::{Numbers, to_value};
use crate::value::{List, Map, Object, Shape, Type, Value};

/// A secret: plain data, shared between templates. Numbers keep the server's digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// The server's id of the request.
    pub request_id: String,
    /// The lease, `""` for none.
    pub lease_id: String,
    /// How long the lease lasts, in seconds.
    pub lease_duration: i64,
    /// Whether the lease can be renewed.
    pub renewable: bool,
    /// The data, an object or null. For KV v2 with the members `data` and `metadata`.
    pub data: Json,
    /// What the server warns of.
    pub warnings: Vec<String>,
    /// The token that was created, if one was.
    pub auth: Option<SecretAuth>,
    /// The wrapping token, if the answer was wrapped.
    pub wrap_info: Option<SecretWrapInfo>,
}

/// A token that an answer brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretAuth {
    /// The token.
    pub client_token: String,
    /// Its accessor.
    pub accessor: String,
    /// Its policies.
    pub policies: Vec<String>,
    /// What was noted about it.
    pub metadata: BTreeMap<String, String>,
    /// How long it lasts, in seconds.
    pub lease_duration: i64,
    /// Whether it can be renewed.
    pub renewable: bool,
}

/// The token that a wrapped answer is fetched with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretWrapInfo {
    /// The token.
    pub token: String,
    /// How long it lasts, in seconds.
    pub ttl: i64,
    /// When it was made.
    pub creation_time: String,
    /// The accessor of what is wrapped.
    pub wrapped_accessor: String,
}

/// A certificate with its key and authority, as `pkiCert` answers; each PEM text ends with a new line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The certificate.
    pub cert: String,
    /// Its private key.
    pub key: String,
    /// The certificate of the authority that signed it.
    pub ca: String,
    /// All certificates of authorities.
    pub ca_chain: Vec<String>,
}

impl Secret {
    /// The texts and numbers in it, for hiding them in errors.
    pub(crate) fn leaves(&self, see: &mut dyn FnMut(&[u8])) {
        json_leaves(&self.data, see);
        if let Some(auth) = &self.auth {
            see(auth.client_token.as_bytes());
            see(auth.accessor.as_bytes());
        }
        if let Some(wrap) = &self.wrap_info {
            see(wrap.token.as_bytes());
        }
    }
}

fn json_leaves(json: &Json, see: &mut dyn FnMut(&[u8])) {
    let mut pending = vec![json];
    while let Some(json) = pending.pop() {
        match json {
            Json::String(text) | Json::Number(text) => see(text.as_bytes()),
            Json::Array(items) => pending.extend(items),
            Json::Object(members) => pending.extend(members.values()),
            Json::Null | Json::Bool(_) => {}
        }
    }
}

/// A secret within one rendering: its data is a map that functions of the template may change.
pub(crate) struct SecretObject {
    secret: Arc<Secret>,
    data: Value,
}

impl SecretObject {
    pub(crate) fn new(secret: Arc<Secret>) -> Result<Self, Failure> {
        let data = match &secret.data {
            Json::Null => Value::Map(Map::nil(&Type::Any)),
            data => to_value(data, Numbers::Digits)?,
        };
        Ok(Self { secret, data })
    }
}

fn strings(texts: &[String]) -> Value {
    if texts.is_empty() {
        return Value::List(List::nil(&Type::String));
    }
    Value::strings(texts.iter().map(String::as_str))
}

impl Object for SecretObject {
    fn type_name(&self) -> &'static str {
        "*dependency.Secret"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let secret = &self.secret;
        vec![
            ("RequestID", secret.request_id.as_str().into()),
            ("LeaseID", secret.lease_id.as_str().into()),
            ("LeaseDuration", Value::int(secret.lease_duration)),
            ("Renewable", secret.renewable.into()),
            ("Data", self.data.clone()),
            ("Warnings", strings(&secret.warnings)),
            (
                "Auth",
                match &secret.auth {
                    Some(auth) => Value::object(AuthObject(auth.clone())),
                    None => Value::NilPointer(AUTH),
                },
            ),
            (
                "WrapInfo",
                match &secret.wrap_info {
                    Some(wrap) => Value::object(WrapObject(wrap.clone())),
                    None => Value::NilPointer(WRAP),
                },
            ),
        ]
    }

    fn field(&self, name: &str) -> Option<Value> {
        if name == "Data" {
            return Some(self.data.clone());
        }
        self.fields()
            .into_iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The time that RFC 3339 tells, or Go's zero time.
fn time(text: &str) -> Value {
    let layout = "2006-01-02T15:04:05.999999999Z07:00";
    Value::object(datetime::parse(layout, text).unwrap_or_else(|_| Time::zero()))
}

/// Whether the type of a nil pointer has a field of that name; `None` if the type is not one of a secret's parts.
pub(crate) fn nil_pointer_has(type_name: &str, field: &str) -> Option<bool> {
    let fields = match type_name {
        AUTH => AuthObject(SecretAuth::default()).fields(),
        WRAP => WrapObject(SecretWrapInfo::default()).fields(),
        _ => return None,
    };
    Some(fields.iter().any(|(name, _)| *name == field))
}

const AUTH: &str = "*dependency.SecretAuth";
const WRAP: &str = "*dependency.SecretWrapInfo";

struct AuthObject(SecretAuth);

impl Object for AuthObject {
    fn type_name(&self) -> &'static str {
        AUTH
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let auth = &self.0;
        let metadata = auth.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        vec![
            ("ClientToken", auth.client_token.as_str().into()),
            ("Accessor", auth.accessor.as_str().into()),
            ("Policies", strings(&auth.policies)),
            ("Metadata", Map::of_strings(metadata).into()),
            ("LeaseDuration", Value::int(auth.lease_duration)),
            ("Renewable", auth.renewable.into()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct WrapObject(SecretWrapInfo);

impl Object for WrapObject {
    fn type_name(&self) -> &'static str {
        WRAP
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let wrap = &self.0;
        vec![
            ("Token", wrap.token.as_str().into()),
            ("TTL", Value::int(wrap.ttl)),
            ("CreationTime", time(&wrap.creation_time)),
            ("WrappedAccessor", wrap.wrapped_accessor.as_str().into()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What `pkiCert` gives. Its `Data` is itself, so that `.Data.Cert` works as with `secret`.
pub(crate) struct CertificatesObject(pub(crate) Arc<Certificates>);

impl Object for CertificatesObject {
    fn type_name(&self) -> &'static str {
        "dependency.PemEncoded"
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", self.0.cert.as_str().into()),
            ("Key", self.0.key.as_str().into()),
            ("CA", self.0.ca.as_str().into()),
            (
                "CAChain",
                Value::strings(self.0.ca_chain.iter().map(String::as_str)),
            ),
        ]
    }

    fn field(&self, name: &str) -> Option<Value> {
        if name == "Data" {
            return Some(Value::object(Self(Arc::clone(&self.0))));
        }
        self.fields()
            .into_iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
