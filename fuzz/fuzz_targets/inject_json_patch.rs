//! Any JSON patch on any document, and as the annotation of both agents.
//!
//! Input: the patch; after a zero byte, the document (a container if absent).
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pannier_go::json::decode;
use pannier_inject::{Decision, Request, Settings, json_patch, patch, review};
use serde_json::json;

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    Settings::new(
        &["-vault-address=http://vault:8200".to_owned()],
        &BTreeMap::new(),
    )
    .expect("the address is all it needs")
});

fuzz_target!(|text: &str| {
    let (operations, document) = text.split_once('\0').unwrap_or((
        text,
        r#"{"name":"a","env":[{"name":"X"}],"args":["a","b"]}"#,
    ));
    if let (Ok(read), Ok(document)) = (json_patch::read(operations), decode(document)) {
        let before = document.clone();
        let _ = json_patch::apply(&document, &read);
        assert!(document == before, "the document that came in was changed");
    }
    let mut pod = json!({
        "metadata": {"annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/role": "app",
            "vault.hashicorp.com/agent-json-patch": operations,
            "vault.hashicorp.com/agent-init-json-patch": operations,
        }},
        "spec": {"containers": [{"name": "app", "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}]},
    });
    let request = Request {
        namespace: "default",
        uid: "",
        resource: "pods",
    };
    if let Decision::Inject(injection) = review(&pod, &request, &SETTINGS) {
        patch::apply(&mut pod, &injection.patch).expect("the patch fits the pod it was made for");
    }
});
