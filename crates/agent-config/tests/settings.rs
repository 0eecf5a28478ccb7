//! What comes before what: flags, environment, configuration, defaults.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use pannier_agent_config::{Arguments, Environment, Settings, SettingsError, Source, load};

const VAULT: &str = "vault {\n address = \"http://config\"\n ca_cert = \"/config/ca\"\n tls_skip_verify = true\n}\n";

fn settings(
    flags: &[&str],
    environment: &[(&str, &str)],
    config: &str,
) -> Result<Settings, SettingsError> {
    let text = format!("listener \"tcp\" {{ tls_disable = true }}\n{config}");
    let config = load(&[Source {
        name: "agent.hcl".to_owned(),
        text,
    }])
    .unwrap();
    let environment = Environment::new(environment.iter().map(|(name, value)| (*name, *value)));
    Settings::new(&Arguments::parse(flags).unwrap(), &environment, &config)
}

#[test]
fn flag_then_environment_then_configuration_then_default() {
    let flag = [
        "-address=http://flag",
        "-ca-cert=/flag/ca",
        "-tls-skip-verify=false",
    ];
    let variables = [
        ("VAULT_ADDR", "http://env"),
        ("BAO_CACERT", "/env/ca"),
        ("VAULT_SKIP_VERIFY", "true"),
    ];
    for (flags, variables, config, address, ca, skip) in [
        (
            &flag[..],
            &variables[..],
            VAULT,
            "http://flag",
            Some("/flag/ca"),
            false,
        ),
        (&[], &variables, VAULT, "http://env", Some("/env/ca"), true),
        (&[], &[], VAULT, "http://config", Some("/config/ca"), true),
        (&[], &[], "", "https://127.0.0.1:8200", None, false),
        (
            &[],
            &[
                ("VAULT_ADDR", ""),
                ("VAULT_CACERT", ""),
                ("VAULT_SKIP_VERIFY", ""),
            ],
            VAULT,
            "https://127.0.0.1:8200",
            None,
            false,
        ),
        (
            &[],
            &[("VAULT_SKIP_VERIFY", "false")],
            VAULT,
            "http://config",
            Some("/config/ca"),
            false,
        ),
    ] {
        let settings = settings(flags, variables, config).unwrap();
        assert_eq!(settings.address, address);
        assert_eq!(settings.tls.ca_cert.as_deref(), ca);
        assert_eq!(settings.tls.skip_verify, skip);
    }
}

#[test]
fn the_agents_own_address_is_never_the_servers() {
    let settings = settings(
        &["-agent-address=http://a"],
        &[("VAULT_AGENT_ADDR", "http://b")],
        VAULT,
    )
    .unwrap();
    assert_eq!(settings.address, "http://config");
}

#[test]
fn namespaces_by_who_gives_them() {
    let stanza = "vault { namespace = \"/v\" }";
    let method = "auto_auth {\n method \"jwt\" {\n namespace = \"m\"\n }\n}\ntemplate { contents = \"x\" destination = \"/x\" }\n";
    let both = format!("{stanza}\n{method}");
    let flags = ["-namespace=f"];
    for (flags, environment, config, general, auth, template) in [
        (
            &flags[..],
            &[("VAULT_NAMESPACE", "e")][..],
            both.as_str(),
            Some("f/"),
            Some("f/"),
            Some("f/"),
        ),
        (
            &["-namespace=f", "-ns=g"],
            &[],
            &both,
            Some("g/"),
            Some("g/"),
            Some("g/"),
        ),
        (
            &[],
            &[("VAULT_NAMESPACE", "e/")],
            &both,
            Some("e/"),
            Some("e/"),
            Some("e/"),
        ),
        (&[], &[], &both, Some("v/"), Some("m/"), Some("v/")),
        (&[], &[], stanza, Some("v/"), Some("v/"), Some("v/")),
        (&[], &[], method, None, Some("m/"), Some("m/")),
        (&[], &[], "", None, None, None),
    ] {
        let settings = settings(flags, environment, config).unwrap();
        assert_eq!(settings.namespace.as_deref(), general);
        assert_eq!(settings.auth_namespace.as_deref(), auth);
        assert_eq!(settings.template_namespace.as_deref(), template);
    }
}

#[test]
fn variables_replace_the_lists_of_the_configuration() {
    let config =
        "disable_idle_connections = [\"templating\"]\ndisable_keep_alives = [\"templating\"]";
    let variables = [("VAULT_AGENT_DISABLE_IDLE_CONNECTIONS", "Auto-Auth,caching")];
    let settings = settings(&[], &variables, config).unwrap();
    assert!(
        settings.disable_idle_connections.auto_auth && settings.disable_idle_connections.proxying
    );
    assert!(!settings.disable_idle_connections.templating);
    assert!(settings.disable_keep_alives.templating);
}

#[test]
fn the_log_follows_flags_then_environment_then_configuration() {
    let config = "log_level = \"warn\"\nlog_rotate_bytes = 10\nlog_rotate_duration = \"1h\"";
    let from = |flags: &[&str], environment: &[(&str, &str)]| {
        settings(flags, environment, config).unwrap().log
    };
    assert_eq!(
        from(&["-log-level=error"], &[("VAULT_LOG_LEVEL", "debug")])
            .level
            .as_deref(),
        Some("error")
    );
    assert_eq!(
        from(&[], &[("VAULT_LOG_LEVEL", "debug")]).level.as_deref(),
        Some("debug")
    );
    assert_eq!(
        from(&[], &[("VAULT_LOG_LEVEL", "")]).level.as_deref(),
        Some("warn")
    );
    assert_eq!(from(&[], &[]).rotate_bytes, Some(10));
    assert_eq!(from(&["-log-rotate-bytes=20"], &[]).rotate_bytes, Some(20));
    assert_eq!(
        from(&["-log-rotate-duration=2h"], &[]).rotate_duration,
        Some(Duration::from_hours(2))
    );
}

#[test]
fn exit_after_auth_is_what_the_flag_says_either_way() {
    let config = "exit_after_auth = true";
    assert!(settings(&[], &[], config).unwrap().exit_after_auth);
    assert!(
        !settings(&["-exit-after-auth=false"], &[], config)
            .unwrap()
            .exit_after_auth
    );
    assert!(
        settings(&["-exit-after-auth"], &[], "")
            .unwrap()
            .exit_after_auth
    );
}

#[test]
fn proxies_and_limits_come_from_the_environment() {
    let settings = settings(
        &[],
        &[
            ("VAULT_HTTP_PROXY", "http://a"),
            ("VAULT_PROXY_ADDR", "http://b"),
            ("https_proxy", "http://user:password@c"),
            ("NO_PROXY", "d"),
            ("VAULT_CLIENT_TIMEOUT", "5"),
            ("VAULT_MAX_RETRIES", "0"),
            ("VAULT_RATE_LIMIT", "10:20"),
            ("VAULT_TOKEN", "hvs.secret"),
        ],
        "",
    )
    .unwrap();
    assert_eq!(settings.proxy.always.as_ref().unwrap().expose(), "http://b");
    assert_eq!(
        settings.proxy.https.as_ref().unwrap().expose(),
        "http://user:password@c"
    );
    assert_eq!(settings.proxy.no_proxy, "d");
    assert_eq!(settings.timeout, Duration::from_secs(5));
    assert_eq!(settings.max_retries, Some(0));
    assert_eq!(settings.rate_limit, Some((10.0, 20)));
    let shown = format!("{settings:?}");
    assert!(
        !shown.contains("password") && !shown.contains("hvs."),
        "{shown}"
    );
}

#[test]
fn mistakes_are_told_in_the_references_words() {
    for (flags, environment, text) in [
        (
            &["-header=X-Vault-Foo=1"][..],
            &[][..],
            "Error fetching client: failed to setup Headers[X-Vault-Foo]: Header starting by 'X-Vault-' are for internal usage only",
        ),
        (
            &["-client-cert=/x"],
            &[],
            "Error fetching client: failed to setup TLS config: both client cert and client key must be provided",
        ),
        (
            &[],
            &[("BAO_SRV_LOOKUP", "x")],
            "Error fetching client: failed to read environment: could not parse VAULT_SRV_LOOKUP",
        ),
        (
            &[],
            &[("VAULT_AGENT_DISABLE_KEEP_ALIVES", "foo")],
            "error loading configuration from VAULT_AGENT_DISABLE_KEEP_ALIVES: unknown disable_keep_alives value: foo",
        ),
    ] {
        assert_eq!(
            settings(flags, environment, "").unwrap_err().to_string(),
            text
        );
    }
}
