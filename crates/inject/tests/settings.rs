//! Flags, variables and defaults become settings, and what is wrong with them comes back at once.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::collections::BTreeMap;

use pannier_inject::Settings;
use pannier_inject::settings::{
    DefaultTemplate, Failure, LogFormat, LogLevel, Origin, TABLE, TlsVersion,
};

const ADDRESS: (&str, &str) = ("AGENT_INJECT_VAULT_ADDR", "http://vault:8200");

fn read(flags: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Failure> {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<String, String> = variables.iter().map(pair).collect();
    Settings::new(&flags, &variables)
}

fn mistakes(flags: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    match read(flags, variables) {
        Err(Failure::Mistakes(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("expected mistakes, got {other:?}"),
    }
}

#[test]
fn the_official_charts_way_to_start_is_accepted() {
    // Arguments and environment as the chart gives them, for a release `vault` in the namespace `vault`.
    let variables = [
        ("AGENT_INJECT_LISTEN", ":8080"),
        ("AGENT_INJECT_LOG_LEVEL", "info"),
        ("AGENT_INJECT_VAULT_ADDR", "http://vault.vault.svc:8200"),
        ("AGENT_INJECT_VAULT_AUTH_PATH", "auth/kubernetes"),
        ("AGENT_INJECT_VAULT_IMAGE", "hashicorp/vault:2.0.4"),
        ("AGENT_INJECT_TLS_AUTO", "vault-agent-injector-cfg"),
        (
            "AGENT_INJECT_TLS_AUTO_HOSTS",
            "vault-agent-injector-svc,vault-agent-injector-svc.vault, vault-agent-injector-svc.vault.svc,",
        ),
        ("AGENT_INJECT_LOG_FORMAT", "standard"),
        ("AGENT_INJECT_REVOKE_ON_SHUTDOWN", "false"),
        ("AGENT_INJECT_CPU_REQUEST", "250m"),
        ("AGENT_INJECT_CPU_LIMIT", "500m"),
        ("AGENT_INJECT_MEM_REQUEST", "64Mi"),
        ("AGENT_INJECT_MEM_LIMIT", "128Mi"),
        ("AGENT_INJECT_DEFAULT_TEMPLATE", "map"),
        ("AGENT_INJECT_TEMPLATE_CONFIG_EXIT_ON_RETRY_FAILURE", "true"),
        ("AGENT_INJECT_USE_LEADER_ELECTOR", "true"),
        ("NAMESPACE", "vault"),
        ("POD_NAME", "vault-agent-injector-0"),
        ("AGENT_INJECT_SOMETHING_NEW", "1"),
    ];
    let settings = read(&["2>&1"], &variables).unwrap();
    assert_eq!(settings.notes, [""; 0]);
    assert_eq!(
        (
            settings.listen.0.as_str(),
            settings.log_level,
            settings.log_format
        ),
        (":8080", LogLevel::Info, LogFormat::Standard)
    );
    assert_eq!(settings.tls_auto_hosts.0.len(), 3);
    assert_eq!(
        (settings.namespace.as_str(), settings.use_leader_elector),
        ("vault", true)
    );
}

#[test]
fn defaults_are_as_documented() {
    let settings = read(&[], &[ADDRESS]).unwrap();
    let resources = [
        &settings.cpu_request,
        &settings.memory_request,
        &settings.ephemeral_storage_request,
        &settings.cpu_limit,
        &settings.memory_limit,
        &settings.ephemeral_storage_limit,
    ];
    assert_eq!(
        resources.map(|quantity| quantity.0.as_str()),
        ["250m", "64Mi", "", "500m", "128Mi", ""]
    );
    assert_eq!(
        (
            settings.run_as_user.0.as_str(),
            settings.run_as_group.0.as_str()
        ),
        ("100", "1000")
    );
    assert_eq!(
        (
            settings.vault_auth_type.as_str(),
            settings.vault_auth_path.as_str()
        ),
        ("kubernetes", "auth/kubernetes")
    );
    assert_eq!(
        (settings.tls_min_version, settings.default_template),
        (TlsVersion::Tls12, DefaultTemplate::Map)
    );
    assert!(
        settings.set_security_context
            && settings.template_exit_on_retry_failure
            && !settings.revoke_on_shutdown
            && !settings.strict
    );
    assert_eq!(settings.namespace, "default");
}

#[test]
fn variables_win_over_flags_unless_they_are_empty() {
    let settings = read(
        &["-vault-image=flag", "--cpu-limit", "1"],
        &[
            ADDRESS,
            ("AGENT_INJECT_VAULT_IMAGE", "variable"),
            ("AGENT_INJECT_CPU_LIMIT", ""),
        ],
    )
    .unwrap();
    assert_eq!(
        (settings.vault_image.as_str(), settings.cpu_limit.0.as_str()),
        ("variable", "1")
    );
    assert_eq!(settings.origin("vault_image"), Origin::Variable);
    assert_eq!(settings.origin("cpu_limit"), Origin::Flag);
    assert_eq!(settings.origin("memory_limit"), Origin::Default);
}

#[test]
fn booleans_need_no_value_and_the_last_flag_counts() {
    let settings = read(
        &[
            "-revoke-on-shutdown",
            "-set-security-context=0",
            "-strict=false",
            "-strict",
        ],
        &[ADDRESS],
    )
    .unwrap();
    assert!(settings.revoke_on_shutdown && !settings.set_security_context && settings.strict);
}

#[test]
fn stray_arguments_do_not_hide_what_follows_them() {
    let settings = read(
        &[
            "2>&1",
            "-revoke-on-shutdown",
            "true",
            "-vault-image=x",
            "--",
            "-bogus",
        ],
        &[ADDRESS],
    )
    .unwrap();
    assert_eq!(settings.vault_image, "x");
    assert_eq!(
        settings.notes,
        [
            "argument `true` is not used: flags begin with a dash",
            "argument `-bogus` is not used: flags begin with a dash"
        ]
    );
}

#[test]
fn all_mistakes_come_at_once_each_with_its_flag_and_variable() {
    assert_eq!(
        mistakes(
            &[
                "-nope",
                "-default-template=xml",
                "-tls-min-version=TLS12",
                "-strict=maybe",
                "-tls-key-file=k",
                "-run-as-user=x",
                "-auth-max-backoff=7",
                "-log-level"
            ],
            &[
                ("AGENT_INJECT_REVOKE_ON_SHUTDOWN", "yes"),
                ("AGENT_INJECT_TEMPLATE_MAX_CONNECTIONS_PER_HOST", "1.5"),
                ("AGENT_INJECT_TEMPLATE_LEASE_RENEWAL_THRESHOLD", "2"),
                ("AGENT_INJECT_AUTH_MIN_BACKOFF", "5"),
                ("AGENT_INJECT_CPU_LIMIT", "500mi"),
                ("AGENT_INJECT_TELEMETRY_PATH", "metrics"),
                (
                    "AGENT_INJECT_TLS_CIPHER_SUITES",
                    "TLS_AES_128_GCM_SHA256, TLS_NEW"
                ),
                ("AGENT_INJECT_LISTEN", "8080"),
            ]
        ),
        [
            "flag provided but not defined: -nope",
            "invalid boolean value \"maybe\" for -strict: parse error",
            "flag needs an argument: -log-level",
            "-listen / AGENT_INJECT_LISTEN: expected `host:port` or `:port`, got `8080`",
            "AGENT_INJECT_TEMPLATE_MAX_CONNECTIONS_PER_HOST: Error parsing environment variables: strconv.ParseInt: parsing \"1.5\": invalid syntax",
            "AGENT_INJECT_TEMPLATE_LEASE_RENEWAL_THRESHOLD: expected a number from 0 to 1, got `2`",
            "-revoke-on-shutdown / AGENT_INJECT_REVOKE_ON_SHUTDOWN: Error parsing environment variables: cannot parse '' as bool: strconv.ParseBool: parsing \"yes\": invalid syntax",
            "-run-as-user / AGENT_INJECT_RUN_AS_USER: expected a user or group number, got `x`: strconv.ParseInt: parsing \"x\": invalid syntax",
            "-telemetry-path / AGENT_INJECT_TELEMETRY_PATH: expected a path that begins with `/`, got `metrics`",
            "-default-template / AGENT_INJECT_DEFAULT_TEMPLATE: Invalid default flag type: xml: expected `map` or `json`",
            "-cpu-limit / AGENT_INJECT_CPU_LIMIT: expected a quantity such as `250m` or `64Mi`, got `500mi`: unable to parse quantity's suffix",
            "-tls-min-version / AGENT_INJECT_TLS_MIN_VERSION: Failed to configure TLS: invalid or unsupported TLS version \"TLS12\"",
            "-tls-cipher-suites / AGENT_INJECT_TLS_CIPHER_SUITES: Failed to configure TLS: failed to parse TLS cipher suites list \"TLS_AES_128_GCM_SHA256, TLS_NEW\": unsupported cipher \"TLS_NEW\"",
            "-auth-min-backoff / AGENT_INJECT_AUTH_MIN_BACKOFF: Error parsing environment variables: time: missing unit in duration \"5\"",
            "-auth-max-backoff / AGENT_INJECT_AUTH_MAX_BACKOFF: Error parsing environment variables: time: missing unit in duration \"7\"",
            "-vault-address / AGENT_INJECT_VAULT_ADDR: No Vault service configured: expected the address of Vault, such as `https://vault.vault.svc:8200`",
            "-tls-cert-file / AGENT_INJECT_TLS_CERT_FILE: the key file is set but not the certificate file: set both or neither",
        ]
    );
}

#[test]
fn log_levels_have_their_other_names() {
    for (text, level) in [
        (" WARNING ", LogLevel::Warn),
        ("notice", LogLevel::Info),
        ("err", LogLevel::Error),
        ("Trace", LogLevel::Trace),
    ] {
        assert_eq!(
            read(&["-log-level", text], &[ADDRESS]).unwrap().log_level,
            level,
            "{text}"
        );
    }
    assert_eq!(
        mistakes(&["-log-level=loud"], &[ADDRESS]),
        ["-log-level / AGENT_INJECT_LOG_LEVEL: Error setting log level: unknown log level: loud"]
    );
}

#[test]
fn what_is_odd_but_accepted_is_noted() {
    let settings = read(
        &[
            "-log-format=JSON",
            "-default-template=MAP",
            "-tls-min-version=tls10",
            "-disable-keep-alives=caching,nonsense",
        ],
        &[ADDRESS],
    )
    .unwrap();
    assert_eq!(
        (settings.log_format, settings.default_template),
        (LogFormat::Json, DefaultTemplate::Map)
    );
    assert_eq!(
        settings.notes,
        [
            "-tls-min-version / AGENT_INJECT_TLS_MIN_VERSION: TLS 1.2 is the oldest version offered",
            "-disable-keep-alives / AGENT_INJECT_DISABLE_KEEP_ALIVES: `nonsense` is no part of the agent: expected `auto-auth`, `caching` or `templating`",
        ]
    );
    assert_eq!(
        read(&["-log-format=text"], &[ADDRESS]).unwrap().notes.len(),
        1
    );
}

#[test]
fn help_is_asked_for_anywhere_before_the_end_of_the_flags() {
    for flags in [
        ["-h", "-nope"],
        ["-vault-image=x", "--help"],
        ["stray", "-help"],
    ] {
        assert_eq!(read(&flags, &[]), Err(Failure::Help), "{flags:?}");
    }
    let help = pannier_inject::settings::help();
    for setting in TABLE.iter().filter(|setting| !setting.flag.is_empty()) {
        assert!(
            help.contains(&format!("  -{}", setting.flag)),
            "{}",
            setting.flag
        );
        assert!(help.contains(setting.variable), "{}", setting.variable);
    }
}

#[test]
fn every_documented_flag_and_variable_is_in_the_table() {
    let flags = "listen log-level log-format template-config-exit-on-retry-failure template-static-secret-render-interval tls-auto \
        tls-auto-hosts tls-ca-cert-file tls-cert-file tls-key-file vault-image vault-address vault-cacert-bytes proxy-address \
        vault-auth-type vault-auth-path vault-namespace revoke-on-shutdown run-as-user run-as-group run-as-same-user \
        set-security-context telemetry-path use-leader-elector default-template cpu-request memory-request \
        ephemeral-storage-request cpu-limit memory-limit ephemeral-storage-limit tls-min-version tls-cipher-suites auth-min-backoff \
        auth-max-backoff disable-idle-connections disable-keep-alives";
    for flag in flags.split_whitespace() {
        assert!(TABLE.iter().any(|setting| setting.flag == flag), "{flag}");
    }
    for variable in [
        "TEMPLATE_MAX_CONNECTIONS_PER_HOST",
        "TEMPLATE_LEASE_RENEWAL_THRESHOLD",
        "EPHEMERAL_LIMIT",
        "MEM_REQUEST",
        "PROXY_ADDR",
        "VAULT_ADDR",
    ] {
        assert!(
            TABLE
                .iter()
                .any(|setting| setting.variable == format!("AGENT_INJECT_{variable}")),
            "{variable}"
        );
    }
}

#[test]
fn the_servers_own_durations_have_bounds() {
    let settings = read(&[], &[ADDRESS]).unwrap();
    assert_eq!(settings.tls_auto_lifetime.0.as_secs(), 24 * 3600);
    assert_eq!(settings.shutdown_delay.0.as_secs(), 5);
    let given = ["-tls-auto-lifetime=30s", "-shutdown-delay=0s"];
    let settings = read(&given, &[ADDRESS]).unwrap();
    assert_eq!(settings.tls_auto_lifetime.0.as_secs(), 30);
    assert!(settings.shutdown_delay.0.is_zero());
    for (flag, expected) in [
        (
            "-tls-auto-lifetime=10s",
            "-tls-auto-lifetime / AGENT_INJECT_TLS_AUTO_LIFETIME: expected a duration from 15s to 34387200s such as `24h`, got `10s`",
        ),
        (
            "-shutdown-delay=-1s",
            "-shutdown-delay / AGENT_INJECT_SHUTDOWN_DELAY: expected a duration from 0s to 300s such as `5s`, got `-1s`",
        ),
        (
            "-shutdown-delay=5",
            "-shutdown-delay / AGENT_INJECT_SHUTDOWN_DELAY: expected a duration from 0s to 300s such as `5s`, got `5`",
        ),
    ] {
        let failure = read(&[flag], &[ADDRESS]).unwrap_err();
        assert_eq!(failure.to_string(), expected);
    }
}
