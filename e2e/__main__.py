"""Runs the end-to-end tests: `python3 -m e2e [NAME-PART...]`. The last line counts."""

import argparse
import concurrent.futures
import importlib
import pathlib
import secrets
import sys
import time
import traceback

from e2e import images, vault
from e2e.cluster import ROOT, Cluster, Failure, choose
from e2e.install import installed
from e2e.suite import CASES, Case, World

MODULES = ["guide", "agents", "database", "webhook", "chart", "official"]


def run_one(case: Case, cluster: Cluster, bao: vault.Bao, address: str, keep: bool) -> str | None:
    """None when it passed, else what to tell."""
    namespace = f"e2e-{case.name.replace('_', '-')[:40].strip('-')}-{secrets.token_hex(2)}"
    started = time.monotonic()
    problem = None
    try:
        cluster.run("create", "namespace", namespace)
        cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app"}}, namespace=namespace)
        case.run(World(cluster, bao, address, namespace))
    except Failure as failure:
        problem = str(failure)
    except Exception:
        problem = traceback.format_exc()
    finally:
        if not keep:
            cluster.run("delete", "namespace", namespace, "--wait=false", check=False)
    seconds = time.monotonic() - started
    print(f"{'ok  ' if problem is None else 'FAIL'}  {case.setup:26} {case.name} ({seconds:.1f} s)", flush=True)
    if problem:
        print("\n".join("      " + line for line in problem.splitlines()), flush=True)
    return problem


def run_group(setup: str, cases: list[Case], cluster: Cluster, bao: vault.Bao, address: str, options: argparse.Namespace) -> int:
    """The number of failures among tests that share one installation."""
    failed = 0
    try:
        with installed(cluster, setup, bao, address) as (bao, address):
            together = [case for case in cases if not case.alone]
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                results = pool.map(lambda case: run_one(case, cluster, bao, address, options.keep), together)
                failed += sum(problem is not None for problem in results)
            for case in cases:
                if case.alone:
                    failed += run_one(case, cluster, bao, address, options.keep) is not None
    except Failure as failure:
        print(f"FAIL  {setup}: the installation itself: {failure}", flush=True)
        return len(cases)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m e2e", description=__doc__)
    parser.add_argument("names", nargs="*", help="run only tests whose name or installation contains one of these")
    parser.add_argument("--jobs", type=int, default=3, help="tests side by side (default: 3)")
    parser.add_argument("--images", type=pathlib.Path, default=ROOT / "dist", help="folder with the tars of `make images` (default: dist)")
    parser.add_argument("--keep", action="store_true", help="leave the cluster and the namespaces for a look")
    parser.add_argument("--list", action="store_true", help="name the tests and end")
    options = parser.parse_args()
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
    cluster = choose(options.keep)
    failed = 0
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
            failed += run_group(setup, [case for case in chosen if case.setup == setup], cluster, bao, address, options)
    finally:
        cluster.down()
    print(f"e2e: took {time.monotonic() - started:.0f} s", flush=True)
    print(f"e2e: {len(chosen) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
