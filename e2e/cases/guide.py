"""The guide: a server from the chart, a pod that knows nothing of it, and its secret."""

import json

from e2e import vault
from e2e.cluster import wait_for
from e2e.pods import FOREVER, deployed, deployment, describe, inject, job, names, pod, ready, stop
from e2e.suite import World, expect, expect_in, test

CONNECTION = '{{- with secret "secret/helloworld" -}}\npostgresql://{{ .Data.data.username }}:{{ .Data.data.password }}@postgres:5432/wizard\n{{- end }}\n'


def patch(world: World, annotations: dict[str, str]) -> str:
    """`kubectl patch deployment app`, and the name of the pod that replaces the old one."""
    change = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    world.cluster.run("patch", "deployment", "app", "-n", world.namespace, "--patch", json.dumps(change))
    return deployed(world.cluster, world.namespace, "app")


@test(setup="chart-dev-server")
def the_guide_command_by_command(world: World) -> None:
    bao = world.bao
    bao.policy("app", 'path "secret*" {\n  capabilities = ["read"]\n}\n')
    bao.enable_kubernetes(vault.api_server(world.cluster))
    bao.role("myapp", "app", world.namespace, "app")
    bao("kv", "put", "secret/helloworld", "username=foobaruser", "password=foobarbazpass")

    world.cluster.apply(deployment("app", {}), namespace=world.namespace)
    name = deployed(world.cluster, world.namespace, "app")
    listing = world.cluster.execute(world.namespace, name, "ls", "/vault/secrets", check=False)
    expect_in("No such file or directory", listing, "`ls /vault/secrets` before the patch")

    name = patch(world, inject("myapp", agent_inject_secret_helloworld="secret/helloworld"))
    found = world.cluster.get("pod", name, "-n", world.namespace)
    expect(names(found) == ["app", "vault-agent"], f"containers after the patch: {names(found)}")
    expect(names(found, "initContainers") == ["vault-agent-init"], f"init containers: {names(found, 'initContainers')}")
    text = world.cat(name, "/vault/secrets/helloworld")
    for part in ("data: map[password:foobarbazpass username:foobaruser]", "metadata: map["):
        expect_in(part, text, "/vault/secrets/helloworld")
    mounts = world.cat(name, "/proc/mounts")
    expect(any(line.split()[1:3] == ["/vault/secrets", "tmpfs"] for line in mounts.splitlines()), f"/vault/secrets is no tmpfs:\n{mounts}")

    name = patch(world, {"vault.hashicorp.com/agent-inject-template-helloworld": CONNECTION})
    text = world.cat(name, "/vault/secrets/helloworld")
    expect(text.strip() == "postgresql://foobaruser:foobarbazpass@postgres:5432/wizard", f"/vault/secrets/helloworld is {text!r}")

    bao("kv", "put", "secret/helloworld", "username=foobaruser", "password=rotated")
    wait_for("the file with the new password", 60, lambda: ":rotated@" in world.cat(name, "/vault/secrets/helloworld"))


@test()
def a_pod_with_the_wrong_service_account_gets_nothing_and_says_why(world: World) -> None:
    path = world.secret(password="hidden")
    world.cluster.apply(pod("stranger", inject(world.unique, agent_inject_secret_file=path), account="default"), namespace=world.namespace)

    def refusal() -> str | None:
        log = world.cluster.logs(world.namespace, "stranger", "vault-agent-init")
        return log if "error authenticating" in log else None

    log = wait_for("a refusal in the log of vault-agent-init", 90, refusal)
    expect_in("403", log, "the log of vault-agent-init")
    expect_in("service account name not authorized", log, "the log of vault-agent-init")
    status = world.cluster.get("pod", "stranger", "-n", world.namespace)["status"]
    expect(status["phase"] == "Pending", f"the application runs without its secret: {status['phase']}")


@test()
def a_job_that_needs_a_secret_at_start_completes(world: World) -> None:
    path = world.secret(password="for-the-job")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_pre_populate_only="true")
    world.cluster.apply(job("once", notes, "grep -q for-the-job /vault/secrets/file"), namespace=world.namespace)

    def done() -> bool:
        status = world.cluster.get("job", "once", "-n", world.namespace)["status"]
        if status.get("failed"):
            name = world.cluster.get("pods", "-n", world.namespace)["items"][0]["metadata"]["name"]
            raise RuntimeError(describe(world.cluster, world.namespace, name))
        return bool(status.get("succeeded"))

    wait_for("the end of the job", 120, done)


@test()
def the_sidecar_refreshes_the_file_after_a_change(world: World) -> None:
    path = world.secret(password="old")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_inject_template_file=f'{{{{ with secret "{path}" }}}}{{{{ .Data.data.password }}}}{{{{ end }}}}')
    world.cluster.apply(pod("app", notes), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    expect(world.cat("app", "/vault/secrets/file") == "old", "the file is not `old` at first")
    world.bao("kv", "put", path, "password=new")
    wait_for("the file to be `new`", 60, lambda: world.cat("app", "/vault/secrets/file") == "new")


@test()
def a_pod_that_asks_for_nothing_is_left_alone(world: World) -> None:
    world.cluster.apply(pod("plain", {}), namespace=world.namespace)
    found = ready(world.cluster, world.namespace, "plain")
    expect(names(found) == ["app"] and "initContainers" not in found["spec"], f"the pod was changed: {found['spec']}")


@test()
def the_secret_is_there_before_the_first_init_container_when_asked_for(world: World) -> None:
    path = world.secret(password="early")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_init_first="true")
    first = {"name": "first", "image": "docker.io/library/busybox:1", "imagePullPolicy": "IfNotPresent", "command": ["grep", "-q", "early", "/vault/secrets/file"]}
    world.cluster.apply(pod("app", notes, initContainers=[first]), namespace=world.namespace)
    found = ready(world.cluster, world.namespace, "app")
    expect(names(found, "initContainers") == ["vault-agent-init", "first"], f"init containers: {names(found, 'initContainers')}")


@test()
def a_deleted_pod_takes_its_token_along_when_asked_to(world: World) -> None:
    path = world.secret(password="x")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_revoke_on_shutdown="true", agent_revoke_grace="1", agent_inject_token="true")
    spec = pod("app", notes, command=FOREVER)
    spec["spec"]["terminationGracePeriodSeconds"] = 20
    world.cluster.apply(spec, namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")

    def valid(token: str) -> bool:
        return "invalid token" not in (answer := world.bao("token", "lookup", token, check=False)) and "bad token" not in answer

    token = wait_for("the token of the sidecar", 60, lambda: world.cat("app", "/vault/secrets/token")).strip()
    expect(valid(token), "the token is not valid while the pod runs")
    stop(world.cluster, world.namespace, "app")
    wait_for("the token to be revoked", 30, lambda: not valid(token))
