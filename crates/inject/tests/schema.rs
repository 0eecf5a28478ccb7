//! What is injected, held against the API's own types: a member that Kubernetes does not know is dropped there in silence.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod common;

use common::{after, base, container, injected, settings};
use k8s_openapi::api::core::v1::{Container, Pod};
use serde_json::{Value, json};

/// Reads `value` into the API's type, which fails for a wrong type, and expects to get all of it back.
fn whole<T: serde::de::DeserializeOwned + serde::Serialize>(what: &str, value: &Value) -> T {
    let typed: T =
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(&serde_json::to_value(&typed).unwrap(), value, "{what}");
    typed
}

#[test]
fn every_pod_of_the_golden_files_is_one_that_kubernetes_knows_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let mut pods = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".after.yaml") {
            let pod: Value =
                serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let containers = ["initContainers", "containers"]
                .iter()
                .flat_map(|list| pod["spec"][list].as_array().cloned().unwrap_or_default());
            // The pod's own ones may hold members of versions to come, which go through.
            let ours = containers.filter(|container| {
                matches!(
                    container["name"].as_str(),
                    Some("vault-agent" | "vault-agent-init")
                )
            });
            for container in ours {
                let of = format!("{name}, container {}", container["name"]);
                whole::<Container>(&of, &container);
            }
            serde_json::from_value::<Pod>(pod).unwrap_or_else(|error| panic!("{name}: {error}"));
            pods += 1;
        }
    }
    assert!(pods >= 15, "{pods} pods");
}

#[test]
fn a_native_sidecar_holds_the_application_back_by_its_startup_probe() {
    let pod = base(json!({
        "agent-native-sidecar": "true",
        "agent-inject-secret-it's": "secret/data/b",
    }));
    let pod = after(&pod, &injected(&pod, &settings(&["-kube-version=1.29"])));
    assert_eq!(pod["spec"]["containers"].as_array().unwrap().len(), 1);
    let typed: Container = whole("vault-agent", container(&pod, "vault-agent"));
    // Kubernetes knows a sidecar by this member, and takes it for started once its startup probe has succeeded.
    assert_eq!(typed.restart_policy.as_deref(), Some("Always"));
    let probe = typed.startup_probe.unwrap();
    assert_eq!(
        (probe.period_seconds, probe.failure_threshold),
        (Some(1), Some(3600))
    );
    let command = probe.exec.unwrap().command.unwrap();
    assert_eq!(
        command,
        [
            "/bin/sh",
            "-c",
            r#"test -f /vault/secrets/config.txt && test -f '/vault/secrets/it'"'"'s'"#
        ]
    );
}
