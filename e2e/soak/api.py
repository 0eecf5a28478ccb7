"""The API server over HTTPS, and the objects of the soak."""

import base64
import http.client
import json
import ssl
import threading
from typing import Any

NAMESPACE = "pannier-soak"
CONFIGURATION = "pannier-soak-cfg"
SERVICE = "pannier-soak-svc"
ACCOUNT = "pannier-soak"
SECRET = "vault-injector-certs"
HOSTS = f"{SERVICE},{SERVICE}.{NAMESPACE},{SERVICE}.{NAMESPACE}.svc"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class Api:
    """Requests with one kept connection for each thread."""

    def __init__(self, server: str, ca_file: str, token: str):
        self.address = server.removeprefix("https://")
        self.token = token
        self.context = ssl.create_default_context(cafile=ca_file)
        self.local = threading.local()

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> tuple[int, dict]:
        text = None if body is None else json.dumps(body)
        for last in (False, True):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPSConnection(self.address, context=self.context, timeout=30)
            try:
                connection.request(method, path, text, {"Authorization": f"Bearer {self.token}", "Content-Type": content_type})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"{}")
            except (http.client.HTTPException, OSError):
                self.local.connection = None
                if last:
                    raise
        raise AssertionError("unreachable")

    def need(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> dict:
        status, answer = self.call(method, path, body, content_type)
        if status >= 300:
            raise SystemExit(f"soak: {method} {path}: {status} {answer.get('message')}")
        return answer

    def bundle(self) -> str:
        """The caBundle as PEM; empty when there is none."""
        webhook = self.need("GET", f"{CONFIGURATIONS}/{CONFIGURATION}")["webhooks"][0]
        return base64.b64decode(webhook["clientConfig"].get("caBundle") or "").decode()

    def empty_bundle(self) -> None:
        change = [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": ""}]
        self.need("PATCH", f"{CONFIGURATIONS}/{CONFIGURATION}", change, "application/json-patch+json")


def rules() -> tuple[list[dict], list[dict]]:
    """The rights that the official chart grants: for the cluster, and for the namespace."""
    cluster = [
        {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["mutatingwebhookconfigurations"], "verbs": ["get", "list", "watch", "patch"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
    ]
    namespace = [
        {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["create", "get", "watch", "list", "update"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["delete"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "patch", "delete"]},
    ]
    return cluster, namespace


def delete(api: Api) -> None:
    """Takes away what an earlier soak may have left."""
    for path in (f"{CONFIGURATIONS}/{CONFIGURATION}", f"/api/v1/namespaces/{NAMESPACE}", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{ACCOUNT}", f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{ACCOUNT}"):
        api.call("DELETE", path)


def install(api: Api) -> str:
    """Creates everything but the endpoints, and returns a token of the service account."""
    cluster, namespace = rules()
    group = "rbac.authorization.k8s.io"
    subject = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}]
    core, rbac = "/api/v1/namespaces", f"/apis/{group}/v1"
    meta = {"name": ACCOUNT}
    webhook = {
        "name": "vault.hashicorp.com",
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "timeoutSeconds": 10,
        "admissionReviewVersions": ["v1", "v1beta1"],
        "clientConfig": {"service": {"name": SERVICE, "namespace": NAMESPACE, "path": "/mutate"}, "caBundle": ""},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "Namespaced"}],
        "namespaceSelector": {"matchLabels": {"pannier-soak": "yes"}},
    }
    for path, body in [
        (core, {"metadata": {"name": NAMESPACE, "labels": {"pannier-soak": "yes"}}}),
        (f"{core}/{NAMESPACE}/serviceaccounts", {"metadata": meta}),
        (f"{core}/{NAMESPACE}/secrets", {"metadata": {"name": SECRET}}),
        (f"{core}/{NAMESPACE}/services", {"metadata": {"name": SERVICE}, "spec": {"ports": [{"name": "https", "port": 443}]}}),
        (f"{rbac}/clusterroles", {"metadata": meta, "rules": cluster}),
        (f"{rbac}/clusterrolebindings", {"metadata": meta, "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": ACCOUNT}, "subjects": subject}),
        (f"{rbac}/namespaces/{NAMESPACE}/roles", {"metadata": meta, "rules": namespace}),
        (f"{rbac}/namespaces/{NAMESPACE}/rolebindings", {"metadata": meta, "roleRef": {"apiGroup": group, "kind": "Role", "name": ACCOUNT}, "subjects": subject}),
        (CONFIGURATIONS, {"metadata": {"name": CONFIGURATION}, "webhooks": [webhook]}),
    ]:
        api.need("POST", path, body)
    token = api.need("POST", f"{core}/{NAMESPACE}/serviceaccounts/{ACCOUNT}/token", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}})
    return token["status"]["token"]


def set_endpoints(api: Api, address: str, ports: list[int]) -> None:
    subsets = [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port}]} for port in ports]
    path = f"/api/v1/namespaces/{NAMESPACE}/endpoints"
    body = {"metadata": {"name": SERVICE}, "subsets": subsets}
    status, _ = api.call("PUT", f"{path}/{SERVICE}", body)
    if status == 404:
        api.need("POST", path, body)
