"""The installations that tests ask for by name: ours by the chart, and the official chart's manifests with our images."""

import base64
import contextlib
import json
import pathlib
import subprocess
import tempfile
from typing import Iterator

from e2e.cluster import ROOT, Cluster, Failure, wait_for
from e2e.vault import Bao
from scripts.images import REPOSITORY, version

INJECTOR = f"{REPOSITORY}/pannier:{version()}"
AGENT = f"{REPOSITORY}/pannier-agent:{version()}"
OFFICIAL = ROOT.parent / "shared" / "official-chart"
NAMESPACE = "vault"
WEBHOOK = "vault-agent-injector-cfg"
# Tests should not wait five minutes for a changed secret.
QUICK = {"AGENT_INJECT_TEMPLATE_STATIC_SECRET_RENDER_INTERVAL": "2s"}


def chart_values(address: str, **injector: object) -> dict:
    return {"global": {"externalVaultAddr": address}, "injector": {"agentDefaults": {"templateConfig": {"staticSecretRenderInterval": "2s"}}, **injector}}


@contextlib.contextmanager
def release(cluster: Cluster, values: dict, chart: str = "charts/pannier") -> Iterator[None]:
    """A release of a chart, removed in the end, also when it was installed in part only."""
    try:
        cluster.helm("install", "vault", chart, "-n", NAMESPACE, values=values)
        yield
    finally:
        cluster.helm("uninstall", "vault", "-n", NAMESPACE, "--ignore-not-found")


@contextlib.contextmanager
def installed(cluster: Cluster, setup: str, bao: Bao, address: str, keep: bool = False) -> Iterator[tuple[Bao, str]]:
    """Installs, waits until the webhook answers, and removes everything in the end.

    Hands on the server that the injector sends its agents to, and its address. `none` leaves the installing to the test.
    """
    cluster.run("create", "namespace", NAMESPACE, check=False)
    try:
        if setup == "chart-dev-server":
            bao, address = _with_dev_server(cluster)
        elif setup == "chart":
            cluster.helm("install", "vault", "charts/pannier", "-n", NAMESPACE, values=chart_values(address))
        elif setup != "none":
            manifests = official(cluster, setup.removeprefix("official-"), address)
            if setup == "official-file-certificates":
                manifests = _with_certificates(cluster, manifests)
            cluster.apply_text(manifests, NAMESPACE)
        if setup != "none":
            await_webhook(cluster)
        yield bao, address
    except Failure as failure:
        raise Failure(f"{failure}\n--- log of the injector\n{injector_log(cluster)}") from failure
    finally:
        if not keep:
            if setup.startswith("official"):
                cluster.run("delete", "-n", NAMESPACE, "--ignore-not-found", "--wait=false", "-f", "-", stdin=manifests, seconds=120, check=False)
            elif setup != "none":
                cluster.helm("uninstall", "vault", "-n", NAMESPACE, "--ignore-not-found")
            cluster.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s", seconds=190, check=False)


def official(cluster: Cluster, name: str, address: str) -> str:
    """The official chart's manifests with our images, and with the address of this cluster's server."""
    text = (OFFICIAL / f"{name}.yaml").read_text()
    for old, new in (("hashicorp/vault-k8s:1.7.6", INJECTOR), ("hashicorp/vault:2.0.4", AGENT), ("http://10.77.0.1:8200", address)):
        if old not in text:
            raise Failure(f"{name}.yaml does not name {old}")
        text = text.replace(old, new)
    # As Helm would have rendered it for an older cluster.
    return text if cluster.version >= (1, 21) else text.replace("policy/v1\n", "policy/v1beta1\n")


def _with_dev_server(cluster: Cluster) -> tuple[Bao, str]:
    """Installs with the chart's own server. Where the cluster has no DNS, the injector is told the pod's address."""
    values = chart_values("") | {"server": {"dev": {"enabled": True}}}
    cluster.helm("install", "vault", "charts/pannier", "-n", NAMESPACE, values=values)
    cluster.rollout(NAMESPACE, "statefulset/vault", 180)
    address = f"http://vault.{NAMESPACE}.svc:8200"
    if not cluster.has_dns:
        address = f"http://{cluster.get('pod', 'vault-0', '-n', NAMESPACE)['status']['podIP']}:8200"
        cluster.helm("upgrade", "vault", "charts/pannier", "-n", NAMESPACE, values=values | {"global": {"externalVaultAddr": address}})
    return Bao(cluster, NAMESPACE, "vault-0", "vault"), address


def await_webhook(cluster: Cluster) -> None:
    """Until the injector answers for a pod that asks for injection, through the API server."""
    cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "annotations": {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "probe"}},
        "spec": {"containers": [{"name": "app", "image": "probe"}]},
    }

    def answers() -> bool:
        done = cluster.run("create", "--validate=false", "--dry-run=server", "-n", "default", "-f", "-", "-o", "json", stdin=json.dumps(probe), check=False)
        if done.returncode != 0:
            raise Failure(done.stderr.strip())
        return "initContainers" in json.loads(done.stdout)["spec"]

    wait_for("the webhook's answer through the API server", 60, answers)


def injector_log(cluster: Cluster) -> str:
    return cluster.run("logs", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=vault-agent-injector", "--tail=40", "--prefix", check=False).stdout


def certificate(folder: pathlib.Path, service: str) -> None:
    """ca.crt, tls.crt and tls.key for the service, with openssl as an operator would."""

    def openssl(*arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl {arguments[0]}: {done.stderr.strip()}")

    names = ",".join(f"DNS:{service}{suffix}" for suffix in ("", f".{NAMESPACE}", f".{NAMESPACE}.svc"))
    (folder / "extensions").write_text(f"subjectAltName={names}\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=e2e CA", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={service}", "-keyout", "tls.key", "-out", "tls.csr")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", "tls.crt", "-extfile", "extensions")


def certificate_secret(cluster: Cluster, folder: pathlib.Path) -> None:
    data = {name: base64.b64encode((folder / name).read_bytes()).decode() for name in ("tls.crt", "tls.key")}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "injector-tls"}, "data": data}, namespace=NAMESPACE)


def _with_certificates(cluster: Cluster, manifests: str) -> str:
    """Makes the pair, and puts its authority where the chart's value `caBundle` would."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificate(folder, "vault-agent-injector-svc")
        certificate_secret(cluster, folder)
        bundle = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    lines = [line for line in manifests.splitlines() if line.strip().startswith("caBundle:")]
    if len(lines) != 1:
        raise Failure(f"the manifests have {len(lines)} lines with caBundle")
    return manifests.replace(lines[0].strip(), f"caBundle: {bundle}")
