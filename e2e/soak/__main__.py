"""Runs the soak: `python3 -m e2e.soak [--seconds 300]`. Needs root and the test cluster of ../shared (it runs replicas as
processes inside the cluster's network, so that each can be killed at any moment and started again without a back-off).

Replicas with certificates of a short life serve admissions from a real API server; a random one is killed with SIGKILL
again and again, and somebody empties the caBundle now and then. It fails if an admission that reached a live replica
was not answered, or failed on a certificate.
"""

import argparse
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

from e2e.cluster import ROOT, SHARED
from e2e.soak import api as objects
from e2e.soak.load import Load, count
from e2e.soak.replicas import Endpoints, Replica


class Emptier(threading.Thread):
    """Empties the caBundle at random moments and measures until it is put right."""

    def __init__(self, api: objects.Api, every: float):
        super().__init__(daemon=True)
        self.api, self.every = api, every
        self.windows: list[tuple[float, float]] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(self.every * random.uniform(0.5, 1.5)):
            begun = time.time()
            self.api.empty_bundle()
            while not self.api.bundle():
                if self.stopped.is_set():
                    break
                time.sleep(0.005)
            # The API server's own view follows its store a moment later.
            self.windows.append((begun, time.time() + 0.25))


def expired(bundle: str) -> int:
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", bundle, re.S)
    ended = lambda block: subprocess.run(["openssl", "x509", "-noout", "-checkend", "-60"], input=block.encode(), stdout=subprocess.DEVNULL).returncode != 0
    return sum(ended(block) for block in blocks)


def soak(options: argparse.Namespace, kubeconfig: str) -> int:
    text = pathlib.Path(kubeconfig).read_text()
    find = lambda name: re.search(rf'{name}: *"?([^",}}\s]+)', text).group(1)  # type: ignore[union-attr]
    server, ca_file = find("server"), find("certificate-authority")
    api = objects.Api(server, ca_file, find("token"))
    objects.delete(api)
    deadline = time.time() + 60
    while api.call("GET", f"/api/v1/namespaces/{objects.NAMESPACE}")[0] != 404 and time.time() < deadline:
        time.sleep(0.5)
    token = objects.install(api)
    findings: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        account = folder / "account"
        account.mkdir()
        (account / "token").write_text(token)
        (account / "namespace").write_text(objects.NAMESPACE)
        (account / "ca.crt").write_bytes(pathlib.Path(ca_file).read_bytes())
        logs = pathlib.Path(options.logs or name)
        logs.mkdir(exist_ok=True)
        for old in logs.glob("replica-*.log"):
            old.unlink()
        replicas = [Replica(number, 9440 + number, options.program, account, logs / f"replica-{number}.log", server, options.lifetime) for number in range(options.replicas)]
        for replica in replicas:
            replica.start()
        endpoints = Endpoints(api, options.address, replicas)
        endpoints.start()
        begun = time.time()
        while len(endpoints.ready) < len(replicas):
            if time.time() - begun > 60:
                for replica in replicas:
                    print(replica.log.read_text()[-3000:], replica.get("/health/ready"))
                raise SystemExit("soak: the replicas did not become ready within 60 s")
            time.sleep(0.1)
        print(f"soak: {len(replicas)} replicas ready after {time.time() - begun:.1f} s", flush=True)
        time.sleep(1)
        load, emptier = Load(api, options.rate), Emptier(api, options.empty_every)
        load.start()
        emptier.start()
        begun = time.time()
        next_kill = begun + options.kill_every
        bundles: set[str] = set()
        most_authorities = 0
        while time.time() - begun < options.seconds:
            time.sleep(0.1)
            findings += [finding for replica in replicas if (finding := replica.tend())]
            if time.time() >= next_kill:
                next_kill += options.kill_every
                random.choice([replica for replica in replicas if replica.process]).kill()
            bundle = api.bundle()
            bundles.add(bundle)
            most_authorities = max(most_authorities, bundle.count("BEGIN CERTIFICATE"))
        emptier.stopped.set()
        load.stopped.set()
        load.join(60)
        emptier.join(60)
        for replica in replicas:
            replica.tend()
        still_expired = expired(api.bundle())
        resident = [re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{replica.process.pid}/status").read_text()).group(1) for replica in replicas if replica.process]  # type: ignore[union-attr]
        endpoints.stopped.set()
        codes = [code for replica in replicas if (code := replica.stop()) is not None]
        findings += [f"a replica ended with {code} on SIGTERM" for code in codes if code != 0]
        text = "".join(replica.log.read_text(errors="replace") for replica in replicas)
        findings += [f"a key in the logs: {line}" for line in text.splitlines() if "PRIVATE KEY" in line]
        kills = [kill for replica in replicas for kill in replica.killed]
        outages = {replica.port: replica.outages() for replica in replicas}
    counts, bad = count(load.outcomes, outages, emptier.windows)
    restored = sorted(end - start - 0.25 for start, end in emptier.windows)
    delays = sorted(outcome.ended - outcome.begun for outcome in load.outcomes if outcome.what == "injected")
    objects.delete(api)

    print(f"soak: {options.seconds} s, {options.replicas} replicas, certificates of {options.lifetime}, {options.rate} admissions a second")
    print(f"  replicas killed with SIGKILL      {len(kills)}")
    print(f"  caBundle emptied                  {len(emptier.windows)}, put right after {restored[len(restored) // 2] * 1000:.0f} ms (median), {restored[-1] * 1000:.0f} ms (most)" if restored else "  caBundle never emptied")
    print(f"  certificates put into service     {text.count('certificate put into service')}, made {text.count('Generated CA')}, different caBundles {len(bundles)}")
    print(f"  authorities in the caBundle       at most {most_authorities}, ended a minute ago and still there: {still_expired}")
    print(f"  admissions                        {sum(counts.values())}")
    for kind, number in sorted(counts.items()):
        print(f"    {kind:<37} {number}")
    if delays:
        print(f"  time of an admission              {delays[len(delays) // 2] * 1000:.0f} ms (median), {delays[int(len(delays) * 0.99)] * 1000:.0f} ms (p99)")
    print(f"  memory of the replicas at the end {', '.join(f'{int(kilobytes) / 1024:.1f} MiB' for kilobytes in resident)}")
    for outcome in bad[:10]:
        print(f"  {outcome.what}: {outcome.message}")
    if restored and restored[-1] > 5:
        findings.append(f"the caBundle was put right only after {restored[-1]:.1f} s")
    if not counts["injected"]:
        findings.append("no admission was answered at all")
    for finding in findings:
        print(f"  {finding}")
    failed = bool(bad or findings)
    print("soak: FAILED" if failed else "soak: every admission that reached a live replica was answered, none failed on a certificate")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m e2e.soak", description=__doc__)
    parser.add_argument("--program", default=str(ROOT / "target" / "debug" / "pannier"), help="the program to run (default: target/debug/pannier)")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60; the full soak is 300)")
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--lifetime", default="30s", help="life of a certificate (default: 30s)")
    parser.add_argument("--rate", type=float, default=20, help="admissions a second (default: 20)")
    parser.add_argument("--kill-every", type=float, default=10, help="seconds between kills (default: 10)")
    parser.add_argument("--empty-every", type=float, default=17, help="seconds between emptyings of the caBundle, about (default: 17)")
    parser.add_argument("--address", default="10.77.0.1", help="address of this machine inside the cluster's network")
    parser.add_argument("--logs", help="folder for the replicas' logs (default: thrown away)")
    parser.add_argument("--keep", action="store_true", help="leave the cluster running")
    parser.add_argument("--kubeconfig", help=argparse.SUPPRESS)  # set when started again inside the cluster's network
    options = parser.parse_args()
    if options.kubeconfig:
        return soak(options, options.kubeconfig)
    if not SHARED.exists() or os.geteuid() != 0:
        raise SystemExit("soak: needs root and the test cluster in ../shared/cluster")
    if not pathlib.Path(options.program).exists():
        raise SystemExit(f"soak: there is no {options.program}; hint: make build")
    up = subprocess.run([SHARED, "up"], stdout=subprocess.PIPE, text=True, timeout=1800, check=True)
    kubeconfig = up.stdout.strip().splitlines()[-1]
    try:
        return subprocess.run([SHARED, "exec", sys.executable, "-m", "e2e.soak", *sys.argv[1:], "--kubeconfig", kubeconfig], cwd=ROOT).returncode
    finally:
        if not options.keep:
            subprocess.run([SHARED, "down"], check=False, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
