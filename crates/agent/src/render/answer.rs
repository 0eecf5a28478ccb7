//! What was fetched, as the template engine wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use pannier_go::json::Json;
use pannier_template::{Answer, Certificates, Secret, SecretAuth, SecretWrapInfo, Text};

use super::fetch::Fetched;

/// The answer a template gets.
pub(crate) fn of(value: Fetched) -> Answer {
    match value {
        Fetched::List(names) => Answer::List(names),
        Fetched::File(bytes) => Answer::File(Text::from(bytes.expose_bytes())),
        Fetched::Secret(found) => Answer::Secret(found.map(|found| Arc::new(secret(*found)))),
        Fetched::Certificates(found) => Answer::Certificates(Arc::new(Certificates {
            cert: found.cert.clone(),
            key: found.key.expose().to_owned(),
            ca: found.ca.clone(),
            ca_chain: found.ca_chain.clone(),
        })),
    }
}

/// A secret as templates see it.
pub fn secret(found: pannier_vault::Secret) -> Secret {
    let members = |json: Option<&Json>| {
        let members = json.and_then(Json::as_object).into_iter().flatten();
        let texts =
            members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        texts.collect::<BTreeMap<_, _>>()
    };
    Secret {
        request_id: found.request_id,
        lease_id: found.lease_id,
        lease_duration: found.lease_duration,
        renewable: found.renewable,
        data: found.data.unwrap_or(Json::Null),
        warnings: found.warnings,
        auth: found.auth.map(|auth| SecretAuth {
            client_token: auth.client_token.expose().to_owned(),
            accessor: auth.accessor,
            policies: auth.policies,
            metadata: members(auth.metadata.as_ref()),
            lease_duration: auth.lease_duration,
            renewable: auth.renewable,
        }),
        wrap_info: found.wrap_info.map(|wrap| SecretWrapInfo {
            token: wrap.token.expose().to_owned(),
            ttl: wrap.ttl,
            creation_time: wrap.creation_time,
            wrapped_accessor: wrap.wrapped_accessor,
        }),
    }
}
