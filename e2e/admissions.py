"""Pods that ask for injection, one after the other, while something else happens to the injector."""

import json
import threading
import time

from e2e.pods import inject, pod
from e2e.suite import World, expect


class Admissions:
    """Pods that ask for injection, created again and again without being stored."""

    def __init__(self, world: World):
        self.world = world
        self.count = 0
        # When, and what was wrong.
        self.bad: list[tuple[float, str]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Admissions":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        cluster, namespace = self.world.cluster, self.world.namespace
        manifest = json.dumps(pod("load", inject("r")))
        while not self._stop.is_set():
            done = cluster.run("create", "--validate=false", "--dry-run=server", "-n", namespace, "-f", "-", "-o", "json", stdin=manifest, check=False)
            self.count += 1
            if done.returncode != 0:
                self.bad.append((time.monotonic(), done.stderr.strip()))
            elif "initContainers" not in json.loads(done.stdout)["spec"]:
                self.bad.append((time.monotonic(), "a pod was let through without injection"))

    def expect_all_good(self, at_least: int = 1) -> None:
        expect(self.count >= at_least, f"only {self.count} admissions were tried")
        expect(not self.bad, f"{len(self.bad)} of {self.count} admissions failed, the first: {[text for _, text in self.bad[:1]]}")
