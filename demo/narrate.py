"""How the demo speaks: numbered steps with their times, files as they are, what was injected as a small tree."""

import contextlib
import sys
import time
from typing import Iterator


class Narrator:
    def __init__(self) -> None:
        self._color = sys.stdout.isatty()
        self._number = 0
        self.current = ""
        self.begin = time.monotonic()

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def title(self, text: str) -> None:
        self.say(self._style("1", text))
        self.say()

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One step: `NN  what` and, once it is through, how long it took."""
        self._number += 1
        self.current = f"step {self._number}, {what}"
        started = time.monotonic()
        line = f"{self._number:2}  {what} "
        print(line + self._style("2", "." * max(2, 88 - len(line))), end=" ", flush=True)
        try:
            yield
        except BaseException:
            print(self._style("31", "failed"), flush=True)
            raise
        print(self._style("32", f"{time.monotonic() - started:5.2f} s"), flush=True)
        self.current = ""

    def detail(self, text: str) -> None:
        for line in text.rstrip("\n").splitlines():
            self.say(f"      {self._style('2', '│')} {line}")

    def file(self, inside: str, text: str) -> None:
        """The content of a file, under the name that the application knows it by."""
        self.say(f"      {self._style('36', '$ cat ' + inside)}")
        self.detail(text if text.endswith("\n") else text + "\n")

    def _style(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._color else text


def injected_tree(before: dict, after: dict) -> str:
    """What the patch added to the pod, as a tree."""

    def names(pod: dict, kind: str) -> list[str]:
        return [entry["name"] for entry in pod["spec"].get(kind, [])]

    branches: list[tuple[str, list[str]]] = []
    volumes = []
    for volume in after["spec"]["volumes"]:
        if volume["name"] not in names(before, "volumes"):
            memory = volume.get("emptyDir", {}).get("medium") == "Memory"
            volumes.append(f"+ {volume['name']}" + (" (memory)" if memory else ""))
    branches.append(("volumes", volumes))
    for kind in ("initContainers", "containers"):
        leaves = []
        for container in after["spec"].get(kind, []):
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            if container["name"] in names(before, kind):
                old = next(entry for entry in before["spec"][kind] if entry["name"] == container["name"])
                had = [mount["mountPath"] for mount in old.get("volumeMounts", [])]
                leaves += [f"{container['name']}: + mount {path}" for path in mounts if path not in had]
            else:
                user = container.get("securityContext", {}).get("runAsUser", "?")
                memory = container.get("resources", {}).get("requests", {}).get("memory", "?")
                leaves.append(f"+ {container['name']}: image {container['image']}, user {user}, {memory} requested")
        branches.append((kind, leaves))
    had = before["metadata"].get("annotations", {})
    branches.append(("annotations", [f"+ {key}: {value}" for key, value in after["metadata"]["annotations"].items() if key not in had]))

    lines = [f"pod {after['metadata'].get('name') or after['metadata']['generateName'] + '…'}"]
    branches = [branch for branch in branches if branch[1]]
    for index, (name, leaves) in enumerate(branches):
        last = index == len(branches) - 1
        lines.append(("└─ " if last else "├─ ") + name)
        for position, leaf in enumerate(leaves):
            lines.append(("   " if last else "│  ") + ("└─ " if position == len(leaves) - 1 else "├─ ") + leaf)
    return "\n".join(lines)
