//! Our webhooks in a MutatingWebhookConfiguration: which they are, what they trust, and the change that makes them
//! trust more. Pure.

use super::authorities::{self, Authority};
use super::machine::Hook;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use serde_json::{Value, json};

/// The webhooks that call a server with one of `hosts` as its name; without any such, the first one (which is the one
/// the reference keeps).
pub(crate) fn ours(configuration: &MutatingWebhookConfiguration, hosts: &[String]) -> Vec<Hook> {
    let all = configuration.webhooks.as_deref().unwrap_or_default();
    let ours: Vec<Hook> = all
        .iter()
        .filter(|webhook| calls(webhook, hosts))
        .map(hook)
        .collect();
    if ours.is_empty() {
        all.first().map(hook).into_iter().collect()
    } else {
        ours
    }
}

/// What to send with server-side apply so that `hooks` trust exactly `bundle`. The version makes it fail if somebody
/// changed the configuration meanwhile, or deleted it.
pub(crate) fn apply(
    configuration: &MutatingWebhookConfiguration,
    hooks: &[Hook],
    bundle: &[Authority],
) -> Value {
    use base64::Engine;
    let pem = authorities::to_pem(bundle);
    let encoded = base64::engine::general_purpose::STANDARD.encode(pem);
    let webhooks: Vec<Value> = hooks
        .iter()
        .map(|hook| json!({"name": hook.name, "clientConfig": {"caBundle": encoded}}))
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {
            "name": configuration.metadata.name,
            "resourceVersion": configuration.metadata.resource_version,
        },
        "webhooks": webhooks,
    })
}

fn hook(webhook: &MutatingWebhook) -> Hook {
    let bundle = webhook
        .client_config
        .ca_bundle
        .as_ref()
        .map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
    Hook {
        name: webhook.name.clone(),
        server_name: server_name(webhook).unwrap_or_default(),
        authorities: bundle
            .map(|bundle| authorities::parse(&bundle))
            .unwrap_or_default(),
    }
}

/// The name that the API server checks the certificate against.
fn server_name(webhook: &MutatingWebhook) -> Option<String> {
    let client = &webhook.client_config;
    if let Some(service) = &client.service {
        return Some(format!("{}.{}.svc", service.name, service.namespace));
    }
    let after_scheme = client.url.as_deref()?.strip_prefix("https://")?;
    let authority = after_scheme.split(['/', '?', '#']).next()?;
    let bracketed = authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let host = bracketed.map_or_else(
        || authority.split(':').next().unwrap_or_default(),
        |(host, _)| host,
    );
    Some(host.to_owned())
}

fn calls(webhook: &MutatingWebhook, hosts: &[String]) -> bool {
    let Some(name) = server_name(webhook) else {
        return false;
    };
    hosts.contains(&name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::certificates::issue::issue;
    use jiff::Timestamp;

    fn configuration(webhooks: &Value) -> MutatingWebhookConfiguration {
        serde_json::from_value(
            json!({"metadata": {"name": "cfg", "resourceVersion": "7"}, "webhooks": webhooks}),
        )
        .unwrap()
    }

    fn webhook(name: &str, client: &Value) -> Value {
        json!({"name": name, "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"]})
    }

    #[test]
    fn ours_are_those_that_call_one_of_our_names() {
        let service = |name: &str| json!({"service": {"name": name, "namespace": "vault", "path": "/mutate"}});
        let both = configuration(&json!([
            webhook("other", &service("other")),
            webhook("one", &service("injector")),
            webhook(
                "two",
                &json!({"url": "https://injector.vault.svc:8443/mutate"})
            ),
            webhook("three", &json!({"url": "https://[fd00::1]:8443/mutate"})),
        ]));
        let names = |hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
            ours(&both, &hosts)
                .into_iter()
                .map(|hook| (hook.name, hook.server_name))
                .collect::<Vec<_>>()
        };
        let pair = |name: &str, server: &str| (name.to_owned(), server.to_owned());
        assert_eq!(
            names(&["injector", "injector.vault.svc"]),
            [
                pair("one", "injector.vault.svc"),
                pair("two", "injector.vault.svc")
            ]
        );
        assert_eq!(names(&["fd00::1"]), [pair("three", "fd00::1")]);
        assert_eq!(
            names(&["nobody"]),
            [pair("other", "other.vault.svc")],
            "else the first"
        );
        assert_eq!(ours(&configuration(&json!(null)), &[]), []);
    }

    #[test]
    fn the_change_names_only_our_webhooks_and_their_bundle() {
        let service =
            json!({"service": {"name": "injector", "namespace": "vault"}, "caBundle": "Q0E="});
        let configuration = configuration(&json!([
            webhook("other", &json!({"url": "https://x/"})),
            webhook("one", &service)
        ]));
        let hooks = ours(&configuration, &["injector.vault.svc".to_owned()]);
        assert_eq!(
            hooks[0].authorities,
            [],
            "the chart's placeholder is no authority"
        );
        let made = issue(&[], Timestamp::now(), std::time::Duration::from_secs(60)).unwrap();
        let change = apply(&configuration, &hooks, &authorities::parse(&made.ca));
        assert_eq!(
            change["metadata"],
            json!({"name": "cfg", "resourceVersion": "7"})
        );
        assert_eq!(change["webhooks"].as_array().unwrap().len(), 1);
        let after = serde_json::from_value(
            json!({"webhooks": [webhook("one", &change["webhooks"][0]["clientConfig"])]}),
        )
        .unwrap();
        assert_eq!(
            ours(&after, &[])[0].authorities,
            authorities::parse(&made.ca)
        );
    }
}
