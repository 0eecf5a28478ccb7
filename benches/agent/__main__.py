"""Footprint of the agent beside the original, in one run: python3 benches/agent [--row TEXT] [--runs N] [--idle SECONDS]

Both get the same configuration: TLS to OpenBao, a jwt login, a sink and three templates; the second row has a cache and a
listener besides. Measured are

* an init run: wall time, CPU time and peak memory (median of N);
* a sidecar: resident memory when idle, and after a thousand renders;
* how often an idle sidecar wakes up (context switches of all its threads);
* the size of the program.

The programs come from the environment: PANNIER_BAO is OpenBao's `bao`, PANNIER_AGENT is the agent as released.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "e2e" / "parity"))

from server import OpenBao, Tokens  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36


def plain() -> dict:
    return {}


def serving() -> dict:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {"cache": {}, "api_proxy": {"use_auto_auth_token": True},
            "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True}]}


# A row is a configuration: what it has besides the login, the sink and the templates, made anew for each run.
ROWS = {"templates": plain, "templates, cache and listener": serving}

# What was promised for Pannier, as shares of the original or as limits.
TARGETS = {
    "init wall": 1 / 10, "init CPU": 1 / 10, "init peak memory": 1 / 14,
    "idle memory": 4.5, "memory after 1,000 renders": 6.0, "wakeups": 1.0, "program": 4.2,
}
UNITS = {"init wall": ("ms", 1000), "init CPU": ("ms", 1000), "init peak memory": ("MiB", 1), "idle memory": ("MiB", 1),
         "memory after 1,000 renders": ("MiB", 1), "wakeups": ("/s", 1), "program": ("MB", 1)}


class Bench:
    def __init__(self, server: OpenBao, folder: Path):
        self.server, self.folder, self.more = server, folder, plain
        self.tokens = Tokens(folder / "jwt")
        api = server.api
        api.write("sys/mounts/kv2", type="kv", options={"version": "2"})
        api.policy("read", 'path "*" { capabilities = ["read", "list"] }')
        api.write("sys/auth/jwt", type="jwt")
        api.write("auth/jwt/config", jwt_validation_pubkeys=[self.tokens.public])
        api.write("auth/jwt/role/app", role_type="jwt", bound_audiences=["pannier"], user_claim="sub", token_policies=["read"], token_ttl="1h")
        time.sleep(1)
        self.change(0)

    def change(self, number: int):
        for name in ("a", "b", "c"):
            self.server.api.write(f"kv2/data/{name}", data={"user": f"user-{number}", "password": f"password-{number}"})

    def config(self, name: str, once: bool, interval: str | None = None) -> tuple[Path, Path]:
        out = self.folder / name
        out.mkdir(exist_ok=True)
        jwt = out / "jwt"
        jwt.write_text(self.tokens.sign("app"))
        config = {
            "vault": {"address": f"https://127.0.0.1:{self.server.tls_port}", "ca_cert": str(self.server.authority.cert)},
            "auto_auth": {"method": {"type": "jwt", "config": {"path": str(jwt), "role": "app", "remove_jwt_after_reading": False}},
                          "sink": [{"type": "file", "config": {"path": str(out / "token")}}]},
            "template": [{"contents": f'{{{{ with secret "kv2/data/{each}" }}}}{{{{ .Data.data.user }}}}:{{{{ .Data.data.password }}}}{{{{ end }}}}',
                          "destination": str(out / each)} for each in ("a", "b", "c")],
            "exit_after_auth": once,
            **self.more(),
        }
        if interval:
            config["template_config"] = {"static_secret_render_interval": interval}
        path = out / "config.json"
        path.write_text(json.dumps(config))
        return path, out

    def init_run(self, binary: str, name: str) -> tuple[float, float, float]:
        """Wall seconds, CPU seconds, peak MiB."""
        path, out = self.config(name, once=True)
        for each in ("a", "b", "c", "token"):
            (out / each).unlink(missing_ok=True)
        # A small shell starts the program and leaves; this process, as the subreaper, inherits it. Started directly, the
        # program's peak would include the memory of this interpreter, which it shares until it is executed.
        started = time.perf_counter()
        with open(out / "init.log", "wb") as log:
            shell = subprocess.Popen(["sh", "-c", '"$@" >&2 & echo $!', "sh", binary, "agent", f"-config={path}"],
                                     stdout=subprocess.PIPE, stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(out)})
            pid = int(shell.stdout.readline())
            shell.wait()
            _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - started
        if status or not (out / "c").exists():
            sys.exit(f"the init run of {binary} failed: see {out}/init.log\n{(out / 'init.log').read_text()[-2000:]}")
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def sidecar(self, binary: str, name: str, interval: str | None):
        path, out = self.config(name, once=False, interval=interval)
        for each in ("a", "b", "c", "token"):
            (out / each).unlink(missing_ok=True)
        with open(out / "sidecar.log", "wb") as log:
            process = subprocess.Popen([binary, "agent", f"-config={path}"], stdout=log, stderr=log,
                                       env={"PATH": os.environ["PATH"], "HOME": str(out)})
        deadline = time.monotonic() + 20
        while not all((out / each).exists() for each in ("a", "b", "c", "token")):
            if time.monotonic() > deadline or process.poll() is not None:
                process.kill()
                sys.exit(f"the sidecar of {binary} rendered nothing: see {out}/sidecar.log")
            time.sleep(0.02)
        return process, out / "sidecar.log"

    def idle(self, binary: str, name: str, seconds: float) -> tuple[float, float]:
        """Resident MiB and wakeups a second."""
        process, _ = self.sidecar(binary, name, None)
        try:
            time.sleep(5)
            before = switches(process.pid)
            time.sleep(seconds)
            return resident(process.pid), (switches(process.pid) - before) / seconds
        finally:
            stop(process)

    def thousand(self, programs: dict[str, str], renders: int) -> list[float]:
        """Resident MiB of each after so many renders. Both at once, because the shortest interval is a second."""
        running = [self.sidecar(binary, f"{name.split()[0]}-thousand", "1s") for name, binary in programs.items()]
        try:
            number, deadline = 0, time.monotonic() + renders
            while any(log.read_text().count("(runner) rendered") < renders for _, log in running):
                number += 1
                self.change(number)
                time.sleep(0.2)
                if time.monotonic() > deadline or any(process.poll() is not None for process, _ in running):
                    sys.exit(f"the sidecars did not make {renders} renders: {[log.read_text().count('(runner) rendered') for _, log in running]}")
            time.sleep(3)
            return [resident(process.pid) for process, _ in running]
        finally:
            for process, _ in running:
                stop(process)


def resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def switches(pid: int) -> int:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total


def stop(process: subprocess.Popen):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="benches/agent", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--row", default="", help="rows whose name contains TEXT; all of them unless given")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--idle", type=float, default=60)
    parser.add_argument("--renders", type=int, default=1000, help="0 leaves that out; it takes some six minutes a row")
    options = parser.parse_args()
    programs = {}
    for name, variable in (("bao agent", "PANNIER_BAO"), ("pannier-agent", "PANNIER_AGENT")):
        programs[name] = os.environ.get(variable, "")
        if not Path(programs[name]).is_file():
            sys.exit(f"{variable} names no program: run `make bench`, which sets it")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    missed = 0
    for name, more in ROWS.items():
        if options.row == name or (options.row not in ROWS and options.row in name):
            with tempfile.TemporaryDirectory(prefix="footprint-") as temporary, OpenBao(programs["bao agent"], Path(temporary) / "server") as server:
                bench = Bench(server, Path(temporary))
                bench.more = more
                missed += show(name, measure(bench, programs, options))
    print(f"{missed} targets missed; load of the machine at the end: {os.getloadavg()[0]:.1f}")
    return 1 if missed else 0


def measure(bench: Bench, programs: dict[str, str], options) -> dict[str, list[float]]:
    """Label -> what the original and what ours takes."""
    rows: dict[str, list[float]] = {}
    runs = {name: [] for name in programs}
    for _ in range(options.runs):
        for name, binary in programs.items():
            runs[name].append(bench.init_run(binary, f"{name.split()[0]}-init"))
    for column, label in enumerate(("init wall", "init CPU", "init peak memory")):
        rows[label] = [statistics.median(run[column] for run in runs[name]) for name in programs]
    idle = [bench.idle(binary, f"{name.split()[0]}-idle", options.idle) for name, binary in programs.items()]
    rows["idle memory"] = [each[0] for each in idle]
    rows["wakeups"] = [each[1] for each in idle]
    if options.renders:
        rows["memory after 1,000 renders"] = bench.thousand(programs, options.renders)
    rows["program"] = [os.stat(binary).st_size / 1e6 for binary in programs.values()]
    return rows


def show(name: str, rows: dict[str, list[float]]) -> int:
    """Prints a row's table; how many targets are missed."""
    print(f"{name:28} {'bao agent':>14} {'pannier-agent':>14} {'ratio':>8}   target")
    missed = 0
    for label, (left, right) in rows.items():
        unit, factor = UNITS[label]
        target = TARGETS[label]
        ratio = f"1/{left / right:.1f}" if right else "-"
        met = right / left <= target if label.startswith("init") else right <= target
        missed += not met
        wanted = f"1/{1 / target:.0f}" if label.startswith("init") else f"{target} {unit}"
        print(f"{label:28} {left * factor:10.1f} {unit:<3} {right * factor:10.1f} {unit:<3} {ratio:>8}   at most {wanted}: {'met' if met else 'MISSED'}", flush=True)
    print()
    return missed


if __name__ == "__main__":
    sys.exit(main())
