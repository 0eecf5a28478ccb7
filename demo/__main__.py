"""Walks the guide: a pod that knows nothing of Vault gets its secret, first as it is, then as a connection string,
then anew after a change. OpenBao, the webhook and the agent are the real programs; only the cluster is played:
the AdmissionReview is built here, and folders below one temporary folder are the pod's volumes.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from demo import openbao
from demo.account import ISSUER, Issuer
from demo.injector import SERVICE, Certificates, Injector
from demo.jsonpatch import PatchError, apply
from demo.narrate import Narrator, injected_tree
from demo.pod import ACCOUNT_FOLDER, BASIC, NAMESPACE, TEMPLATE, Node, pod, review
from demo.process import Failed, Processes, wait_for

SECRET = "/vault/secrets/helloworld"


class Demo:
    def __init__(self, folder: pathlib.Path, programs: pathlib.Path, narrator: Narrator):
        self.folder = folder
        self.programs = programs
        self.tell = narrator
        self.processes = Processes(folder / "logs")
        # As in the agent's image, where /bin/vault and /bin/sh are the agent itself.
        self.tools = folder / "bin"
        self.tools.mkdir()
        for name in ("vault", "sh"):
            (self.tools / name).symlink_to(programs / "pannier-agent")

    def run(self) -> None:
        self.prepare()
        self.first_secret()
        self.wrong_account()
        self.connection_string()
        self.changed_password()
        self.end()

    def prepare(self) -> None:
        tell = self.tell
        with tell.step("start OpenBao in dev mode"):
            self.bao = openbao.start(self.processes)
        tell.detail(f"OpenBao {self.bao.version()} on {self.bao.address}")
        with tell.step("policy `app`, login for the service account `app`, the secret"):
            self.bao.policy("app", 'path "secret/data/helloworld" { capabilities = ["read"] }')
            self.issuer = Issuer(self.bao)
            # A cluster would use the method `kubernetes`, which asks the API server about the token. Without one, `jwt`
            # checks the same token by its issuer's key, and takes the same login request on the same path.
            self.bao.write("sys/auth/kubernetes", {"type": "jwt"})
            self.bao.write("auth/kubernetes/config", {"jwt_validation_pubkeys": [self.issuer.public_key()], "bound_issuer": ISSUER})
            role = {
                "role_type": "jwt",
                "user_claim": "sub",
                "bound_audiences": [ISSUER],
                "bound_subject": f"system:serviceaccount:{NAMESPACE}:app",
                "token_policies": ["app"],
                "token_ttl": "1h",
            }
            self.bao.write("auth/kubernetes/role/myapp", role)
            self.bao.kv_put("secret/helloworld", username="foobaruser", password="foobarbazpass")
        tell.detail(f"role `myapp` is for system:serviceaccount:{NAMESPACE}:app alone\nsecret/helloworld: username=foobaruser password=foobarbazpass")
        with tell.step("start the webhook with a certificate of its own"):
            certificates = Certificates(self.bao, self.folder / "certificates")
            self.injector = Injector(self.processes, self.programs / "pannier", self.bao, certificates)
        tell.detail(f"pannier agent-inject, TLS for {SERVICE}")

    def first_secret(self) -> None:
        tell = self.tell
        with tell.step("create the pod with the three basic annotations"):
            before = pod(BASIC)
            patch = self.injector.patch(review(before))
            injected = self.applied(before, patch)
            node = self.node("basic", injected)
        tell.detail("\n".join(f"{key}: {json.dumps(value)}" for key, value in BASIC.items()))
        tell.say()
        tell.detail(f"the API server applies {len(patch)} operations:\n" + injected_tree(before, injected))
        self.run_init(node, "run the injected init container")
        text = self.secret(node, ["foobaruser", "foobarbazpass"])
        tell.file(SECRET, text)

    def wrong_account(self) -> None:
        tell = self.tell
        with tell.step("the same pod as service account `default`: must get nothing"):
            before = pod(BASIC, account="default")
            node = self.node("wrong-account", self.applied(before, self.injector.patch(review(before))), account="default")
            command, env = node.run("vault-agent-init", self.tools)
            process = self.processes.start("agent-wrong-account", command, env)
            log = self.processes.log("agent-wrong-account")
            reason = wait_for("a refusal in the agent's log", 15, lambda: self.refusal(log), process, log)
            self.processes.stop(process)
            if node.path("app", SECRET).exists():
                raise Failed(f"the file is there: {node.path('app', SECRET)}", log)
        tell.detail(str(reason))

    def connection_string(self) -> None:
        tell = self.tell
        with tell.step("the template annotation added, the pod created anew"):
            before = pod(BASIC | TEMPLATE)
            self.templated = self.node("template", self.applied(before, self.injector.patch(review(before))))
        for key, value in TEMPLATE.items():
            tell.detail(f"{key}: |\n" + "\n".join("  " + line for line in value.splitlines()))
        self.run_init(self.templated, "run its init container")
        expected = "postgresql://foobaruser:foobarbazpass@postgres:5432/wizard"
        text = self.secret(self.templated, [expected])
        if text.strip() != expected:
            raise Failed(f"{SECRET} should be `{expected}`, but is `{text.strip()}`")
        tell.file(SECRET, text)

    def changed_password(self) -> None:
        tell = self.tell
        file = self.templated.path("app", SECRET)
        # Without the init container's file it can be seen that the sidecar has rendered once before anything changes.
        file.unlink()
        with tell.step("start the injected sidecar: it writes the file anew"):
            command, env = self.templated.run("vault-agent", self.tools)
            self.sidecar = self.processes.start("agent-sidecar", command, env)
            log = self.processes.log("agent-sidecar")
            sink = self.templated.volume("home-sidecar") / ".vault-token"
            wait_for("the sidecar's login", 15, sink.exists, self.sidecar, log)
            wait_for(f"{SECRET} by the sidecar", 15, file.exists, self.sidecar, log)
        with tell.step("change the password in OpenBao, wait for the file"):
            started = time.monotonic()
            self.bao.kv_put("secret/helloworld", username="foobaruser", password="a-new-one")
            wait_for(f"{SECRET} with the new password", 20, lambda: "a-new-one" in file.read_text(), self.sidecar, log)
            seconds = time.monotonic() - started
        tell.file(SECRET, file.read_text())
        tell.detail(f"{seconds:.1f} s after `bao kv put`; the sidecar looks every 2 s here, every 5 min by default")

    def end(self) -> None:
        with self.tell.step("stop everything"):
            code = self.processes.stop(self.sidecar)
            if code != 0:
                raise Failed(f"the sidecar ended with exit code {code} on SIGTERM, not 0", self.processes.log("agent-sidecar"))
            self.processes.stop(self.injector.process)
            self.processes.stop_all()

    def applied(self, before: dict, patch: list[dict]) -> dict:
        try:
            return apply(before, patch)
        except PatchError as error:
            raise Failed(f"the webhook's patch does not fit the pod: {error}", self.injector.log) from error

    def node(self, name: str, injected: dict, account: str = "app") -> Node:
        node = Node(self.folder / name, injected)
        token = node.path("app", f"{ACCOUNT_FOLDER}/token")
        token.touch(mode=0o600)
        token.write_text(self.issuer.token(NAMESPACE, account, name))
        return node

    def run_init(self, node: Node, what: str) -> None:
        with self.tell.step(what):
            name = f"agent-{node.folder.name}-init"
            command, env = node.run("vault-agent-init", self.tools)
            process = self.processes.start(name, command, env)
            log = self.processes.log(name)
            wait_for("the end of the init container", 20, lambda: process.poll() is not None, log=log)
            if process.returncode != 0:
                raise Failed(f"the init container ended with exit code {process.returncode}", log)

    def secret(self, node: Node, parts: list[str]) -> str:
        file = node.path("app", SECRET)
        if not file.exists():
            raise Failed(f"the application finds no {SECRET}", self.processes.log(f"agent-{node.folder.name}-init"))
        text = file.read_text()
        for part in parts:
            if part not in text:
                raise Failed(f"{SECRET} lacks `{part}`: {text!r}")
        return text

    @staticmethod
    def refusal(log: pathlib.Path) -> str | None:
        """The agent's complaint with the lines that belong to it, once there is one."""
        lines = log.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines):
            if "error authenticating" in line:
                end = number + 1
                while end < len(lines) and not lines[end][:4].isdigit():
                    end += 1
                return "\n".join(part for part in lines[number:end] if part.strip(" |"))
        return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m demo", description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "debug", help="folder with pannier and pannier-agent")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the files and logs")
    options = parser.parse_args()
    for program in ("pannier", "pannier-agent"):
        if not (options.programs / program).exists():
            parser.error(f"there is no {options.programs / program}; hint: run `make demo`, which builds it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tell = Narrator()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pannier-demo-"))
    demo = Demo(folder, options.programs.resolve(), tell)
    keep = options.keep
    try:
        tell.title("Pannier: a pod that knows nothing of Vault gets its secret")
        demo.run()
        tell.say()
        tell.say(f"Done in {time.monotonic() - tell.begin:.1f} s. Nothing is left running.")
        return 0
    except Failed as failure:
        keep = True
        print(f"\ndemo: {tell.current}: {failure}", file=sys.stderr)
        if failure.log and failure.log.exists():
            print(f"the end of {failure.log}:", file=sys.stderr)
            for line in failure.log.read_text(errors="replace").splitlines()[-40:]:
                print(f"  {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.processes.stop_all()
        if keep:
            print(f"files and logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
