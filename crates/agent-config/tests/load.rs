//! Loading whole configurations: what the injector writes, merging, and what is said about mistakes.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use pannier_agent_config::{
    AutoAuthToken, Body, Config, ListenerAddress, Owner, Plain, Problem, Source, Subsystems, load,
};

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn one(text: &str) -> Result<Config, Vec<Problem>> {
    load(&[source("agent.hcl", text)])
}

fn messages(text: &str) -> Vec<String> {
    one(text)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn loads_the_least_that_the_injector_writes() {
    let config = load(&[source(
        "c.json",
        include_str!("../testdata/injector/minimal.json"),
    )])
    .unwrap();
    let auto_auth = config.auto_auth.unwrap();
    assert_eq!(auto_auth.method.kind, "kubernetes");
    assert_eq!(auto_auth.method.mount_path, "auth/kubernetes");
    assert_eq!(auto_auth.method.config.text("role"), Ok(Some("web")));
    assert_eq!(auto_auth.sinks[0].path, "/home/vault/.vault-token");
    assert_eq!(auto_auth.sinks[0].mode, 0o640);
    assert!(config.exit_after_auth);
    assert_eq!(config.pid_file.as_deref(), Some("/home/vault/.pid"));
    assert_eq!(
        config.vault.address.as_deref(),
        Some("http://vault.vault.svc:8200")
    );
    assert_eq!(config.vault.num_retries, Some(12));
    assert!(config.template_config.exit_on_retry_failure);
    assert_eq!(config.templates.len(), 1);
    assert!(
        matches!(&config.templates[0].text.body, Body::Contents(text) if text.ends_with("{{ end }}{{ end }}"))
    );
    assert!(config.templates[0].create_dest_dirs);
}

#[test]
fn loads_the_most_that_the_injector_writes() {
    let config = load(&[source(
        "c.json",
        include_str!("../testdata/injector/everything.json"),
    )])
    .unwrap();
    let auto_auth = config.auto_auth.unwrap();
    assert_eq!(auto_auth.method.min_backoff, Some(Duration::from_secs(2)));
    assert_eq!(auto_auth.method.max_backoff, Some(Duration::from_secs(60)));
    assert_eq!(auto_auth.method.namespace.as_deref(), Some("team-a/"));
    assert!(auto_auth.method.exit_on_err);
    assert_eq!(auto_auth.sinks.len(), 2);
    assert_eq!(config.vault.tls_skip_verify, Some(true));
    assert_eq!(config.vault.ca_path.as_deref(), Some("/vault/tls/cas"));
    let template = &config.templates[0];
    assert_eq!(template.perms, Some(0o400));
    assert!(template.text.error_on_missing_key);
    let command = template.command.as_ref().unwrap();
    assert_eq!(command.words, ["/bin/true"]);
    assert_eq!(command.timeout, Duration::from_secs(30));
    let listener = &config.listeners[0];
    assert_eq!(
        listener.address,
        ListenerAddress::Tcp("127.0.0.1:8200".to_owned())
    );
    assert_eq!(listener.tls, None);
    assert!(listener.enable_quit);
    let cache = config.cache.unwrap();
    assert_eq!(cache.use_auto_auth_token, AutoAuthToken::On);
    let persist = cache.persist.unwrap();
    assert_eq!(persist.path, "/vault/agent-cache");
    assert!(persist.exit_on_err);
    assert_eq!(
        config.api_proxy.unwrap().use_auto_auth_token,
        AutoAuthToken::On
    );
    assert_eq!(
        config.template_config.static_secret_render_interval,
        Duration::from_secs(10)
    );
    assert_eq!(config.template_config.max_connections_per_host, 7);
    assert_eq!(config.template_config.lease_renewal_threshold, 0.75);
    let expected = Subsystems {
        auto_auth: true,
        proxying: true,
        templating: false,
    };
    assert_eq!(config.disable_idle_connections, expected);
    assert!(config.disable_keep_alives.templating);
    let telemetry = config.telemetry.unwrap();
    assert!(telemetry.disable_hostname);
    assert_eq!(
        telemetry.prometheus_retention_time,
        Some(Duration::from_hours(24))
    );
}

const LOGIN: &str = "auto_auth {\n  method \"kubernetes\" { config = { role = \"app\" } }\n}\n";

#[test]
fn reads_three_listeners_of_three_forms() {
    let text = include_str!("../testdata/hcl1/28-listener-multi.hcl")
        .replace("type = \"tcp\"", "type = \"tcp\"\ntls_disable = true");
    let config = load(&[source("agent.hcl", &text)]);
    let addresses: Vec<_> = config
        .unwrap()
        .listeners
        .into_iter()
        .map(|listener| listener.address)
        .collect();
    assert_eq!(
        addresses,
        [
            ListenerAddress::Tcp("127.0.0.1:8100".to_owned()),
            ListenerAddress::Unix("/tmp/agent.sock".to_owned(), None),
            ListenerAddress::Tcp("127.0.0.1:3000".to_owned()),
        ]
    );
}

#[test]
fn later_sources_add_lists_and_replace_stanzas() {
    let first = format!(
        "{LOGIN}vault {{ address = \"http://a\" ca_cert = \"/ca\" }}\npid_file = \"/a\"\nlog_level = \"warn\"\n\
         exit_after_auth = true\ntemplate {{ contents = \"1\" destination = \"/1\" }}\n\
         template_config {{ exit_on_retry_failure = true }}\ndisable_keep_alives = [\"auto-auth\"]"
    );
    let second = "vault { address = \"http://b\" }\npid_file = \"\"\nlog_level = \"debug\"\n\
        exit_after_auth = false\ntemplate { contents = \"2\" destination = \"/2\" }\ndisable_keep_alives = [\"templating\"]";
    let config = load(&[source("1.hcl", &first), source("2.hcl", second)]).unwrap();
    assert_eq!(config.vault.address.as_deref(), Some("http://b"));
    assert_eq!(config.vault.ca_cert, None);
    assert_eq!(config.pid_file.as_deref(), Some("/a"));
    assert_eq!(config.log.level.as_deref(), Some("debug"));
    assert!(config.exit_after_auth);
    let destinations: Vec<_> = config
        .templates
        .iter()
        .map(|t| t.destination.as_str())
        .collect();
    assert_eq!(destinations, ["/1", "/2"]);
    assert!(config.template_config.exit_on_retry_failure);
    assert!(config.disable_keep_alives.auto_auth && config.disable_keep_alives.templating);
}

#[test]
fn every_problem_is_found_and_says_where_it_is() {
    let found = messages(
        "exit_after_auth = \"true\"\nauto_auth {\n  method \"kubernetes\" {\n    min_backoff = \"soon\"\n  }\n}\n\
         template {\n  contents = \"x\"\n  colour = \"red\"\n}\nlistener \"udp\" {}\n\
         cache { use_auto_auth_token = \"maybe\" }\n",
    );
    let starts: Vec<&str> = found
        .iter()
        .map(|text| text.split('\n').next().unwrap())
        .collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        starts[1].contains(
            "error parsing 'auto_auth': time: invalid duration \"soon\" (agent.hcl:4:19)"
        ),
        "{}",
        starts[1]
    );
    assert!(found.iter().any(|text| {
        text.contains("root.exit_after_auth: unknown type *ast.LiteralType (agent.hcl:1:19)")
    }));
    assert!(found.iter().any(|text| {
        text.contains("'config.TemplateConfig' has invalid keys: colour (agent.hcl:9:3)")
    }));
    assert!(
        found
            .iter()
            .any(|text| text.contains("unsupported listener type \"udp\" (agent.hcl:11:1)"))
    );
    assert!(
        found
            .iter()
            .any(|text| text.contains("\"maybe\" is an invalid option (agent.hcl:12:31)"))
    );
}

#[test]
fn a_syntax_error_hides_no_other_sources_problems() {
    let found = load(&[source("a.hcl", "x = ["), source("b.hcl", "pid_file = true")]).unwrap_err();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("error loading configuration from a.hcl: At 1:6: "));
    assert!(found[1].starts_with("error loading configuration from b.hcl: At 1:12: root.pid_file"));
}

#[test]
fn json_forms_that_the_original_dissolves_mean_what_they_say() {
    for text in [
        r#"{"auto_auth":{"method":{"type":"jwt","config":{"role":"r"}},"sink":{"type":"file","config":{"path":"/t"}}}}"#,
        r#"{"auto_auth":{"method":[{"type":"jwt","config":{"role":"r"}}],"sink":[{"type":"file","config":{"path":"/t"}}]}}"#,
        r#"{"auto_auth":{"method":{"jwt":{"config":{"role":"r"}}},"sink":{"file":{"config":{"path":"/t"}}}}}"#,
        r#"{"auto_auth":[{"method":[{"jwt":[{"config":[{"role":"r"}]}]}],"sinks":[{"sink":{"type":"file","config":{"path":"/t"}}}]}]}"#,
    ] {
        let config =
            load(&[source("c.json", text)]).unwrap_or_else(|found| panic!("{text}: {found:?}"));
        let auto_auth = config.auto_auth.unwrap();
        assert_eq!(auto_auth.method.kind, "jwt", "{text}");
        assert_eq!(
            auto_auth.method.config.get("role"),
            Some(&Plain::Text("r".to_owned())),
            "{text}"
        );
        assert_eq!(auto_auth.sinks[0].path, "/t", "{text}");
    }
}

#[test]
fn env_templates_in_json_may_be_a_list_or_an_object() {
    for text in [
        r#"[{"A":{"contents":"1"}},{"B":{"contents":"2"}}]"#,
        r#"{"A":{"contents":"1"},"B":{"contents":"2"}}"#,
        r#"{"A":[{"contents":"1"}],"B":[{"contents":"2"}]}"#,
    ] {
        let text = format!(
            r#"{{"auto_auth":{{"method":{{"type":"jwt"}}}},"exec":{{"command":["/app"]}},"env_template":{text}}}"#
        );
        let config =
            load(&[source("c.json", &text)]).unwrap_or_else(|found| panic!("{text}: {found:?}"));
        let names: Vec<_> = config
            .env_templates
            .iter()
            .map(|template| template.name.as_str())
            .collect();
        assert_eq!(names, ["A", "B"], "{text}");
    }
}

/// Counted as none, it would put the plain token into a file that was to hold a wrapped one.
#[test]
fn a_wrapping_below_zero_is_refused_and_never_left_out() {
    for ttl in ["\"-5m\"", "-300", "\"-300\"", "-0.5", "\"-1ns\""] {
        let sink = format!(
            "auto_auth {{ method \"jwt\" {{}} sink \"file\" {{ wrap_ttl = {ttl} config {{ path = \"/t\" }} }} }}"
        );
        let method = format!(
            "auto_auth {{ method \"jwt\" {{ wrap_ttl = {ttl} }} sink \"file\" {{ config {{ path = \"/t\" }} }} }}"
        );
        for text in [sink, method] {
            let found = messages(&text);
            assert_eq!(found.len(), 1, "{text}: {found:#?}");
            assert!(
                found[0].contains("`wrap_ttl` cannot be negative"),
                "{text}: {found:#?}"
            );
        }
    }
}

#[test]
fn an_owner_of_minus_one_is_left_as_it_is() {
    let text = |owner: &str, sink: &str| {
        format!(
            "auto_auth {{ method \"jwt\" {{}} sink \"file\" {{ config {{ path = \"/t\" {sink} }} }} }}\n\
             template {{ contents = \"x\" destination = \"/d\" {owner} }}"
        )
    };
    let config = one(&text("user = \"-1\" group = \"7\"", "uid = -1\n gid = 7\n")).unwrap();
    let (template, sink) = (
        &config.templates[0],
        &config.auto_auth.as_ref().unwrap().sinks[0],
    );
    assert_eq!(
        (&template.user, &template.group),
        (&None, &Some(Owner::Id(7)))
    );
    assert_eq!((sink.uid, sink.gid), (None, Some(7)));
    let found = messages(&text("", "uid = \"5\"\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("error creating file sink: could not parse 'uid' as integer"));
}

#[test]
fn only_a_label_is_brought_to_lower_case_and_only_a_config_without_one_counts() {
    for (method, kind, role) in [
        ("method \"JWT\" { config { role = \"r\" } }", "jwt", true),
        (
            "method { type = \"JWT\" config { role = \"r\" } }",
            "JWT",
            true,
        ),
        (
            "method \"jwt\" { config \"x\" { role = \"r\" } }",
            "jwt",
            false,
        ),
    ] {
        let text =
            format!("auto_auth {{ {method} sink \"file\" {{ config {{ path = \"/t\" }} }} }}");
        let method = one(&text).unwrap().auto_auth.unwrap().method;
        assert_eq!(method.kind, kind, "{text}");
        assert_eq!(method.config.get("role").is_some(), role, "{text}");
    }
}

#[test]
fn a_link_to_nowhere_is_named_not_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().to_str().unwrap(), folder.path().join("l.hcl"));
    std::os::unix::fs::symlink("/nonexistent/x", &link).unwrap();
    let found = pannier_agent_config::read_paths(&[path.to_owned()]).unwrap_err();
    let link = link.display();
    assert_eq!(
        found[0].to_string(),
        format!(
            "error loading configuration from {path}: error loading \"{link}\": stat {link}: no such file or directory"
        )
    );
}
