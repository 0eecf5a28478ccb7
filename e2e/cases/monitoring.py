"""What the chart has for Prometheus, Grafana and cert-manager, on an API server that knows their kinds."""

import base64
import contextlib
import json
import pathlib
import re
import tempfile
from typing import Iterator

from e2e.cluster import Cluster, wait_for
from e2e.install import NAMESPACE, WEBHOOK, await_webhook, certificate, chart_values, release
from e2e.pods import inject, pod, ready, staying
from e2e.suite import Skipped, World, expect, expect_in, test
from scripts.chart import as_yaml, render

# Kind, plural, group and version. The operators themselves are not here; what counts is that their objects are taken.
KINDS = [
    ("ServiceMonitor", "servicemonitors", "monitoring.coreos.com", "v1"),
    ("PodMonitor", "podmonitors", "monitoring.coreos.com", "v1"),
    ("PrometheusRule", "prometheusrules", "monitoring.coreos.com", "v1"),
    ("Certificate", "certificates", "cert-manager.io", "v1"),
    ("Issuer", "issuers", "cert-manager.io", "v1"),
]


@contextlib.contextmanager
def kinds(cluster: Cluster) -> Iterator[None]:
    """Defines those that the cluster does not know, and takes them away again."""
    made = []
    try:
        for kind, plural, group, version in KINDS:
            name = f"{plural}.{group}"
            if cluster.run("get", "crd", name, check=False).returncode == 0:
                continue
            schema = {"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
            served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            spec = {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": kind.lower()}, "versions": [served]}
            cluster.apply({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": spec})
            made.append(name)
        for name in made:
            cluster.run("wait", "--for=condition=established", f"crd/{name}", "--timeout=30s")
        yield
    finally:
        for name in made:
            cluster.run("delete", "crd", name, "--wait=false", check=False)


EVERYTHING = {
    "metrics": {"enabled": True} | {part: {"enabled": True} for part in ("serviceMonitor", "podMonitor", "prometheusRule", "grafanaDashboard")},
    "podDisruptionBudget": {"minAvailable": 1},
    "extraLabels": {"team": "platform"},
    "annotations": {"note": "x"},
    "priorityClassName": "system-cluster-critical",
    "tolerations": [{"operator": "Exists"}],
    "hostNetwork": True,
}


@test(setup="none", alone=True)
def the_monitoring_objects_are_taken_and_the_metrics_can_be_read(world: World) -> None:
    cluster = world.cluster
    values = chart_values(world.address)
    values["injector"]["metrics"] = EVERYTHING["metrics"]
    with kinds(cluster), release(cluster, values):
        await_webhook(cluster)
        for kind in ("servicemonitor", "podmonitor", "prometheusrule"):
            cluster.get(kind, "vault-agent-injector", "-n", NAMESPACE)
        dashboard = cluster.get("configmap", "vault-agent-injector-dashboard", "-n", NAMESPACE)
        expect(json.loads(dashboard["data"]["vault-agent-injector.json"])["panels"], "the dashboard has no panels")
        # The monitors find the pods by these labels, and the port by its name.
        monitor = cluster.get("podmonitor", "vault-agent-injector", "-n", NAMESPACE)["spec"]
        labels = ",".join(f"{key}={value}" for key, value in monitor["selector"]["matchLabels"].items())
        [endpoint] = monitor["podMetricsEndpoints"]
        # Pods of the test before may still be on their way out.
        pods = staying(cluster, NAMESPACE, "-l", labels)
        expect(len(pods) == 2, f"the PodMonitor selects {len(pods)} pods")
        text = ""
        for found in pods:
            [port] = [port["containerPort"] for port in found["spec"]["containers"][0]["ports"] if port["name"] == endpoint["port"]]
            address = f"/api/v1/namespaces/{NAMESPACE}/pods/https:{found['metadata']['name']}:{port}/proxy{endpoint['path']}"
            text += cluster.run("get", "--raw", address).stdout
        expect_in('vault_agent_injector_injections_by_namespace_total{injection_type="init_and_sidecar",namespace="default"}', text, endpoint["path"])
        _every_series_is_there(dashboard["data"]["vault-agent-injector.json"], text)


def _every_series_is_there(dashboard: str, metrics: str) -> None:
    for name in sorted(set(re.findall(r"\b(?:vault_agent_injector|pannier_webhook)_[a-z_]+", dashboard))):
        # Nothing has been denied, so its counters are not there yet.
        if "failed_injections" not in name and "denials" not in name:
            expect(name in metrics, f"the dashboard asks for {name}, which the injector does not have")


@test(setup="none", alone=True)
def every_object_is_taken_by_the_api_server(world: World) -> None:
    with kinds(world.cluster):
        _apply_without_storing(world)


def _apply_without_storing(world: World) -> None:
    for extra in ({}, EVERYTHING, {"certs": {"certManager": {"enabled": True}}}, {"certs": {"secretName": "own"}, "replicas": 1}):
        values = chart_values("") | {"server": {"dev": {"enabled": True}}}
        values["injector"] |= extra
        text = as_yaml(render("dry-vault", world.namespace, values))
        if world.cluster.version < (1, 21):
            # `helm install` asks the cluster for this; rendering alone cannot.
            text = text.replace("policy/v1\n", "policy/v1beta1\n")
        world.cluster.run("apply", "--server-side", "--dry-run=server", "-n", world.namespace, "-f", "-", stdin=text)


@test(setup="none", alone=True)
def with_cert_manager_the_injector_serves_the_certificate_of_the_secret(world: World) -> None:
    """cert-manager itself is not here, so this test does its two jobs: fill the Secret, and set the CA bundle."""
    cluster = world.cluster
    if cluster.run("get", "crd", "certificates.cert-manager.io", check=False).returncode == 0:
        raise Skipped("this cluster has a cert-manager, which would do the same at the same time")
    path = world.secret(password="certified")
    values = chart_values(world.address)
    values["injector"]["certs"] = {"certManager": {"enabled": True}}
    with kinds(cluster), release(cluster, values):
        wanted = cluster.get("certificate.cert-manager.io", "vault-agent-injector", "-n", NAMESPACE)["spec"]
        cluster.get("issuer.cert-manager.io", wanted["issuerRef"]["name"], "-n", NAMESPACE)
        webhook = cluster.get("mutatingwebhookconfiguration", WEBHOOK)
        expect(webhook["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == f"{NAMESPACE}/vault-agent-injector", "the webhook does not ask for the CA")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            certificate(folder, wanted["dnsNames"][0])
            data = {file: base64.b64encode((folder / file).read_bytes()).decode() for file in ("tls.crt", "tls.key", "ca.crt")}
        cluster.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": wanted["secretName"]}, "data": data}, namespace=NAMESPACE)
        change = json.dumps([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": data["ca.crt"]}])
        cluster.run("patch", "mutatingwebhookconfiguration", WEBHOOK, "--type=json", "-p", change)
        await_webhook(cluster)
        cluster.apply(pod("app", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
        ready(cluster, world.namespace, "app")
        expect_in("certified", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")
        bundle = lambda: cluster.get("mutatingwebhookconfiguration", WEBHOOK)["webhooks"][0]["clientConfig"].get("caBundle")
        wait_for("the CA bundle to stay as cert-manager set it", 30, lambda: bundle() == data["ca.crt"])
