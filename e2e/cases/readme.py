"""The guide of the README, its commands as they are written there."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
from textwrap import dedent

from e2e.cluster import ROOT, Failure
from e2e.suite import Skipped, World, expect, expect_in, test


def blocks(heading: str) -> list[str]:
    """The code blocks of one section."""
    section = (ROOT / "README.md").read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```\n(.*?)^```", section, re.M | re.S)


class Terminal:
    """A shell in which `kubectl` and `helm` are those of this test, and which keeps the chosen namespace."""

    def __init__(self, world: World, folder: pathlib.Path):
        self.folder = folder
        config = folder / "kubeconfig"
        config.write_bytes(pathlib.Path(world.cluster.kubeconfig).read_bytes())
        prefix = " ".join(world.cluster.prefix)
        for name, command in {"kubectl": "/usr/bin/env -u PATH_BEFORE PATH=$PATH_BEFORE kubectl", "helm": f"{sys.executable} -m e2e.helm"}.items():
            program = folder / name
            program.write_text(f'#!/bin/sh\nexec {prefix} {command} "$@"\n')
            program.chmod(0o755)
        path = os.environ["PATH"]
        self.environment = {**os.environ, "KUBECONFIG": str(config), "PATH": f"{folder}:{path}", "PATH_BEFORE": path}

    def type(self, commands: str, seconds: float = 180) -> str:
        """Everything that the commands print. One that fails ends them, unless what it is to say stands beside it."""
        shell = re.sub(r"^kubectl exec -it (\S+) -- sh\n(.*?)^exit\n", r"kubectl exec -i \1 -- sh -e <<'TYPED'\n\2TYPED\n", commands, flags=re.M | re.S)
        shell = re.sub(r"^(.*\S) +# No such file or directory$", r"\1 || true", shell, flags=re.M)
        done = subprocess.run(["sh", "-ec", shell], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
        if done.returncode != 0:
            raise Failure(f"the README's commands fail:\n{commands}\n--- they print\n{done.stdout}")
        return done.stdout


@test(setup="none", alone=True)
def the_readmes_guide_as_it_is_written(world: World) -> None:
    if world.cluster.run("get", "namespace", "demo", check=False).returncode == 0:
        raise Skipped("this cluster has a namespace demo, which the guide would use and the test remove")
    install, server, application, basic, template = blocks("The guide, on a cluster")[:5]
    [uninstall] = blocks("Uninstall")
    with tempfile.TemporaryDirectory() as name:
        terminal = Terminal(world, pathlib.Path(name))
        try:
            expect_in("dev mode", terminal.type(install), "the notes after the installation")
            if not world.cluster.has_dns:
                # Nothing in the README is for clusters without DNS: the pods are told the address.
                address = world.cluster.get("pod", "vault-0", "-n", "default")["status"]["podIP"]
                terminal.type(dedent(f"""\
                    helm upgrade vault ./charts/pannier --reuse-values --set global.externalVaultAddr=http://{address}:8200
                    kubectl rollout status deployment/vault-agent-injector
                """))
            expect_in("Success", terminal.type(server), "the server's answers")
            expect_in("No such file or directory", terminal.type(application), "before the annotations")
            expect_in("foobarbazpass", terminal.type(basic), "/vault/secrets/helloworld")
            last = terminal.type(template).strip().splitlines()[-1]
            expect(last == "postgresql://foobaruser:foobarbazpass@postgres:5432/wizard", f"/vault/secrets/helloworld is {last!r}")
            terminal.type("kubectl delete deployment app --wait=false")
        finally:
            world.cluster.run("delete", "namespace", "demo", "--ignore-not-found", "--wait=false", check=False)
            terminal.type(uninstall.replace("uninstall", "uninstall --ignore-not-found"))
        left = world.cluster.run("get", "deployments,statefulsets,services,mutatingwebhookconfigurations,clusterroles", "-n", "default", "-l", "app.kubernetes.io/instance=vault", "-o", "name").stdout
        expect(not left.strip(), f"`helm uninstall` leaves {left.split()}")
