use crate::stanza::{Reading, Stanza};

/// The `vault` stanza: where the server is and how to trust it. Empty texts are not set.
///
/// Flags and environment come before it; [`crate::Config`] holds only what the files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// `address`, if given.
    pub address: Option<String>,
    /// `ca_cert`: a PEM file.
    pub ca_cert: Option<String>,
    /// `ca_path`: a directory of PEM files.
    pub ca_path: Option<String>,
    /// `client_cert`: a PEM file.
    pub client_cert: Option<String>,
    /// `client_key`: a PEM file.
    pub client_key: Option<String>,
    /// `tls_server_name`: the name that is asked for and checked.
    pub tls_server_name: Option<String>,
    /// `tls_skip_verify`, if given.
    pub tls_skip_verify: Option<bool>,
    /// `namespace`, with exactly one slash at the end and none at the beginning.
    pub namespace: Option<String>,
    /// `retry.num_retries`: how often a failed request for a secret is made again; `None` is never.
    /// 12 unless given; 0 means 12 and -1 none, as in the reference.
    pub num_retries: Option<u32>,
}

/// How often a failed request is made again, unless configured.
pub(crate) const DEFAULT_RETRIES: u32 = 12;

impl Default for Vault {
    fn default() -> Self {
        Self {
            address: None,
            ca_cert: None,
            ca_path: None,
            client_cert: None,
            client_key: None,
            tls_server_name: None,
            tls_skip_verify: None,
            namespace: None,
            num_retries: Some(DEFAULT_RETRIES),
        }
    }
}

impl Vault {
    pub(crate) fn read(stanza: &Stanza<'_>, reading: &mut Reading) -> Self {
        let mut num_retries = None;
        for (number, retry) in stanza.blocks(reading, "retry").iter().enumerate() {
            if number == 1 {
                let text = "error parsing 'retry': one and only one \"retry\" block is required";
                stanza.problem(reading, retry.at, text);
            }
            num_retries = retry.integer(reading, "num_retries").or(num_retries);
        }
        Self {
            address: stanza.set_text(reading, "address"),
            ca_cert: stanza.set_text(reading, "ca_cert"),
            ca_path: stanza.set_text(reading, "ca_path"),
            client_cert: stanza.set_text(reading, "client_cert"),
            client_key: stanza.set_text(reading, "client_key"),
            tls_server_name: stanza.set_text(reading, "tls_server_name"),
            tls_skip_verify: stanza.loose_bool(reading, "tls_skip_verify"),
            namespace: stanza
                .text(reading, "namespace")
                .and_then(|text| namespace(&text)),
            num_retries: match num_retries {
                None | Some(0) => Some(DEFAULT_RETRIES),
                Some(number) => u32::try_from(number).ok(),
            },
        }
    }
}

/// A namespace with exactly one slash at the end and none at the beginning; `None` for the root.
#[must_use]
pub fn namespace(text: &str) -> Option<String> {
    let name = text.trim().trim_matches('/');
    (!name.is_empty()).then(|| format!("{name}/"))
}

#[cfg(test)]
mod tests {
    use super::namespace;

    #[test]
    fn a_namespace_gets_one_slash_at_its_end() {
        for (given, canonical) in [
            ("ns1", Some("ns1/")),
            ("/ns1//", Some("ns1/")),
            ("a/b/", Some("a/b/")),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(namespace(given).as_deref(), canonical, "{given:?}");
        }
    }
}
