//! Every key that a configuration may have: the table behind the reference page, and what the readers are held to.
//!
//! In debug builds each read of a key looks it up here and fails when the key, or the way it is read, is not in the
//! table; a test sees that no row is left unread. So the page cannot say more or less than the code does.

use std::fmt;

/// One block of the configuration and its keys.
#[derive(Debug)]
pub struct Block {
    /// Where it stands: names with dots between them; empty for the top of a file.
    pub path: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its keys, in the order of the page.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As written in a file.
    pub name: &'static str,
    /// What is accepted.
    pub kind: Kind,
    /// What holds without it, in words or Markdown; empty for nothing.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// What a key accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text in double quotes.
    Text,
    /// A list of texts.
    Texts,
    /// `true` or `false` without quotes.
    Bool,
    /// The same, also as text or number.
    LooseBool,
    /// Seconds as a number, or a duration with a unit.
    Seconds,
    /// A duration with a unit.
    Duration,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A block of its own.
    Block,
    /// Something else, in these words.
    Other(&'static str),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "string",
            Self::Texts => "list of strings",
            Self::Bool => "bool",
            Self::LooseBool => "bool, also in quotes",
            Self::Seconds => "duration, or seconds",
            Self::Duration => "duration",
            Self::Integer => "integer",
            Self::Float => "number",
            Self::Block => "block",
            Self::Other(words) => words,
        })
    }
}

const fn key(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        doc,
    }
}

use Kind::{Bool, Duration, Float, Integer, LooseBool, Other, Seconds, Text, Texts};

const TOKEN: Kind = Other("bool or `\"force\"`");
const IDLE: &str =
    "parts that close idle connections: `auto-auth`, `caching` (also `proxying`), `templating`";
const ALIVE: &str = "parts that open a connection for each request: `auto-auth`, `caching` (also `proxying`), `templating`";

/// Every block but the `config` of the login methods, which [`METHODS`] has.
#[rustfmt::skip]
pub static BLOCKS: &[Block] = &[
    Block { path: "", doc: "At the top of a file. Several files are merged: blocks that may repeat add up, of the others the last one counts.", keys: &[
        key("vault", Kind::Block, "", "the server"),
        key("auto_auth", Kind::Block, "", "how to log in, and where to put the token"),
        key("template_config", Kind::Block, "", "what holds for all templates"),
        key("template", Kind::Block, "", "a file to render; as many as wanted"),
        key("exec", Kind::Block, "", "a program that is started with rendered variables"),
        key("env_template", Kind::Block, "", "a variable of that program; as many as wanted, the label is its name"),
        key("cache", Kind::Block, "", "keep answers of the server"),
        key("api_proxy", Kind::Block, "", "pass requests of the application on to the server"),
        key("listener", Kind::Block, "", "where the application's requests come in; as many as wanted"),
        key("telemetry", Kind::Block, "", "metrics"),
        key("exit_after_auth", Bool, "`false`", "do everything once, then end"),
        key("pid_file", Text, "", "file that gets the agent's process number, and is removed at the end"),
        key("log_level", Text, "`info`", "`trace`, `debug`, `info`, `warn` or `error`"),
        key("log_format", Text, "`standard`", "`standard` or `json`"),
        key("log_file", Text, "", "also write the log to this file; a path that ends in `/` gets the name `agent.log`"),
        key("log_rotate_bytes", Integer, "no limit", "start a new log file at this size"),
        key("log_rotate_duration", Seconds, "`24h`", "start a new log file after this time"),
        key("log_rotate_max_files", Integer, "`0`", "older log files to keep: 0 is all, -1 none"),
        key("disable_idle_connections", Texts, "", IDLE),
        key("disable_keep_alives", Texts, "", ALIVE),
    ] },
    Block { path: "vault", doc: "The server. Flags and variables win over these.", keys: &[
        key("address", Text, "`https://127.0.0.1:8200`", "URL of the server: `http`, `https` or `unix:///path`"),
        key("ca_cert", Text, "", "PEM file with the certificates to trust"),
        key("ca_path", Text, "", "directory of such files; `ca_cert` comes first"),
        key("client_cert", Text, "", "PEM file with the agent's certificate; needs `client_key`"),
        key("client_key", Text, "", "PEM file with its key"),
        key("tls_server_name", Text, "the host of `address`", "name that is asked for and checked"),
        key("tls_skip_verify", LooseBool, "`false`", "trust any certificate"),
        key("namespace", Text, "", "namespace of every request"),
        key("retry", Kind::Block, "", "see below"),
    ] },
    Block { path: "vault.retry", doc: "Requests that failed and may be made again.", keys: &[
        key("num_retries", Integer, "`12`", "how often; 0 is the default, -1 never"),
    ] },
    Block { path: "auto_auth", doc: "Logging in.", keys: &[
        key("method", Kind::Block, "required", "exactly one; the label is its type"),
        key("sink", Kind::Block, "", "a file that gets the token; as many as wanted, the label is its type"),
        key("sinks", Kind::Block, "", "older form: `sinks { sink { type = \"file\" ... } }`"),
        key("enable_reauth_on_new_credentials", Bool, "`false`", "log in again when the credentials on disk have changed"),
    ] },
    Block { path: "auto_auth.method", doc: "The way to log in.", keys: &[
        key("type", Text, "the label", "one of the [methods](#login-methods)"),
        key("mount_path", Text, "`auth/` and the type", "where the method is mounted, with `auth/` in front"),
        key("namespace", Text, "", "namespace of the login"),
        key("wrap_ttl", Seconds, "", "ask for a wrapped token of this lifetime; needs exactly one sink"),
        key("min_backoff", Seconds, "`1s`", "first wait after a login that failed"),
        key("max_backoff", Seconds, "`5m`", "longest such wait"),
        key("exit_on_err", Bool, "`false`", "the first login that fails ends the agent"),
        key("config", Kind::Block, "", "depends on the type: see [the methods](#login-methods)"),
    ] },
    Block { path: "auto_auth.sink", doc: "A file that gets the token.", keys: &[
        key("type", Text, "the label", "`file`"),
        key("wrap_ttl", Seconds, "", "wrap the token, for this long, before it is written"),
        key("dh_type", Text, "", "encrypt what is written: `curve25519`"),
        key("dh_path", Text, "", "file with the reader's public key"),
        key("derive_key", Bool, "`false`", "put the shared secret through HKDF first"),
        key("aad", Text, "", "additional authenticated data"),
        key("aad_env_var", Text, "", "variable with that data; comes before `aad`"),
        key("config", Kind::Block, "required", "see below"),
    ] },
    Block { path: "auto_auth.sink.config", doc: "Of a sink of type `file`.", keys: &[
        key("path", Text, "required", "the file; its directory must be there"),
        key("mode", Integer, "`0640`", "permissions, without quotes: `0600` (in JSON decimal: `384`)"),
        key("uid", Integer, "unchanged", "owner of the file"),
        key("owner", Integer, "unchanged", "the same as `uid`"),
        key("gid", Integer, "unchanged", "group of the file"),
        key("group", Integer, "unchanged", "the same as `gid`"),
    ] },
    Block { path: "template_config", doc: "What holds for all templates.", keys: &[
        key("exit_on_retry_failure", Bool, "`false`", "end when a template failed after all tries"),
        key("static_secret_render_interval", Seconds, "`5m`", "how often secrets without a lease are read again"),
        key("max_connections_per_host", Integer, "`32`", "connections of the templates to one host"),
        key("lease_renewal_threshold", Float, "`0.9`", "part of a lease's life after which a secret that cannot be renewed is read again"),
    ] },
    Block { path: "template", doc: "A file to render. Unknown keys are refused.", keys: &[
        key("source", Text, "", "file with the template; either this or `contents`"),
        key("contents", Text, "", "the template itself"),
        key("destination", Text, "required", "file that gets the result, replaced as a whole and only when it changes"),
        key("create_dest_dirs", Bool, "`true`", "make the directories that are missing"),
        key("perms", Other("octal text or integer"), "those of the file, else `0644`", "permissions, such as `\"0600\"`"),
        key("user", Other("name or number"), "unchanged", "owner of the file"),
        key("uid", Integer, "unchanged", "older spelling of `user`"),
        key("group", Other("name or number"), "unchanged", "group of the file"),
        key("gid", Integer, "unchanged", "older spelling of `group`"),
        key("backup", Bool, "`false`", "keep the file before as `<destination>.bak`"),
        key("error_on_missing_key", Bool, "`false`", "a key that a secret does not have is an error instead of `<no value>`"),
        key("error_fatal", Bool, "`true`", "`false`: log what is wrong with this template and carry on"),
        key("left_delimiter", Text, "`{{`", "begins an action"),
        key("right_delimiter", Text, "`}}`", "ends it"),
        key("function_denylist", Texts, "", "functions that this template may not call"),
        key("function_blacklist", Texts, "", "older spelling of it"),
        key("sandbox_path", Text, "", "the function `file` reads below this directory only"),
        key("wait", Other("block or `\"min:max\"`"), "off", "render when nothing has changed for `min`, at the latest `max` after the first change"),
        key("exec", Kind::Block, "", "a command to run when the file has changed"),
        key("command", Other("string or list"), "", "older spelling of `exec.command`; a string is cut at commas"),
        key("command_timeout", Duration, "`30s`", "older spelling of `exec.timeout`"),
    ] },
    Block { path: "template.exec", doc: "A command to run when the file has changed.", keys: &[
        key("command", Other("string or list"), "", "program and arguments; a single string with white space is a shell's line"),
        key("timeout", Duration, "`30s`", "how long it may take"),
        key("enabled", Bool, "`true`", "`false`: do not run it"),
        key("splay", Duration, "`0s`", "accepted, without effect"),
        key("kill_timeout", Duration, "`30s`", "accepted, without effect: what takes longer than `timeout` is killed at once"),
        key("kill_signal", Text, "", "refused with any value, as in the original"),
        key("reload_signal", Text, "", "refused with any value, as in the original"),
    ] },
    Block { path: "template.wait", doc: "As one string: `wait = \"2s:10s\"`.", keys: &[
        key("min", Duration, "`0s`", "the quiet time"),
        key("max", Duration, "4 × `min`", "the longest delay"),
    ] },
    Block { path: "exec", doc: "The program that the agent starts with the rendered variables, restarts and ends with. Unknown keys are refused.", keys: &[
        key("command", Texts, "required", "program and arguments"),
        key("restart_on_secret_changes", Text, "`always`", "`always` or `never`"),
        key("restart_stop_signal", Text, "`SIGTERM`", "how it is asked to end"),
        key("child_process_stdout", Text, "the agent's", "file to append its output to"),
        key("child_process_stderr", Text, "the agent's", "file to append its error output to"),
    ] },
    Block { path: "env_template", doc: "One variable. Unknown keys are refused.", keys: &[
        key("contents", Text, "", "the template itself; either this or `source`"),
        key("source", Text, "", "file with the template"),
        key("error_on_missing_key", Bool, "`false`", "as in `template`"),
        key("error_fatal", Bool, "`true`", "as in `template`"),
        key("left_delimiter", Text, "`{{`", "as in `template`"),
        key("right_delimiter", Text, "`}}`", "as in `template`"),
        key("function_denylist", Texts, "", "as in `template`"),
        key("function_blacklist", Texts, "", "older spelling of it"),
    ] },
    Block { path: "cache", doc: "Keeps answers that have a lease or are tokens. An empty block turns it on.", keys: &[
        key("use_auto_auth_token", TOKEN, "`false`", "older place of `api_proxy.use_auto_auth_token`"),
        key("persist", Kind::Block, "", "keep the cache over restarts"),
    ] },
    Block { path: "cache.persist", doc: "Keeps the cache, sealed, for the next agent in the pod.", keys: &[
        key("type", Text, "the label", "`kubernetes`"),
        key("path", Text, "required", "directory of the file `vault-agent-cache.db`"),
        key("keep_after_import", Bool, "`false`", "do not remove the file once it has been read"),
        key("exit_on_err", Bool, "`false`", "a file that cannot be read ends the agent"),
        key("service_account_token_file", Text, "the pod's token", "what the file is sealed with"),
    ] },
    Block { path: "api_proxy", doc: "Passes requests on to the server. Needs a listener.", keys: &[
        key("use_auto_auth_token", TOKEN, "`false`", "add the agent's token to requests that have none; `\"force\"`: to all"),
    ] },
    Block { path: "listener", doc: "An address of the agent's own. Server-only keys are accepted and have no use.", keys: &[
        key("type", Text, "the label", "`tcp` or `unix`"),
        key("address", Text, "`127.0.0.1:8200`", "host and port, or path of the socket"),
        key("role", Text, "`default`", "`default` or `metrics_only`"),
        key("require_request_header", LooseBool, "`false`", "answer only requests with `X-Vault-Request: true`"),
        key("agent_api", Kind::Block, "", "see below"),
        key("tls_disable", LooseBool, "`false`", "plain HTTP"),
        key("tls_cert_file", Text, "required for TLS", "PEM file with the certificate"),
        key("tls_key_file", Text, "required for TLS", "PEM file with its key"),
        key("tls_min_version", Text, "`tls12`", "`tls12` or `tls13`"),
        key("tls_max_version", Text, "`tls13`", "`tls12` or `tls13`"),
        key("tls_cipher_suites", Text, "all that are safe", "suites of TLS 1.2 with commas between, by their names in Go"),
        key("tls_client_ca_file", Text, "", "PEM file with the authorities of clients"),
        key("tls_require_and_verify_client_cert", LooseBool, "`false`", "clients must have a certificate"),
        key("tls_disable_client_certs", LooseBool, "`false`", "clients are not asked for one"),
        key("socket_mode", Text, "", "permissions of the socket, in octal; only together with the next two"),
        key("socket_user", Text, "", "owner of the socket"),
        key("socket_group", Text, "", "group of the socket"),
        key("http_read_header_timeout", Seconds, "`10s`", "time for the head of a request"),
        key("http_read_timeout", Seconds, "`30s`", "time for a whole request"),
        key("http_idle_timeout", Seconds, "`5m`", "time between two requests"),
    ] },
    Block { path: "listener.agent_api", doc: "What the agent itself answers.", keys: &[
        key("enable_quit", Bool, "`false`", "a POST to `/agent/v1/quit` ends the agent"),
    ] },
    Block { path: "telemetry", doc: "Metrics, at `/agent/v1/metrics` of the listeners. Keys of services that are not named here are accepted and have no use.", keys: &[
        key("prometheus_retention_time", Seconds, "`24h`", "0 turns Prometheus' format off"),
        key("usage_gauge_period", Seconds, "", "accepted, without effect"),
        key("maximum_gauge_cardinality", Integer, "", "accepted, without effect"),
        key("lease_metrics_epsilon", Seconds, "", "accepted, without effect"),
        key("num_lease_metrics_buckets", Integer, "", "accepted, without effect"),
        key("disable_hostname", Bool, "`false`", "gauges have no host name in front"),
        key("enable_hostname_label", Bool, "`false`", "the host name is a label"),
        key("metrics_prefix", Text, "`vault`", "begins every name"),
        key("prefix_filter", Texts, "", "`+name` lets names with that beginning through, `-name` drops them"),
        key("filter_default", Bool, "`true`", "what happens to names that no filter is about"),
        key("statsd_address", Text, "", "host and port of a statsd server"),
        key("statsite_address", Text, "", "host and port of a statsite server"),
        key("dogstatsd_addr", Text, "", "host and port of a DogStatsD server"),
        key("dogstatsd_tags", Texts, "", "tags for it"),
    ] },
];

/// The `config` of each login method; the path is the method's type.
#[rustfmt::skip]
pub static METHODS: &[Block] = &[
    Block { path: "kubernetes", doc: "The pod's own service account.", keys: &[
        key("role", Text, "required", "role of the auth method"),
        key("token_path", Text, "`/var/run/secrets/kubernetes.io/serviceaccount/token`", "file with the token"),
    ] },
    Block { path: "jwt", doc: "A JSON web token in a file.", keys: &[
        key("path", Text, "required", "file with the token"),
        key("role", Text, "required", "role of the auth method"),
        key("remove_jwt_after_reading", LooseBool, "`true`", "remove the file once it has been read"),
        key("remove_jwt_follows_symlinks", LooseBool, "`false`", "remove what a symbolic link points to, not the link"),
        key("jwt_read_period", Seconds, "`500ms` when the file is removed, else `1m`", "how often the file is looked at"),
    ] },
    Block { path: "approle", doc: "A role and a secret in files.", keys: &[
        key("role_id_file_path", Text, "required", "file with the role's id"),
        key("secret_id_file_path", Text, "", "file with the secret id"),
        key("remove_secret_id_file_after_reading", LooseBool, "`true`", "remove that file once it has been read"),
        key("secret_id_response_wrapping_path", Text, "", "the file has a wrapping token, which must have been made at this path"),
    ] },
    Block { path: "cert", doc: "A client certificate. Without keys of its own it takes that of `vault`.", keys: &[
        key("name", Text, "", "role of the auth method"),
        key("ca_cert", Text, "", "PEM file with the certificates to trust for the login"),
        key("client_cert", Text, "", "PEM file with the certificate"),
        key("client_key", Text, "", "PEM file with its key"),
        key("reload", LooseBool, "`false`", "read the files again for each login"),
        key("reload_period", Seconds, "`1m`", "how often the files are looked at, with `enable_reauth_on_new_credentials`"),
    ] },
    Block { path: "token_file", doc: "A token in a file.", keys: &[
        key("token_file_path", Text, "required", "file with the token"),
    ] },
    Block { path: "aws", doc: "An identity of AWS.", keys: &[
        key("type", Text, "required", "`iam` or `ec2`"),
        key("role", Text, "required", "role of the auth method"),
        key("access_key", Text, "from the environment", "with `iam`: key of the account"),
        key("secret_key", Text, "from the environment", "with `iam`: its secret"),
        key("session_token", Text, "", "with `iam`: token of a session"),
        key("region", Text, "`us-east-1`", "with `iam`: region of STS"),
        key("header_value", Text, "", "with `iam`: value of `X-Vault-AWS-IAM-Server-ID`"),
        key("credential_poll_interval", Seconds, "`60s`", "with `iam`: how often the keys are looked at, with `enable_reauth_on_new_credentials`"),
        key("nonce", Text, "a random one", "with `ec2`: the instance's nonce"),
    ] },
    Block { path: "azure", doc: "An identity of Azure.", keys: &[
        key("role", Text, "required", "role of the auth method"),
        key("resource", Text, "required", "resource that the token is for"),
        key("object_id", Text, "", "managed identity, by its object"),
        key("client_id", Text, "", "managed identity, by its client"),
        key("authenticate_from_environment", LooseBool, "`false`", "workload identity by the variables `AZURE_*`"),
        key("scope", Text, "`resource` and `/.default`", "scope of the token from the environment"),
    ] },
    Block { path: "gcp", doc: "An identity of Google Cloud.", keys: &[
        key("type", Text, "required", "`gce` or `iam`"),
        key("role", Text, "required", "role of the auth method"),
        key("service_account", Text, "`default`", "the account"),
        key("credentials", Text, "`GOOGLE_APPLICATION_CREDENTIALS`", "with `iam`: the account's key file"),
        key("jwt_exp", Other("integer, also in quotes"), "`15`", "with `iam`: life of the token in minutes"),
    ] },
    Block { path: "ldap", doc: "A user of a directory.", keys: &[
        key("username", Text, "required", "the user"),
        key("password_file_path", Text, "required", "file with the password"),
        key("remove_password_after_reading", LooseBool, "`true`", "remove the file once it has been read"),
        key("remove_password_follows_symlinks", LooseBool, "`false`", "remove what a symbolic link points to, not the link"),
        key("password_read_period", Seconds, "`500ms` when the file is removed, else `1m`", "how often the file is looked at"),
    ] },
];

impl Block {
    /// The key of that name, in any case.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys
            .iter()
            .find(|key| key.name.eq_ignore_ascii_case(name))
    }
}

/// The tables as Markdown, for the reference page.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    for block in BLOCKS {
        if !block.path.is_empty() {
            text.push_str(&format!("## `{}`\n\n", block.path));
        }
        write_block(&mut text, block);
    }
    text.push_str(
        "## Login methods\n\nThe keys of `auto_auth.method.config`, by the method's type.\n\n",
    );
    for method in METHODS {
        text.push_str(&format!("### `{}`\n\n", method.path));
        write_block(&mut text, method);
    }
    text
}

fn write_block(text: &mut String, block: &Block) {
    text.push_str(block.doc);
    text.push_str("\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for key in block.keys {
        let Key {
            name,
            kind,
            default,
            doc,
        } = key;
        text.push_str(&format!("| `{name}` | {kind} | {default} | {doc} |\n"));
    }
    text.push('\n');
}

/// The block that a stanza is read by; debug builds only.
#[cfg(debug_assertions)]
pub(crate) fn block(path: &str) -> &'static Block {
    // `sinks` only stands around sinks, and what a method's `config` holds is up to the method.
    static SINKS: Block = Block {
        path: "auto_auth.sinks",
        doc: "",
        keys: &[key("sink", Kind::Block, "", "")],
    };
    static FREE: Block = Block {
        path: "auto_auth.method.config",
        doc: "",
        keys: &[],
    };
    match path {
        "auto_auth.sinks" => &SINKS,
        "auto_auth.method.config" => &FREE,
        "auto_auth.sinks.sink" => block("auto_auth.sink"),
        "auto_auth.sinks.sink.config" => block("auto_auth.sink.config"),
        _ => {
            let found = BLOCKS.iter().find(|block| block.path == path);
            debug_assert!(found.is_some(), "the block `{path}` is not in the table");
            found.unwrap_or(&FREE)
        }
    }
}

/// Whether some method, or the sink, has such a key in its `config`.
#[cfg(debug_assertions)]
pub(crate) fn in_a_config(name: &str) -> bool {
    METHODS
        .iter()
        .chain([block("auto_auth.sink.config")])
        .any(|block| block.key(name).is_some())
}

#[cfg(test)]
pub(crate) mod read {
    //! What has been read, so that a test can see that each row of the table is.

    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static SEEN: RefCell<BTreeSet<(String, String)>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(crate) fn note(block: &str, key: &str) {
        SEEN.with_borrow_mut(|seen| seen.insert((block.to_owned(), key.to_owned())));
    }

    pub(crate) fn seen(block: &str, key: &str) -> bool {
        SEEN.with_borrow(|seen| seen.contains(&(block.to_owned(), key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::collections::BTreeSet;

    use super::*;
    use crate::load;

    /// Every block there is, each with the least that makes its keys be looked at.
    const EVERYTHING: &str = r#"
        vault { retry {} }
        auto_auth {
          method "kubernetes" { config = { role = "r" } }
          sinks { sink { type = "file" config = { path = "/p" } } }
        }
        template_config {}
        template { contents = "x" destination = "/d" exec {} wait { min = "1s" } }
        exec { command = ["x"] }
        env_template "A" { contents = "x" }
        cache { persist "kubernetes" { path = "/c" } }
        api_proxy {}
        listener "tcp" { tls_cert_file = "/c" tls_key_file = "/k" agent_api {} }
        listener "unix" { address = "/s" }
        telemetry {}
    "#;

    #[test]
    fn every_row_of_the_table_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.hcl");
        std::fs::write(&file, EVERYTHING).unwrap();
        let sources = crate::read_paths(&[file.to_str().unwrap().to_owned()]).unwrap();
        // It is no good configuration, for it has everything; what counts is what was looked at.
        let _ = load(&sources);
        let unread: Vec<String> = BLOCKS
            .iter()
            .flat_map(|block| block.keys.iter().map(move |key| (block.path, key.name)))
            .filter(|(block, key)| !read::seen(block, key))
            .map(|(block, key)| format!("{block}.{key}"))
            .collect();
        assert_eq!(unread, Vec::<String>::new());
    }

    #[test]
    fn every_row_has_words_and_stands_once() {
        for block in BLOCKS.iter().chain(METHODS) {
            assert!(!block.doc.is_empty(), "{}", block.path);
            let names: BTreeSet<_> = block.keys.iter().map(|key| key.name).collect();
            assert_eq!(names.len(), block.keys.len(), "{}", block.path);
            for key in block.keys {
                assert!(!key.doc.is_empty(), "{}.{}", block.path, key.name);
                assert!(
                    !key.doc.contains('|') && !key.default.contains('|'),
                    "{}.{}: a bar would end the cell",
                    block.path,
                    key.name
                );
            }
        }
    }

    #[test]
    fn each_block_of_the_table_can_be_reached() {
        for block in BLOCKS.iter().filter(|block| !block.path.is_empty()) {
            let (parent, name) = block.path.rsplit_once('.').unwrap_or(("", block.path));
            let parent = BLOCKS.iter().find(|block| block.path == parent).unwrap();
            assert!(
                matches!(
                    parent.key(name).map(|key| key.kind),
                    Some(Kind::Block | Kind::Other(_))
                ),
                "{}",
                block.path
            );
        }
    }
}
