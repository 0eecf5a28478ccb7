"""Pods for tests, and questions about them."""

import datetime
from typing import Any

from e2e.cluster import Cluster, Failure, wait_for
from e2e.images import BUSYBOX

PREFIX = "vault.hashicorp.com/"


def annotations(**pairs: str) -> dict[str, str]:
    """`agent_inject="true"` is `vault.hashicorp.com/agent-inject: "true"`."""
    return {PREFIX + key.replace("_", "-"): value for key, value in pairs.items()}


def inject(role: str, **pairs: str) -> dict[str, str]:
    return annotations(agent_inject="true", role=role, **pairs)


def template(notes: dict[str, str], account: str, command: str, labels: dict[str, str] | None = None, **spec: Any) -> dict:
    """A pod template with one container `app`. It ends at once when told to."""
    container = {
        "name": "app",
        "image": spec.pop("image", BUSYBOX),
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", f"trap 'exit 0' TERM; {command}"],
    }
    return {
        "metadata": {"labels": {"app": "app", **(labels or {})}, "annotations": notes},
        "spec": {"serviceAccountName": account, "terminationGracePeriodSeconds": 2, "containers": [container], **spec},
    }


# Asleep until it is told to end.
FOREVER = "sleep infinity & wait"


def pod(name: str, notes: dict[str, str], account: str = "app", command: str = FOREVER, **spec: Any) -> dict:
    made = template(notes, account, command, **spec)
    made["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **made}


def deployment(name: str, notes: dict[str, str], account: str = "app", command: str = FOREVER, **spec: Any) -> dict:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "app"}}, "template": template(notes, account, command, **spec)},
    }


def job(name: str, notes: dict[str, str], command: str, account: str = "app", **spec: Any) -> dict:
    made = template(notes, account, command, **spec)
    made["spec"]["restartPolicy"] = "Never"
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": made}}


def names(of_pod: dict, kind: str = "containers") -> list[str]:
    return [container["name"] for container in of_pod["spec"].get(kind, [])]


def ready(cluster: Cluster, namespace: str, name: str, seconds: float = 120) -> dict:
    """The pod, once all of its containers run and are ready. Told why when an init container fails meanwhile."""

    def probe() -> dict | None:
        found = cluster.get("pod", name, "-n", namespace)
        good = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in found["status"].get("conditions", []))
        return found if good else None

    try:
        return wait_for(f"pod {name} ready", seconds, probe)
    except Failure as failure:
        raise Failure(f"{failure}\n{describe(cluster, namespace, name)}") from failure


def deployed(cluster: Cluster, namespace: str, name: str, seconds: float = 180) -> str:
    """The name of the Deployment's one pod after its latest change has rolled out."""
    try:
        cluster.rollout(namespace, f"deployment/{name}", seconds)
    except Failure as failure:
        listed = cluster.get("pods", "-n", namespace)["items"]
        raise Failure("\n".join([str(failure)] + [describe(cluster, namespace, pod["metadata"]["name"]) for pod in listed])) from failure

    def newest() -> str | None:
        left = staying(cluster, namespace)
        return left[0]["metadata"]["name"] if len(left) == 1 else None

    return wait_for(f"one pod of {name}", 60, newest)


def describe(cluster: Cluster, namespace: str, name: str) -> str:
    """What a person would look at: states, events, the end of the logs."""
    text = [f"--- pod {name}"]
    found = cluster.run("get", "pod", name, "-n", namespace, "-o", "wide", check=False)
    text.append(found.stdout or found.stderr)
    events = cluster.run("get", "events", "-n", namespace, "--field-selector", f"involvedObject.name={name}", "-o", "custom-columns=REASON:.reason,MESSAGE:.message", "--no-headers", check=False)
    text.append(events.stdout)
    for container in ("vault-agent-init", "vault-agent", "app"):
        log = cluster.logs(namespace, name, container, tail=25)
        if log:
            text.append(f"--- log of {container}\n{log}")
    return "\n".join(text)


def staying(cluster: Cluster, namespace: str, *which: str) -> list[dict]:
    """The pods that were not told to end. What was may be listed for a while after its last process."""
    return [found for found in cluster.get("pods", "-n", namespace, *which)["items"] if "deletionTimestamp" not in found["metadata"]]


def stopped(cluster: Cluster, namespace: str, *which: str) -> None:
    """Waits until these pods, told to end before, run no more.

    The objects alone do not tell: a kubelet that looks for a container which the garbage collector has just taken gives up
    until its next round, and the object stays for up to a minute after the last process. So a pod also counts as stopped
    once the time it was given has run out, when the kubelet has killed what was left.
    """

    def running(found: dict) -> bool:
        ends = found["metadata"].get("deletionTimestamp")
        if ends is None:
            return True
        over = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(ends.replace("Z", "+00:00"))
        return over < datetime.timedelta(seconds=5)

    wait_for(f"the end of {' '.join(which)}", 120, lambda: not any(map(running, cluster.get("pods", "-n", namespace, *which)["items"])))


def stop(cluster: Cluster, namespace: str, name: str) -> None:
    """Deletes a pod and waits until it runs no more."""
    cluster.run("delete", "pod", name, "-n", namespace, "--wait=false")
    stopped(cluster, namespace, "--field-selector", f"metadata.name={name}")
