"""Which cluster is chosen, and what is said when there is none."""

import os
import pathlib
import tempfile
import unittest
from unittest import mock

from e2e import cluster


class Choosing(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.said = self.folder / "said"
        # Nothing of this machine: neither its programs nor its test cluster.
        environment = {"PATH": str(self.folder)}
        for change in (mock.patch.dict(os.environ, environment, clear=True), mock.patch.object(cluster, "SHARED", self.folder / "none"), mock.patch("builtins.print")):
            change.start()
            self.addCleanup(change.stop)
        self.program("kubectl", code=1)

    def program(self, name: str, code: int = 0) -> None:
        file = self.folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.said}\nexit {code}\n')
        file.chmod(0o755)

    def test_without_any_it_says_what_it_needs(self) -> None:
        with self.assertRaises(SystemExit) as end:
            cluster.choose(keep=False)
        for word in ("no cluster", "KUBECONFIG", "kind"):
            self.assertIn(word, str(end.exception))

    def test_a_given_cluster_is_used_and_left_alone(self) -> None:
        with mock.patch.dict(os.environ, {"KUBECONFIG": "/given"}):
            found = cluster.choose(keep=False)
        self.assertEqual((found.kubeconfig, found.prefix), ("/given", []))
        found.load(pathlib.Path("image.tar"))
        found.down()
        # It was asked whether it has something in the tests' way, nothing else.
        for line in self.said.read_text().splitlines():
            self.assertRegex(line, "^kubectl --kubeconfig=/given get ")

    def test_a_given_cluster_that_is_in_use_is_refused(self) -> None:
        self.program("kubectl", code=0)
        with mock.patch.dict(os.environ, {"KUBECONFIG": "/given"}), self.assertRaises(SystemExit) as end:
            cluster.choose(keep=False)
        self.assertIn("mutatingwebhookconfiguration vault-agent-injector-cfg", str(end.exception))

    def test_a_kind_cluster_is_made_filled_and_removed(self) -> None:
        self.program("kind")
        found = cluster.choose(keep=False)
        found.load(pathlib.Path("dist/x.tar"))
        found.down()
        made, loaded, removed = self.said.read_text().splitlines()
        self.assertRegex(made, "^kind create cluster --name pannier-e2e --kubeconfig .* --wait 120s$")
        self.assertEqual(loaded, "kind load image-archive dist/x.tar --name pannier-e2e")
        self.assertRegex(removed, "^kind delete cluster --name pannier-e2e")

    def test_a_kept_kind_cluster_stays(self) -> None:
        self.program("kind")
        cluster.choose(keep=True).down()
        self.assertNotIn("delete", self.said.read_text())


if __name__ == "__main__":
    unittest.main()
