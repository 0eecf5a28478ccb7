//! The flags of the agent command: one table, from which the parser, the help and the reference page come.

use pannier_go::flag::{self, Flag, FlagError, Kind};
use pannier_go::{Duration as GoDuration, integer};

/// Every flag of `vault agent`.
pub static FLAGS: [Flag; 31] = [
    value(
        "config",
        "PATH",
        "VAULT_AGENT_CONFIG_PATH",
        "",
        "Configuration file or directory; repeat it for several.",
    ),
    switch(
        "exit-after-auth",
        "",
        "Do everything once, then end; overrides `exit_after_auth` either way.",
    ),
    value(
        "log-level",
        "LEVEL",
        "VAULT_LOG_LEVEL",
        "info",
        "`trace`, `debug`, `info`, `warn` or `error`.",
    ),
    value(
        "log-format",
        "FORMAT",
        "VAULT_LOG_FORMAT",
        "standard",
        "`standard` or `json`.",
    ),
    value(
        "log-file",
        "PATH",
        "",
        "",
        "Also write the log to this file; a path that ends in `/` gets the name `agent.log`.",
    ),
    value(
        "log-rotate-bytes",
        "BYTES",
        "",
        "0",
        "Start a new log file at this size; 0 is no limit.",
    ),
    value(
        "log-rotate-duration",
        "DURATION",
        "",
        "24h",
        "Start a new log file after this time.",
    ),
    value(
        "log-rotate-max-files",
        "COUNT",
        "",
        "0",
        "Older log files to keep: 0 is all, -1 none.",
    ),
    hidden(switch(
        "combine-logs",
        "",
        "Write the log to standard output.",
    )),
    value(
        "address",
        "URL",
        "VAULT_ADDR",
        "https://127.0.0.1:8200",
        "The server: `http`, `https` or `unix:///path`.",
    ),
    value(
        "agent-address",
        "URL",
        "VAULT_AGENT_ADDR",
        "",
        "Where `token revoke` is sent instead; the agent itself talks to the server only.",
    ),
    value(
        "ca-cert",
        "FILE",
        "VAULT_CACERT",
        "",
        "PEM file with the certificates to trust.",
    ),
    value(
        "ca-path",
        "DIRECTORY",
        "VAULT_CAPATH",
        "",
        "Directory of such files; `-ca-cert` comes first.",
    ),
    value(
        "client-cert",
        "FILE",
        "VAULT_CLIENT_CERT",
        "",
        "PEM file with the agent's certificate; needs `-client-key`.",
    ),
    value(
        "client-key",
        "FILE",
        "VAULT_CLIENT_KEY",
        "",
        "PEM file with its key.",
    ),
    value(
        "tls-server-name",
        "NAME",
        "VAULT_TLS_SERVER_NAME",
        "",
        "Name that is asked for and checked.",
    ),
    switch(
        "tls-skip-verify",
        "VAULT_SKIP_VERIFY",
        "Trust any certificate.",
    ),
    value(
        "namespace",
        "NAMESPACE",
        "VAULT_NAMESPACE",
        "",
        "Namespace of every request.",
    ),
    hidden(value(
        "ns",
        "NAMESPACE",
        "",
        "",
        "Short for `-namespace`, and before it.",
    )),
    value(
        "header",
        "KEY=VALUE",
        "",
        "",
        "Further header of every request; repeat it for several.",
    ),
    value(
        "wrap-ttl",
        "DURATION",
        "VAULT_WRAP_TTL",
        "",
        "Accepted; the agent has no use for it.",
    ),
    value(
        "mfa",
        "CREDENTIALS",
        "VAULT_MFA",
        "",
        "Accepted; the agent has no use for it.",
    ),
    switch(
        "policy-override",
        "",
        "Accepted; the agent has no use for it.",
    ),
    switch(
        "disable-redirects",
        "VAULT_DISABLE_REDIRECTS",
        "Follow no redirect.",
    ),
    switch("non-interactive", "", "Accepted; the agent never asks."),
    value(
        "unlock-key",
        "KEY",
        "",
        "",
        "Accepted; the agent has no use for it.",
    ),
    switch(
        "output-curl-string",
        "",
        "`token revoke` prints a curl command instead; the agent has no use for it.",
    ),
    switch(
        "output-policy",
        "",
        "`token revoke` prints the policy that it needs instead; the agent has no use for it.",
    ),
    hidden(switch(
        "test-verify-only",
        "",
        "Read and check the configuration, then end.",
    )),
    hidden(switch(
        "test-server-config",
        "",
        "Accepted; the agent has no use for it.",
    )),
    hidden(value(
        "dev-plugin-dir",
        "DIRECTORY",
        "",
        "",
        "Accepted; the agent has no use for it.",
    )),
];

const fn value(
    name: &'static str,
    word: &'static str,
    env: &'static str,
    default: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        kind: Kind::Value(word),
        env,
        default,
        help,
        hidden: false,
    }
}

const fn switch(name: &'static str, env: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        kind: Kind::Bool,
        env,
        default: "false",
        help,
        hidden: false,
    }
}

const fn hidden(flag: Flag) -> Flag {
    Flag {
        hidden: true,
        ..flag
    }
}

/// The flags that were given; what follows them is ignored, as in the reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    given: flag::Parsed,
}

/// Why a command line is refused. All of them end with code 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// `-h` or `-help`: print [`help`] and end with code 0.
    #[error("flag: help requested")]
    Help,
    /// The flags themselves.
    #[error("{}", in_words(.0))]
    Flag(FlagError),
    /// A flag's value.
    #[error("invalid value {} for flag -{flag}: {cause}", pannier_go::quote::quote(.value))]
    Value {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Vault's commands parse booleans themselves and say what Go's parser said.
fn in_words(error: &FlagError) -> String {
    let text = error.to_string();
    match error {
        FlagError::InvalidBoolean { value, .. } => {
            let value = pannier_go::quote::quote(value);
            let cause = format!("strconv.ParseBool: parsing {value}: invalid syntax");
            text.replace("parse error", &cause)
        }
        _ => text,
    }
}

impl Arguments {
    /// Reads the words after `agent`.
    ///
    /// # Errors
    ///
    /// The first mistake, in the reference's words.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, ArgumentsError> {
        let given = flag::parse(&FLAGS, words).map_err(|error| match error {
            FlagError::Help => ArgumentsError::Help,
            error => ArgumentsError::Flag(error),
        })?;
        for (flag, value) in &given.given {
            let cause = match *flag {
                "log-rotate-bytes" | "log-rotate-max-files" => integer::parse_int(value, 0)
                    .err()
                    .map(|error| error.to_string()),
                "log-rotate-duration" | "wrap-ttl" => GoDuration::parse_seconds(value)
                    .err()
                    .map(|error| error.to_string()),
                "header" if !value.contains('=') => Some(format!(
                    "missing = in KV pair: {}",
                    pannier_go::quote::quote(value)
                )),
                _ => None,
            };
            if let Some(cause) = cause {
                return Err(ArgumentsError::Value {
                    flag,
                    value: value.clone(),
                    cause,
                });
            }
        }
        Ok(Self { given })
    }

    /// The last value of a flag, if it was given.
    #[must_use]
    pub fn last(&self, flag: &str) -> Option<&str> {
        self.given.last(flag)
    }

    /// Every value of a flag.
    pub fn all<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.given.all(flag)
    }

    /// A switch, if it was given.
    #[must_use]
    pub fn switch(&self, flag: &str) -> Option<bool> {
        self.given.bool(flag)
    }
}

/// The help of the command.
#[must_use]
pub fn help() -> String {
    format!(
        "Usage: vault agent [options]\n\n  Logs in to Vault or OpenBao, keeps the token alive, and renders secrets into files.\n\n  \
         $ vault agent -config=/etc/vault/agent.hcl\n\nOptions:\n\n{}",
        flag::help(&FLAGS)
    )
}

/// The flags as a Markdown table.
#[must_use]
pub fn markdown() -> String {
    flag::markdown(&FLAGS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn refusal(words: &[&str]) -> String {
        Arguments::parse(words).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_told_in_the_references_words() {
        for (words, text) in [
            (&["-foo"][..], "flag provided but not defined: -foo"),
            (
                &["-header", "foo"],
                "invalid value \"foo\" for flag -header: missing = in KV pair: \"foo\"",
            ),
            (
                &["-log-rotate-bytes=x"],
                "invalid value \"x\" for flag -log-rotate-bytes: strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                &["-wrap-ttl=x"],
                "invalid value \"x\" for flag -wrap-ttl: time: invalid duration \"x\"",
            ),
            (&["-config"], "flag needs an argument: -config"),
        ] {
            assert_eq!(refusal(words), text);
        }
        assert_eq!(Arguments::parse(&["--help"]), Err(ArgumentsError::Help));
    }

    #[test]
    fn a_config_is_not_cut_at_commas_and_words_that_follow_are_ignored() {
        let arguments = Arguments::parse(&[
            "-config=a,b",
            "--config",
            "c",
            "-exit-after-auth=false",
            "x",
            "-y",
        ])
        .unwrap();
        assert_eq!(arguments.all("config").collect::<Vec<_>>(), ["a,b", "c"]);
        assert_eq!(arguments.switch("exit-after-auth"), Some(false));
        assert_eq!(arguments.switch("combine-logs"), None);
    }

    #[test]
    fn the_help_shows_every_flag_that_is_not_hidden() {
        let help = help();
        for flag in &FLAGS {
            assert_eq!(
                help.contains(&format!("  -{}", flag.name)),
                !flag.hidden,
                "{}",
                flag.name
            );
        }
    }
}
