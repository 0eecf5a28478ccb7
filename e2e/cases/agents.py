"""Which agent runs in the pod: ours in pods that vault-k8s wrote, another one in pods that ours wrote, the user's own
configuration in ours.
"""

import base64
import json
import re

from e2e.cluster import ROOT, wait_for
from e2e.images import OTHER_AGENT
from e2e.install import AGENT
from e2e.pods import inject, job, names, pod, ready
from e2e.suite import World, expect, expect_in, test
from scripts.chart import helm
from scripts.images import version

BUSYBOX_VARIANT = AGENT.rsplit(":", 1)[0] + f":{version()}-busybox"


def as_written_by_vault_k8s(world: World, path: str) -> dict:
    """A pod as vault-k8s 1.7.6 leaves it, from its published shape: no webhook of ours has a part in it."""

    def agent(name: str, once: bool, home: str) -> dict:
        config = {
            "auto_auth": {
                "method": {
                    "type": "kubernetes",
                    "mount_path": "auth/kubernetes",
                    "config": {"role": world.unique, "token_path": "/var/run/secrets/kubernetes.io/serviceaccount/token"},
                },
                "sink": [{"type": "file", "config": {"path": "/home/vault/.vault-token"}}],
            },
            "exit_after_auth": once,
            "pid_file": "/home/vault/.pid",
            "vault": {"address": world.address},
            "template": [
                {
                    "destination": "/vault/secrets/file",
                    "contents": f'{{{{ with secret "{path}" }}}}{{{{ range $k, $v := .Data }}}}{{{{ $k }}}}: {{{{ $v }}}}\n{{{{ end }}}}{{{{ end }}}}',
                    "left_delimiter": "{{",
                    "right_delimiter": "}}",
                }
            ],
            "template_config": {"exit_on_retry_failure": True},
        }
        fields = {"NAMESPACE": "metadata.namespace", "HOST_IP": "status.hostIP", "POD_IP": "status.podIP"}
        return {
            "name": name,
            "image": AGENT,
            "command": ["/bin/sh", "-ec"],
            "args": ["echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent -config=/home/vault/config.json"],
            "env": [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": field}}} for key, field in fields.items()]
            + [
                {"name": "VAULT_LOG_LEVEL", "value": "info"},
                {"name": "VAULT_LOG_FORMAT", "value": "standard"},
                {"name": "VAULT_CONFIG", "value": base64.b64encode(json.dumps(config).encode()).decode()},
            ],
            "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "10m", "memory": "64Mi"}},
            "volumeMounts": [{"name": home, "mountPath": "/home/vault"}, {"name": "vault-secrets", "mountPath": "/vault/secrets"}],
            "securityContext": {
                "capabilities": {"drop": ["ALL"]},
                "runAsUser": 100,
                "runAsGroup": 1000,
                "runAsNonRoot": True,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
            },
        }

    made = pod("app", {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/agent-inject-status": "injected"})
    spec = made["spec"]
    spec["containers"][0]["volumeMounts"] = [{"name": "vault-secrets", "mountPath": "/vault/secrets"}]
    spec["volumes"] = [{"name": name, "emptyDir": {"medium": "Memory"}} for name in ("home-init", "home-sidecar", "vault-secrets")]
    spec["initContainers"] = [agent("vault-agent-init", True, "home-init")]
    spec["containers"].append({**agent("vault-agent", False, "home-sidecar"), "lifecycle": {}})
    return made


@test()
def our_agent_runs_in_a_pod_that_vault_k8s_injected(world: World) -> None:
    path = world.secret(password="from-vault-k8s")
    world.cluster.apply(as_written_by_vault_k8s(world, path), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    expect_in("from-vault-k8s", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")


@test()
def another_agent_runs_in_a_pod_that_we_injected(world: World) -> None:
    path = world.secret(password="for-the-other")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_image=OTHER_AGENT, agent_limits_mem="256Mi", client_max_retries="3")
    world.cluster.apply(pod("app", notes), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    expect_in("for-the-other", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")
    log = world.cluster.logs(world.namespace, "app", "vault-agent-init")
    expect_in("OpenBao Agent started", log, "the log of the other agent")


@test()
def the_image_has_no_shell_to_break_out_with(world: World) -> None:
    path = world.secret(password="x")
    world.cluster.apply(pod("app", inject(world.unique, agent_inject_secret_file=path)), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    said = world.cluster.execute(world.namespace, "app", "/bin/sh", "-c", "id; cat /vault/secrets/file", container="vault-agent", check=False)
    expect_in("there is no shell in this image", said, "the answer of /bin/sh")
    said = world.cluster.execute(world.namespace, "app", "/bin/cat", "/etc/passwd", container="vault-agent", check=False)
    expect("vault:x:100" not in said, "the image has a `cat`")


@test()
def the_variant_with_busybox_runs_a_template_command(world: World) -> None:
    path = world.secret(password="told")
    notes = inject(
        world.unique,
        agent_inject_secret_file=path,
        agent_image=BUSYBOX_VARIANT,
        agent_inject_command_file="sh -c 'cp /vault/secrets/file /vault/secrets/copy && chmod 0644 /vault/secrets/copy'",
    )
    world.cluster.apply(pod("app", notes), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    wait_for("the copy that the command makes", 60, lambda: "told" in world.cat("app", "/vault/secrets/copy"))


@test()
def the_agents_take_the_configuration_of_a_config_map(world: World) -> None:
    path = world.secret(password="by-hand")
    shared = f"""
auto_auth {{
  method "kubernetes" {{
    config = {{ role = "{world.unique}" }}
  }}
}}
vault {{ address = "{world.address}" }}
template {{
  destination = "/vault/secrets/own"
  contents    = "{{{{ with secret \\"{path}\\" }}}}{{{{ .Data.data.password }}}}{{{{ end }}}}"
}}
"""
    files = {"config-init.hcl": "exit_after_auth = true\n" + shared, "config.hcl": shared}
    world.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "agent"}, "data": files}, namespace=world.namespace)
    world.cluster.apply(pod("app", inject(world.unique, agent_configmap="agent")), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    expect(world.cat("app", "/vault/secrets/own") == "by-hand", "the file of the user's own configuration is wrong")


@test()
def init_and_sidecar_share_the_token_through_the_cache(world: World) -> None:
    path = world.secret(password="cached")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_cache_enable="true")
    world.cluster.apply(pod("app", notes), namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    expect_in("cached", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")
    address = "http://127.0.0.1:8200/v1/secret/data/" + world.unique
    read = ["wget", "-q", "-O", "-", "--header", "X-Vault-Request: true", address]
    answer = wait_for("the sidecar's proxy", 60, lambda: world.cluster.execute(world.namespace, "app", *read, container="app"))
    expect_in("cached", answer, "what the application reads through the sidecar")


@test()
def one_native_sidecar_does_both_jobs_or_two_agents_do_where_the_cluster_has_none(world: World) -> None:
    path = world.secret(password="old")
    notes = inject(world.unique, agent_inject_secret_file=path, agent_native_sidecar="true")
    said = world.cluster.create(pod("app", notes), world.namespace).stderr
    found = ready(world.cluster, world.namespace, "app")
    agents = names(found) + names(found, "initContainers")
    version = ".".join(map(str, world.cluster.version))
    if world.cluster.version >= (1, 29):
        expect(agents == ["app", "vault-agent"], f"containers: {agents}")
        expect(said == "", f"kubectl says {said}")
        world.cluster.apply(job("once", notes, "grep -q old /vault/secrets/file"), namespace=world.namespace)
        wait_for("the end of a job, which the sidecar does not hold up", 120, lambda: world.cluster.get("job", "once", "-n", world.namespace)["status"].get("succeeded"))
    else:
        expect(agents == ["app", "vault-agent", "vault-agent-init"], f"containers: {agents}")
        for part in ("Warning: vault.hashicorp.com/agent-native-sidecar: ", f"the cluster is Kubernetes {version}", "needs 1.29"):
            expect_in(part, said, "what kubectl says")
    expect_in("old", world.cat("app", "/vault/secrets/file"), "/vault/secrets/file")
    # What the kubelet runs in the agent's container until it succeeds: the image has to understand it.
    probe = ["/bin/sh", "-c", "test -f /vault/secrets/file"]
    world.cluster.execute(world.namespace, "app", *probe, container="vault-agent")
    probe[-1] += " && test -f /vault/secrets/other"
    refused = world.cluster.run("exec", "-n", world.namespace, "app", "-c", "vault-agent", "--", *probe, check=False)
    expect(refused.returncode == 1, f"the probe of a file that is not there ends with {refused.returncode}")
    world.bao("kv", "put", path, "password=new")
    wait_for("the file to be `new`", 60, lambda: "new" in world.cat("app", "/vault/secrets/file"))


@test()
def the_pod_of_the_page_for_agent_configurations_works_as_it_is_written(world: World) -> None:
    """Without annotations: the page's own manifest and configuration, with this test's address, role and path."""
    page = (ROOT / "docs" / "from-vault-agent.md").read_text()
    manifest, config = (re.search(rf"^```{language}\n(.*?)^```", page, re.M | re.S).group(1) for language in ("yaml", "hcl"))
    path = world.secret(password="from-the-page")
    for old, new in (("https://vault.example.com:8200", world.address), ('"myapp"', f'"{world.unique}"'), ("secret/database", path)):
        expect(old in config, f"the page's configuration lacks {old}")
        config = config.replace(old, new)
    world.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "agent"}, "data": {"agent.hcl": config}}, namespace=world.namespace)
    spec = helm().values_from_yaml(manifest)
    made = pod("app", {}, volumes=spec["volumes"], initContainers=spec["initContainers"])
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "secrets", "mountPath": "/vault/secrets"}]
    world.cluster.apply(made, namespace=world.namespace)
    ready(world.cluster, world.namespace, "app")
    text = world.cat("app", "/vault/secrets/database")
    expect(text == "from-the-page", f"/vault/secrets/database is {text!r}")
