"""Our chart beside the official one: with the same values, the same objects but for what the chart's README names."""

import json

from e2e.cluster import wait_for
from e2e.install import NAMESPACE, OFFICIAL
from e2e.suite import World, expect, test
from scripts.chart import as_yaml, helm, render

# The values that the official chart's manifests were rendered with, and the defaults in which ours differs put back.
COMMON = {
    "global": {"externalVaultAddr": "http://10.77.0.1:8200"},
    "server": {"authDelegator": {"enabled": True}},
    "injector": {
        "replicas": 1,
        "image": {"repository": "hashicorp/vault-k8s", "tag": "1.7.6"},
        "agentImage": {"repository": "hashicorp/vault", "tag": "2.0.4"},
        "agentDefaults": {"cpuRequest": "250m", "memRequest": "64Mi", "memLimit": "128Mi"},
        "webhook": {"timeoutSeconds": 30},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": None,
    },
}
VALUES = {
    "one-replica": {},
    "three-replicas": {"replicas": 3},
    "file-certificates": {"certs": {"secretName": "injector-tls", "caBundle": "Q0E="}},
    "many-values": {
        "replicas": 2,
        "port": 8443,
        "logFormat": "json",
        "logLevel": "debug",
        "authPath": "auth/other",
        "revokeOnShutdown": True,
        "metrics": {"enabled": True},
        "extraEnvironmentVars": {"AGENT_INJECT_SET_SECURITY_CONTEXT": "false"},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "webhook": {"failurePolicy": "Fail", "timeoutSeconds": 5},
        "agentDefaults": {
            "cpuRequest": "5m",
            "cpuLimit": "100m",
            "memRequest": "8Mi",
            "memLimit": "32Mi",
            "ephemeralLimit": "16Mi",
            "template": "json",
            "templateConfig": {"exitOnRetryFailure": False, "staticSecretRenderInterval": "20s"},
        },
    },
}


def objects(manifests: str) -> dict[str, dict]:
    """By kind and name."""
    found = {}
    for document in manifests.split("\n---\n"):
        lines = [line for line in document.splitlines() if line != "---" and not line.startswith("#")]
        if any(line.strip() for line in lines):
            parsed = helm().values_from_yaml("\n".join(lines))
            found[f"{parsed['kind']} {parsed['metadata']['name']}"] = parsed
    return found


def contract(found: dict[str, dict]) -> dict[str, object]:
    """What must be the same: names, selectors, environment, probes' place, mounts, the webhook, the service."""
    deployment = found["Deployment vault-agent-injector"]["spec"]
    container = deployment["template"]["spec"]["containers"][0]
    # We always say the namespace; the official chart says it with several replicas only.
    environment = {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"] if entry["name"] != "NAMESPACE"}
    return {
        "names": sorted(found),
        "replicas": deployment["replicas"],
        "selector": deployment["selector"],
        "environment": environment,
        "liveness": container["livenessProbe"]["httpGet"],
        "mounts": container.get("volumeMounts"),
        "volumes": deployment["template"]["spec"].get("volumes"),
        "service": found["Service vault-agent-injector-svc"]["spec"],
        "webhooks": found["MutatingWebhookConfiguration vault-agent-injector-cfg"]["webhooks"],
    }


@test()
def with_the_official_charts_values_our_chart_makes_the_same_objects(world: World) -> None:
    for name, values in VALUES.items():
        injector = COMMON["injector"] | values
        injector["webhook"] = COMMON["injector"]["webhook"] | values.get("webhook", {})
        ours = contract(objects(as_yaml(render("vault", NAMESPACE, COMMON | {"injector": injector}))))
        theirs = contract(objects((OFFICIAL / f"{name}.yaml").read_text()))
        for part, wanted in theirs.items():
            expect(ours[part] == wanted, f"{name}, {part}: official {json.dumps(wanted, sort_keys=True)}, ours {json.dumps(ours[part], sort_keys=True)}")


@test()
def the_injector_has_no_more_rights_than_it_needs(world: World) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:vault-agent-injector"

    def may(*what: str) -> bool:
        return world.cluster.run("auth", "can-i", *what, account, check=False).stdout.strip() == "yes"

    own = ["mutatingwebhookconfigurations/vault-agent-injector-cfg"]
    wait_for("its right to patch its own webhook configuration", 10, lambda: may("patch", *own))
    for what in (["patch", "mutatingwebhookconfigurations/other"], ["delete", *own], ["get", "secrets", "-n", "kube-system"], ["get", "secrets/other", "-n", NAMESPACE], ["create", "pods", "-n", NAMESPACE]):
        expect(not may(*what), f"the injector may {' '.join(what)}")
