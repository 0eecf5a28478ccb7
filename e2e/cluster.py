"""A cluster to test on, spoken to with kubectl."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "cluster" / "cluster"


class Failure(AssertionError):
    """What a test saw and should not have seen."""


class Cluster:
    """kubectl for one cluster. `prefix` runs it where the cluster can be reached from."""

    def __init__(self, kubeconfig: str, prefix: list[str] | None = None, load: Callable[[pathlib.Path], None] | None = None, down: Callable[[], None] | None = None):
        self.kubeconfig = kubeconfig
        self.prefix = prefix or []
        self._load = load
        self._down = down

    @functools.cached_property
    def has_dns(self) -> bool:
        """Whether pods can look up services by name."""
        return bool(self.get("services", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"])

    @functools.cached_property
    def version(self) -> tuple[int, int]:
        """Of the API server, such as (1, 33)."""
        said = json.loads(self.run("version", "-o", "json").stdout)["serverVersion"]
        return int(said["major"]), int(said["minor"].rstrip("+"))

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One kubectl command. A failure carries what kubectl said."""
        command = [*self.prefix, "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL if stdin is None else None)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"kubectl {' '.join(arguments)}: nothing after {seconds:.0f} s") from error
        if check and done.returncode != 0:
            raise Failure(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def helm(self, *arguments: str, values: dict | None = None, seconds: float = 120) -> str:
        """One command of Helm. What it prints."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values or {}, file)
            file.flush()
            command = [*self.prefix, sys.executable, "-m", "e2e.helm", *arguments, *(["-f", file.name] if values is not None else [])]
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, "KUBECONFIG": self.kubeconfig}, capture_output=True, text=True, timeout=seconds)
        if done.returncode != 0:
            raise Failure(f"helm {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Any:
        return json.loads(self.run("get", *arguments, "-o", "json").stdout)

    def apply(self, *objects: dict, namespace: str | None = None) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.apply_text(json.dumps(listed), namespace)

    def apply_text(self, manifests: str, namespace: str | None = None) -> None:
        self.run("apply", "--validate=false", "-f", "-", *(["-n", namespace] if namespace else []), stdin=manifests, seconds=120)

    def create(self, manifest: dict, namespace: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("create", "--validate=false", "-n", namespace, "-f", "-", stdin=json.dumps(manifest), check=check)

    def execute(self, namespace: str, pod: str, *command: str, container: str | None = None, stdin: str | None = None, check: bool = True) -> str:
        """Standard output of a command in a container."""
        arguments = ["exec", "-n", namespace, pod, *(["-c", container] if container else []), *(["-i"] if stdin is not None else []), "--", *command]
        done = self.run(*arguments, stdin=stdin, check=check)
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def logs(self, namespace: str, pod: str, container: str | None = None, tail: int | None = None) -> str:
        which = ["-c", container] if container else ["--all-containers"]
        return self.run("logs", "-n", namespace, pod, *which, *([f"--tail={tail}"] if tail else []), check=False).stdout

    def rollout(self, namespace: str, what: str, seconds: float = 120) -> None:
        self.run("rollout", "status", "-n", namespace, what, f"--timeout={int(seconds)}s", seconds=seconds + 10)

    def load(self, image: pathlib.Path) -> None:
        """Gives the nodes an image; nothing to do where they pull it themselves."""
        if self._load:
            self._load(image)

    def down(self) -> None:
        if self._down:
            self._down()


# What the tests make under fixed names, and remove.
TAKEN = [("namespace", "vault"), ("namespace", "e2e-openbao"), ("mutatingwebhookconfiguration", "vault-agent-injector-cfg"), ("clusterrolebinding", "e2e-openbao")]


def refuse_if_in_use(cluster: Cluster) -> None:
    """Ends before anything is touched when a cluster has what the tests would overwrite and remove."""
    found = [f"{kind} {name}" for kind, name in TAKEN if cluster.run("get", kind, name, check=False).returncode == 0]
    if found:
        raise SystemExit(f"e2e: this cluster has already: {', '.join(found)}; the tests would remove that. Use another cluster, or remove what an earlier run left")


def wait_for(what: str, seconds: float, probe: Callable[[], Any], pause: float = 0.3) -> Any:
    """The first true answer of `probe`. A Failure that it raises counts as `not yet` and is told in the end."""
    deadline = time.monotonic() + seconds
    last: Failure | None = None
    while True:
        try:
            answer = probe()
            if answer:
                return answer
        except Failure as failure:
            last = failure
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not after {seconds:.0f} s" + (f"; last: {last}" if last else ""))
        time.sleep(pause)


def choose(keep: bool) -> Cluster:
    """The cluster of KUBECONFIG, else the one of ../shared, else a kind cluster."""
    which()
    given = os.environ.get("KUBECONFIG")
    if not shutil.which("kubectl"):
        _install_kubectl()
    if given:
        print(f"e2e: using the cluster of KUBECONFIG={given}; its nodes must have the images of dist/ and dist/e2e/", flush=True)
        cluster = Cluster(given)
        refuse_if_in_use(cluster)
        return cluster
    return _shared(keep) if SHARED.exists() else _kind(keep)


def which() -> str:
    """The cluster that would be used, in words; ends with what is needed when there is none."""
    if os.environ.get("KUBECONFIG"):
        return f"the cluster of KUBECONFIG={os.environ['KUBECONFIG']}"
    if SHARED.exists():
        return f"the test cluster of {SHARED}"
    if shutil.which("kind"):
        return "a kind cluster, made for the tests"
    raise SystemExit(NO_CLUSTER)


NO_CLUSTER = """e2e: no cluster to test on. Either
  set KUBECONFIG to one whose nodes have the images of dist/ and dist/e2e/, or
  install kind (and Docker), and one is made and removed for the tests"""


def _shared(keep: bool) -> Cluster:
    print("e2e: starting the test cluster", flush=True)
    # Images are loaded once and can be pulled from nowhere: on a full disk the kubelet would remove them.
    os.environ.setdefault("CLUSTER_KUBELET_CONFIG", "imageGCHighThresholdPercent: 100")
    up = subprocess.run([SHARED, "up"], stdout=subprocess.PIPE, text=True, timeout=1800)
    if up.returncode != 0:
        raise SystemExit("e2e: the test cluster did not come up; see its messages above")
    kubeconfig = up.stdout.strip().splitlines()[-1]
    down = lambda: subprocess.run([SHARED, "down"], check=False, timeout=120)
    load = lambda tar: subprocess.run([SHARED, "load", tar], check=True, timeout=300)
    if keep:
        down = lambda: print(f"e2e: the cluster is left: {SHARED} exec kubectl get pods -A\n     and `{SHARED} down` ends it", flush=True)
    return Cluster(kubeconfig, prefix=[str(SHARED), "exec"], load=load, down=down)


def _kind(keep: bool) -> Cluster:
    name, config = "pannier-e2e", str(ROOT / "dist" / "kind-kubeconfig")
    print(f"e2e: making the kind cluster {name}", flush=True)
    subprocess.run(["kind", "create", "cluster", "--name", name, "--kubeconfig", config, "--wait", "120s"], check=True, timeout=600)
    down = lambda: subprocess.run(["kind", "delete", "cluster", "--name", name, "--kubeconfig", config], check=False, timeout=120)
    load = lambda tar: subprocess.run(["kind", "load", "image-archive", tar, "--name", name], check=True, timeout=300)
    if keep:
        down = lambda: print(f"e2e: the cluster is left: KUBECONFIG={config} kubectl get pods -A\n     and `kind delete cluster --name {name}` ends it", flush=True)
    return Cluster(config, load=load, down=down)


def _install_kubectl() -> None:
    print("e2e: installing kubectl", flush=True)
    subprocess.run("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends kubernetes-client", shell=True, check=False, stdout=subprocess.DEVNULL, timeout=300)
    if not shutil.which("kubectl"):
        raise SystemExit("e2e: kubectl is not installed, and apt-get could not install it")
