"""Admissions at a steady rate, each with what became of it."""

import collections
import concurrent.futures
import dataclasses
import threading
import time

from e2e.soak.api import NAMESPACE, Api

POD = {
    "metadata": {
        "generateName": "soak-",
        "annotations": {
            "vault.hashicorp.com/agent-inject": "true",
            "vault.hashicorp.com/role": "web",
            "vault.hashicorp.com/agent-inject-secret-config.txt": "secret/data/web",
        },
    },
    "spec": {"containers": [{"name": "app", "image": "docker.io/library/busybox:1", "command": ["sleep", "1"]}]},
}


@dataclasses.dataclass
class Outcome:
    begun: float
    ended: float
    what: str  # injected, not injected, refused
    message: str = ""


class Load(threading.Thread):
    """Creates pods (server-side dry run, so none is run) through the API server, which asks the webhook each time."""

    def __init__(self, api: Api, rate: float):
        super().__init__(daemon=True)
        self.api, self.rate = api, rate
        self.outcomes: list[Outcome] = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()

    def run(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            due = time.time()
            while not self.stopped.is_set():
                pool.submit(self.one)
                due += 1 / self.rate
                time.sleep(max(0.0, due - time.time()))

    def one(self) -> None:
        begun = time.time()
        try:
            status, answer = self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", POD)
        except Exception as error:  # the API server itself did not answer
            status, answer = 0, {"message": f"API server: {error}"}
        names = [container["name"] for container in answer.get("spec", {}).get("initContainers", [])]
        what = "refused" if status != 201 else "injected" if "vault-agent-init" in names else "not injected"
        outcome = Outcome(begun, time.time(), what, answer.get("message", "") if what == "refused" else "")
        with self.lock:
            self.outcomes.append(outcome)


def is_about_certificates(message: str) -> bool:
    return any(word in message for word in ("x509", "certificate", "tls:"))


def is_unreached(message: str) -> bool:
    """Nothing was there to answer: nobody listened."""
    return any(word in message for word in ("connection refused", "no endpoints available", "no route to host"))


def is_cut(message: str) -> bool:
    """The connection ended in the middle, as when the process at its other end dies."""
    return any(word in message for word in ("EOF", "connection reset", "broken pipe", "GOAWAY", "use of closed", "closed idle connection"))


def count(outcomes: list[Outcome], outages: dict[int, list[tuple[float, float]]], emptied: list[tuple[float, float]]) -> tuple[collections.Counter, list[Outcome]]:
    """The counts by kind, and what must not have happened."""
    counts: collections.Counter = collections.Counter()
    bad = []
    for outcome in outcomes:
        kind = outcome.what
        if kind == "refused":
            message = outcome.message
            meets = lambda span: outcome.begun < span[1] and span[0] < outcome.ended
            while_empty = any(map(meets, emptied))
            # Who was called is in the message only if no connection came about; a kept connection may be found broken later.
            called = [port for port in outages if f":{port}: " in message]
            while_down = any(meets(span) for port in called or outages for span in outages[port])
            if is_about_certificates(message):
                kind = "refused while the caBundle was empty" if while_empty else "FAILED ON A CERTIFICATE"
            elif is_unreached(message) and (while_down or "no endpoints" in message):
                kind = "reached no live replica"
            elif is_cut(message) and while_down:
                kind = "cut by the death of its replica"
            else:
                kind = "FAILED OTHERWISE"
        if kind in ("FAILED ON A CERTIFICATE", "FAILED OTHERWISE", "not injected"):
            bad.append(outcome)
        counts[kind] += 1
    return counts, bad
