"""The guide's pod as an API server would send it, and what the kubelet would make of the injected one."""

import base64
import copy
import json
import pathlib
import uuid

NAMESPACE = "demo"
TOKEN_VOLUME = "kube-api-access-7kq2x"
ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"

BASIC = {
    "vault.hashicorp.com/agent-inject": "true",
    "vault.hashicorp.com/agent-inject-secret-helloworld": "secret/helloworld",
    "vault.hashicorp.com/role": "myapp",
}
TEMPLATE = {
    "vault.hashicorp.com/agent-inject-template-helloworld": (
        '{{- with secret "secret/helloworld" -}}\n'
        "postgresql://{{ .Data.data.username }}:{{ .Data.data.password }}@postgres:5432/wizard\n"
        "{{- end }}\n"
    ),
}


def pod(annotations: dict[str, str], account: str = "app") -> dict:
    """The pod of the guide's Deployment, after the API server's defaults and the service-account admission."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": "app-6c9d5b7f8d-",
            "namespace": NAMESPACE,
            "creationTimestamp": None,
            "labels": {"app": "vault-agent-demo", "pod-template-hash": "6c9d5b7f8d"},
            "annotations": dict(annotations),
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "app-6c9d5b7f8d",
                    "uid": "b0b1a8a2-6f27-4a4e-a4b6-1c0f6b6a6a0c",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "volumes": [
                {
                    "name": TOKEN_VOLUME,
                    "projected": {
                        "sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
                        ],
                        "defaultMode": 420,
                    },
                }
            ],
            "containers": [
                {
                    "name": "app",
                    "image": "jweissig/app:0.0.1",
                    "resources": {},
                    "volumeMounts": [{"name": TOKEN_VOLUME, "readOnly": True, "mountPath": ACCOUNT_FOLDER}],
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                    "imagePullPolicy": "IfNotPresent",
                }
            ],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": account,
            "serviceAccount": account,
            "securityContext": {},
            "schedulerName": "default-scheduler",
            "tolerations": [
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            ],
            "priority": 0,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {},
    }


def review(request_pod: dict) -> dict:
    """The AdmissionReview for creating that pod, as kube-apiserver sends it."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": str(uuid.uuid4()),
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "namespace": NAMESPACE,
            "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "uid": "0b9a2f0e-9c37-4c57-a4e4-3c1c4e0a9b54",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            },
            "object": request_pod,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def container(of_pod: dict, name: str) -> dict:
    """The container or init container of that name."""
    for found in of_pod["spec"].get("initContainers", []) + of_pod["spec"]["containers"]:
        if found["name"] == name:
            return found
    raise KeyError(f"the pod has no container {name}")


class Node:
    """One folder that plays the node: each volume of the pod is a folder below `volumes`."""

    def __init__(self, folder: pathlib.Path, injected: dict):
        self.folder = folder
        self.pod = injected
        for volume in injected["spec"]["volumes"]:
            (folder / "volumes" / volume["name"]).mkdir(parents=True, exist_ok=True)

    def volume(self, name: str) -> pathlib.Path:
        return self.folder / "volumes" / name

    def path(self, container_name: str, inside: str) -> pathlib.Path:
        """Where a path that the container sees is here."""
        for mount_path, volume in self._mounts(container(self.pod, container_name)):
            if inside == mount_path or inside.startswith(mount_path + "/"):
                return pathlib.Path(str(self.volume(volume)) + inside[len(mount_path) :])
        raise KeyError(f"{container_name} has nothing mounted for {inside}")

    def run(self, container_name: str, tools: pathlib.Path) -> tuple[list[str], dict[str, str]]:
        """Command and environment of the injected container, word for word but for the paths that are mounts.

        `tools` stands for the image's /bin.
        """
        spec = container(self.pod, container_name)
        values = {"metadata.namespace": NAMESPACE, "status.hostIP": "127.0.0.1", "status.podIP": "127.0.0.1"}
        env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(self.volume("home-init" if container_name.endswith("-init") else "home-sidecar"))}
        for entry in spec["env"]:
            env[entry["name"]] = values[entry["valueFrom"]["fieldRef"]["fieldPath"]] if "valueFrom" in entry else entry.get("value", "")
        config = json.loads(base64.b64decode(env["VAULT_CONFIG"]))
        env["VAULT_CONFIG"] = base64.b64encode(json.dumps(self._placed(config, spec)).encode()).decode()
        arguments = [self._placed_text(text, spec) for text in spec["args"]]
        program, *flags = spec["command"]
        return [program.replace("/bin/", f"{tools}/"), *flags, *arguments], env

    def _mounts(self, spec: dict) -> list[tuple[str, str]]:
        found = [(mount["mountPath"].rstrip("/"), mount["name"]) for mount in spec["volumeMounts"]]
        return sorted(found, key=lambda pair: -len(pair[0]))

    def _placed(self, value: object, spec: dict) -> object:
        """Every text of the configuration that is a path below a mount, moved to the folder of that volume."""
        if isinstance(value, dict):
            return {key: self._placed(member, spec) for key, member in value.items()}
        if isinstance(value, list):
            return [self._placed(member, spec) for member in value]
        if isinstance(value, str) and value.startswith("/"):
            return self._placed_text(value, spec)
        return copy.copy(value)

    def _placed_text(self, text: str, spec: dict) -> str:
        for mount_path, volume in self._mounts(spec):
            text = text.replace(mount_path + "/", str(self.volume(volume)) + "/")
        return text
