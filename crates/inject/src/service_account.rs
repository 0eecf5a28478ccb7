//! What the API server's own ServiceAccount admission adds to a pod before any webhook sees it.
//!
//! A manifest has no volume with a service-account token: the API server adds it. Commands that work on manifests do the
//! same here first. Source: <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume>.

use serde_json::{Value, json};

use crate::patch::{Builder, List, Operation, Part};
use crate::token::STANDARD_MOUNT;

/// How the names of such volumes begin; the API server goes on with random letters, and uses a volume that is there.
const VOLUME_PREFIX: &str = "kube-api-access-";
/// The name given here.
pub const VOLUME: &str = "kube-api-access-pannier";

/// The operations that mount the token into every container that has nothing there yet.
///
/// Empty when the pod says `automountServiceAccountToken: false`, or when all containers have such a mount.
#[must_use]
pub fn admit(pod: &Value) -> Vec<Operation> {
    let spec = &pod["spec"];
    let mut builder = Builder::default();
    if !spec.is_object() || spec["automountServiceAccountToken"] == false {
        return Vec::new();
    }
    let named = |volume: &&Value| {
        volume["name"]
            .as_str()
            .is_some_and(|name| name.starts_with(VOLUME_PREFIX))
    };
    let volumes = spec["volumes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let existing = volumes
        .iter()
        .find(named)
        .and_then(|volume| volume["name"].as_str());
    let name = existing.unwrap_or(VOLUME);
    let mount = json!({"name": name, "readOnly": true, "mountPath": STANDARD_MOUNT});
    for list in ["initContainers", "containers"] {
        for (at, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let mounts = container["volumeMounts"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            if container.is_object()
                && !mounts
                    .iter()
                    .any(|mount| mount["mountPath"] == STANDARD_MOUNT)
            {
                List::new(format!("/spec/{list}/{at}/volumeMounts"), mounts.is_empty())
                    .push(&mut builder, Part::Raw(&mount));
            }
        }
    }
    let mounts = builder.operations();
    if mounts.is_empty() || existing.is_some() {
        return mounts;
    }
    let mut builder = Builder::default();
    let volume = volume();
    List::new("/spec/volumes", volumes.is_empty()).push(&mut builder, Part::Raw(&volume));
    let mut operations = builder.operations();
    operations.extend(mounts);
    operations
}

fn volume() -> Value {
    json!({"name": VOLUME, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::apply;

    fn admitted(spec: Value) -> Value {
        let mut pod = json!({"spec": spec});
        let operations = admit(&pod);
        apply(&mut pod, &operations).expect("the operations fit the pod they were made for");
        pod["spec"].take()
    }

    #[test]
    fn every_container_without_a_token_gets_one() {
        let spec = admitted(
            json!({"containers": [{"name": "a"}, {"name": "b", "volumeMounts": [{"name": "x", "mountPath": STANDARD_MOUNT}]}]}),
        );
        assert_eq!(spec["volumes"][0]["name"], VOLUME);
        assert_eq!(spec["containers"][0]["volumeMounts"][0]["name"], VOLUME);
        assert_eq!(
            spec["containers"][1]["volumeMounts"]
                .as_array()
                .map(Vec::len),
            Some(1)
        );
    }

    #[test]
    fn a_volume_that_is_there_is_used() {
        let spec = admitted(
            json!({"volumes": [{"name": "kube-api-access-x1"}], "containers": [{"name": "a"}]}),
        );
        assert_eq!(spec["volumes"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            spec["containers"][0]["volumeMounts"][0]["name"],
            "kube-api-access-x1"
        );
    }

    #[test]
    fn nothing_is_added_when_the_pod_wants_no_token_or_all_have_one() {
        for spec in [
            json!({"automountServiceAccountToken": false, "containers": [{"name": "a"}]}),
            json!({"containers": [{"name": "b", "volumeMounts": [{"name": "x", "mountPath": STANDARD_MOUNT}]}]}),
            json!({"containers": []}),
            json!(null),
        ] {
            assert_eq!(admit(&json!({"spec": spec})), [], "{spec}");
        }
    }
}
