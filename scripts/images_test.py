"""The images: the same files give the same digest, and what is in them is what is promised."""

import json
import os
import pathlib
import re
import tarfile
import tempfile
import time
import unittest

from scripts import images


def made(folder: pathlib.Path, out: str, *, busybox: bool = True, size: int = 1000) -> dict[str, str]:
    """Writes programs and images, and gives the digests by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pannier-agent", "pannier"):
        (folder / name).write_bytes(name.encode() * size)
    shell = folder / "busybox"
    shell.write_text("#!/bin/sh\necho cat; echo sh; echo busybox\n")
    shell.chmod(0o755)
    tars = folder / out
    tars.mkdir()
    return {name: image.write(tars / f"{name}.tar") for name, image in images.assemble(folder, "x86_64", shell if busybox else None).items()}


class Images(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_two_builds_give_the_same_digest(self) -> None:
        first = made(self.folder / "one", "out")
        # Elsewhere, later, under another umask, with programs of other times.
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        second = made(self.folder / "two" / "deeper", "out")
        for program in (self.folder / "two" / "deeper").iterdir():
            os.utime(program, (time.time() + 1e6, 1))
        third = made(self.folder / "two" / "deeper", "again")
        self.assertEqual(first, second)
        self.assertEqual(first, third)
        for name in first:
            self.assertEqual((self.folder / "one/out" / f"{name}.tar").read_bytes(), (self.folder / "two/deeper/out" / f"{name}.tar").read_bytes())

    def test_another_program_gives_another_digest(self) -> None:
        self.assertNotEqual(made(self.folder / "one", "out"), made(self.folder / "two", "out", size=1001))

    def test_an_image_beyond_its_limit_is_told(self) -> None:
        made(self.folder, "out")
        big = self.folder / "pannier-agent"
        big.write_bytes(b"x" * images.LIMITS["pannier-agent"])
        found = images.assemble(self.folder, "x86_64", None)
        self.assertEqual(images.too_big("pannier", found["pannier"]), "")
        self.assertIn("TOO BIG", images.too_big("pannier-agent", found["pannier-agent"]))

    def test_the_limits_are_the_promised_ones(self) -> None:
        self.assertEqual((images.LIMITS["pannier-agent"], images.LIMITS["pannier"]), (6_000_000, 12_000_000))

    def test_the_dockerfile_makes_the_same_images(self) -> None:
        """Its stages, read down to the build: the same user, program and links. (The files are compared by nobody here.)"""
        text = (images.ROOT / "Dockerfile").read_text()
        stages = {name: (base, body) for base, name, body in re.findall(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.M | re.S)}

        def instructions(name: str) -> str:
            base, body = stages[name]
            return (instructions(base) if base in stages else "") + body

        made(self.folder, "out")
        found = images.assemble(self.folder, "x86_64", self.folder / "busybox")
        for stage, name in {"injector": "pannier", "agent": "pannier-agent", "agent-busybox": "pannier-agent-busybox"}.items():
            with self.subTest(stage):
                said, image = instructions(stage), found[name]
                self.assertEqual(stages[stage][0] in ("scratch", "agent-base"), True)
                self.assertEqual(re.findall(r"^USER (.*)$", said, re.M), [image.user])
                self.assertEqual(re.findall(r"^ENTRYPOINT (.*)$", said, re.M), [json.dumps(image.entrypoint)])
                [variables] = re.findall(r"^ENV (.*)$", said, re.M)
                # `HOME` alone where nothing is looked up by name.
                self.assertLessEqual(set(variables.split()), set(image.env))
        for link, target in {"/injector/bin/vault-k8s": "pannier", "/agent/bin/vault": "pannier-agent", "/shell/bin/sh": "pannier-agent"}.items():
            self.assertIn(f"ln -s {target} {link}", text)

    def test_what_is_in_an_image(self) -> None:
        made(self.folder, "out")
        for name, links in {
            "pannier": {"bin/vault-k8s": "pannier"},
            "pannier-agent": {"bin/vault": "pannier-agent", "bin/sh": "pannier-agent"},
            "pannier-agent-busybox": {"bin/vault": "pannier-agent", "bin/sh": "busybox", "bin/cat": "busybox"},
        }.items():
            with self.subTest(name), tarfile.open(self.folder / "out" / f"{name}.tar") as image:
                index = json.load(image.extractfile("index.json"))
                blob = lambda digest: image.extractfile("blobs/sha256/" + digest.removeprefix("sha256:"))
                manifest = json.load(blob(index["manifests"][0]["digest"]))
                config = json.load(blob(manifest["config"]["digest"]))
                # By number, so that Kubernetes can see that it is not root.
                self.assertEqual(config["config"]["User"], "100:1000")
                with tarfile.open(fileobj=blob(manifest["layers"][0]["digest"]), mode="r:gz") as layer:
                    members = {member.name: member for member in layer.getmembers()}
                self.assertEqual({path: member.linkname for path, member in members.items() if member.issym()}, links)
                programs = {path for path, member in members.items() if member.isfile() and member.mode & 0o111}
                self.assertEqual(programs - {"bin/busybox"}, {"bin/pannier" if name == "pannier" else "bin/pannier-agent"})
                # Nobody but root owns a file, and none may become root by it.
                self.assertFalse([path for path, member in members.items() if member.isfile() and (member.uid or member.mode & 0o7022)])


if __name__ == "__main__":
    unittest.main()
