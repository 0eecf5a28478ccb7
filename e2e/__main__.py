"""Runs the end-to-end tests: `python3 -m e2e [NAME-PART...]`. The last line counts."""

import argparse
import concurrent.futures
import importlib
import pathlib
import secrets
import signal
import sys
import time
import traceback
from dataclasses import dataclass

from e2e import images, vault
from e2e.cluster import ROOT, Cluster, Failure, choose, which
from e2e.install import installed
from e2e.suite import CASES, Case, Skipped, World

MODULES = ["guide", "readme", "agents", "database", "webhook", "chart", "monitoring", "official", "upgrade", "node", "soak"]


@dataclass
class Count:
    """What came of the tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, verdict: str) -> None:
        setattr(self, verdict, getattr(self, verdict) + 1)


def run_one(case: Case, cluster: Cluster, bao: vault.Bao, address: str, keep: bool) -> str:
    """`passed`, `failed` or `skipped`; what is to be told is printed."""
    namespace = f"e2e-{case.name.replace('_', '-')[:40].strip('-')}-{secrets.token_hex(2)}"
    started = time.monotonic()
    verdict, told = "passed", ""
    try:
        cluster.run("create", "namespace", namespace)
        cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app"}}, namespace=namespace)
        case.run(World(cluster, bao, address, namespace))
    except Skipped as reason:
        verdict, told = "skipped", str(reason)
    except Failure as failure:
        verdict, told = "failed", str(failure)
    except Exception:
        verdict, told = "failed", traceback.format_exc()
    finally:
        if not keep:
            cluster.run("delete", "namespace", namespace, "--wait=false", check=False)
    seconds = time.monotonic() - started
    mark = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[verdict]
    print(f"{mark}  {case.setup:26} {case.name} ({seconds:.1f} s)", flush=True)
    if told:
        print("\n".join("      " + line for line in told.splitlines()), flush=True)
    return verdict


def run_group(setup: str, cases: list[Case], cluster: Cluster, bao: vault.Bao, address: str, options: argparse.Namespace, count: Count) -> None:
    """Runs the tests that share one installation."""
    left = list(cases)
    try:
        with installed(cluster, setup, bao, address, options.keep) as (bao, address):
            together = [case for case in cases if not case.alone]
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                for verdict in pool.map(lambda case: run_one(case, cluster, bao, address, options.keep), together):
                    count.add(verdict)
            left = [case for case in cases if case.alone]
            while left:
                count.add(run_one(left.pop(0), cluster, bao, address, options.keep))
    except Failure as failure:
        print(f"FAIL  {setup}: the installation itself: {failure}", flush=True)
        count.failed += max(len(left), 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m e2e", description=__doc__)
    parser.add_argument("names", nargs="*", help="run only tests whose name or installation contains one of these")
    parser.add_argument("--jobs", type=int, default=3, help="tests side by side (default: 3)")
    parser.add_argument("--images", type=pathlib.Path, default=ROOT / "dist", help="folder with the tars of `make images` (default: dist)")
    parser.add_argument("--keep", action="store_true", help="leave the cluster, the namespaces and the last installation for a look")
    parser.add_argument("--which", action="store_true", help="say which cluster would be used and end")
    parser.add_argument("--list", action="store_true", help="name the tests and end")
    options = parser.parse_args()
    if options.which:
        print(f"e2e: on {which()}")
        return 0
    for module in MODULES:
        importlib.import_module(f"e2e.cases.{module}")
    chosen = [case for case in CASES if not options.names or any(part in case.name or part in case.setup for part in options.names)]
    if options.list:
        for case in chosen:
            print(f"{case.setup:26} {case.name}")
        return 0
    if not chosen:
        parser.error("no test has such a name; hint: --list")
    dist = options.images
    for tar in ("pannier-amd64.tar", "pannier-agent-amd64.tar"):
        if not (dist / tar).exists():
            parser.error(f"there is no {dist / tar}; hint: make images")
    started = time.monotonic()
    # Also a time-out's SIGTERM is to leave nothing running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cluster = choose(options.keep)
    count = Count()
    try:
        scratch = dist / "e2e"
        scratch.mkdir(exist_ok=True)
        for tar in [dist / "pannier-amd64.tar", dist / "pannier-agent-amd64.tar", dist / "pannier-agent-busybox-amd64.tar", images.openbao(scratch), images.other_agent(scratch), images.postgres(scratch)]:
            if tar.exists():
                cluster.load(tar)
        bao, address = vault.start(cluster)
        print(f"e2e: {len(chosen)} tests, the cluster and OpenBao are ready after {time.monotonic() - started:.0f} s", flush=True)
        # Our own chart first; dictionaries keep the order of the tests.
        for setup in dict.fromkeys(case.setup for case in chosen):
            run_group(setup, [case for case in chosen if case.setup == setup], cluster, bao, address, options, count)
    finally:
        if not options.keep:
            vault.stop(cluster)
        cluster.down()
    print(f"e2e: took {time.monotonic() - started:.0f} s", flush=True)
    print(f"e2e: {count.passed} passed, {count.failed} failed, {count.skipped} skipped", flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
