"""From the official chart's release to ours by Helm, and back, while pods are being created."""

import pathlib
import re
import tempfile

from e2e import install
from e2e.admissions import Admissions
from e2e.cluster import Cluster, wait_for
from e2e.install import NAMESPACE, await_webhook, chart_values, release
from e2e.pods import inject, pod, ready
from e2e.suite import World, expect, expect_in, test


def official_chart(cluster: Cluster, folder: pathlib.Path, address: str) -> str:
    """The official chart's manifests as a chart, so that Helm knows a release of theirs."""
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: vault\nversion: 0.34.1\n")
    text = install.official(cluster, "three-replicas", address)
    if cluster.version < (1, 21):
        # Helm 4 applies on the server's side, and older API servers know no default for this key of the list.
        text = re.sub(r"^( +)targetPort: .*$", r"\g<0>\n\1protocol: TCP", text, flags=re.M)
    (folder / "templates" / "all.yaml").write_text("{{`" + text + "`}}")
    return str(folder)


def without_empty_bundle(manifests: str) -> str:
    """What Helm 3 makes of the way back, and Helm 4 with `--server-side=false`, which the library at hand does not offer: the
    empty bundle counts as none.
    """
    return re.sub(r'^ +caBundle: ""\n', "", manifests, flags=re.M)


def _forth_and_back(cluster: Cluster, values: dict) -> None:
    """Our chart with another value, and back, while the bundle has become another one in between."""
    level = lambda: [env["value"] for env in _injector(cluster)["env"] if env["name"] == "AGENT_INJECT_LOG_LEVEL"]
    cluster.helm("upgrade", "vault", "charts/pannier", "-n", NAMESPACE, values=values | {"injector": {**values["injector"], "logLevel": "debug"}})
    cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
    expect(level() == ["debug"], f"the second upgrade did not take: {level()}")
    # As when the authority is renewed: a new one beside the old.
    before = _bundle(cluster)
    cluster.run("rollout", "restart", "deployment/vault-agent-injector", "-n", NAMESPACE)
    cluster.run("patch", "secret", "vault-injector-certs", "-n", NAMESPACE, "--type=merge", "-p", '{"data": null}')
    cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
    wait_for("another bundle", 60, lambda: _bundle(cluster) != before)
    cluster.helm("rollback", "vault", "2", "-n", NAMESPACE)
    cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
    expect(level() == ["info"], f"the roll-back did not take: {level()}")


def _injector(cluster: Cluster) -> dict:
    return cluster.get("deployment", "vault-agent-injector", "-n", NAMESPACE)["spec"]["template"]["spec"]["containers"][0]


def _bundle(cluster: Cluster) -> str:
    return cluster.get("mutatingwebhookconfiguration", install.WEBHOOK)["webhooks"][0]["clientConfig"]["caBundle"]


@test(setup="none", alone=True)
def an_upgrade_from_the_official_chart_and_the_way_back_fail_no_admission(world: World) -> None:
    cluster = world.cluster
    path = world.secret(password="kept")
    values = chart_values(world.address, replicas=3) | {"server": {"authDelegator": {"enabled": True}}}
    with tempfile.TemporaryDirectory() as name:
        with release(cluster, {}, official_chart(cluster, pathlib.Path(name), world.address)):
            await_webhook(cluster)
            before = cluster.get("deployment", "vault-agent-injector", "-n", NAMESPACE)
            cluster.apply(pod("before", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
            ready(cluster, world.namespace, "before")
            with Admissions(world) as load:
                cluster.helm("upgrade", "vault", "charts/pannier", "-n", NAMESPACE, values=values)
                cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
                after = cluster.get("deployment", "vault-agent-injector", "-n", NAMESPACE)
                cluster.apply(pod("between", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
                ready(cluster, world.namespace, "between")
                upgraded = load.count
                _forth_and_back(cluster, values)
                cluster.apply_text(without_empty_bundle(install.official(cluster, "three-replicas", world.address)), NAMESPACE)
                cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
            expect(before["metadata"]["uid"] == after["metadata"]["uid"], "the upgrade made another Deployment")
            expect("seccompProfile" in after["spec"]["template"]["spec"]["securityContext"], "the upgrade did not bring our chart")
            load.expect_all_good(at_least=20)
            expect(0 < upgraded < load.count, f"{upgraded} of {load.count} admissions came before the way back")
            cluster.apply(pod("again", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
            ready(cluster, world.namespace, "again")
            for name in ("before", "between", "again"):
                expect_in("kept", world.cat(name, "/vault/secrets/file"), f"the file of pod {name}")
