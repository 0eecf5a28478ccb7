"""A cluster to test on, spoken to with kubectl."""

import json
import os
import pathlib
import shutil
import subprocess
import time
from typing import Any, Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "cluster" / "cluster"


class Failure(AssertionError):
    """What a test saw and should not have seen."""


class Cluster:
    """kubectl for one cluster. `prefix` runs it where the cluster can be reached from."""

    def __init__(self, kubeconfig: str, prefix: list[str] | None = None, load: Callable[[pathlib.Path], None] | None = None, down: Callable[[], None] | None = None, has_dns: bool = True):
        self.kubeconfig = kubeconfig
        self.prefix = prefix or []
        self.has_dns = has_dns
        self._load = load
        self._down = down

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
    if not shutil.which("kubectl"):
        _install_kubectl()
    if os.environ.get("KUBECONFIG"):
        return Cluster(os.environ["KUBECONFIG"])
    if SHARED.exists():
        print("e2e: starting the test cluster", flush=True)
        # Images are loaded once and can be pulled from nowhere: on a full disk the kubelet would remove them.
        os.environ.setdefault("CLUSTER_KUBELET_CONFIG", "imageGCHighThresholdPercent: 100")
        up = subprocess.run([SHARED, "up"], stdout=subprocess.PIPE, text=True, timeout=1800)
        if up.returncode != 0:
            raise SystemExit("e2e: the test cluster did not come up; see its messages above")
        down = None if keep else lambda: subprocess.run([SHARED, "down"], check=False, timeout=120)
        load = lambda tar: subprocess.run([SHARED, "load", tar], check=True, timeout=300)
        return Cluster(up.stdout.strip().splitlines()[-1], prefix=[str(SHARED), "exec"], load=load, down=down, has_dns=False)
    if shutil.which("kind"):
        name, config = "pannier-e2e", str(ROOT / "dist" / "kind-kubeconfig")
        subprocess.run(["kind", "create", "cluster", "--name", name, "--kubeconfig", config, "--wait", "120s"], check=True, timeout=600)
        down = None if keep else lambda: subprocess.run(["kind", "delete", "cluster", "--name", name], check=False, timeout=120)
        return Cluster(config, load=lambda tar: subprocess.run(["kind", "load", "image-archive", tar, "--name", name], check=True, timeout=300), down=down)
    raise SystemExit("e2e: no cluster: set KUBECONFIG to one whose nodes have the images of `make images`, or install kind")


def _install_kubectl() -> None:
    print("e2e: installing kubectl", flush=True)
    subprocess.run("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends kubernetes-client", shell=True, check=False, stdout=subprocess.DEVNULL, timeout=300)
    if not shutil.which("kubectl"):
        raise SystemExit("e2e: kubectl is not installed, and apt-get could not install it")
