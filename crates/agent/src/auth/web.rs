//! Requests to services other than Vault: metadata services, token services.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use pannier_redacted::Redacted;
use pannier_vault::{Address, Client, ClientConfig, Keep, Method, PassedOn, Policy, Request};

/// Metadata services are one hop away; one that does not answer soon is not there.
const METADATA_TIME: Duration = Duration::from_secs(5);

/// Token services are somewhere in the region.
const SERVICE_TIME: Duration = Duration::from_secs(30);

/// A service on this machine or its host, asked directly.
pub(crate) fn metadata(base: &str) -> Result<Client, String> {
    build(base, METADATA_TIME, None)
}

/// A public service, asked through the process's proxy if it has one.
pub(crate) fn service(base: &str, vault: &Client) -> Result<Client, String> {
    build(base, SERVICE_TIME, Some(vault.config()))
}

fn build(base: &str, timeout: Duration, like: Option<&ClientConfig>) -> Result<Client, String> {
    let address = Address::parse(base).map_err(|error| format!("{base}: {error}"))?;
    let mut config = ClientConfig {
        timeout,
        ..ClientConfig::new(address)
    };
    if let Some(like) = like {
        config.tls.system_roots.clone_from(&like.tls.system_roots);
        config.proxy.http.clone_from(&like.proxy.http);
        config.proxy.https.clone_from(&like.proxy.https);
        config.proxy.no_proxy.clone_from(&like.proxy.no_proxy);
    }
    let client = Client::new(config).map_err(|error| format!("{base}: {error}"))?;
    Ok(client.with_policy(Policy {
        user_agent: "pannier-agent".to_owned(),
        retries: 2,
        keep: Keep::Close,
    }))
}

/// GET. The target begins with `/` and is escaped already.
pub(crate) async fn get(
    client: &Client,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<Redacted, String> {
    call(client, Method::GET, target, headers, None).await
}

/// Any request; the answer's body, or an error that names the URL and what the service said.
pub(crate) async fn call(
    client: &Client,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Result<Redacted, String> {
    let mut request = Request::new(method, "");
    // A target and headers of our own: no `/v1/`, and nothing of Vault's goes to a stranger.
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let mut value = HeaderValue::try_from(*value)
            .map_err(|_| format!("header `{name}`: the value is not allowed in HTTP"))?;
        value.set_sensitive(true);
        map.insert(
            HeaderName::try_from(*name).map_err(|error| error.to_string())?,
            value,
        );
    }
    request.passed_on = Some(PassedOn {
        target: target.to_owned(),
        headers: map,
    });
    request.body = body.map(|body| body.to_vec().into());
    let what = || {
        let path = target.split('?').next().unwrap_or_default();
        format!("{} {}", request.method, client.config().address.url(path))
    };
    let answer = client
        .exchange(&request)
        .await
        .map_err(|error| error.to_string())?;
    if !(200..300).contains(&answer.status) {
        let said: String = String::from_utf8_lossy(&answer.body)
            .chars()
            .filter(|c| !c.is_control())
            .take(300)
            .collect();
        return Err(format!("{}: status {}: {said}", what(), answer.status));
    }
    Ok(Redacted::from(answer.body.as_slice()))
}

/// A form body.
pub(crate) fn form(members: &[(&str, &str)]) -> zeroize::Zeroizing<String> {
    let escape = super::aws::sigv4::escape;
    let pairs: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&").into()
}
