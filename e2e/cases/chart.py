"""The rights that the chart gives."""

from e2e.cluster import wait_for
from e2e.install import NAMESPACE
from e2e.suite import World, expect, test


@test()
def the_injector_has_no_more_rights_than_it_needs(world: World) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:vault-agent-injector"

    def may(*what: str) -> bool:
        return world.cluster.run("auth", "can-i", *what, account, check=False).stdout.strip() == "yes"

    own = ["mutatingwebhookconfigurations/vault-agent-injector-cfg"]
    wait_for("its right to patch its own webhook configuration", 10, lambda: may("patch", *own))
    for what in (["patch", "mutatingwebhookconfigurations/other"], ["delete", *own], ["get", "secrets", "-n", "kube-system"], ["get", "secrets/other", "-n", NAMESPACE], ["create", "pods", "-n", NAMESPACE]):
        expect(not may(*what), f"the injector may {' '.join(what)}")
