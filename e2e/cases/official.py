"""The official chart's manifests with nothing but the images (and, elsewhere than on the test cluster, the address)
changed.
"""

import pathlib
import tempfile

from e2e import vault
from e2e.cluster import wait_for
from e2e.install import NAMESPACE, WEBHOOK, await_webhook, certificate, certificate_secret
from e2e.pods import inject, pod, ready
from e2e.suite import World, expect, expect_in, test


def a_pod_gets_its_secret(world: World, name: str = "app") -> dict:
    path = world.secret(password="official")
    world.cluster.apply(pod(name, inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
    found = ready(world.cluster, world.namespace, name)
    expect_in("official", world.cat(name, "/vault/secrets/file"), "/vault/secrets/file")
    return found


@test(setup="official-one-replica")
def one_replica_injects(world: World) -> None:
    a_pod_gets_its_secret(world)
    bundle = world.cluster.get("mutatingwebhookconfiguration", WEBHOOK)["webhooks"][0]["clientConfig"].get("caBundle")
    expect(bundle, "the CA bundle is empty")


@test(setup="official-three-replicas")
def three_replicas_inject_and_share_one_certificate(world: World) -> None:
    a_pod_gets_its_secret(world)
    data = world.cluster.get("secret", "vault-injector-certs", "-n", NAMESPACE).get("data", {})
    expect({"cert", "key"} <= data.keys(), f"the shared Secret has {sorted(data)}")


@test(setup="official-three-replicas", alone=True)
def the_replicas_survive_the_loss_of_each_in_turn(world: World) -> None:
    for listed in world.cluster.get("pods", "-n", NAMESPACE, "-l", "component=webhook")["items"]:
        world.cluster.run("delete", "pod", listed["metadata"]["name"], "-n", NAMESPACE, "--wait=false")
        await_webhook(world.cluster)
    a_pod_gets_its_secret(world)


@test(setup="official-file-certificates")
def certificate_files_are_used(world: World) -> None:
    a_pod_gets_its_secret(world)


@test(setup="official-file-certificates", alone=True)
def a_renewed_certificate_file_is_taken_up(world: World) -> None:
    import base64
    import json

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificate(folder, "vault-agent-injector-svc")
        certificate_secret(world.cluster, folder)
        bundle = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    # From now on the API server trusts the new authority alone: it works again when the new pair is served. A changed
    # Secret reaches the pod within the kubelet's period of a minute or so.
    change = json.dumps([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}])
    world.cluster.run("patch", "mutatingwebhookconfiguration", WEBHOOK, "--type=json", "-p", change)
    wait_for("the new certificate to be served", 150, lambda: await_webhook(world.cluster) or True, pause=2)
    a_pod_gets_its_secret(world)


@test(setup="official-many-values")
def many_values_are_understood(world: World) -> None:
    path = world.secret(password="official")
    if "other/" not in world.bao("auth", "list"):
        world.bao("auth", "enable", "-path=other", "kubernetes")
        world.bao("write", "auth/other/config", f"kubernetes_host={vault.api_server(world.cluster)}")
    world.bao("write", f"auth/other/role/{world.unique}", "bound_service_account_names=app", f"bound_service_account_namespaces={world.namespace}", f"policies={world.unique}")
    made = pod("app", inject(world.unique, agent_inject_secret_file=path), securityContext={"runAsUser": 4711, "fsGroup": 4711})
    made["spec"]["terminationGracePeriodSeconds"] = 10
    world.cluster.apply(made, namespace=world.namespace)
    found = ready(world.cluster, world.namespace, "app")
    agent = next(container for container in found["spec"]["containers"] if container["name"] == "vault-agent")
    expect("securityContext" not in agent, f"AGENT_INJECT_SET_SECURITY_CONTEXT=false is not followed: {agent.get('securityContext')}")
    # The API server requests what is limited and not requested.
    expect(agent["resources"] == {"limits": {"cpu": "100m", "ephemeral-storage": "16Mi", "memory": "32Mi"}, "requests": {"cpu": "5m", "ephemeral-storage": "16Mi", "memory": "8Mi"}}, f"resources: {agent['resources']}")
    expect("preStop" in agent.get("lifecycle", {}), "AGENT_INJECT_REVOKE_ON_SHUTDOWN=true is not followed")
    text = world.cat("app", "/vault/secrets/file")
    expect_in('{"data":{"password":"official"}', text, "/vault/secrets/file (default template json)")
