//! Any annotations on a sound pod: a decision, and the patch fits the pod and is not made twice.
//!
//! Input: lines of `name=value`; the name goes under our prefix.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pannier_inject::{Decision, Request, Settings, explain, patch, review};
use serde_json::{Value, json};

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    Settings::new(
        &["-vault-address=http://vault:8200".to_owned()],
        &BTreeMap::new(),
    )
    .expect("the address is all it needs")
});

fuzz_target!(|text: &str| {
    let mut annotations: BTreeMap<String, Value> = text
        .split('\n')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (format!("vault.hashicorp.com/{name}"), value.into()))
        .collect();
    annotations
        .entry("vault.hashicorp.com/agent-inject".to_owned())
        .or_insert("true".into());
    annotations
        .entry("vault.hashicorp.com/role".to_owned())
        .or_insert("app".into());
    let mut pod = json!({
        "metadata": {"name": "app", "annotations": annotations},
        "spec": {
            "volumes": [{"name": "token"}],
            "initContainers": [{"name": "first"}],
            "containers": [{"name": "app", "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}],
        },
    });
    let request = Request {
        namespace: "default",
        uid: "",
        resource: "pods",
    };
    let decision = review(&pod, &request, &SETTINGS);
    explain("Pod", &decision, &SETTINGS);
    if let Decision::Inject(injection) = decision {
        patch::apply(&mut pod, &injection.patch).expect("the patch fits the pod it was made for");
        assert!(
            matches!(review(&pod, &request, &SETTINGS), Decision::Skip(_)),
            "injected twice"
        );
    }
});
