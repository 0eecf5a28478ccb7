"""OpenBao in the cluster, and what the tests tell it through `kubectl exec`."""

import json

from e2e.cluster import Cluster, wait_for
from e2e.images import OPENBAO

NAMESPACE = "e2e-openbao"
TOKEN = "root"


def server_manifests() -> list[dict]:
    """A dev server on the node's own address, allowed to ask the API server about tokens."""
    labels = {"app": "openbao"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "openbao", "namespace": NAMESPACE}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "e2e-openbao"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
            "subjects": [{"kind": "ServiceAccount", "name": "openbao", "namespace": NAMESPACE}],
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "openbao", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "serviceAccountName": "openbao",
                "hostNetwork": True,
                "containers": [
                    {
                        "name": "openbao",
                        "image": OPENBAO,
                        "imagePullPolicy": "IfNotPresent",
                        "args": ["server", "-dev", f"-dev-root-token-id={TOKEN}", "-dev-listen-address=0.0.0.0:8200"],
                        "env": [{"name": "BAO_ADDR", "value": "http://127.0.0.1:8200"}, {"name": "BAO_TOKEN", "value": TOKEN}],
                        "readinessProbe": {"httpGet": {"path": "/v1/sys/health", "port": 8200}, "periodSeconds": 1},
                    }
                ],
            },
        },
    ]


class Bao:
    """The `bao` command in one server's pod."""

    def __init__(self, cluster: Cluster, namespace: str, pod: str, container: str):
        self.cluster = cluster
        self.namespace, self.pod, self.container = namespace, pod, container

    def __call__(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        return self.cluster.execute(self.namespace, self.pod, "bao", *arguments, container=self.container, stdin=stdin, check=check)

    def json(self, *arguments: str) -> dict:
        return json.loads(self(*arguments, "-format=json"))

    def policy(self, name: str, text: str) -> None:
        self("policy", "write", name, "-", stdin=text)

    def enable_kubernetes(self, host: str) -> None:
        """The auth method as the guide sets it up: by the server's own account and the API server's address."""
        self("auth", "enable", "kubernetes")
        self("write", "auth/kubernetes/config", f"kubernetes_host={host}")

    def role(self, name: str, account: str, namespace: str, policies: str, **more: str) -> None:
        self(
            "write",
            f"auth/kubernetes/role/{name}",
            f"bound_service_account_names={account}",
            f"bound_service_account_namespaces={namespace}",
            f"policies={policies}",
            *[f"{key}={value}" for key, value in ({"ttl": "1h"} | more).items()],
        )


def start(cluster: Cluster) -> tuple[Bao, str]:
    """Runs the server and returns it with the address that pods reach it by."""
    cluster.apply(*server_manifests())
    pod = wait_for("OpenBao", 180, lambda: _ready(cluster))
    bao = Bao(cluster, NAMESPACE, "openbao", "openbao")
    if "kubernetes/" not in bao("auth", "list"):
        bao.enable_kubernetes(api_server(cluster))
    return bao, f"http://{pod['status']['hostIP']}:8200"


def stop(cluster: Cluster) -> None:
    """Leaves nothing of `start`."""
    cluster.run("delete", "clusterrolebinding", "e2e-openbao", "--ignore-not-found", check=False)
    cluster.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false", check=False)


def api_server(cluster: Cluster) -> str:
    """The address that pods know the API server by."""
    service = cluster.get("service", "kubernetes", "-n", "default")
    return f"https://{service['spec']['clusterIP']}:443"


def _ready(cluster: Cluster) -> dict | None:
    pod = cluster.get("pod", "openbao", "-n", NAMESPACE)
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in pod["status"].get("conditions", []))
    return pod if ready else None
