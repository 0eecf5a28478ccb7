"""Certificates that live for seconds, replicas that are killed, a `caBundle` that is emptied: one minute of it."""

import os
import platform
import subprocess
import sys

from e2e.cluster import ROOT, SHARED
from e2e.suite import Skipped, World, expect, test

SECONDS = 60


@test(setup="none", alone=True)
def no_admission_is_lost_to_a_certificate(world: World) -> None:
    cluster = world.cluster
    if cluster.prefix[:1] != [str(SHARED)]:
        raise Skipped("the soak runs replicas as processes inside the cluster's network, which only the test cluster of ../shared lets it do")
    program = ROOT / "dist" / "programs" / platform.machine() / "pannier"
    if not program.exists():
        program = ROOT / "target" / "debug" / "pannier"
    expect(program.exists(), "there is neither dist/programs/*/pannier nor target/debug/pannier; hint: make images or make build")
    command = [*cluster.prefix, sys.executable, "-m", "e2e.soak", f"--seconds={SECONDS}", f"--program={program}", f"--kubeconfig={cluster.kubeconfig}"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=SECONDS + 180)
    expect(done.returncode == 0, done.stdout + done.stderr)
    print("\n".join("      " + line for line in done.stdout.splitlines() if line.lstrip()[:10] in ("admissions", "replicas k", "caBundle e") or "injected" in line), flush=True)
