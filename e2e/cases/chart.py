"""The rights that the chart gives, and the same without Helm."""

from e2e.cluster import ROOT, wait_for
from e2e.install import NAMESPACE, await_webhook
from e2e.pods import inject, pod, ready
from e2e.suite import World, expect, expect_in, test


@test()
def the_injector_has_no_more_rights_than_it_needs(world: World) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:vault-agent-injector"

    def may(*what: str) -> bool:
        return world.cluster.run("auth", "can-i", *what, account, check=False).stdout.strip() == "yes"

    own = ["mutatingwebhookconfigurations/vault-agent-injector-cfg"]
    wait_for("its right to patch its own webhook configuration", 30, lambda: may("patch", *own))
    for what in (["patch", "mutatingwebhookconfigurations/other"], ["delete", *own], ["get", "secrets", "-n", "kube-system"], ["get", "secrets/other", "-n", NAMESPACE], ["create", "pods", "-n", NAMESPACE]):
        expect(not may(*what), f"the injector may {' '.join(what)}")


@test(setup="none", alone=True)
def the_plain_manifests_install_it_without_helm(world: World) -> None:
    cluster = world.cluster
    path = world.secret(password="plain")
    text = cluster.run("kustomize", str(ROOT / "deploy" / "base")).stdout
    if cluster.version < (1, 21):
        text = text.replace("policy/v1\n", "policy/v1beta1\n")
    try:
        cluster.apply_text(text)
        # What the chart's value `global.externalVaultAddr` does.
        cluster.run("set", "env", "-n", NAMESPACE, "deployment/vault-agent-injector", f"AGENT_INJECT_VAULT_ADDR={world.address}")
        await_webhook(cluster)
        cluster.apply(pod("app", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
        ready(cluster, world.namespace, "app")
        expect_in("plain", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")
    finally:
        # The namespace is for the other tests too.
        rest = "\n---\n".join(part for part in text.split("\n---\n") if "kind: Namespace\n" not in part)
        cluster.run("delete", "--ignore-not-found", "-f", "-", stdin=rest, seconds=120, check=False)
