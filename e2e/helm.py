"""The commands of Helm that the README and the tests use, for machines without Helm: the same library, from PyPI.

    helm install NAME CHART [-n NAMESPACE] [--create-namespace] [-f VALUES.json] [--set A=B]...
    helm upgrade NAME CHART [the same] [--reuse-values]
    helm rollback NAME [REVISION]
    helm uninstall NAME [--ignore-not-found]
"""

import argparse
import json
import os
import pathlib
import sys

from scripts.chart import helm, merged


def notes(found: object) -> str:
    """What the chart says after an installation, wherever it stands in the release."""
    if not isinstance(found, dict):
        return ""
    return found.get("notes") or next(filter(None, map(notes, found.values())), "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="helm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["install", "upgrade", "rollback", "uninstall"])
    parser.add_argument("name")
    parser.add_argument("rest", nargs="?", help="chart or revision")
    parser.add_argument("-n", "--namespace", default="default")
    parser.add_argument("-f", "--values", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--create-namespace", action="store_true")
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument("--reuse-values", action="store_true")
    options = parser.parse_args()
    library = helm()
    values: dict = {}
    for file in options.values:
        values = merged(values, json.loads(file.read_text()))
    for expression in options.set:
        values = merged(values, library.parse_set_string(expression))
    try:
        with library.Config(kubeconfig_path=os.environ["KUBECONFIG"], namespace=options.namespace) as config:
            match options.command:
                case "install":
                    config.install(options.rest, options.name, values, namespace=options.namespace, create_namespace=options.create_namespace)
                    print(notes(config.get_all(options.name)))
                case "upgrade":
                    config.upgrade(options.rest, options.name, values, namespace=options.namespace, reuse_values=options.reuse_values)
                    print(notes(config.get_all(options.name)))
                case "rollback":
                    config.rollback(options.name, version=int(options.rest) if options.rest else None)
                case "uninstall":
                    config.uninstall(options.name, ignore_not_found=options.ignore_not_found)
    except library.HelmError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
