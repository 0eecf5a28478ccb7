"""`make images`: builds both programs and writes the images as tars to dist/.

    pannier-ARCH.tar                the injector
    pannier-agent-ARCH.tar          the agent, with no shell
    pannier-agent-busybox-ARCH.tar  the agent with busybox, for template commands that need a shell

For this machine's processor, and for the other ones that it has the toolchain for: Rust's musl target and a C compiler, on Debian
`rustup target add aarch64-unknown-linux-musl` and `apt-get install gcc-aarch64-linux-gnu`. A size limit that is broken fails
the build.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

from scripts.oci import ARCHITECTURES, Image, Layer

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = "ghcr.io/pannier"
# As in the images that ours stand in for: uid 100 in group 1000. The chart and vault-k8s's security context say the same.
USER, GROUP = 100, 1000
MEGABYTE = 1_000_000
LIMITS = {"pannier": 12 * MEGABYTE, "pannier-agent": 6 * MEGABYTE, "pannier-agent-busybox": 9 * MEGABYTE}
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


def version() -> str:
    text = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if not found:
        raise SystemExit("images: Cargo.toml names no version")
    return found.group(1)


def base() -> Layer:
    """What every image has: the user by name, its home, a place for temporary files, the licence."""
    layer = Layer()
    layer.file("/etc/passwd", f"root:x:0:0:root:/:/sbin/nologin\nvault:x:{USER}:{GROUP}:vault:/home/vault:/sbin/nologin\n".encode())
    layer.file("/etc/group", f"root:x:0:\nvault:x:{GROUP}:\n".encode())
    layer.folder("/home/vault", owner=(USER, GROUP))
    layer.folder("/tmp", mode=0o1777)
    layer.file("/LICENSE", (ROOT / "LICENSE").read_bytes())
    return layer


def injector(programs: pathlib.Path) -> Layer:
    layer = base().program("/bin/pannier", programs / "pannier")
    # For manifests that start the program by name.
    return layer.link("/bin/vault-k8s", "pannier")


def agent(programs: pathlib.Path) -> Layer:
    layer = base().program("/bin/pannier-agent", programs / "pannier-agent").link("/bin/vault", "pannier-agent")
    # Public authorities, for a Vault with a certificate of one of them.
    if CERTIFICATES.exists():
        layer.file("/etc/ssl/certs/ca-certificates.crt", CERTIFICATES.read_bytes())
    else:
        print(f"images: {CERTIFICATES} is not there, so the agent's image trusts no public authority; hint: install ca-certificates", file=sys.stderr)
    return layer


def with_busybox(layer: Layer, busybox: pathlib.Path) -> Layer:
    layer.program("/bin/busybox", busybox)
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in sorted(set(applets) - {"busybox"}):
        layer.link(f"/bin/{applet}", "busybox")
    return layer


def assemble(programs: pathlib.Path, arch: str, busybox: pathlib.Path | None) -> dict[str, Image]:
    """All images for one architecture, by the name of their tar. The same files give the same images."""
    layers = {"pannier": (injector(programs), "/bin/pannier"), "pannier-agent": (agent(programs).link("/bin/sh", "pannier-agent"), "/bin/vault")}
    if busybox:
        layers["pannier-agent-busybox"] = (with_busybox(agent(programs), busybox), "/bin/vault")
    images = {}
    for name, (layer, program) in layers.items():
        repository, variant = (name[: -len("-busybox")], "-busybox") if name.endswith("-busybox") else (name, "")
        images[name] = Image(
            name=f"{REPOSITORY}/{repository}:{version()}{variant}",
            architecture=ARCHITECTURES[arch],
            layer=layer.finish(),
            entrypoint=[program],
            user=f"{USER}:{GROUP}",
            labels={
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.source": "https://github.com/pannier/pannier",
                "org.opencontainers.image.title": name,
                "org.opencontainers.image.version": version(),
            },
        )
        images[name].env.append("HOME=/home/vault")
    return images


def too_big(name: str, image: Image) -> str:
    """What to say about an image beyond its limit, else nothing."""
    return "" if len(image.layer) <= LIMITS[name] else f"  TOO BIG: at most {LIMITS[name]} bytes"


def build(arch: str, out: pathlib.Path) -> bool:
    """Programs and images for one architecture. False: one is too big."""
    programs = out / "programs" / arch
    subprocess.run([ROOT / "scripts" / "static-build", programs, arch], check=True, cwd=ROOT)
    busybox = shutil.which("busybox")
    if arch != _machine() or not busybox or not _is_static(busybox):
        hint = "hint: apt-get install busybox-static" if arch == _machine() else "it is made for this machine's own processor only"
        print(f"images: no static busybox for {arch} here, so the agent's busybox variant is not written; {hint}", file=sys.stderr)
        busybox = None
    good = True
    for name, image in assemble(programs, arch, pathlib.Path(busybox) if busybox else None).items():
        tar = out / f"{name}-{ARCHITECTURES[arch]}.tar"
        digest = image.write(tar)
        verdict = too_big(name, image)
        good = good and not verdict
        print(f"{tar.name:36} {len(image.layer):9d} bytes unpacked  {tar.stat().st_size:9d} packed  {digest}{verdict}")
    return good


def buildable() -> list[str]:
    """This machine's processor, then those that it has the toolchain for."""
    sysroot = pathlib.Path(subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip())
    others = [
        arch
        for arch in sorted(ARCHITECTURES)
        if arch != _machine() and (sysroot / f"lib/rustlib/{arch}-unknown-linux-musl/lib").exists() and shutil.which(f"{arch}-linux-gnu-gcc")
    ]
    return [_machine(), *others]


def _machine() -> str:
    return subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip()


def _is_static(program: str) -> bool:
    # A dynamically linked ELF file names its loader in the program header PT_INTERP.
    return b"/ld-linux" not in pathlib.Path(program).read_bytes()[:4096]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m scripts.images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", action="append", choices=sorted(ARCHITECTURES), help="instead of all that can be built here; repeat for several")
    parser.add_argument("--here", action="store_true", help="for this machine only")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "dist")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = [build(arch, options.out) for arch in options.arch or ([_machine()] if options.here else buildable())]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
