"""Images that only the tests need, made like ours: OpenBao's server, the same with a shell as somebody else's agent,
and a psql for the application with database credentials.
"""

import os
import pathlib
import shutil
import subprocess

from scripts.oci import Image, Layer

OPENBAO = "docker.io/openbao/openbao:2.7.2"
OTHER_AGENT = "docker.io/e2e/other-agent:1"
PSQL = "docker.io/e2e/psql:1"
BUSYBOX = "docker.io/library/busybox:1"


def _base() -> Layer:
    layer = Layer()
    layer.file("/etc/passwd", b"root:x:0:0::/:/bin/false\nvault:x:100:1000::/home/vault:/bin/false\n")
    layer.file("/etc/group", b"root:x:0:\nvault:x:1000:\n")
    layer.folder("/home/vault", owner=(100, 1000))
    return layer.folder("/tmp", mode=0o1777)


def _write(layer: Layer, name: str, entrypoint: list[str], out: pathlib.Path) -> pathlib.Path:
    tar = out / (name.rsplit("/", 1)[1].replace(":", "-") + ".tar")
    image = Image(name=name, architecture="amd64", layer=layer.finish(), entrypoint=entrypoint, user="100:1000")
    # Loaded once into one node: packing 180 MB would take longer than it saves.
    image.write(tar, level=0)
    return tar


def openbao(out: pathlib.Path) -> pathlib.Path:
    """OpenBao alone: `kubectl exec POD -- bao ...` needs no shell."""
    return _write(_base().program("/bin/bao", pathlib.Path(os.environ["PANNIER_BAO"])), OPENBAO, ["/bin/bao"], out)


def other_agent(out: pathlib.Path) -> pathlib.Path:
    """An agent image that is not ours: a whole shell, and OpenBao's agent under the name `vault`."""
    layer = _base().program("/bin/vault", pathlib.Path(os.environ["PANNIER_BAO"]))
    busybox = pathlib.Path(shutil.which("busybox") or "/usr/bin/busybox")
    layer.program("/bin/busybox", busybox)
    for applet in ("sh", "echo", "base64", "touch", "sleep", "cat"):
        layer.link(f"/bin/{applet}", "busybox")
    return _write(layer, OTHER_AGENT, ["/bin/vault"], out)


def psql(out: pathlib.Path) -> pathlib.Path:
    """busybox with this machine's psql and the libraries that it is linked with."""
    layer = _base()
    program = pathlib.Path(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1])
    layer.program("/bin/psql", program)
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for word in sorted({word for word in listed.split() if word.startswith("/")}):
        layer.program(word, pathlib.Path(word).resolve())
    busybox = pathlib.Path(shutil.which("busybox") or "/usr/bin/busybox")
    layer.program("/bin/busybox", busybox)
    for applet in ("sh", "cat", "sleep", "echo", "date", "grep", "touch"):
        layer.link(f"/bin/{applet}", "busybox")
    return _write(layer, PSQL, ["/bin/sh"], out)
