//! The documented examples of the injector that this one replaces.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod common;

use common::{
    REQUEST, after, base, config, container, denied, environment, injected, mounts, names, settings,
};
use pannier_inject::{Injection, Request};
use serde_json::{Value, json};

/// Pod B with changed annotations: the pod after the patch.
fn result(annotations: Value) -> Value {
    let pod = base(annotations);
    after(&pod, &injected(&pod, &settings(&[])))
}

/// The configuration of an agent of pod B, as a value.
fn agent_config(annotations: Value, agent: &str) -> Value {
    serde_json::from_str(&config(container(&result(annotations), agent))).unwrap()
}

fn paths(injection: &Injection) -> Vec<&str> {
    injection
        .patch
        .iter()
        .map(|operation| operation.path.as_str())
        .collect()
}

#[test]
fn b_as_it_is() {
    let pod = base(json!({}));
    let injection = injected(&pod, &settings(&[]));
    assert_eq!(
        paths(&injection),
        [
            "/spec/volumes/-",
            "/spec/volumes/-",
            "/spec/volumes/-",
            "/spec/containers/0/volumeMounts/-",
            "/spec/initContainers",
            "/spec/containers/-",
            "/metadata/annotations/vault.hashicorp.com~1agent-inject-status",
        ]
    );
    assert_eq!(injection.warnings, []);
    let pod = after(&pod, &injection);
    assert_eq!(
        names(&pod["spec"]["volumes"]),
        [
            "kube-api-access-abcde",
            "home-init",
            "home-sidecar",
            "vault-secrets"
        ]
    );
    assert_eq!(
        pod["spec"]["volumes"][1],
        json!({"name": "home-init", "emptyDir": {"medium": "Memory"}})
    );
    assert_eq!(
        pod["metadata"]["annotations"]["vault.hashicorp.com/agent-inject-status"],
        "injected"
    );

    let init = container(&pod, "vault-agent-init");
    let sidecar = container(&pod, "vault-agent");
    for agent in [init, sidecar] {
        assert_eq!(agent["image"], "hashicorp/vault:2.0.4");
        assert_eq!(agent["command"], json!(["/bin/sh", "-ec"]));
        assert_eq!(
            agent["args"],
            json!([
                "echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent -config=/home/vault/config.json"
            ])
        );
        assert_eq!(
            names(&agent["env"]),
            [
                "NAMESPACE",
                "HOST_IP",
                "POD_IP",
                "VAULT_LOG_LEVEL",
                "VAULT_LOG_FORMAT",
                "VAULT_CONFIG"
            ]
        );
        assert_eq!(
            agent["env"][0],
            json!({"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}})
        );
        assert_eq!(
            agent["env"][1]["valueFrom"]["fieldRef"]["fieldPath"],
            "status.hostIP"
        );
        assert_eq!(
            agent["env"][2]["valueFrom"]["fieldRef"]["fieldPath"],
            "status.podIP"
        );
        assert_eq!(agent["env"][3]["value"], "info");
        assert_eq!(agent["env"][4]["value"], "standard");
        assert_eq!(
            agent["resources"],
            json!({"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "250m", "memory": "64Mi"}})
        );
        assert_eq!(
            agent["securityContext"],
            json!({"capabilities": {"drop": ["ALL"]}, "runAsUser": 100, "runAsGroup": 1000, "runAsNonRoot": true,
                "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false})
        );
    }
    let token = "kube-api-access-abcde at /var/run/secrets/kubernetes.io/serviceaccount (ro)";
    assert_eq!(
        mounts(init),
        [
            "home-init at /home/vault",
            token,
            "vault-secrets at /vault/secrets"
        ]
    );
    assert_eq!(
        mounts(sidecar),
        [
            token,
            "home-sidecar at /home/vault",
            "vault-secrets at /vault/secrets"
        ]
    );
    assert_eq!(init.get("lifecycle"), None);
    assert_eq!(sidecar["lifecycle"], json!({}));
    assert_eq!(
        mounts(container(&pod, "app")),
        [token, "vault-secrets at /vault/secrets"]
    );

    let expected = r#"{"auto_auth":{"method":{"type":"kubernetes","mount_path":"auth/kubernetes","config":{"role":"web","token_path":"/var/run/secrets/kubernetes.io/serviceaccount/token"}},"sink":[{"type":"file","config":{"path":"/home/vault/.vault-token"}}]},"exit_after_auth":true,"pid_file":"/home/vault/.pid","vault":{"address":"http://vault.vault.svc:8200"},"template":[{"destination":"/vault/secrets/config.txt","contents":"{{ with secret \"secret/data/web\" }}{{ range $k, $v := .Data }}{{ $k }}: {{ $v }}\n{{ end }}{{ end }}","left_delimiter":"{{","right_delimiter":"}}"}],"template_config":{"exit_on_retry_failure":true}}"#;
    assert_eq!(config(init), expected);
    assert_eq!(
        config(sidecar),
        expected.replace(r#""exit_after_auth":true"#, r#""exit_after_auth":false"#)
    );
}

#[test]
fn b_with_nearly_everything() {
    let pod = result(json!({
        "agent-cache-enable": "true", "agent-cache-exit-on-err": "true", "agent-enable-quit": "true", "agent-inject-token": "true",
        "namespace": "team-a", "ca-cert": "/vault/tls/ca.crt", "ca-key": "/vault/tls/cas", "client-cert": "/vault/tls/c.crt",
        "client-key": "/vault/tls/c.key", "tls-server-name": "vault.example", "tls-skip-verify": "true", "auth-min-backoff": "2s",
        "auth-max-backoff": "1m", "agent-auto-auth-exit-on-err": "true", "agent-inject-default-template": "json",
        "agent-inject-perms-config.txt": "0400", "agent-inject-command-config.txt": "/bin/true",
        "error-on-missing-key-config.txt": "1", "template-static-secret-render-interval": "10s",
        "template-max-connections-per-host": "7", "template-lease-renewal-threshold": "0.75",
        "agent-disable-idle-connections": "auto-auth,caching", "agent-disable-keep-alives": "templating",
        "agent-telemetry-prometheus-retention-time": "24h", "agent-telemetry-disable-hostname": "true",
    }));
    let expected = r#"{"auto_auth":{"method":{"type":"kubernetes","mount_path":"auth/kubernetes","min_backoff":"2s","max_backoff":"1m","namespace":"team-a","config":{"role":"web","token_path":"/var/run/secrets/kubernetes.io/serviceaccount/token"},"exit_on_err":true},"sink":[{"type":"file","config":{"path":"/home/vault/.vault-token"}},{"type":"file","config":{"path":"/vault/secrets/token"}}]},"exit_after_auth":false,"pid_file":"/home/vault/.pid","vault":{"address":"http://vault.vault.svc:8200","ca_cert":"/vault/tls/ca.crt","ca_path":"/vault/tls/cas","tls_skip_verify":true,"client_cert":"/vault/tls/c.crt","client_key":"/vault/tls/c.key","tls_server_name":"vault.example"},"template":[{"destination":"/vault/secrets/config.txt","contents":"{{ with secret \"secret/data/web\" }}{{ .Data | toJSON }}\n{{ end }}","left_delimiter":"{{","right_delimiter":"}}","command":"/bin/true","perms":"0400","error_on_missing_key":true}],"listener":[{"type":"tcp","address":"127.0.0.1:8200","tls_disable":true,"agent_api":{"enable_quit":true}}],"cache":{"use_auto_auth_token":"true","persist":{"type":"kubernetes","path":"/vault/agent-cache","exit_on_err":true}},"template_config":{"exit_on_retry_failure":true,"static_secret_render_interval":"10s","max_connections_per_host":7,"lease_renewal_threshold":0.75},"disable_idle_connections":["auto-auth","caching"],"disable_keep_alives":["templating"],"telemetry":{"disable_hostname":true,"prometheus_retention_time":"24h"}}"#;
    assert_eq!(config(container(&pod, "vault-agent")), expected);
}

/// Pod B with init containers `a` (no mounts) and `b` (one), and main containers `two` (two mounts) and `three` (none).
fn larger(annotations: Value) -> Value {
    let mut pod = base(annotations);
    pod["spec"]["initContainers"] = json!([
        {"name": "a", "image": "i", "unknownMember": {"kept": true}},
        {"name": "b", "image": "i", "resources": {"limits": {"cpu": "0.5"}}, "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
    ]);
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "two", "image": "i", "volumeMounts": [
        {"name": "data", "mountPath": "/data", "subPath": "sub"},
        {"name": "other", "mountPath": "/var/run/Secrets/ServiceAccount"},
    ]}));
    containers.push(json!({"name": "three", "image": "i"}));
    pod
}

#[test]
fn init_containers_get_the_secrets_and_the_agent_comes_last() {
    let pod = larger(json!({}));
    let injection = injected(&pod, &settings(&[]));
    assert_eq!(
        paths(&injection)[3..],
        [
            "/spec/containers/0/volumeMounts/-",
            "/spec/containers/1/volumeMounts/-",
            "/spec/containers/2/volumeMounts",
            "/spec/initContainers/-",
            "/spec/initContainers/0/volumeMounts",
            "/spec/initContainers/1/volumeMounts/-",
            "/spec/containers/-",
            "/metadata/annotations/vault.hashicorp.com~1agent-inject-status",
        ]
    );
    let pod = after(&pod, &injection);
    assert_eq!(
        names(&pod["spec"]["initContainers"]),
        ["a", "b", "vault-agent-init"]
    );
    assert_eq!(
        names(&pod["spec"]["containers"]),
        ["app", "two", "three", "vault-agent"]
    );
}

#[test]
fn the_init_agent_comes_first_when_asked_and_the_others_are_not_rewritten() {
    let pod = larger(json!({"agent-init-first": "true"}));
    let after = after(&pod, &injected(&pod, &settings(&[])));
    let list = &after["spec"]["initContainers"];
    assert_eq!(names(list), ["vault-agent-init", "a", "b"]);
    let secrets = json!({"name": "vault-secrets", "mountPath": "/vault/secrets"});
    let mut a = pod["spec"]["initContainers"][0].clone();
    a["volumeMounts"] = json!([secrets]);
    let mut b = pod["spec"]["initContainers"][1].clone();
    b["volumeMounts"].as_array_mut().unwrap().push(secrets);
    assert_eq!((&list[1], &list[2]), (&a, &b));
}

#[test]
fn the_list_of_containers_is_taken_as_it_is() {
    let pod = larger(json!({"agent-inject-containers": "two, three"}));
    let injection = injected(&pod, &settings(&[]));
    let after = after(&pod, &injection);
    let has = |name: &str| {
        mounts(container(&after, name))
            .iter()
            .any(|mount| mount.starts_with("vault-secrets "))
    };
    let receiving: Vec<&str> = ["app", "two", "three", "a", "b"]
        .into_iter()
        .filter(|name| has(name))
        .collect();
    assert_eq!(receiving, ["two", "a", "b"]);
    let warnings: Vec<String> = injection.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "vault.hashicorp.com/agent-inject-containers: the pod has no container ` three`: write it without the blank"
        ]
    );
}

#[test]
fn config_map_mode_with_all_volumes() {
    let pod = larger(json!({
        "agent-configmap": "cm", "agent-extra-secret": "ex", "tls-secret": "tl", "agent-cache-enable": "true",
        "secret-volume-path": "/bar", "secret-volume-path-config.txt": "/foo", "agent-copy-volume-mounts": "two",
        "agent-revoke-on-shutdown": "true", "agent-share-process-namespace": "true", "ca-cert": "/vault/tls/ca",
        "ca-key": "/vault/tls/cas", "client-cert": "/c", "client-key": "/k", "tls-server-name": "vault.example",
        "proxy-address": "http://proxy:3128", "go-max-procs": "2", "client-timeout": "30s", "client-max-retries": "4",
    }));
    let injection = injected(&pod, &settings(&["-vault-cacert-bytes=LS0tLQ=="]));
    let after = after(&pod, &injection);
    assert_eq!(
        names(&after["spec"]["volumes"])[1..],
        [
            "home-init",
            "home-sidecar",
            "vault-secrets",
            "vault-secrets-custom-0",
            "vault-config",
            "extra-secrets",
            "vault-tls-secrets",
            "vault-agent-cache"
        ]
    );
    assert_eq!(
        after["spec"]["volumes"][5],
        json!({"name": "vault-config", "configMap": {"name": "cm"}})
    );
    assert_eq!(
        after["spec"]["volumes"][6],
        json!({"name": "extra-secrets", "secret": {"secretName": "ex"}})
    );
    assert_eq!(
        after["spec"]["volumes"][7],
        json!({"name": "vault-tls-secrets", "secret": {"secretName": "tl"}})
    );
    for name in ["app", "two", "three", "a", "b"] {
        let mounts = mounts(container(&after, name));
        assert_eq!(
            mounts[mounts.len() - 2..],
            ["vault-secrets at /bar", "vault-secrets-custom-0 at /foo"],
            "{name}"
        );
    }
    let position = |path: &str| {
        paths(&injection)
            .iter()
            .position(|other| *other == path)
            .unwrap()
    };
    assert!(
        position("/spec/initContainers/1/volumeMounts/-") < position("/spec/shareProcessNamespace")
    );
    assert!(position("/spec/shareProcessNamespace") < position("/spec/containers/-"));
    assert_eq!(after["spec"]["shareProcessNamespace"], true);

    let (init, sidecar) = (
        container(&after, "vault-agent-init"),
        container(&after, "vault-agent"),
    );
    let token = "kube-api-access-abcde at /var/run/secrets/kubernetes.io/serviceaccount (ro)";
    let rest = [
        "vault-secrets at /bar",
        "vault-secrets-custom-0 at /foo",
        "extra-secrets at /vault/custom (ro)",
        "data at /data sub sub",
        "vault-config at /vault/configs (ro)",
        "vault-tls-secrets at /vault/tls (ro)",
        "vault-agent-cache at /vault/agent-cache",
    ];
    assert_eq!(
        mounts(init),
        [["home-init at /home/vault", token].as_slice(), &rest].concat()
    );
    assert_eq!(
        mounts(sidecar),
        [[token, "home-sidecar at /home/vault"].as_slice(), &rest].concat()
    );
    assert_eq!(
        init["args"],
        json!([
            "touch /home/vault/.vault-token && vault agent -config=/vault/configs/config-init.hcl"
        ])
    );
    assert_eq!(
        sidecar["args"],
        json!(["touch /home/vault/.vault-token && vault agent -config=/vault/configs/config.hcl"])
    );
    for agent in [init, sidecar] {
        assert_eq!(
            environment(agent),
            [
                "NAMESPACE",
                "HOST_IP",
                "POD_IP",
                "GOMAXPROCS=2",
                "VAULT_CLIENT_TIMEOUT=30s",
                "VAULT_MAX_RETRIES=4",
                "VAULT_LOG_LEVEL=info",
                "VAULT_LOG_FORMAT=standard",
                "HTTPS_PROXY=http://proxy:3128",
                "VAULT_ADDR=http://vault.vault.svc:8200",
                "VAULT_CACERT=/vault/tls/ca",
                "VAULT_CAPATH=/vault/tls/cas",
                "VAULT_CLIENT_CERT=/c",
                "VAULT_CLIENT_KEY=/k",
                "VAULT_SKIP_VERIFY=false",
                "VAULT_TLS_SERVER_NAME=vault.example",
                "VAULT_CACERT_BYTES=----"
            ]
        );
    }
}

#[test]
fn the_pre_stop_hook_revokes_the_token() {
    let pod = result(
        json!({"agent-revoke-on-shutdown": "true", "ca-cert": "/vault/tls/ca", "client-cert": "/c", "client-key": "/k"}),
    );
    assert_eq!(
        container(&pod, "vault-agent")["lifecycle"]["preStop"]["exec"]["command"],
        json!([
            "/bin/sh",
            "-c",
            "/bin/sleep 5 && /bin/vault token revoke -address=http://vault.vault.svc:8200 -ca-cert=/vault/tls/ca -client-cert=/c -client-key=/k -self"
        ])
    );
}

#[test]
fn agents_are_left_out_as_asked() {
    let pod = result(json!({"agent-pre-populate": "false"}));
    assert_eq!(
        names(&pod["spec"]["volumes"])[1..],
        ["home-sidecar", "vault-secrets"]
    );
    assert_eq!(names(&pod["spec"]["initContainers"]), [""; 0]);

    let pod = result(json!({"agent-pre-populate-only": "true"}));
    assert_eq!(
        names(&pod["spec"]["volumes"])[1..],
        ["home-init", "vault-secrets"]
    );
    assert_eq!(names(&pod["spec"]["containers"]), ["app"]);

    let pod = base(json!({"agent-pre-populate": "false", "agent-pre-populate-only": "true"}));
    let injection = injected(&pod, &settings(&[]));
    assert_eq!(
        paths(&injection),
        [
            "/spec/volumes/-",
            "/spec/containers/0/volumeMounts/-",
            "/metadata/annotations/vault.hashicorp.com~1agent-inject-status"
        ]
    );
    assert_eq!(injection.warnings.len(), 1);
}

#[test]
fn cache_listener_and_quit() {
    let listener = json!([{"type": "tcp", "address": "127.0.0.1:8200", "tls_disable": true}]);
    let quit = json!([{"type": "tcp", "address": "127.0.0.1:8200", "tls_disable": true, "agent_api": {"enable_quit": true}}]);

    let annotations = json!({"agent-cache-enable": "true", "agent-pre-populate": "false"});
    let config = agent_config(annotations.clone(), "vault-agent");
    assert_eq!(
        (&config["listener"], &config["cache"]),
        (&listener, &json!({"use_auto_auth_token": "true"}))
    );
    assert!(
        !names(&result(annotations)["spec"]["volumes"]).contains(&"vault-agent-cache".to_owned())
    );

    let annotations = json!({"agent-cache-enable": "true", "agent-pre-populate-only": "true", "agent-enable-quit": "true"});
    let config = agent_config(annotations, "vault-agent-init");
    assert_eq!((&config["listener"], &config["cache"]), (&quit, &json!({})));

    let annotations = json!({"agent-cache-enable": "true", "agent-pre-populate-only": "true"});
    let config = agent_config(annotations, "vault-agent-init");
    assert_eq!((config.get("listener"), config.get("cache")), (None, None));

    let config = agent_config(
        json!({"agent-cache-listener-port": "", "agent-enable-quit": "true"}),
        "vault-agent-init",
    );
    assert_eq!(config["listener"][0]["address"], "127.0.0.1:");

    let config = agent_config(
        json!({"agent-cache-enable": "true", "agent-cache-use-auto-auth-token": ""}),
        "vault-agent",
    );
    assert_eq!(
        (&config["listener"], &config["cache"]),
        (
            &listener,
            &json!({"persist": {"type": "kubernetes", "path": "/vault/agent-cache"}})
        )
    );
}

/// Destination, contents and source of each template.
fn templates(annotations: Value) -> Vec<(String, String, String)> {
    let mut all = json!({"agent-inject-secret-config.txt": null});
    all.as_object_mut()
        .unwrap()
        .extend(annotations.as_object().unwrap().clone());
    let config = agent_config(all, "vault-agent");
    let list = config
        .get("template")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let text =
        |template: &Value, member: &str| template[member].as_str().unwrap_or_default().to_owned();
    list.iter()
        .map(|template| {
            (
                text(template, "destination"),
                text(template, "contents"),
                text(template, "source"),
            )
        })
        .collect()
}

#[test]
fn secrets_and_their_files() {
    let of = |path: &str| {
        format!(
            "{{{{ with secret \"{path}\" }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}"
        )
    };
    let row = |destination: &str, contents: &str, source: &str| {
        (
            destination.to_owned(),
            contents.to_owned(),
            source.to_owned(),
        )
    };
    for (annotations, expected) in [
        (json!({}), vec![]),
        (
            json!({"agent-inject-secret-Foo": "kv/a", "agent-inject-secret-foo": "kv/b"}),
            vec![
                row("/vault/secrets/foo", &of("kv/a"), ""),
                row("/vault/secrets/foo", &of("kv/b"), ""),
            ],
        ),
        (
            json!({"preserve-secret-case": "true", "preserve-secret-case-Foo": "false", "agent-inject-secret-Foo": "a", "agent-inject-secret-Bar": "b"}),
            vec![
                row("/vault/secrets/Bar", &of("b"), ""),
                row("/vault/secrets/foo", &of("a"), ""),
            ],
        ),
        (
            json!({"agent-inject-template-x": "hi"}),
            vec![row("/vault/secrets/x", "hi", "")],
        ),
        (
            json!({"agent-inject-template-file-x": "/t"}),
            vec![row("/vault/secrets/x", "", "/t")],
        ),
        (
            json!({"agent-inject-template-x": "hi", "agent-inject-template-file-x": "/t"}),
            vec![row("/vault/secrets/x", "hi", "")],
        ),
        (
            json!({"agent-inject-template-x": " ", "agent-inject-template-file-x": "/t"}),
            vec![row("/vault/secrets/x", " ", "")],
        ),
        (json!({"agent-inject-template-x": " "}), vec![]),
        (
            json!({"agent-inject-secret-x": "p", "agent-inject-file-x": "/abs/f"}),
            vec![row("/vault/secrets/abs/f", &of("p"), "")],
        ),
        (
            json!({"agent-inject-secret-x": "p", "agent-inject-file-x": "../a//b", "secret-volume-path-x": "/foo"}),
            vec![row("/a/b", &of("p"), "")],
        ),
        (
            json!({"agent-inject-secret-file-foo": "p", "agent-inject-template-file-foo": "/x"}),
            vec![
                row("/vault/secrets/file-foo", "/x", ""),
                row("/vault/secrets/foo", "", "/x"),
            ],
        ),
        (
            json!({"agent-inject-template-file-": "text"}),
            vec![row("/vault/secrets/file-", "text", "")],
        ),
        (
            json!({"agent-inject-secret-x": "50%"}),
            vec![row("/vault/secrets/x", &of("50%"), "")],
        ),
    ] {
        assert_eq!(templates(annotations.clone()), expected, "{annotations}");
    }
}

#[test]
fn an_empty_volume_path_is_taken_literally() {
    let annotations = json!({"agent-inject-secret-config.txt": null, "agent-inject-secret-foo": "p", "secret-volume-path-foo": ""});
    let pod = result(annotations);
    assert_eq!(
        mounts(container(&pod, "app"))[1..],
        [
            "vault-secrets at /vault/secrets",
            "vault-secrets-custom-0 at "
        ]
    );
    assert!(config(container(&pod, "vault-agent")).contains(r#""destination":"/foo""#));
}

#[test]
fn users_of_the_agents() {
    let user = |pod: &Value| pod["spec"]["initContainers"][0]["securityContext"].clone();
    let context = user(&result(json!({"agent-run-as-user": ""})));
    assert_eq!(
        (&context["runAsUser"], &context["runAsNonRoot"]),
        (&json!(0), &json!(false))
    );

    let mut pod = base(json!({"agent-run-as-same-user": "true"}));
    pod["spec"]["containers"][0]["securityContext"] = json!({"runAsUser": 55});
    let context = user(&after(&pod, &injected(&pod, &settings(&[]))));
    assert_eq!(
        (&context["runAsUser"], &context["runAsGroup"]),
        (&json!(55), &json!(1000))
    );

    let mut pod = base(json!({"agent-run-as-same-user": "true"}));
    pod["spec"]["securityContext"] = json!({"runAsUser": 55});
    let prefix = "error creating new agent sidecar: ";
    assert_eq!(
        denied(&pod, &REQUEST, &settings(&[])),
        format!("{prefix}No SecurityContext found for Container 0")
    );
    for (context, text) in [
        (
            json!({}),
            "RunAsUser is nil for Container 0's SecurityContext",
        ),
        (
            json!({"runAsUser": 0}),
            "container not allowed to run as root",
        ),
    ] {
        pod["spec"]["containers"][0]["securityContext"] = context;
        assert_eq!(
            denied(&pod, &REQUEST, &settings(&[])),
            format!("{prefix}{text}")
        );
    }
}

#[test]
fn asking_for_a_user_switches_the_security_context_on() {
    let off = settings(&["-set-security-context=false"]);
    for (annotations, expected) in [
        (json!({}), false),
        (json!({"agent-run-as-user": "7"}), true),
        (json!({"agent-run-as-same-user": "false"}), true),
        (json!({"agent-run-as-group": ""}), true),
        (
            json!({"agent-run-as-user": "7", "agent-set-security-context": "false"}),
            false,
        ),
    ] {
        let pod = base(annotations.clone());
        let pod = after(&pod, &injected(&pod, &off));
        assert_eq!(
            container(&pod, "vault-agent")
                .get("securityContext")
                .is_some(),
            expected,
            "{annotations}"
        );
    }
}

#[test]
fn token_volumes() {
    let named = |pod: &mut Value| {
        pod["spec"]["volumes"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "tok", "projected": {"sources": [
            {"configMap": {"name": "x"}}, {"serviceAccountToken": {"path": "vault-token"}}]}}));
    };
    let mut pod = base(json!({"agent-service-account-token-volume-name": "tok"}));
    named(&mut pod);
    let result = after(&pod, &injected(&pod, &settings(&[])));
    let init = container(&result, "vault-agent-init");
    assert_eq!(
        mounts(init)[1],
        "tok at /var/run/secrets/vault.hashicorp.com/serviceaccount (ro)"
    );
    assert!(config(init).contains(
        r#""token_path":"/var/run/secrets/vault.hashicorp.com/serviceaccount/vault-token""#
    ));

    pod["spec"]["containers"][0]["volumeMounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "tok", "mountPath": "/mine/", "subPath": "s"}));
    let result = after(&pod, &injected(&pod, &settings(&[])));
    let init = container(&result, "vault-agent-init");
    assert_eq!(mounts(init)[1], "tok at /mine/ sub s (ro)");
    assert!(config(init).contains(r#""token_path":"/mine/vault-token""#));

    let prefix = "error creating new agent sidecar: ";
    let mut pod = base(json!({"agent-service-account-token-volume-name": "gone"}));
    assert_eq!(
        denied(&pod, &REQUEST, &settings(&[])),
        format!("{prefix}failed to find service account volume \"gone\"")
    );
    pod["spec"]["containers"][0]["volumeMounts"][0]["name"] = json!("gone");
    assert_eq!(
        denied(&pod, &REQUEST, &settings(&[])),
        format!("{prefix}failed to find volume \"gone\" in Pod \"web\" volumes")
    );
    pod["spec"]["volumes"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "gone", "secret": {"secretName": "s"}}));
    assert_eq!(
        denied(&pod, &REQUEST, &settings(&[])),
        format!("{prefix}failed to find tokenPath for projected volume \"gone\"")
    );

    let mut pod = base(json!({}));
    pod["spec"]["containers"][0]["volumeMounts"] = json!([]);
    assert_eq!(
        denied(&pod, &REQUEST, &settings(&[])),
        format!("{prefix}failed to find service account volume mount")
    );
}

#[test]
fn the_standard_token_wins_over_others_of_a_similar_path() {
    let mut pod = base(json!({}));
    let mounts_of_app = pod["spec"]["containers"][0]["volumeMounts"]
        .as_array_mut()
        .unwrap();
    mounts_of_app.insert(0, json!({"name": "aws-iam-token", "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"}));
    let result = after(&pod, &injected(&pod, &settings(&[])));
    assert!(mounts(container(&result, "vault-agent"))[0].starts_with("kube-api-access-abcde "));
}

#[test]
fn aws_variables_and_token() {
    let mut pod = base(json!({"auth-type": "aws", "auth-config-region": "eu-west-1"}));
    pod["spec"]["containers"][0]["env"] = json!([
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "AWS_ROLE_ARN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]);
    let mounts_of_app = pod["spec"]["containers"][0]["volumeMounts"]
        .as_array_mut()
        .unwrap();
    mounts_of_app.push(json!({"name": "aws-iam-token", "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"}));
    let result = after(&pod, &injected(&pod, &settings(&[])));
    let agent = container(&result, "vault-agent");
    let env = environment(agent);
    assert_eq!(
        env[env.len() - 3..],
        [
            "AWS_REGION=us-east-1",
            "AWS_ROLE_ARN",
            "AWS_REGION=eu-west-1"
        ]
    );
    assert_eq!(
        agent["env"][env.len() - 2]["valueFrom"],
        json!({"secretKeyRef": {"name": "s", "key": "k"}})
    );
    assert_eq!(
        mounts(agent)[2],
        "aws-iam-token at /var/run/secrets/eks.amazonaws.com/serviceaccount (ro)"
    );
    assert!(!config(agent).contains("no Vault role"));
}

#[test]
fn refusals() {
    let plain = settings(&[]);
    let pod = base(json!({}));
    assert_eq!(
        denied(&base(json!({"role": null})), &REQUEST, &plain),
        "error validating agent configuration: no Vault role found"
    );
    assert_eq!(
        denied(
            &pod,
            &Request {
                namespace: "kube-system",
                ..REQUEST
            },
            &plain
        ),
        "error with request namespace: cannot inject into system namespaces: kube-system"
    );
    assert_eq!(
        denied(
            &pod,
            &Request {
                namespace: "",
                ..REQUEST
            },
            &plain
        ),
        "error adding default annotations: kubernetes namespace required"
    );
    for (annotations, message) in [
        (
            json!({"agent-inject": "yes"}),
            "error checking if should inject agent: cannot parse '' as bool: strconv.ParseBool: parsing \"yes\": invalid syntax",
        ),
        (
            json!({"agent-request-namespace": ""}),
            "error validating agent configuration: namespace missing from request",
        ),
        (
            json!({"agent-image": ""}),
            "error validating agent configuration: no Vault image found",
        ),
        (
            json!({"auth-type": ""}),
            "error validating agent configuration: no Vault Auth Type found",
        ),
        (
            json!({"auth-path": ""}),
            "error validating agent configuration: no Vault Auth Path found",
        ),
        (
            json!({"service": ""}),
            "error validating agent configuration: no Vault address found",
        ),
        (
            json!({"agent-inject-default-template": "XML"}),
            "error creating new agent sidecar: invalid default template type: xml",
        ),
        (
            json!({"agent-revoke-grace": ""}),
            "error creating new agent sidecar: strconv.ParseUint: parsing \"\": invalid syntax",
        ),
        (
            json!({"agent-run-as-user": "x"}),
            "error creating new agent sidecar: strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            json!({"template-lease-renewal-threshold": ""}),
            "error creating new agent sidecar: strconv.ParseFloat: parsing \"\": invalid syntax",
        ),
        (
            json!({"template-lease-renewal-threshold": "nan"}),
            "error creating patch for agent: json: unsupported value: NaN",
        ),
        (
            json!({"auth-min-backoff": "5"}),
            "error adding default annotations: error parsing min backoff as duration: time: missing unit in duration \"5\"",
        ),
        (
            json!({"auth-max-backoff": "abc"}),
            "error adding default annotations: error parsing max backoff as duration: time: invalid duration \"abc\"",
        ),
        (
            json!({"agent-limits-cpu": "500mi"}),
            "error creating patch for agent: unable to parse quantity's suffix",
        ),
        (
            json!({"agent-json-patch": "{}"}),
            "error adding default annotations: error parsing JSON patch for annotation vault.hashicorp.com/agent-json-patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ),
        (
            json!({"agent-init-json-patch": "foo"}),
            "error adding default annotations: error parsing JSON patch for annotation vault.hashicorp.com/agent-init-json-patch: invalid character 'o' in literal false (expecting 'a')",
        ),
        (
            json!({"agent-json-patch": r#"[{"op":"add","path":"/a/b","value":1}]"#}),
            "error creating patch for agent: failed to apply JSON patch: add operation does not apply: doc is missing path: \"/a/b\": missing value",
        ),
        (
            json!({"agent-json-patch": r#"[{"op":"replace","path":"/name","value":1}]"#}),
            "error creating patch for agent: json: cannot unmarshal number into Go struct field Container.name of type string",
        ),
        (
            json!({"agent-share-process-namespace": "x"}),
            "error creating new agent sidecar: invalid value x for annotation \"vault.hashicorp.com/agent-share-process-namespace\", err=cannot parse '' as bool: strconv.ParseBool: parsing \"x\": invalid syntax",
        ),
    ] {
        let answer = denied(&base(annotations.clone()), &REQUEST, &plain);
        let suffix = if message.ends_with("(expecting 'a')") {
            "(expecting 'a')"
        } else {
            message
        };
        assert!(answer.ends_with(suffix), "{annotations}: {answer}");
        assert!(
            answer.contains(message.split(": invalid character").next().unwrap()),
            "{annotations}: {answer}"
        );
    }
    let mut pod = base(json!({"agent-share-process-namespace": "true"}));
    pod["spec"]["shareProcessNamespace"] = json!(false);
    assert_eq!(
        denied(&pod, &REQUEST, &plain),
        "error creating new agent sidecar: shareProcessNamespace explicitly disabled on the pod, refusing to enable it"
    );
}

#[test]
fn config_map_mode_relaxes_validation() {
    let pod =
        result(json!({"agent-configmap": "cm", "role": null, "auth-path": "", "service": ""}));
    assert!(
        !environment(container(&pod, "vault-agent"))
            .iter()
            .any(|entry| entry.starts_with("VAULT_ADDR"))
    );
}

#[test]
fn json_patches_shape_the_agents() {
    let pod = result(json!({
        "agent-init-json-patch": r#"[{"op":"add","path":"/restartPolicy","value":"Always"},{"op":"replace","path":"/name","value":"first"}]"#,
        "agent-json-patch": r#"[{"op":"add","path":"/securityContext/seccompProfile","value":{"type":"RuntimeDefault"}},
            {"op":"add","path":"/resources/limits/cpu","value":"1000m"},{"op":"add","path":"/env/-","value":{"name":"X","value":"1"}},
            {"op":"add","path":"/nonsense","value":1}]"#,
    }));
    assert_eq!(container(&pod, "first")["restartPolicy"], "Always");
    let sidecar = container(&pod, "vault-agent");
    assert_eq!(
        sidecar["securityContext"]["seccompProfile"],
        json!({"type": "RuntimeDefault"})
    );
    assert_eq!(sidecar["resources"]["limits"]["cpu"], "1");
    assert_eq!(environment(sidecar).last().unwrap(), "X=1");
    assert_eq!(
        (sidecar.get("nonsense"), &sidecar["lifecycle"]),
        (None, &json!({}))
    );
}

#[test]
fn a_pod_without_volumes_keeps_all_that_are_added() {
    let mut pod = base(json!({"agent-extra-secret": "s"}));
    pod["spec"].as_object_mut().unwrap().remove("volumes");
    let pod = after(&pod, &injected(&pod, &settings(&[])));
    assert_eq!(
        names(&pod["spec"]["volumes"]),
        [
            "home-init",
            "home-sidecar",
            "vault-secrets",
            "extra-secrets"
        ]
    );
}

/// The pod's warnings, one a line.
fn warnings(pod: &Value) -> String {
    let lines = injected(pod, &settings(&[])).warnings;
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn names_in_errors_are_quoted_as_go_quotes() {
    let pod = base(json!({"agent-service-account-token-volume-name": "a\"b\\c\n\u{1}"}));
    assert_eq!(
        denied(&pod, &REQUEST, &settings(&[])),
        r#"error creating new agent sidecar: failed to find service account volume "a\"b\\c\n\x01""#
    );
    for (word, shown) in [("\u{391}\u{3a3}", "\u{3b1}\u{3c3}"), ("\u{130}MAP", "imap")] {
        let pod = base(json!({"agent-inject-default-template": word}));
        assert!(
            denied(&pod, &REQUEST, &settings(&[]))
                .ends_with(&format!("invalid default template type: {shown}"))
        );
    }
}

#[test]
fn two_agents_of_one_name_are_told_apart_from_the_pods_containers() {
    let name = r#"[{"op":"add","path":"/name","value":"same"}]"#;
    let pod = base(json!({"agent-json-patch": name, "agent-init-json-patch": name}));
    let said = denied(&pod, &REQUEST, &settings(&[]));
    assert!(said.contains("both agents are named `same`"), "{said}");

    // A container that gets no mount has none to collide.
    let other = r#"[{"op":"add","path":"/name","value":"x"}]"#;
    let mut pod = base(json!({"agent-init-json-patch": other}));
    pod["spec"]["initContainers"] = json!([{"name": "vault-agent-init", "volumeMounts": [{"name": "d", "mountPath": "/vault/secrets"}]}]);
    let result = after(&pod, &injected(&pod, &settings(&[])));
    assert_eq!(
        names(&result["spec"]["initContainers"]),
        ["vault-agent-init", "x"]
    );
}

#[test]
fn a_strict_injector_refuses_what_only_looks_like_a_wish_for_injection() {
    let mut pod = base(json!({}));
    pod["metadata"]["annotations"] = json!({"vault.hashicorp.com/agent-injct": "true"});
    let said = denied(&pod, &REQUEST, &settings(&["-strict"]));
    assert!(
        said.contains("did you mean `vault.hashicorp.com/agent-inject`"),
        "{said}"
    );
    pod["metadata"]["annotations"] = json!({"other/x": "true"});
    let skipped = pannier_inject::review(&pod, &REQUEST, &settings(&["-strict"]));
    assert!(matches!(skipped, pannier_inject::Decision::Skip(_)));
}

#[test]
fn of_two_telemetry_keys_the_last_counts_also_when_it_is_wrong() {
    let pod = base(
        json!({"agent-telemetry-maximum-gauge-cardinality": "5", "agent-telemetry-maximum_gauge_cardinality": "x"}),
    );
    let result = after(&pod, &injected(&pod, &settings(&[])));
    let config: Value =
        serde_json::from_str(&config(container(&result, "vault-agent-init"))).unwrap();
    assert_eq!(config["telemetry"], json!({}));
}

#[test]
fn what_has_an_effect_is_not_said_to_have_none() {
    let pod = base(json!({"auth-config-": "e", "agent-telemetry-": "x"}));
    assert!(!warnings(&pod).contains("has no effect"));
    let pod = base(
        json!({"secret-volume-path-x": "/", "agent-inject-secret-x": "p", "agent-inject-file-x": "etc/f"}),
    );
    assert!(!warnings(&pod).contains("outside the secret's volume"));
}
