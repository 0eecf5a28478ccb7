"""A real OpenBao in dev mode, and its HTTP API."""

import json
import os
import pathlib
import urllib.error
import urllib.request

from demo.process import Failed, Processes, free_port, wait_for

ROOT_TOKEN = "demo-root"


class OpenBao:
    """Talks to one server as root."""

    def __init__(self, address: str, token: str = ROOT_TOKEN):
        self.address = address
        self.token = token

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        """The answer to one request below /v1/; `{}` where the server has nothing to say."""
        request = urllib.request.Request(f"{self.address}/v1/{path}", method=method)
        request.add_header("X-Vault-Token", self.token)
        data = None if body is None else json.dumps(body).encode()
        try:
            # The server is on this machine: no proxy of the environment comes between.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, data, timeout=10) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise Failed(f"OpenBao refused {method} {path}: {error.code} {error.read().decode(errors='replace').strip()}") from error
        except OSError as error:
            raise Failed(f"OpenBao does not answer {method} {path}: {error}") from error
        return json.loads(text) if text.strip() else {}

    def read(self, path: str) -> dict:
        return self.call("GET", path)

    def write(self, path: str, body: dict | None = None) -> dict:
        return self.call("POST", path, body or {})

    def kv_put(self, path: str, **data: str) -> None:
        """`bao kv put MOUNT/NAME key=value...` on a KV version 2 mount."""
        mount, name = path.split("/", 1)
        self.write(f"{mount}/data/{name}", {"data": data})

    def policy(self, name: str, text: str) -> None:
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def version(self) -> str | None:
        """The server's version once it is unsealed and ready; None before."""
        try:
            health = self.read("sys/health")
        except Failed:
            return None
        return health["version"] if health.get("initialized") and not health.get("sealed") else None


def start(processes: Processes, listen: str | None = None, prefix: list[str] | None = None) -> OpenBao:
    """Starts a dev server and waits until it is ready. `prefix` runs it somewhere else, e.g. in a network namespace."""
    program = os.environ.get("PANNIER_BAO")
    if not program or not pathlib.Path(program).exists():
        raise Failed("PANNIER_BAO does not name OpenBao's program; hint: run `make demo`, which installs it")
    listen = listen or f"127.0.0.1:{free_port()}"
    command = (prefix or []) + [program, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}", f"-dev-listen-address={listen}"]
    # Its own home, so that nobody's ~/.vault-token is touched; no VAULT_ or BAO_ variable of the caller counts.
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(processes.logs)}
    process = processes.start("openbao", command, env)
    bao = OpenBao(f"http://{listen}")
    log = processes.log("openbao")
    if prefix is None:
        wait_for("OpenBao", 30, bao.version, process, log)
    else:
        wait_for("OpenBao", 30, lambda: "Root Token" in log.read_text(errors="replace"), process, log)
    return bao
