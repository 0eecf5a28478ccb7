//! `cert`: the TLS client certificate is the proof.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use pannier_agent_config::MethodConfig;
use pannier_vault::{Client, Pem, TlsSettings};

use super::jwt::seconds;
use super::method::{Credentials, MethodError, body};

#[derive(Debug)]
pub(crate) struct Cert {
    name: Option<String>,
    /// Certificates only for the login; without them those of the `vault` stanza are shown.
    tls: Option<TlsSettings>,
    reload: bool,
    period: Duration,
    client: Option<Client>,
    seen: Vec<Option<SystemTime>>,
}

impl Cert {
    pub(super) fn new(config: &MethodConfig) -> Result<Self, MethodError> {
        let text = |key| {
            Ok::<_, MethodError>(
                config
                    .text(key)?
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            )
        };
        let pem = |path: Option<String>| path.map(|path| Pem::File(PathBuf::from(path)));
        let (ca, cert, key) = (text("ca_cert")?, text("client_cert")?, text("client_key")?);
        let own = ca.is_some() || (cert.is_some() && key.is_some());
        let tls = own.then(|| TlsSettings {
            ca: pem(ca),
            client_cert: pem(cert),
            client_key: pem(key),
            ..TlsSettings::default()
        });
        let mut cert = Self {
            name: text("name")?,
            tls,
            reload: config.bool("reload")?.unwrap_or(false),
            period: seconds(config, "reload_period")?.unwrap_or(Duration::from_mins(1)),
            client: None,
            seen: Vec::new(),
        };
        cert.seen = cert.times();
        Ok(cert)
    }

    pub(super) fn credentials(&mut self, client: &Client) -> Result<Credentials, String> {
        let body = match &self.name {
            Some(name) => body(&[("name", &name.as_str().into())]),
            None => body(&[]),
        };
        if self.reload {
            self.client = None;
        }
        if let (Some(tls), None) = (&self.tls, &self.client) {
            let mut config = client.config().clone();
            config.tls = tls.clone();
            let own = Client::new(config).map_err(|error| error.to_string())?;
            self.client = Some(
                own.with_namespace(client.namespace())
                    .with_policy(client.policy().clone()),
            );
        }
        Ok(Credentials::Login {
            body,
            client: self.client.clone(),
            below: None,
        })
    }

    pub(super) fn period(&self) -> Option<Duration> {
        (self.reload && self.tls.is_some()).then_some(self.period)
    }

    /// True if the certificate files changed since the last look.
    pub(super) fn poll(&mut self) -> bool {
        let times = self.times();
        let news = times != self.seen && times.iter().all(Option::is_some);
        self.seen = times;
        news
    }

    fn times(&self) -> Vec<Option<SystemTime>> {
        let Some(tls) = &self.tls else {
            return Vec::new();
        };
        let files = [&tls.ca, &tls.client_cert, &tls.client_key]
            .into_iter()
            .flatten();
        files
            .map(|pem| match pem {
                Pem::File(path) => std::fs::metadata(path)
                    .and_then(|metadata| metadata.modified())
                    .ok(),
                Pem::Bytes(_) => None,
            })
            .collect()
    }
}
