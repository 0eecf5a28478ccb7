"""A second node for the test cluster of ../shared, which has one: a containerd and a kubelet of its own in the same
network. It can be killed as a machine is that loses its power: every process at once, and the network to its pods.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
from typing import Iterator

from e2e.cluster import SHARED, Cluster, Failure, wait_for

NAME = "node-two"
BRIDGE = "pods1"
# Out of the first node's way: its pods are 10.88.0.0/24, its kubelet listens on 10250.
SUBNET, ADDRESS, PORT = "10.88.7.0/24", "10.77.0.2", 10260


class SecondNode:
    def __init__(self, cluster: Cluster, folder: pathlib.Path):
        self.cluster, self.folder = cluster, folder
        self.socket = folder / "containerd.sock"
        self._started: list[subprocess.Popen] = []

    def start(self, images: list[pathlib.Path]) -> None:
        self._inside("ip", "addr", "add", f"{ADDRESS}/24", "dev", "node0")
        self._write_settings()
        self._run("containerd", "containerd", "-c", self.folder / "containerd.toml")
        wait_for("the second containerd", 120, lambda: self._ctr("version").returncode == 0)
        for image in images:
            if self._ctr("-n", "k8s.io", "image", "import", str(image), seconds=300).returncode != 0:
                raise Failure(f"the second node cannot take {image.name}")
        binary = pathlib.Path(os.environ.get("CLUSTER_BIN") or _cache() / "bin") / "kubelet"
        runtime = [f"--container-runtime-endpoint=unix://{self.socket}"]
        if "CLUSTER_BIN" not in os.environ:
            runtime.append("--container-runtime=remote")
        self._run(
            "kubelet",
            binary,
            f"--config={self.folder / 'kubelet.yaml'}",
            f"--kubeconfig={self.cluster.kubeconfig}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet-certs'}",
            f"--hostname-override={NAME}",
            f"--node-ip={ADDRESS}",
            *runtime,
        )
        self.cluster_ready()

    def cluster_ready(self) -> None:
        def ready() -> bool:
            conditions = self.cluster.get("node", NAME)["status"]["conditions"]
            return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)

        wait_for("the second node", 120, ready)

    def kill(self) -> None:
        """No process gets to say good-bye, and nothing answers at the addresses of its pods."""
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._inside("ip", "link", "set", BRIDGE, "down")

    def remove(self) -> None:
        self.cluster.run("delete", "node", NAME, "--ignore-not-found", check=False)
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.wait(timeout=30)
        for command in (["ip", "link", "del", BRIDGE], ["ip", "addr", "del", f"{ADDRESS}/24", "dev", "node0"]):
            self._inside(*command, check=False)
        mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _processes(self) -> list[int]:
        """The kubelet, the containerd, its shims and everything in the containers."""
        parents, found = {}, {process.pid for process in self._started if process.poll() is None}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if words[0].endswith(b"containerd-shim-runc-v2") and str(self.socket).encode() in words:
                    found.add(int(entry.name))
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        size = -1
        while len(found) != size:
            size = len(found)
            found |= {pid for pid, parent in parents.items() if parent in found}
        return sorted(found)

    def _run(self, name: str, *command: object) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        # nsenter becomes the program, so its pid is the program's.
        self._started.append(subprocess.Popen([*self.cluster.prefix, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _inside(self, *command: str, check: bool = True) -> None:
        subprocess.run([*self.cluster.prefix, *command], check=check, timeout=30, stderr=None if check else subprocess.DEVNULL)

    def _ctr(self, *arguments: str, seconds: float = 20) -> subprocess.CompletedProcess:
        return subprocess.run(["ctr", "-a", self.socket, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds)

    def _write_settings(self) -> None:
        first = _state()
        cni = self.folder / "cni"
        cni.mkdir(parents=True)
        [network] = list((first / "cni").glob("*.conflist"))
        text = network.read_text()
        for old, new in (("pods0", BRIDGE), (f"{first}/ipam", f"{self.folder}/ipam"), ("10.88.0.0/24", SUBNET)):
            if old not in text:
                raise Failure(f"{network} does not name {old}")
            text = text.replace(old, new)
        (cni / network.name).write_text(text)
        for name in ("containerd.toml", "kubelet.yaml"):
            (self.folder / name).write_text((first / name).read_text().replace(str(first), str(self.folder)))
        with (self.folder / "kubelet.yaml").open("a") as file:
            file.write(f"port: {PORT}\n")


def _state() -> pathlib.Path:
    return pathlib.Path(os.environ.get("CLUSTER_STATE", "/tmp/test-cluster"))


def _cache() -> pathlib.Path:
    return pathlib.Path(os.environ.get("CLUSTER_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "test-cluster")


@contextlib.contextmanager
def second_node(cluster: Cluster, images: list[pathlib.Path]) -> Iterator[SecondNode]:
    if cluster.prefix != [str(SHARED), "exec"]:
        raise ValueError("only the test cluster of ../shared can be given another node")
    folder = _state().with_name(_state().name + "-node-two")
    node = SecondNode(cluster, folder)
    node.remove()
    folder.mkdir(parents=True)
    begun = time.monotonic()
    try:
        node.start([_cache() / "images" / name for name in ("pause.tar", "busybox.tar")] + images)
        print(f"      a second node is ready after {time.monotonic() - begun:.0f} s", flush=True)
        yield node
    finally:
        node.remove()
