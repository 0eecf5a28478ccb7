"""The chart beside the official one: the same values, the same objects, but for what is named here with a reason."""

import json
import os
import re
import unittest

from scripts.chart import ROOT, as_yaml, helm, merged, objects, render

OFFICIAL = ROOT.parent / "shared" / "official-chart"

# The defaults in which ours differs, put back to those of the official chart.
COMMON: dict = {
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
# What the official manifests were rendered with.
VALUES: dict[str, dict] = {
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
        "strategy": {"type": "RollingUpdate"},
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
CONTAINER = "Deployment vault-agent-injector/spec/template/spec/containers/0"
# Where the two charts may differ with the same values, and why.
DIFFERENT = {
    r"ClusterRole .*/rules(/0/resourceNames)?": "least rights: the one webhook configuration, no nodes",
    r"Role .*/rules": "least rights: the one Secret",
    r".*/metadata/labels/(helm.sh/chart|component|app.kubernetes.io/managed-by)": "labels that nothing selects by",
    r"Deployment .*/spec/strategy.*": "never fewer replicas than asked for",
    r"Deployment .*/spec/template/spec/(affinity|topologySpreadConstraints)": "spread when possible instead of a required anti-affinity",
    r"Deployment .*/securityContext/seccompProfile": "restricted pod security",
    rf"{CONTAINER}/securityContext/readOnlyRootFilesystem": "restricted pod security",
    rf"{CONTAINER}/resources": "requests, so that it is not the first to be evicted",
    rf"{CONTAINER}/ports": "a name for the port",
    r"MutatingWebhookConfiguration .*/webhooks/0/namespaceSelector": "not the cluster's own namespaces",
    r"MutatingWebhookConfiguration .*/webhooks/0/clientConfig/caBundle": "only the injector sets it",
    r"Service .*/spec/ports/0/protocol": "said though it is the default, for a server-side apply",
    rf"{CONTAINER}/args": "no shell, so no redirection",
    rf"{CONTAINER}/env/NAMESPACE": "always there",
    rf"{CONTAINER}/(readiness|startup)Probe/(initialDelaySeconds|periodSeconds|failureThreshold)": "ready within a second",
}

DEPLOYMENT = "Deployment vault-agent-injector"
POD = "spec/template/spec"
WEBHOOK = "MutatingWebhookConfiguration vault-agent-injector-cfg"
# Each value of the official chart's `injector:` section (and the global ones it reads): what it turns into.
EFFECTS: list[tuple[dict, str, str, object]] = [
    ({"replicas": 5}, DEPLOYMENT, "spec/replicas", 5),
    ({"port": 9000}, DEPLOYMENT, f"{POD}/containers/0/livenessProbe/httpGet/port", 9000),
    ({"port": 9000}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_LISTEN", ":9000"),
    ({"port": 9000}, "Service vault-agent-injector-svc", "spec/ports/0/targetPort", 9000),
    ({"leaderElector": {"enabled": False}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_USE_LEADER_ELECTOR", None),
    ({"metrics": {"enabled": True}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TELEMETRY_PATH", "/metrics"),
    ({"externalVaultAddr": "https://old:1"}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_VAULT_ADDR", "https://old:1"),
    ({"image": {"repository": "r/i", "tag": "t", "pullPolicy": "Always"}}, DEPLOYMENT, f"{POD}/containers/0/image", "r/i:t"),
    ({"image": {"pullPolicy": "Always"}}, DEPLOYMENT, f"{POD}/containers/0/imagePullPolicy", "Always"),
    ({"agentImage": {"repository": "r/a", "tag": "t"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_VAULT_IMAGE", "r/a:t"),
    ({"agentDefaults": {"cpuRequest": "1m"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_CPU_REQUEST", "1m"),
    ({"agentDefaults": {"cpuLimit": "1m"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_CPU_LIMIT", "1m"),
    ({"agentDefaults": {"memRequest": "1Mi"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_MEM_REQUEST", "1Mi"),
    ({"agentDefaults": {"memLimit": "1Mi"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_MEM_LIMIT", "1Mi"),
    ({"agentDefaults": {"ephemeralRequest": "1Mi"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_EPHEMERAL_REQUEST", "1Mi"),
    ({"agentDefaults": {"ephemeralLimit": "1Mi"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_EPHEMERAL_LIMIT", "1Mi"),
    ({"agentDefaults": {"template": "json"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_DEFAULT_TEMPLATE", "json"),
    ({"agentDefaults": {"templateConfig": {"exitOnRetryFailure": False}}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TEMPLATE_CONFIG_EXIT_ON_RETRY_FAILURE", "false"),
    ({"agentDefaults": {"templateConfig": {"staticSecretRenderInterval": "7s"}}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TEMPLATE_STATIC_SECRET_RENDER_INTERVAL", "7s"),
    ({"livenessProbe": {"failureThreshold": 9}}, DEPLOYMENT, f"{POD}/containers/0/livenessProbe/failureThreshold", 9),
    ({"readinessProbe": {"periodSeconds": 9}}, DEPLOYMENT, f"{POD}/containers/0/readinessProbe/periodSeconds", 9),
    ({"startupProbe": {"timeoutSeconds": 9}}, DEPLOYMENT, f"{POD}/containers/0/startupProbe/timeoutSeconds", 9),
    ({"authPath": "auth/x"}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_VAULT_AUTH_PATH", "auth/x"),
    ({"logLevel": "trace"}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_LOG_LEVEL", "trace"),
    ({"logFormat": "json"}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_LOG_FORMAT", "json"),
    ({"revokeOnShutdown": True}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_REVOKE_ON_SHUTDOWN", "true"),
    ({"webhook": {"failurePolicy": "Fail"}}, WEBHOOK, "webhooks/0/failurePolicy", "Fail"),
    ({"webhook": {"matchPolicy": "Equivalent"}}, WEBHOOK, "webhooks/0/matchPolicy", "Equivalent"),
    ({"webhook": {"timeoutSeconds": 3}}, WEBHOOK, "webhooks/0/timeoutSeconds", 3),
    ({"webhook": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}, WEBHOOK, "webhooks/0/namespaceSelector", {"matchLabels": {"a": "b"}}),
    ({"webhook": {"namespaceSelector": {}}}, WEBHOOK, "webhooks/0/namespaceSelector", None),
    ({"webhook": {"objectSelector": {"matchLabels": {"a": "b"}}}}, WEBHOOK, "webhooks/0/objectSelector", {"matchLabels": {"a": "b"}}),
    ({"webhook": {"objectSelector": "matchLabels: {a: {{ .Release.Name }}}"}}, WEBHOOK, "webhooks/0/objectSelector", {"matchLabels": {"a": "vault"}}),
    ({"webhook": {"annotations": {"a": "b"}}}, WEBHOOK, "metadata/annotations", {"a": "b"}),
    ({"webhook": {"failurePolicy": None}, "failurePolicy": "Fail"}, WEBHOOK, "webhooks/0/failurePolicy", "Fail"),
    ({"namespaceSelector": {"matchLabels": {"a": "b"}}}, WEBHOOK, "webhooks/0/namespaceSelector", {"matchLabels": {"a": "b"}}),
    ({"webhook": {"objectSelector": ""}, "objectSelector": {"matchLabels": {"a": "b"}}}, WEBHOOK, "webhooks/0/objectSelector", {"matchLabels": {"a": "b"}}),
    ({"webhookAnnotations": {"a": "b"}}, WEBHOOK, "metadata/annotations", {"a": "b"}),
    ({"certs": {"secretName": "own"}}, DEPLOYMENT, f"{POD}/volumes/0/secret/secretName", "own"),
    ({"certs": {"secretName": "own", "certName": "c.pem"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TLS_CERT_FILE", "/etc/webhook/certs/c.pem"),
    ({"certs": {"secretName": "own", "keyName": "k.pem"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TLS_KEY_FILE", "/etc/webhook/certs/k.pem"),
    ({"certs": {"secretName": "own", "caBundle": "Q0E="}}, WEBHOOK, "webhooks/0/clientConfig/caBundle", "Q0E="),
    ({"uid": 7}, DEPLOYMENT, f"{POD}/securityContext/runAsUser", 7),
    ({"gid": 7}, DEPLOYMENT, f"{POD}/securityContext/fsGroup", 7),
    ({"securityContext": {"pod": {"runAsUser": 7}}}, DEPLOYMENT, f"{POD}/securityContext", {"runAsUser": 7}),
    ({"securityContext": {"container": {"privileged": False}}}, DEPLOYMENT, f"{POD}/containers/0/securityContext", {"privileged": False}),
    ({"resources": {"limits": {"cpu": "1"}}}, DEPLOYMENT, f"{POD}/containers/0/resources/limits/cpu", "1"),
    ({"extraEnvironmentVars": {"agent_inject.proxy_addr": "http://p"}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_PROXY_ADDR", "http://p"),
    ({"extraEnvironmentVars": {"n": 1}}, DEPLOYMENT, f"{POD}/containers/0/env/N", "1"),
    ({"agentDefaults": {"templateConfig": {"exitOnRetryFailure": "false"}}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TEMPLATE_CONFIG_EXIT_ON_RETRY_FAILURE", "false"),
    ({"agentDefaults": {"templateConfig": {"staticSecretRenderInterval": 60}}}, DEPLOYMENT, f"{POD}/containers/0/env/AGENT_INJECT_TEMPLATE_STATIC_SECRET_RENDER_INTERVAL", "60"),
    ({"annotations": "a: {{ .Release.Name }}"}, DEPLOYMENT, "spec/template/metadata/annotations", {"a": "vault"}),
    ({"tolerations": "- {operator: Exists}"}, DEPLOYMENT, f"{POD}/tolerations", [{"operator": "Exists"}]),
    ({"nodeSelector": "a: b"}, DEPLOYMENT, f"{POD}/nodeSelector", {"a": "b"}),
    ({"affinity": "nodeAffinity: {}"}, DEPLOYMENT, f"{POD}/affinity", {"nodeAffinity": {}}),
    ({"strategy": "type: OnDelete"}, DEPLOYMENT, "spec/strategy", {"type": "OnDelete"}),
    ({"namespaceSelector": "matchLabels: {a: b}"}, WEBHOOK, "webhooks/0/namespaceSelector", {"matchLabels": {"a": "b"}}),
    ({"webhook": {"annotations": "a: b"}}, WEBHOOK, "metadata/annotations", {"a": "b"}),
    ({"webhookAnnotations": "a: b"}, WEBHOOK, "metadata/annotations", {"a": "b"}),
    ({"service": {"annotations": "a: b"}}, "Service vault-agent-injector-svc", "metadata/annotations", {"a": "b"}),
    ({"serviceAccount": {"annotations": "a: b"}}, "ServiceAccount vault-agent-injector", "metadata/annotations", {"a": "b"}),
    ({"securityContext": {"pod": "runAsUser: 7"}}, DEPLOYMENT, f"{POD}/securityContext", {"runAsUser": 7}),
    ({"affinity": {"nodeAffinity": {}}}, DEPLOYMENT, f"{POD}/affinity", {"nodeAffinity": {}}),
    ({"topologySpreadConstraints": [{"maxSkew": 2}]}, DEPLOYMENT, f"{POD}/topologySpreadConstraints", [{"maxSkew": 2}]),
    ({"tolerations": [{"operator": "Exists"}]}, DEPLOYMENT, f"{POD}/tolerations", [{"operator": "Exists"}]),
    ({"nodeSelector": {"a": "b"}}, DEPLOYMENT, f"{POD}/nodeSelector", {"a": "b"}),
    ({"priorityClassName": "high"}, DEPLOYMENT, f"{POD}/priorityClassName", "high"),
    ({"strategy": {"type": "Recreate"}}, DEPLOYMENT, "spec/strategy", {"type": "Recreate"}),
    ({"strategy": {"rollingUpdate": {"maxSurge": "50%"}}}, DEPLOYMENT, "spec/strategy/rollingUpdate/maxSurge", "50%"),
    ({"annotations": {"a": "b"}}, DEPLOYMENT, "spec/template/metadata/annotations", {"a": "b"}),
    ({"extraLabels": {"a": "b"}}, DEPLOYMENT, "spec/template/metadata/labels/a", "b"),
    ({"hostNetwork": True}, DEPLOYMENT, f"{POD}/hostNetwork", True),
    ({"service": {"annotations": {"a": "b"}}}, "Service vault-agent-injector-svc", "metadata/annotations", {"a": "b"}),
    ({"serviceAccount": {"annotations": {"a": "b"}}}, "ServiceAccount vault-agent-injector", "metadata/annotations", {"a": "b"}),
    ({"podDisruptionBudget": {"minAvailable": 2}}, "PodDisruptionBudget vault-agent-injector", "spec/minAvailable", 2),
    ({"podDisruptionBudget": {"minAvailable": 2}}, "PodDisruptionBudget vault-agent-injector", "spec/maxUnavailable", None),
    ({"podDisruptionBudget": {"maxUnavailable": "50%"}}, "PodDisruptionBudget vault-agent-injector", "spec/maxUnavailable", "50%"),
]


def differences(theirs: object, ours: object, path: str = ""):
    """Paths at which the two differ. Environments are compared by the variables' names."""
    if path.endswith("/env") and isinstance(theirs, list) and isinstance(ours, list):
        theirs, ours = ({entry["name"]: entry for entry in found} for found in (theirs, ours))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key in theirs and key in ours:
                yield from differences(theirs[key], ours[key], f"{path}/{key}" if path else key)
            else:
                yield f"{path}/{key}" if path else key
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours)):
            yield from differences(one, other, f"{path}/{number}")
    elif theirs != ours:
        yield path


def at(found: object, path: str) -> object:
    """The value at a path, None if it is not there; environment variables by name."""
    for part in path.split("/"):
        if isinstance(found, list) and not part.isdigit():
            found = next((entry.get("value") for entry in found if entry["name"] == part), None)
        elif isinstance(found, list):
            found = found[int(part)] if int(part) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(part)
    return found


@unittest.skipUnless(os.environ.get("PANNIER_HELM"), "PANNIER_HELM is not set; `make test` sets it")
class TheChart(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        # It warns of every string that a table replaces, and here tables do.
        helm().disable_logging()

    def rendered(self, values: dict) -> dict[str, dict]:
        return objects(as_yaml(render("vault", "vault", values)))

    @unittest.skipUnless(OFFICIAL.exists(), f"the official chart's manifests are not in {OFFICIAL}")
    def test_the_same_values_make_the_same_objects(self) -> None:
        used = set()
        for name, values in VALUES.items():
            ours = self.rendered(merged(COMMON, {"injector": values}))
            for path in differences(objects((OFFICIAL / f"{name}.yaml").read_text()), ours):
                reasons = [pattern for pattern in DIFFERENT if re.fullmatch(pattern, path)]
                self.assertTrue(reasons, f"{name}: differs at {path}")
                used |= set(reasons)
        self.assertEqual(used, set(DIFFERENT), "a difference is named that is none")

    def test_every_value_of_the_injector_does_what_it_does_in_the_official_chart(self) -> None:
        for values, kind, path, wanted in EFFECTS:
            with self.subTest(values=json.dumps(values), path=path):
                self.assertEqual(at(self.rendered({"injector": values})[kind], path), wanted)

    def test_every_value_that_the_schema_knows_is_tried(self) -> None:
        """So that a value cannot be added without a test of what it does."""
        own = {"networkPolicy", "enabled"}
        schema = json.loads((ROOT / "charts/pannier/values.schema.json").read_text())["properties"]["injector"]["properties"]
        tried = {key for values, *_ in EFFECTS for key in values}
        self.assertEqual(sorted(schema.keys() - tried - own), [])

    def test_the_ca_bundle_is_left_to_the_injector_unless_it_is_given(self) -> None:
        """What a release holds is applied again by a roll-back, when the injector's authority may be another."""
        for values in ({}, {"certs": {"secretName": "own"}}, {"certs": {"certManager": {"enabled": True}}}):
            client = at(self.rendered({"injector": values})[WEBHOOK], "webhooks/0/clientConfig")
            self.assertEqual(list(client), ["service"])

    def test_mistakes_are_refused_with_their_path(self) -> None:
        for values, path, said in (
            ({"replicaz": 2}, "/injector", "'replicaz' not allowed"),
            ({"replicas": "2"}, "/injector/replicas", "want integer"),
            ({"logLevel": "loud"}, "/injector/logLevel", "does not match pattern"),
            ({"webhook": {"failurePolicy": "ignore"}}, "/injector/webhook/failurePolicy", "'Ignore', 'Fail'"),
            ({"webhook": {"timeoutSeconds": 31}}, "/injector/webhook/timeoutSeconds", "want 30"),
            ({"webhook": None}, "/injector", "missing property 'webhook'"),
            ({"agentDefaults": {"templateConfig": None}}, "/injector/agentDefaults", "missing property 'templateConfig'"),
            ({"livenessProbe": {"path": "/"}}, "/injector/livenessProbe", "'path' not allowed"),
            ({"certs": {"secret": "x"}}, "/injector/certs", "'secret' not allowed"),
        ):
            with self.subTest(values=json.dumps(values)), self.assertRaises(helm().HelmError) as caught:
                self.rendered({"injector": values})
            self.assertIn(f"at '{path}'", str(caught.exception))
            self.assertIn(said, str(caught.exception))

    def test_switching_it_off_leaves_nothing(self) -> None:
        for values in ({"injector": {"enabled": False}}, {"global": {"enabled": False}}):
            self.assertEqual(list(render("vault", "vault", values)), [])
        self.assertTrue(render("vault", "vault", {"global": {"enabled": False}, "injector": {"enabled": True}}))

    def test_names_follow_release_and_overrides(self) -> None:
        for values, release, name in (({}, "vault", "vault"), ({}, "x", "x-vault"), ({"fullnameOverride": "f"}, "x", "f"), ({"nameOverride": "n"}, "x", "x-n")):
            found = objects(as_yaml(render(release, "ns", values)))
            self.assertIn(f"Deployment {name}-agent-injector", found)
            self.assertEqual(at(found[f"Deployment {name}-agent-injector"], f"{POD}/containers/0/env/AGENT_INJECT_VAULT_ADDR"), f"http://{name}.ns.svc:8200")

    def test_every_pod_passes_the_restricted_standard(self) -> None:
        found = self.rendered({"server": {"dev": {"enabled": True}}})
        pods = {name: made["spec"]["template"]["spec"] for name, made in found.items() if name.split()[0] in ("Deployment", "StatefulSet")}
        self.assertEqual(len(pods), 2)
        for name, pod in pods.items():
            with self.subTest(name):
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertIsInstance(pod["securityContext"]["runAsUser"], int)
                self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertFalse(pod.get("hostNetwork") or pod.get("hostPID") or pod.get("hostIPC"))
                self.assertLessEqual({kind for volume in pod.get("volumes", []) for kind in volume} - {"name"}, {"configMap", "emptyDir", "secret", "projected"})
                for container in pod["containers"]:
                    self.assertIs(container["securityContext"]["allowPrivilegeEscalation"], False)
                    self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})

    def test_the_readme_names_the_defaults_that_differ(self) -> None:
        readme = (ROOT / "charts/pannier/README.md").read_text()
        marked = re.findall(r"(?:# |\. )differs:.*\n(?:\s*#.*\n)*\s*([A-Za-z]+):", (ROOT / "charts/pannier/values.yaml").read_text())
        self.assertGreater(len(marked), 8)
        for key in marked:
            self.assertRegex(readme, rf"\| `[^|]*\b{key}\b", f"{key} is marked in values.yaml")


class TheLibrary(unittest.TestCase):
    def test_differences_are_found_and_equal_things_are_not(self) -> None:
        self.assertEqual(list(differences({"a": [1, {"b": 2}], "c": 1}, {"a": [1, {"b": 3}], "d": 1})), ["a/1/b", "c", "d"])
        self.assertEqual(list(differences({"env": [{"name": "A"}, {"name": "B"}]}, {"env": [{"name": "B"}, {"name": "A"}]}, "x")), [])


if __name__ == "__main__":
    unittest.main()
