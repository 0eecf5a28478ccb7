"""What a test is, and what it is handed."""

from dataclasses import dataclass
from typing import Callable

from e2e.cluster import Cluster, Failure
from e2e.vault import Bao


class Skipped(Exception):
    """This cluster cannot show what the test wants to see; says why."""


@dataclass
class World:
    """One test's share of the cluster: a namespace of its own, with the service account `app`."""

    cluster: Cluster
    bao: Bao
    address: str
    namespace: str

    @property
    def unique(self) -> str:
        """A name that no other test has, for roles, policies and paths."""
        return self.namespace

    def secret(self, **data: str) -> str:
        """A KV secret of this test's own, a policy that reads it, a role for `app`. The role has the namespace's name."""
        self.bao("kv", "put", f"secret/{self.unique}", *[f"{key}={value}" for key, value in data.items()])
        self.bao.policy(self.unique, f'path "secret/data/{self.unique}" {{ capabilities = ["read"] }}')
        self.bao.role(self.unique, "app", self.namespace, self.unique)
        return f"secret/{self.unique}"

    def cat(self, pod: str, file: str, container: str = "app") -> str:
        return self.cluster.execute(self.namespace, pod, "cat", file, container=container)


Test = Callable[[World], None]


@dataclass
class Case:
    name: str
    run: Test
    setup: str
    alone: bool


CASES: list[Case] = []


def test(setup: str = "chart", alone: bool = False) -> Callable[[Test], Test]:
    """Registers a test that needs the named installation (see install.py). `alone`: it disturbs the others."""

    def register(function: Test) -> Test:
        CASES.append(Case(function.__name__, function, setup, alone))
        return function

    return register


def expect(condition: object, message: str) -> None:
    if not condition:
        raise Failure(message)


def expect_in(part: str, text: str, where: str) -> None:
    expect(part in text, f"{where} lacks `{part}`:\n{text}")
