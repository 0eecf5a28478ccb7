//! Random pods with random annotations, for properties and for a real API server.

#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    reason = "shared between test files and an example"
)]

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Annotations that are passed on without a check, and values that suit them.
static TEXTS: &[(&str, &[&str])] = &[
    ("agent-cache-use-auto-auth-token", &["true", "force", ""]),
    ("agent-cache-listener-port", &["8200", "8300", ""]),
    ("agent-configmap", &["cm", ""]),
    ("agent-copy-volume-mounts", &["app", "init-0", "nobody", ""]),
    (
        "agent-disable-idle-connections",
        &["auto-auth", "auto-auth,caching", ""],
    ),
    ("agent-disable-keep-alives", &["templating", "a, b"]),
    ("agent-extra-secret", &["extra", ""]),
    ("agent-image", &["registry.example/vault:1"]),
    ("agent-inject-containers", &["app", "app,c1", "nobody", ""]),
    ("agent-inject-default-template", &["map", "JSON"]),
    ("agent-inject-status", &["update", ""]),
    ("auth-path", &["auth/k8s"]),
    ("auth-type", &["kubernetes", "aws", "jwt"]),
    ("ca-cert", &["/vault/tls/ca.crt", ""]),
    ("ca-key", &["/vault/tls"]),
    ("client-cert", &["/vault/tls/c.crt"]),
    ("client-key", &["/vault/tls/c.key"]),
    ("client-max-retries", &["3"]),
    ("client-timeout", &["30s"]),
    ("go-max-procs", &["2"]),
    ("log-format", &["json"]),
    ("log-level", &["debug", ""]),
    ("namespace", &["team/a", ""]),
    ("proxy-address", &["http://proxy:3128"]),
    ("secret-volume-path", &["/etc/secrets", "/vault/other"]),
    ("service", &["https://vault.example:8200"]),
    ("template-static-secret-render-interval", &["1m", ""]),
    ("tls-secret", &["tls", ""]),
    ("tls-server-name", &["vault.example"]),
    ("auth-config-audience", &["a \"quoted\" text", ""]),
    ("auth-config-region", &["eu-west-1"]),
    ("agent-telemetry-prometheus-retention-time", &["24h", "30"]),
    ("agent-telemetry-prefix-filter", &["[\"+a\"]", "x"]),
    ("auth-min-backoff", &["1s", ""]),
    ("auth-max-backoff", &["5m"]),
    ("agent-limits-cpu", &["1", "0.75", ""]),
    ("agent-limits-mem", &["256Mi", ""]),
    ("agent-requests-ephemeral", &["1Gi"]),
    ("agent-revoke-grace", &["5", "30"]),
    ("agent-run-as-user", &["1000", ""]),
    ("agent-run-as-group", &["2000"]),
    ("template-max-connections-per-host", &["7", ""]),
    ("template-lease-renewal-threshold", &["0.75", "1e-3"]),
    (
        "agent-json-patch",
        &[
            "[]",
            "null",
            r#"[{"op":"add","path":"/env/-","value":{"name":"X","value":"1"}}]"#,
        ],
    ),
    (
        "agent-init-json-patch",
        &[
            "[]",
            r#"[{"op":"add","path":"/imagePullPolicy","value":"Always"}]"#,
        ],
    ),
];

/// Annotations that hold a boolean.
static BOOLEANS: &[&str] = &[
    "agent-auto-auth-exit-on-err",
    "agent-cache-enable",
    "agent-cache-exit-on-err",
    "agent-enable-quit",
    "agent-init-first",
    "agent-inject-token",
    "agent-pre-populate",
    "agent-pre-populate-only",
    "agent-revoke-on-shutdown",
    "agent-set-security-context",
    "agent-share-process-namespace",
    "preserve-secret-case",
    "template-config-exit-on-retry-failure",
    "tls-skip-verify",
];

/// Families about a secret, and values that suit them.
static FAMILIES: &[(&str, &[&str])] = &[
    (
        "agent-inject-secret-",
        &["kv/data/a", "database/creds/\"role\"", " "],
    ),
    (
        "agent-inject-template-",
        &[
            "{{ with secret \"kv/a\" }}{{ .Data.x }}{{ end }}",
            "plain <&> text",
            " ",
            "{{",
        ],
    ),
    ("agent-inject-template-file-", &["/vault/custom/t"]),
    ("agent-inject-file-", &["f.txt", "/abs/f", "../up"]),
    ("agent-inject-perms-", &["0400", "rw"]),
    ("agent-inject-command-", &["/bin/kill -HUP 1"]),
    ("agent-template-left-delim-", &["<<"]),
    ("agent-template-right-delim-", &[">>"]),
    ("error-on-missing-key-", &["true", ""]),
    ("preserve-secret-case-", &["true", "no"]),
    ("secret-volume-path-", &["/etc/own", "/vault/secrets"]),
];

/// One annotation that the injector accepts.
fn accepted() -> impl Strategy<Value = (String, String)> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    prop_oneof![
        4 => select(TEXTS).prop_flat_map(|(name, values)| (Just(name), select(values))).prop_map(owned),
        3 => (select(BOOLEANS), select(&["true", "false", "1", "F", ""][..])).prop_map(owned),
        4 => (select(FAMILIES), select(&["a", "B.txt", "file-x", "c"][..]))
            .prop_flat_map(|((family, values), name)| (Just(format!("{family}{name}")), select(values)))
            .prop_map(|(name, value)| (name, value.to_owned())),
    ]
}

/// One annotation of any kind, wrong ones among them.
fn any_annotation() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        6 => accepted(),
        1 => (accepted(), ".{0,12}").prop_map(|((name, _), value)| (name, value)),
        1 => ("[a-zA-Z_.-]{0,20}", ".{0,12}"),
    ]
}

fn mount() -> impl Strategy<Value = Value> {
    (
        select(&["data", "more"][..]),
        select(&["/data", "/more", "/deep/er"][..]),
        option::of("[a-z]{1,4}"),
    )
        .prop_map(|(name, path, sub)| {
            let mut mount = json!({"name": name, "mountPath": path});
            if let Some(sub) = sub {
                mount["subPath"] = sub.into();
            }
            mount
        })
}

fn container(name: String, token: bool) -> impl Strategy<Value = Value> {
    let mounts = vec(mount(), 0..3);
    (mounts, option::of(0i64..3000), any::<bool>(), any::<bool>()).prop_map(move |(mut mounts, user, env, extra)| {
        mounts.dedup_by(|one, other| one["mountPath"] == other["mountPath"]);
        mounts.sort_by_key(|mount| mount["mountPath"].as_str().map(str::to_owned));
        mounts.dedup_by(|one, other| one["mountPath"] == other["mountPath"]);
        if token {
            mounts.push(json!({"name": "kube-api-access-abcde", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}));
        }
        let mut container = json!({"name": name, "image": "registry.example/app:1", "resources": {}});
        if !mounts.is_empty() {
            container["volumeMounts"] = mounts.into();
        }
        if let Some(user) = user {
            container["securityContext"] = json!({"runAsUser": user});
        }
        if env {
            container["env"] = json!([{"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
        }
        if extra {
            container["terminationMessagePolicy"] = "FallbackToLogsOnError".into();
        }
        container
    })
}

fn pod(annotations: impl Strategy<Value = (String, String)>) -> impl Strategy<Value = Value> {
    let containers = (1usize..4).prop_flat_map(|count| {
        (0..count)
            .map(|at| {
                container(
                    if at == 0 {
                        "app".to_owned()
                    } else {
                        format!("c{at}")
                    },
                    true,
                )
            })
            .collect::<Vec<_>>()
    });
    let initial = (0usize..3).prop_flat_map(|count| {
        (0..count)
            .map(|at| container(format!("init-{at}"), at == 0))
            .collect::<Vec<_>>()
    });
    (vec(annotations, 0..14), containers, initial, option::of(any::<bool>())).prop_map(|(annotations, containers, initial, share)| {
        let mut all: Map<String, Value> =
            annotations.into_iter().map(|(name, value)| (format!("vault.hashicorp.com/{name}"), value.into())).collect();
        all.insert("vault.hashicorp.com/agent-inject".to_owned(), "true".into());
        all.entry("vault.hashicorp.com/role").or_insert_with(|| "app".into());
        let mut pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "app", "annotations": all},
            "spec": {
                "containers": containers,
                "volumes": [
                    {"name": "kube-api-access-abcde", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]}},
                    {"name": "data", "emptyDir": {}},
                    {"name": "more", "emptyDir": {}},
                ],
                "terminationGracePeriodSeconds": 30,
            },
        });
        if !initial.is_empty() {
            pod["spec"]["initContainers"] = initial.into();
        }
        if let Some(share) = share {
            pod["spec"]["shareProcessNamespace"] = share.into();
        }
        pod
    })
}

/// A valid pod with annotations that are read without an error.
pub fn valid_pod() -> impl Strategy<Value = Value> {
    pod(accepted())
}

/// A valid pod with annotations of any kind.
pub fn any_pod() -> impl Strategy<Value = Value> {
    pod(any_annotation())
}

/// Any JSON under the member names of a pod, of the right type or not.
pub fn pod_shaped() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        select(
            &[
                "true",
                "app",
                "x",
                "vault-agent",
                "/var/run/secrets/kubernetes.io/serviceaccount",
                ""
            ][..]
        )
        .prop_map(Value::from),
    ];
    let names = select(
        &[
            "metadata",
            "annotations",
            "spec",
            "containers",
            "initContainers",
            "volumes",
            "volumeMounts",
            "name",
            "mountPath",
            "env",
            "securityContext",
            "runAsUser",
            "projected",
            "sources",
            "serviceAccountToken",
            "path",
            "status",
            "phase",
            "vault.hashicorp.com/agent-inject",
            "vault.hashicorp.com/role",
        ][..],
    );
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
