"""Renders charts/pannier with Helm: `check` lints it, sees that typos are refused and that deploy/ is up to date;
`write` writes deploy/ anew; `render NAME NAMESPACE [VALUES.json]` prints manifests, `rules` the alerts for promtool.

deploy/ holds the same objects as plain manifests for people without Helm, made with the chart's defaults for a release
`vault` in namespace `vault`.
"""

import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "pannier"
DEPLOY = ROOT / "deploy"
HEADER = "# Written by `make chart` from charts/pannier: change it there.\n"

# What must be refused, and the words that the message must have: the path of the mistake.
TYPOS = [
    ({"injector": {"replica": 2}}, ["injector", "replica"]),
    ({"injector": {"webhook": {"failurepolicy": "Fail"}}}, ["webhook", "failurepolicy"]),
    ({"injector": {"webhook": {"failurePolicy": "fail"}}}, ["failurePolicy"]),
    ({"injector": {"agentDefaults": {"template": "yaml"}}}, ["agentDefaults", "template"]),
    ({"injector": {"port": "8080"}}, ["injector", "port"]),
    ({"global": {"externalVaultAdr": "x"}}, ["global", "externalVaultAdr"]),
    ({"inject": {}}, ["inject"]),
]

# Values, and what the Deployment must have or must not have (with a minus in front) when rendered with them.
RENDERED = [
    ({}, ["AGENT_INJECT_TLS_AUTO", "AGENT_INJECT_USE_LEADER_ELECTOR", "-webhook-certs", "-AGENT_INJECT_TLS_CERT_FILE"]),
    ({"injector": {"replicas": 1}}, ["AGENT_INJECT_TLS_AUTO", "-AGENT_INJECT_USE_LEADER_ELECTOR"]),
    ({"injector": {"certs": {"secretName": "own"}}}, ["secretName: own", "AGENT_INJECT_TLS_CERT_FILE", "-AGENT_INJECT_TLS_AUTO", "-AGENT_INJECT_USE_LEADER_ELECTOR"]),
    ({"injector": {"certs": {"certManager": {"enabled": True}}}}, ["secretName: vault-agent-injector-tls", "-AGENT_INJECT_TLS_AUTO"]),
    ({"global": {"openshift": True}}, ["AGENT_INJECT_SET_SECURITY_CONTEXT", "-runAsUser"]),
    ({"global": {"externalVaultAddr": "https://v:8200"}}, ['value: "https://v:8200"']),
    ({"injector": {"affinity": "nodeAffinity: {name: {{ template \"vault.name\" . }}}"}}, ["nodeAffinity: {name: vault}"]),
    ({"injector": {"extraEnvironmentVars": {"agent_inject.log": 1}}}, ["AGENT_INJECT_LOG"]),
]


def helm():
    """Helm as a library; scripts/tools installs it."""
    folder = os.environ.get("PANNIER_HELM")
    if not folder:
        raise SystemExit("chart: PANNIER_HELM is not set; hint: run `make lint` or `make chart`, which install Helm")
    sys.path.insert(0, folder)
    import helm_python

    return helm_python


def render(name: str, namespace: str, values: dict | None = None) -> dict[str, str]:
    """Manifests by the name of their template, without the notes and the empty ones."""
    with helm().Chart.load(CHART) as chart:
        rendered = chart.render(values or {}, name=name, namespace=namespace)
    return {path.rsplit("/", 1)[1]: text for path, text in sorted(rendered.items()) if path.endswith(".yaml") and text.strip()}


def as_yaml(rendered: dict[str, str]) -> str:
    return "---\n".join(text.strip().removeprefix("---\n") + "\n" for text in rendered.values())


def objects(manifests: str) -> dict[str, dict]:
    """What the manifests make, by kind and name."""
    found = {}
    for document in manifests.split("\n---\n"):
        lines = [line for line in document.splitlines() if line != "---" and not line.startswith("#")]
        if any(line.strip() for line in lines):
            parsed = helm().values_from_yaml("\n".join(lines))
            found[f"{parsed['kind']} {parsed['metadata']['name']}"] = parsed
    return found


def merged(into: dict, more: dict) -> dict:
    """Values over values, as Helm merges them."""
    return into | {key: merged(into[key], value) if isinstance(into.get(key), dict) and isinstance(value, dict) else value for key, value in more.items()}


def deploy() -> dict[str, str]:
    """The files of deploy/, by path."""

    def plain(values: dict) -> dict[str, str]:
        return {name: text.replace("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kustomize") for name, text in render("vault", "vault", values).items()}

    injector = plain({})
    with_server = plain({"server": {"dev": {"enabled": True}}})
    files = {f"base/{name}": HEADER + as_yaml({name: text}) for name, text in injector.items()}
    files["base/namespace.yaml"] = HEADER + "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: vault\n"
    files["base/kustomization.yaml"] = HEADER + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n" + "".join(
        f"  - {name}\n" for name in sorted(["namespace.yaml", *injector])
    )
    files["dev/server.yaml"] = HEADER + as_yaml({"server.yaml": with_server["server.yaml"]})
    files["dev/kustomization.yaml"] = HEADER + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../base\n  - server.yaml\n"
    return files


def check() -> list[str]:
    """What is wrong with the chart or with deploy/."""
    problems = []
    library = helm()
    report = library.lint(CHART, strict=True)
    problems += report["errors"] + [f"{m['path']}: {m['error']}" for m in report["messages"] if m["severity"] >= 2]
    with library.Chart.load(CHART) as chart:
        for values, words in TYPOS:
            try:
                chart.validate_schema(values)
                problems.append(f"values.schema.json takes the mistake {json.dumps(values)}")
            except library.HelmError as error:
                problems += [f"the message for {json.dumps(values)} does not name `{word}`: {error}" for word in words if word not in str(error)]
        chart.validate_schema({})
    for values, words in RENDERED:
        text = render("vault", "vault", values)["injector-deployment.yaml"]
        problems += [f"rendered with {json.dumps(values)}, the Deployment {'has' if word[0] == '-' else 'lacks'} `{word.lstrip('-')}`" for word in words if (word.lstrip("-") in text) == (word[0] == "-")]
    wanted = deploy()
    found = {str(path.relative_to(DEPLOY)): path.read_text() for path in DEPLOY.rglob("*.yaml")}
    for path in sorted(wanted.keys() | found.keys()):
        if wanted.get(path) != found.get(path):
            problems.append(f"deploy/{path} is not what the chart gives; hint: run `make chart`")
    return problems


def write() -> None:
    wanted = deploy()
    for path in DEPLOY.rglob("*.yaml"):
        if str(path.relative_to(DEPLOY)) not in wanted:
            path.unlink()
    for path, text in wanted.items():
        (DEPLOY / path).parent.mkdir(parents=True, exist_ok=True)
        (DEPLOY / path).write_text(text)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["check"]:
            problems = check()
            for problem in problems:
                print(f"chart: {problem}", file=sys.stderr)
            return 1 if problems else 0
        case ["write"]:
            write()
            return 0
        case ["rules"]:
            made = objects(as_yaml(render("vault", "vault", {"injector": {"metrics": {"enabled": True, "prometheusRule": {"enabled": True}}}})))
            print(json.dumps(made["PrometheusRule vault-agent-injector"]["spec"]))
            return 0
        case ["render", name, namespace, *values]:
            print(as_yaml(render(name, namespace, json.loads(pathlib.Path(values[0]).read_text()) if values else {})), end="")
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
