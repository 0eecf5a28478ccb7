"""A node dies, and with it one of the replicas."""

import json
import time

from e2e import second_node
from e2e.admissions import Admissions
from e2e.cluster import ROOT, SHARED, Cluster, Failure, wait_for
from e2e.install import NAMESPACE, WEBHOOK
from e2e.pods import inject, pod, ready, staying
from e2e.suite import Skipped, World, expect, expect_in, test

# Kubernetes itself takes this long to notice (`--node-monitor-grace-period` and a few seconds); until then the API
# server goes on calling the dead replica for every second pod.
NOTICED = 75


def replicas(cluster: Cluster) -> dict[str, str]:
    """The node of each replica that is not about to end, by the pod's name."""
    listed = staying(cluster, NAMESPACE, "-l", "component=webhook")
    return {found["metadata"]["name"]: found["spec"].get("nodeName", "") for found in listed}


@test(alone=True)
def a_node_dies_and_the_other_replica_carries_on(world: World) -> None:
    cluster = world.cluster
    if cluster.prefix != [str(SHARED), "exec"]:
        raise Skipped("this cluster's nodes are not ours to kill; the test cluster of ../shared gets a second one for it")
    path = world.secret(password="alive")
    with second_node.second_node(cluster, [ROOT / "dist" / "pannier-amd64.tar"]) as node:
        # The second replica goes where there is none: the chart's topology spread says so.
        cluster.run("delete", "pod", min(replicas(cluster)), "-n", NAMESPACE, "--wait=false")
        wait_for("a replica on each node", 90, lambda: spread(cluster))
        cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
        with Admissions(world) as load:
            wait_for("admissions", 60, lambda: load.count >= 5)
            killed = time.monotonic()
            node.kill()

            def quiet() -> bool:
                """Ten seconds without a pod that was missed."""
                last = load.bad[-1][0] if load.bad else killed
                return time.monotonic() - last > 10 and not endpoint_on_dead_node(cluster)

            wait_for("the API server to leave the dead replica alone", NOTICED + 30, quiet, pause=1)
            last = max((when for when, _ in load.bad), default=killed) - killed
            expect(last < NOTICED, f"pods were missed until {last:.0f} s after the node's end")
            before = [text for when, text in load.bad if when < killed]
            expect(not before, f"pods were missed before: {before[:1]}")
            print(f"      the last of {len(load.bad)} missed pods (of {load.count}) {last:.0f} s after the node's end", flush=True)
        # Nobody holds a lock: what is left keeps the CA bundle, and pods get their secrets.
        change = json.dumps([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": ""}])
        cluster.run("patch", "mutatingwebhookconfiguration", WEBHOOK, "--type=json", "-p", change)
        bundle = lambda: cluster.get("mutatingwebhookconfiguration", WEBHOOK)["webhooks"][0]["clientConfig"].get("caBundle")
        wait_for("the CA bundle to be repaired by the replica that is left", 30, bundle)
        cluster.apply(pod("app", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
        ready(cluster, world.namespace, "app")
        expect_in("alive", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")
    # Without the node, its pods go too, and the Deployment has two replicas again.
    cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
    wait_for("two replicas", 120, lambda: list(replicas(cluster).values()) == ["node", "node"])


def spread(cluster: Cluster) -> bool:
    places = replicas(cluster)
    if sorted(places.values()) != ["node", second_node.NAME]:
        raise Failure(f"they are at {places}")
    return True


def endpoint_on_dead_node(cluster: Cluster) -> bool:
    subsets = cluster.get("endpoints", "vault-agent-injector-svc", "-n", NAMESPACE).get("subsets", [])
    return any(address.get("nodeName") == second_node.NAME for subset in subsets for address in subset.get("addresses", []))
