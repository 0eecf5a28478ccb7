"""Drives the agent through every fault, at its start and while it runs, and tells what was lost.

An agent with a token sink and three templates (KV 2, KV 1 with a TTL of a second, a created token that is renewed)
talks to OpenBao through the faulty proxy. The files are read a hundred times a second: each must at all times be there
and whole. When the fault is over, the changed values must arrive without help.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from faulty import FAULTS, Fault, FaultyProxy
from server import LOCAL, Authority, OpenBao

# Long enough for several attempts; the pauses between them double.
LASTS = 6.0
# The longest pause after LASTS of failing, the client's time-out and the retries within one attempt.
RECOVERS = 20.0
# Contacts a second that nobody would call a busy loop: four dependencies, each with its own quick first retries.
CALM = 12.0
PAD = "x" * 20000


@dataclass
class Outcome:
    fault: str
    lost: list[str] = field(default_factory=list)
    start_seconds: float = 0.0
    run_seconds: float = 0.0
    contacts: int = 0
    cpu: float = 0.0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Reads the files all the time; remembers the first thing wrong with each."""

    SHAPES = {"kv2": re.compile(r"kv2-\d+-x{20000}-end"), "kv1": re.compile(r"kv1-\d+-x{20000}-end"),
              "lease": re.compile(r"[a-z]+\.[\w-]{20,}\n"), "token": re.compile(r"[a-z]+\.[\w-]{20,}")}

    def __init__(self, folder: Path):
        self.folder, self.wrong, self.ending = folder, {}, threading.Event()
        self.reads = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ending.wait(0.01):
            for name, shape in self.SHAPES.items():
                try:
                    text = (self.folder / name).read_text()
                except OSError as error:
                    self.wrong.setdefault(name, f"{name} gone ({error.strerror})")
                    continue
                if not shape.fullmatch(text):
                    self.wrong.setdefault(name, f"{name} damaged ({len(text)} bytes)")
            self.reads += 1

    def stop(self) -> list[str]:
        self.ending.set()
        self.thread.join()
        return list(self.wrong.values())


class Trial:
    def __init__(self, fault: Fault, binary: str, server: OpenBao, certificates, folder: Path, sealed: bool = False):
        self.fault, self.binary, self.server, self.sealed = fault, binary, server, sealed
        self.name = re.sub(r"\W+", "-", fault.name).strip("-").lower()
        self.folder = folder / self.name
        self.out = self.folder / "out"
        self.out.mkdir(parents=True)
        self.proxy = FaultyProxy(server.port, certificates, self.name)
        self.agent: subprocess.Popen | None = None
        self.value = 0

    def configure(self):
        role = self.folder / "role"
        role.write_text("faults-role-id")
        read = '{{ with secret "%s" }}%s{{ end }}'
        templates = [
            (read % (f"kv2/{self.name}", "kv2-{{ .Data.data.v }}-{{ .Data.data.pad }}-end"), "kv2"),
            (read % (f"kv1/{self.name}", "kv1-{{ .Data.v }}-{{ .Data.pad }}-end"), "kv1"),
            ('{{ with secret "auth/token/create" "ttl=15s" }}{{ .Auth.ClientToken }}\n{{ end }}', "lease"),
        ]
        config = {
            "vault": {"address": f"https://127.0.0.1:{self.proxy.port}", "ca_cert": str(self.server.authority.cert)},
            "auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": str(role)}},
                          "sink": [{"type": "file", "config": {"path": str(self.out / "token")}}]},
            "template_config": {"static_secret_render_interval": "1s"},
            "template": [{"contents": text, "destination": str(self.out / name)} for text, name in templates],
        }
        path = self.folder / "config.json"
        path.write_text(json.dumps(config, indent=1))

    def change(self):
        """New values for the two plain secrets."""
        self.value += 1
        self.server.api.write(f"kv2/data/{self.name}", data={"v": str(self.value), "pad": PAD})
        self.server.api.write(f"kv1/{self.name}", v=str(self.value), pad=PAD, ttl="1s")

    def fresh(self) -> bool:
        for name in ("kv2", "kv1"):
            try:
                if not (self.out / name).read_text().startswith(f"{name}-{self.value}-"):
                    return False
            except OSError:
                return False
        return (self.out / "lease").exists() and (self.out / "token").exists()

    def start(self, label: str):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "VAULT_CLIENT_TIMEOUT": "3s"}
        with open(self.folder / f"{label}.stderr", "wb") as err, open(self.folder / f"{label}.stdout", "wb") as out:
            self.agent = subprocess.Popen([self.binary, "agent", f"-config={self.folder / 'config.json'}"], env=env,
                                          stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True)

    def stop(self, lost: list[str], when: str):
        code = self.agent.poll()
        if code is not None:
            lost.append(f"{when}: the agent ended with {code}")
            return
        self.agent.send_signal(signal.SIGTERM)
        try:
            if (code := self.agent.wait(10)) != 0:
                lost.append(f"{when}: ended with {code} on SIGTERM")
        except subprocess.TimeoutExpired:
            lost.append(f"{when}: did not end on SIGTERM")
            self.agent.kill()
            self.agent.wait()

    def wait_fresh(self, seconds: float) -> float | None:
        started = time.monotonic()
        while not self.fresh():
            if time.monotonic() - started > seconds or self.agent.poll() is not None:
                return None
            time.sleep(0.02)
        return time.monotonic() - started

    def usable(self, lost: list[str], when: str):
        """The tokens in the files must work once the agent has recovered."""
        for name in ("token", "lease"):
            deadline = time.monotonic() + RECOVERS
            while not self.server.api.alive((self.out / name).read_text().strip()):
                if time.monotonic() > deadline:
                    lost.append(f"{when}: {name} is dead")
                    break
                time.sleep(0.1)

    def strike(self):
        self.server.seal() if self.sealed else self.proxy.break_with(self.fault)

    def heal(self):
        self.server.unseal() if self.sealed else self.proxy.mend()

    def run(self) -> Outcome:
        outcome = Outcome(self.fault.name)
        lost = outcome.lost
        self.configure()
        self.change()
        try:
            # While running.
            self.start("running")
            if self.wait_fresh(RECOVERS) is None:
                lost.append("never came up without a fault")
                return outcome
            watch = Watch(self.out)
            if not self.sealed:
                self.change()
            self.strike()
            before, contacts = cpu_seconds(self.agent.pid), len(self.proxy.contacts)
            time.sleep(LASTS)
            if self.agent.poll() is None:
                outcome.cpu = cpu_seconds(self.agent.pid) - before
            outcome.contacts = len(self.proxy.contacts) - contacts
            self.heal()
            self.change()
            took = self.wait_fresh(RECOVERS)
            lost += watch.stop()
            if took is None:
                lost.append(f"running: not recovered within {RECOVERS:.0f} s")
            else:
                outcome.run_seconds = took
                self.usable(lost, "running")
            if outcome.contacts > CALM * LASTS:
                lost.append(f"calm: {outcome.contacts} contacts in {LASTS:.0f} s")
            self.stop(lost, "running")
            # At the start, with the files of the last life still there.
            if not self.sealed:
                watch = Watch(self.out)
                self.change()
                self.strike()
                self.start("starting")
                time.sleep(LASTS)
                self.heal()
                took = self.wait_fresh(RECOVERS)
                lost += watch.stop()
                if took is None:
                    lost.append(f"start: not recovered within {RECOVERS:.0f} s")
                else:
                    outcome.start_seconds = took
                    self.usable(lost, "start")
                self.stop(lost, "start")
            return outcome
        finally:
            if self.agent and self.agent.poll() is None:
                self.agent.kill()
                self.agent.wait()
            self.proxy.close()


def prepare(server: OpenBao):
    api = server.api
    api.write("sys/mounts/kv2", type="kv", options={"version": "2"})
    api.write("sys/mounts/kv1", type="kv", options={"version": "1"})
    api.policy("everything", 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }')
    api.write("sys/auth/approle", type="approle")
    api.write("auth/approle/role/faults", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"],
              token_policies=["everything"], token_ttl="20s", token_max_ttl="1h")
    api.write("auth/approle/role/faults/role-id", role_id="faults-role-id")
    # The first write to a new KV 2 mount may come while it is still being upgraded.
    deadline = time.monotonic() + 10
    while True:
        try:
            api.write("kv2/data/ready", data={"v": "1"})
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def run(oracle: str, subject: str, folder: Path, only: str) -> int:
    folder.mkdir(parents=True)
    authority, stranger = Authority(folder / "tls"), Authority(folder / "stranger", "stranger")
    certificates = {"good": authority.issue("proxy", LOCAL), "stranger": stranger.issue("proxy", LOCAL),
                    "expired": authority.issue("expired", LOCAL, days="-1"),
                    "misnamed": authority.issue("misnamed", "DNS:elsewhere.example")}
    chosen = [fault for fault in FAULTS if only in fault.name]
    outcomes = []
    with OpenBao(oracle, folder / "server", authority) as server:
        prepare(server)
        trials = [Trial(fault, subject, server, certificates, folder / "trials") for fault in chosen]
        with ThreadPoolExecutor(6) as pool:
            outcomes += pool.map(Trial.run, trials)
        really = Fault("sealed and unsealed for real", "server")
        if only in really.name:
            # Last, because it takes the server away from everybody.
            outcomes.append(Trial(really, subject, server, certificates, folder / "trials", sealed=True).run())
    print(f"{'fault':30} {'back after (running)':>21} {'back after (start)':>19} {'contacts/s':>11} {'CPU ms':>7}  lost")
    for each in outcomes:
        print(f"{each.fault:30} {each.run_seconds:19.1f} s {each.start_seconds:17.1f} s {each.contacts / LASTS:11.1f} {each.cpu * 1000:7.0f}  "
              + ("; ".join(each.lost) or "nothing"))
    failed = sum(bool(each.lost) for each in outcomes)
    print(f"{len(outcomes)} faults, {failed} with a loss")
    return failed
