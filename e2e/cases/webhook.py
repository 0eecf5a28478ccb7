"""What the webhook says to the API server, and what happens to pods while it changes or is gone."""

import json
import subprocess
import time
from collections.abc import Iterator

from e2e.admissions import Admissions
from e2e.cluster import ROOT, Failure, wait_for
from e2e.install import NAMESPACE, WEBHOOK, await_webhook
from e2e.pods import annotations, inject, names, pod, ready, staying, stop, stopped
from e2e.suite import World, expect, expect_in, test


def refused(world: World, notes: dict[str, str], namespace: str | None = None) -> str:
    """What kubectl says when the pod is denied."""
    account = "app" if namespace is None else "default"
    done = world.cluster.create(pod("denied", notes, account), namespace or world.namespace, check=False)
    expect(done.returncode != 0, f"the pod was created: {notes}")
    return done.stderr


@test()
def a_wrong_annotation_is_refused_with_the_reason(world: World) -> None:
    table = [
        ({**annotations(agent_inject="maybe")}, "strconv.ParseBool"),
        ({**annotations(agent_inject="true")}, "no Vault role found"),
        ({**inject("r", agent_limits_cpu="much")}, "quantities must match the regular expression"),
        ({**inject("r", auth_min_backoff="5")}, "missing unit in duration"),
    ]
    for notes, reason in table:
        message = refused(world, notes)
        expect_in('admission webhook "vault.hashicorp.com" denied the request', message, "kubectl's message")
        expect_in(reason, message, "kubectl's message")


@test()
def system_namespaces_are_left_alone(world: World) -> None:
    name = f"plain-{world.unique[-4:]}"
    made = world.cluster.create(pod(name, {}, account="default"), "kube-system", check=False)
    world.cluster.run("delete", "pod", name, "-n", "kube-system", "--wait=false", "--ignore-not-found")
    expect(made.returncode == 0, f"a pod without annotations is refused in kube-system: {made.stderr}")
    if world.cluster.version < (1, 21):
        # Namespaces do not carry their name as a label there, so the webhook is asked.
        message = refused(world, inject("r"), "kube-system")
        expect_in("cannot inject into system namespaces: kube-system", message, "kubectl's message")


@test()
def unknown_fields_of_a_pod_survive(world: World) -> None:
    path = world.secret(password="x")
    spec = pod("app", inject(world.unique, agent_inject_secret_file=path))
    spec["spec"] |= {"hostAliases": [{"ip": "10.1.2.3", "hostnames": ["db"]}], "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}}
    world.cluster.apply(spec, namespace=world.namespace)
    found = ready(world.cluster, world.namespace, "app")["spec"]
    for key in ("hostAliases", "dnsConfig"):
        expect(found[key] == spec["spec"][key], f"{key} became {found.get(key)}")


def _documents(text: str) -> Iterator[dict]:
    """JSON documents one after the other, which is how kubectl prints what it created."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]


@test()
def three_hundred_generated_pods_are_valid_once_injected(world: World) -> None:
    """The webhook changes them, the API server checks what came of it; a dry run, so that none is started."""
    generator = ["cargo", "run", "--quiet", "--locked", "-p", "pannier-inject", "--example", "generated_pods", "--", "300"]
    made = subprocess.run(generator, cwd=ROOT, capture_output=True, text=True, timeout=900)
    expect(made.returncode == 0, f"the generator failed: {made.stderr}")
    pods = json.loads(made.stdout)
    for made_pod in pods["items"]:
        made_pod["spec"]["serviceAccountName"] = "app"
    command = ["create", "--validate=false", "--dry-run=server", "-n", world.namespace, "-f", "-", "-o", "json"]
    done = world.cluster.run(*command, stdin=json.dumps(pods), seconds=120, check=False)
    expect(done.returncode == 0, f"the API server refuses some of them:\n{done.stderr}")
    accepted = list(_documents(done.stdout))
    expect(len(accepted) == 300, f"{len(accepted)} of 300 were accepted")
    plain = [found["metadata"]["name"] for found in accepted if found["metadata"]["annotations"].get("vault.hashicorp.com/agent-inject-status") != "injected"]
    expect(not plain, f"not injected: {plain}")


@test(alone=True)
def the_ca_bundle_is_repaired_when_somebody_resets_it(world: World) -> None:
    change = json.dumps([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": ""}])
    world.cluster.run("patch", "mutatingwebhookconfiguration", WEBHOOK, "--type=json", "-p", change)

    def repaired() -> bool:
        return bool(world.cluster.get("mutatingwebhookconfiguration", WEBHOOK)["webhooks"][0]["clientConfig"].get("caBundle"))

    wait_for("the CA bundle to be repaired", 60, repaired)
    await_webhook(world.cluster)


@test(alone=True)
def a_rolling_update_fails_no_admission(world: World) -> None:
    with Admissions(world) as load:
        for _ in range(2):
            world.cluster.run("rollout", "restart", "-n", NAMESPACE, "deployment/vault-agent-injector")
            world.cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
        time.sleep(2)
    load.expect_all_good(at_least=20)


@test(alone=True)
def without_the_webhook_running_pods_are_not_hindered(world: World) -> None:
    cluster = world.cluster
    path = world.secret(password="x")
    cluster.apply(pod("app", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
    ready(cluster, world.namespace, "app")
    replicas = cluster.get("deployment", "vault-agent-injector", "-n", NAMESPACE)["spec"]["replicas"]
    cluster.run("scale", "deployment/vault-agent-injector", "-n", NAMESPACE, "--replicas=0")
    try:
        stopped(cluster, NAMESPACE, "-l", "component=webhook")
        _policy(world, "Ignore")
        done = cluster.create(pod("ignored", inject("r")), world.namespace)
        found = cluster.get("pod", "ignored", "-n", world.namespace)
        expect("initContainers" not in found["spec"], f"who injected this? {done.stdout}")
        _policy(world, "Fail")

        def fails() -> str:
            message = cluster.create(pod("failed", inject("r")), world.namespace, check=False).stderr
            if "failed calling webhook" not in message:
                cluster.run("delete", "pod", "failed", "-n", world.namespace, "--ignore-not-found", "--wait=false")
                raise Failure(f"the pod is not refused: {message}")
            return message

        wait_for("`Fail` to be in force", 60, fails)
        with_name_as_label(world, "kube-system")
        made = cluster.create(pod("needed", {}, account="default"), "kube-system", check=False)
        cluster.run("delete", "pod", "needed", "-n", "kube-system", "--wait=false", "--ignore-not-found")
        expect(made.returncode == 0, f"without the webhook kube-system gets no pods: {made.stderr}")
        cluster.run("label", "pod", "app", "-n", world.namespace, "touched=yes")
        stop(cluster, world.namespace, "app")
    finally:
        _policy(world, "Ignore")
        cluster.run("scale", "deployment/vault-agent-injector", "-n", NAMESPACE, f"--replicas={replicas}")
        await_webhook(cluster)


def with_name_as_label(world: World, namespace: str) -> None:
    """As Kubernetes 1.21 and later do by themselves."""
    if world.cluster.version < (1, 21):
        world.cluster.run("label", "namespace", namespace, f"kubernetes.io/metadata.name={namespace}", "--overwrite")


def _policy(world: World, policy: str) -> None:
    change = json.dumps([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy}])
    world.cluster.run("patch", "mutatingwebhookconfiguration", WEBHOOK, "--type=json", "-p", change)


@test(alone=True)
def a_lost_replica_is_not_missed(world: World) -> None:
    listed = staying(world.cluster, NAMESPACE, "-l", "component=webhook")
    expect(len(listed) == 2, f"there are {len(listed)} replicas, not 2")
    with Admissions(world) as load:
        # The API server drops the endpoint when the pod is told to end; until then it may still be called.
        stop(world.cluster, NAMESPACE, listed[0]["metadata"]["name"])
        world.cluster.rollout(NAMESPACE, "deployment/vault-agent-injector", 180)
    load.expect_all_good()
    expect(names(listed[0]) == ["sidecar-injector"], f"containers: {names(listed[0])}")
