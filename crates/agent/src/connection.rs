//! From settings to a client, and to the variables that commands and templates see.

use std::path::PathBuf;
use std::time::Duration;

use pannier_agent_config::{Environment, Settings};
use pannier_redacted::Redacted;
use pannier_vault::{
    Address, AddressError, ClientConfig, Pem, ProxySettings, RateLimit, TlsSettings,
};

/// The limit of a call without retries, for parts that have their own.
pub(crate) const NO_RETRIES: u32 = 0;

/// How often a request of a template is sent again, unless `VAULT_MAX_RETRIES` says otherwise.
pub(crate) const TEMPLATE_RETRIES: u32 = 2;

/// How long an unused connection stays open for a request that may follow soon.
const KEEP_IDLE: Duration = Duration::from_secs(5);

/// What a client is built from.
///
/// # Errors
///
/// When the address is none.
pub fn client_config(
    settings: &Settings,
    environment: &Environment,
) -> Result<ClientConfig, AddressError> {
    let tls = &settings.tls;
    let pem = |file: &Option<String>, bytes: &Option<Redacted>| match (file, bytes) {
        (Some(file), _) => Some(Pem::File(PathBuf::from(file))),
        (None, bytes) => bytes.clone().map(Pem::Bytes),
    };
    let mut client = ClientConfig::new(Address::parse(&settings.address)?);
    client.tls = TlsSettings {
        ca: pem(&tls.ca_cert, &tls.ca_cert_bytes),
        ca_dir: tls.ca_path.as_ref().map(PathBuf::from),
        client_cert: pem(&tls.client_cert, &tls.client_cert_bytes),
        client_key: pem(&tls.client_key, &tls.client_key_bytes),
        server_name: tls.server_name.clone(),
        skip_verify: tls.skip_verify,
        system_roots: system_roots(environment),
    };
    client.proxy = ProxySettings {
        always: settings.proxy.always.clone(),
        http: settings.proxy.http.clone(),
        https: settings.proxy.https.clone(),
        no_proxy: settings.proxy.no_proxy.clone(),
    };
    client.namespace = settings.namespace.clone().unwrap_or_default();
    client.timeout = settings.timeout;
    client.headers.clone_from(&settings.headers);
    client.follow_redirects = !settings.disable_redirects;
    client.rate_limit = settings
        .rate_limit
        .map(|(rate, burst)| RateLimit { rate, burst });
    client.keep_idle = KEEP_IDLE;
    client.srv_lookup = settings.srv_lookup;
    Ok(client)
}

/// How to reach the server, for programs: `VAULT_ADDR` and so on, never the token.
#[must_use]
pub fn variables(settings: &Settings) -> Vec<(String, String)> {
    let tls = &settings.tls;
    let insecure = tls.skip_verify || settings.address.starts_with("http://");
    let text = |text: &Option<Redacted>| text.as_ref().map(|text| text.expose().to_owned());
    let all = [
        ("VAULT_ADDR", Some(settings.address.clone())),
        ("VAULT_SKIP_VERIFY", insecure.then(|| "true".to_owned())),
        ("VAULT_CACERT", tls.ca_cert.clone()),
        ("VAULT_CAPATH", tls.ca_path.clone()),
        ("VAULT_CACERT_BYTES", text(&tls.ca_cert_bytes)),
        ("VAULT_CLIENT_CERT", tls.client_cert.clone()),
        ("VAULT_CLIENT_KEY", tls.client_key.clone()),
        ("VAULT_TLS_SERVER_NAME", tls.server_name.clone()),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Go's variables for other places of the system's roots.
fn system_roots(environment: &Environment) -> Option<Vec<PathBuf>> {
    let (file, folders) = (
        environment.set("SSL_CERT_FILE"),
        environment.set("SSL_CERT_DIR"),
    );
    if file.is_none() && folders.is_none() {
        return None;
    }
    let folders = folders.into_iter().flat_map(|folders| folders.split(':'));
    Some(file.into_iter().chain(folders).map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use pannier_agent_config::{Arguments, Config};

    fn settings(pairs: &[(&str, &str)]) -> (Settings, Environment) {
        let environment = Environment::new(pairs.iter().map(|(name, value)| (*name, *value)));
        (
            Settings::new(&Arguments::default(), &environment, &Config::default()).unwrap(),
            environment,
        )
    }

    #[test]
    fn commands_see_how_to_reach_the_server() {
        let shown = |pairs: &[(&str, &str)]| {
            let variables = variables(&settings(pairs).0);
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            shown(&[("VAULT_ADDR", "http://v"), ("VAULT_TOKEN", "hvs.x")]),
            "VAULT_ADDR=http://v VAULT_SKIP_VERIFY=true"
        );
        assert_eq!(
            shown(&[
                ("VAULT_ADDR", "https://v"),
                ("VAULT_CACERT", "/ca"),
                ("VAULT_TLS_SERVER_NAME", "n")
            ]),
            "VAULT_ADDR=https://v VAULT_CACERT=/ca VAULT_TLS_SERVER_NAME=n"
        );
    }

    #[test]
    fn the_client_gets_what_the_settings_say() {
        let (settings, environment) = settings(&[
            ("VAULT_ADDR", "https://v:1"),
            ("VAULT_NAMESPACE", "/team"),
            ("VAULT_CLIENT_TIMEOUT", "7"),
            ("VAULT_CACERT", "/ca"),
            ("SSL_CERT_DIR", "/a:/b"),
        ]);
        let client = client_config(&settings, &environment).unwrap();
        assert_eq!(client.address.to_string(), "https://v:1");
        assert_eq!(
            (client.namespace.as_str(), client.timeout),
            ("team/", Duration::from_secs(7))
        );
        assert!(
            matches!(client.tls.ca, Some(Pem::File(path)) if path.as_path() == std::path::Path::new("/ca"))
        );
        assert_eq!(
            client.tls.system_roots,
            Some(vec!["/a".into(), "/b".into()])
        );
    }
}
