"""Images that only the tests need, made like ours: OpenBao's server, the same with a shell as somebody else's agent,
and PostgreSQL for the application with database credentials.
"""

import os
import pathlib
import shutil
import subprocess

from scripts.oci import Image, Layer

OPENBAO = "docker.io/openbao/openbao:2.7.2"
OTHER_AGENT = "docker.io/e2e/other-agent:1"
POSTGRES = "docker.io/e2e/postgres:1"
BUSYBOX = "docker.io/library/busybox:1"


def _base() -> Layer:
    layer = Layer()
    layer.file("/etc/passwd", b"root:x:0:0::/:/bin/false\nvault:x:100:1000::/home/vault:/bin/false\n")
    layer.file("/etc/group", b"root:x:0:\nvault:x:1000:\n")
    layer.folder("/home/vault", owner=(100, 1000))
    return layer.folder("/tmp", mode=0o1777)


def _with_shell(layer: Layer, *applets: str) -> Layer:
    layer.program("/bin/busybox", pathlib.Path(shutil.which("busybox") or "/usr/bin/busybox"))
    for applet in applets:
        layer.link(f"/bin/{applet}", "busybox")
    return layer


def _write(layer: Layer, name: str, entrypoint: list[str], out: pathlib.Path) -> pathlib.Path:
    tar = out / (name.rsplit("/", 1)[1].replace(":", "-") + ".tar")
    image = Image(name=name, architecture="amd64", layer=layer.finish(), entrypoint=entrypoint, user="100:1000")
    # Loaded once into one node: packing 180 MB would take longer than it saves.
    image.write(tar, level=0)
    return tar


def openbao(out: pathlib.Path) -> pathlib.Path:
    """OpenBao, and a shell for `kubectl exec vault-0 -- sh`, as its published image has one."""
    layer = _base().program("/bin/bao", pathlib.Path(os.environ["PANNIER_BAO"]))
    return _write(_with_shell(layer, "sh", "cat"), OPENBAO, ["/bin/bao"], out)


def other_agent(out: pathlib.Path) -> pathlib.Path:
    """An agent image that is not ours: a whole shell, and OpenBao's agent under the name `vault`."""
    layer = _base().program("/bin/vault", pathlib.Path(os.environ["PANNIER_BAO"]))
    layer = _with_shell(layer, "sh", "echo", "base64", "touch", "sleep", "cat")
    return _write(layer, OTHER_AGENT, ["/bin/vault"], out)


def postgres(out: pathlib.Path) -> pathlib.Path:
    """This machine's PostgreSQL, server and client, with the libraries that they are linked with, and a shell."""
    home = _postgres_home()
    layer = _base()
    programs = [home / "bin" / name for name in ("initdb", "postgres", "psql")]
    # Without the compiler for queries: LLVM is larger than all the rest.
    modules = sorted(file for file in (home / "lib").glob("*.so") if "llvm" not in file.name)
    for file in programs + modules:
        layer.program(str(file), file.resolve())
    share = pathlib.Path("/usr/share/postgresql") / home.name
    for file in sorted(share.rglob("*")):
        # Text search and translations are not needed; they are most of the folder.
        if file.is_file() and "tsearch_data" not in file.parts and "man" not in file.parts:
            layer.file(str(file), file.read_bytes())
    zone = pathlib.Path("/usr/share/zoneinfo/UTC")
    if zone.exists():
        layer.file(str(zone), zone.read_bytes()).file("/usr/share/zoneinfo/Etc/UTC", zone.read_bytes())
    libraries: set[str] = set()
    for file in programs + modules:
        listed = subprocess.run(["ldd", file], check=True, capture_output=True, text=True).stdout
        libraries |= {word for word in listed.split() if word.startswith("/")}
    for library in sorted(libraries):
        layer.program(library, pathlib.Path(library).resolve())
    return _write(_with_shell(layer, "sh", "cat", "cut", "sleep", "echo"), POSTGRES, ["/bin/sh"], out)


def _postgres_home() -> pathlib.Path:
    """/usr/lib/postgresql/NN, installed with apt-get if need be."""
    base = pathlib.Path("/usr/lib/postgresql")
    if not list(base.glob("*/bin/initdb")):
        print("e2e: installing PostgreSQL", flush=True)
        subprocess.run("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends postgresql", shell=True, check=False, stdout=subprocess.DEVNULL, timeout=300)
    found = sorted(base.glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if not found:
        raise SystemExit("e2e: PostgreSQL is not installed, and apt-get could not install it")
    return found[-1].parent.parent
