"""Programs that are started here end here: each has its log, and none outlives the run."""

import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Callable


class Failed(Exception):
    """A step that did not work out. `log` is the file that says more, if there is one."""

    def __init__(self, message: str, log: pathlib.Path | None = None):
        super().__init__(message)
        self.log = log


class Processes:
    """The programs of one run, in the order they were started."""

    def __init__(self, logs: pathlib.Path):
        self.logs = logs
        self._running: list[tuple[str, subprocess.Popen]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> pathlib.Path:
        return self.logs / f"{name}.log"

    def start(self, name: str, command: list[str], env: dict[str, str] | None = None) -> subprocess.Popen:
        """Starts `command` in the background with its output in the log of `name`, in a process group of its own."""
        with open(self.log(name), "ab") as log:
            try:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
            except OSError as error:
                raise Failed(f"cannot start {command[0]}: {error}") from error
        self._running.append((name, process))
        return process

    def stop(self, process: subprocess.Popen, seconds: float = 10) -> int:
        """Asks the program to end as Kubernetes would, kills what is left after `seconds`, returns its exit code."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._running = [entry for entry in self._running if entry[1] is not process]
        return process.wait()

    def stop_all(self) -> None:
        for _, process in reversed(list(self._running)):
            self.stop(process, 5)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: str, seconds: float, probe: Callable[[], object], process: subprocess.Popen | None = None, log: pathlib.Path | None = None) -> object:
    """Asks `probe` until it answers something true. Fails at once when `process` ends meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            raise Failed(f"{what}: the program ended with exit code {process.returncode}", log)
        if time.monotonic() > deadline:
            raise Failed(f"{what}: nothing after {seconds:.0f} s", log)
        time.sleep(0.05)
