//! The shell line that revokes the token when the sidecar is stopped.

use std::borrow::Cow;

use crate::agent::Agent;
use crate::annotations::key;
use crate::effective::Effective;

/// The line. All that the agent needs to reach Vault is said again, since this command does not read its configuration.
pub(crate) fn command(agent: &Agent<'_>, annotations: &Effective<'_>) -> String {
    let mut flags = vec![format!(
        "-address={}",
        quote(annotations.get(key!("service")))
    )];
    for (flag, key) in [
        ("-ca-cert", key!("ca-cert")),
        ("-client-cert", key!("client-cert")),
        ("-client-key", key!("client-key")),
        ("-ca-path", key!("ca-key")),
        ("-namespace", key!("namespace")),
        ("-tls-server-name", key!("tls-server-name")),
    ] {
        let value = annotations.get(key);
        if !value.is_empty() {
            flags.push(format!("{flag}={}", quote(value)));
        }
    }
    if agent.tls_skip_verify {
        flags.push("-tls-skip-verify".to_owned());
    }
    flags.push("-self".to_owned());
    format!(
        "/bin/sleep {} && /bin/vault token revoke {}",
        agent.revoke_grace,
        flags.join(" ")
    )
}

/// A word that the shell takes as it is; the usual characters of addresses and paths need no quotes. No backslashes: the
/// agent image's own shell has none.
pub(crate) fn quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if word.chars().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r#"'"'"'"#)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_the_shell_would_change() {
        assert_eq!(
            quote("https://vault.vault.svc:8200/a_b-c@d=%20"),
            "https://vault.vault.svc:8200/a_b-c@d=%20"
        );
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("$(id); 'x'"), r#"'$(id); '"'"'x'"'"''"#);
    }
}
