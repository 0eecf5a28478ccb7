"""What the agent serves: its listeners beside those of the original, a client library through them, and the hand-over.

* The same list of HTTP requests goes to both agents; status, body and the headers that mean something are compared.
* `hvac` (a Vault client from PyPI) reads, writes, lists, logs in and works with leases, with and without the cache.
* An init agent and a sidecar share a persistent cache: the server's audit log must show one login and one credential.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from postgres import PostgreSql
from server import OpenBao, free_port

ERRORS = '{"errors":["%s"]}'

#: name, listener, method, path, headers, body
REQUESTS = [
    ("read", "plain", "GET", "/v1/secret/data/app", {}, ""),
    ("read with an own token", "plain", "GET", "/v1/secret/data/app", {"X-Vault-Token": "none"}, ""),
    ("no such secret", "plain", "GET", "/v1/secret/data/none", {}, ""),
    ("list", "plain", "GET", "/v1/secret/metadata?list=true", {}, ""),
    ("head", "plain", "HEAD", "/v1/sys/health", {}, ""),
    ("unknown path", "plain", "GET", "/foo", {}, ""),
    ("write", "plain", "POST", "/v1/secret/data/w", {}, '{"data":{"a":"1"}}'),
    ("delete", "plain", "DELETE", "/v1/secret/data/w", {}, ""),
    ("lookup of the agent's token", "plain", "GET", "/v1/auth/token/lookup-self", {}, ""),
    ("child token", "plain", "POST", "/v1/auth/token/create", {}, '{"ttl":"1h"}'),
    ("the same child token", "plain", "POST", "/v1/auth/token/create", {}, '{"ttl":"1h"}'),
    ("another child token", "plain", "POST", "/v1/auth/token/create", {}, '{"ttl":"2h"}'),
    ("login", "plain", "POST", "/v1/auth/approle/login", {}, '{"role_id":"app-role-id"}'),
    ("the same login", "plain", "POST", "/v1/auth/approle/login", {}, '{"role_id":"app-role-id"}'),
    ("clear by path", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"request_path","value":"/v1/auth/approle"}'),
    ("a login after that", "plain", "POST", "/v1/auth/approle/login", {}, '{"role_id":"app-role-id"}'),
    ("clear without a body", "plain", "POST", "/agent/v1/cache-clear", {}, ""),
    ("clear with bad JSON", "plain", "POST", "/agent/v1/cache-clear", {}, "x"),
    ("clear without a type", "plain", "PUT", "/agent/v1/cache-clear", {}, "{}"),
    ("clear of a bad type", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"x"}'),
    ("clear of no token", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"token"}'),
    ("clear of no accessor", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"token_accessor"}'),
    ("clear of no lease", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"lease"}'),
    ("clear of no path", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"request_path"}'),
    ("clear of a number", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":5}'),
    ("clear of an unknown token", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"token","value":"x"}'),
    ("clear of everything", "plain", "POST", "/agent/v1/cache-clear", {}, '{"type":"all"}'),
    ("the child token after that", "plain", "POST", "/v1/auth/token/create", {}, '{"ttl":"1h"}'),
    ("clear by GET", "plain", "GET", "/agent/v1/cache-clear", {}, ""),
    ("quit by GET", "plain", "GET", "/agent/v1/quit", {}, ""),
    ("quit where it is not enabled", "strict", "POST", "/agent/v1/quit", {"X-Vault-Request": "true"}, ""),
    ("metrics by POST", "plain", "POST", "/agent/v1/metrics", {}, ""),
    ("metrics in an unknown format", "plain", "GET", "/agent/v1/metrics?format=xx", {}, ""),
    ("no request header", "strict", "GET", "/v1/sys/health", {}, ""),
    ("the request header", "strict", "GET", "/v1/secret/data/app", {"X-Vault-Request": "true"}, ""),
    ("a wrong request header", "strict", "GET", "/v1/sys/health", {"X-Vault-Request": "True"}, ""),
    ("metrics only: another path", "metrics", "GET", "/v1/sys/health", {}, ""),
    ("metrics only: quit", "metrics", "POST", "/agent/v1/quit", {}, ""),
]

#: Members that differ from one request to the next.
VOLATILE = {"request_id", "client_token", "accessor", "id", "created_time", "creation_time", "expire_time", "issue_time",
            "last_renewal", "last_renewal_time", "entity_id", "ttl", "version", "mount_accessor", "server_time_utc"}


def steady(value):
    if isinstance(value, dict):
        # Which members of an answer are there when they are null differs: the original writes it anew.
        return {k: ("?" if k in VOLATILE and v not in ("", None) else steady(v)) for k, v in value.items() if v is not None}
    return [steady(v) for v in value] if isinstance(value, list) else value


def ask(port: int, method: str, path: str, headers: dict, body: str):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    try:
        text = steady(json.loads(text))
    except ValueError:
        pass
    connection.close()
    return {"status": answer.status, "body": text, "type": answer.headers.get("Content-Type"),
            "cache": answer.headers.get("X-Cache"), "age": answer.headers.get("Age") is not None}


class Agent:
    """A running agent of either kind; `with` starts and stops it."""

    def __init__(self, program: str, folder: Path, config: dict):
        folder.mkdir(parents=True, exist_ok=True)
        self.program, self.folder = program, folder
        (folder / "config.json").write_text(json.dumps(config))

    def start(self) -> subprocess.Popen:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with open(self.folder / "agent.log", "ab") as log:
            return subprocess.Popen([self.program, "agent", f"-config={self.folder / 'config.json'}", "-log-level=debug"],
                                    env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def __enter__(self) -> subprocess.Popen:
        self.process = self.start()
        return self.process

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)


def wait_for(what, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if what():
                return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def login(folder: Path) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "role").write_text("app-role-id")
    return {"method": {"type": "approle", "config": {"role_id_file_path": str(folder / "role")}},
            "sink": [{"type": "file", "config": {"path": str(folder / "token")}}]}


def listening(server: OpenBao, folder: Path, cache: bool = True) -> tuple[dict, dict]:
    ports = {name: free_port() for name in ("plain", "strict", "metrics")}
    config = {
        "vault": {"address": f"http://127.0.0.1:{server.port}"},
        "auto_auth": login(folder),
        "api_proxy": {"use_auto_auth_token": True},
        "telemetry": {"prometheus_retention_time": "24h", "disable_hostname": True},
        "listener": [
            {"type": "tcp", "address": f"127.0.0.1:{ports['plain']}", "tls_disable": True, "agent_api": {"enable_quit": True}},
            {"type": "tcp", "address": f"127.0.0.1:{ports['strict']}", "tls_disable": True, "require_request_header": True},
            {"type": "tcp", "address": f"127.0.0.1:{ports['metrics']}", "tls_disable": True, "role": "metrics_only"},
        ],
    }
    if cache:
        config["cache"] = {}
    return config, ports


def prepare(server: OpenBao):
    api = server.api
    api.write("sys/mounts/secret", type="kv", options={"version": "2"})
    for _ in range(50):
        try:
            api.write("secret/data/app", data={"a": "1"})
            break
        except Exception:
            time.sleep(0.1)
    api.policy("app", 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }')
    api.write("sys/auth/approle", type="approle")
    api.write("auth/approle/role/app", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"], token_policies=["app"], token_ttl="1h")
    api.write("auth/approle/role/app/role-id", role_id="app-role-id")


def compare(oracle: str, subject: str, server: OpenBao, folder: Path) -> list[str]:
    answers = {}
    for name, program in (("original", oracle), ("pannier", subject)):
        server.api.delete("secret/metadata/w")
        config, ports = listening(server, folder / name)
        with Agent(program, folder / name, config):
            if not wait_for(lambda: (folder / name / "token").exists()):
                return [f"{name}: no token, see {folder / name}/agent.log"]
            answers[name] = [ask(ports[listener], method, path, headers, body) for _, listener, method, path, headers, body in REQUESTS]
    wrong = []
    for request, theirs, ours in zip(REQUESTS, answers["original"], answers["pannier"]):
        if theirs != ours:
            wrong.append(f"{request[0]}: the original answers {theirs}, we {ours}")
    print(f"  {len(REQUESTS)} requests to both, {len(wrong)} answered otherwise")
    return wrong


def client(subject: str, server: OpenBao, folder: Path, cache: bool) -> list[str]:
    sys.path.append(os.environ.get("PANNIER_HVAC", ""))
    try:
        import hvac
    except ImportError:
        return ["PANNIER_HVAC names no folder with hvac: run `make parity`, which sets it"]
    wrong, done = [], 0
    config, ports = listening(server, folder, cache)

    def check(what: str, good):
        nonlocal done
        done += 1
        if not good:
            wrong.append(f"hvac {'with' if cache else 'without'} cache: {what}")

    with Agent(subject, folder, config):
        if not wait_for(lambda: (folder / "token").exists()):
            return [f"no token, see {folder}/agent.log"]
        vault = hvac.Client(url=f"http://127.0.0.1:{ports['strict']}", token="")
        kv = vault.secrets.kv.v2
        kv.create_or_update_secret("hvac", secret={"password": "hunter2"})
        check("write and read", kv.read_secret_version("hvac", raise_on_deleted_version=True)["data"]["data"] == {"password": "hunter2"})
        kv.patch("hvac", secret={"user": "ada"})
        check("patch", set(kv.read_secret_version("hvac", raise_on_deleted_version=True)["data"]["data"]) == {"password", "user"})
        check("list", "hvac" in kv.list_secrets("")["data"]["keys"])
        kv.delete_metadata_and_all_versions("hvac")
        check("delete", "hvac" not in kv.list_secrets("")["data"]["keys"])
        try:
            kv.read_secret_version("hvac", raise_on_deleted_version=True)
            check("a missing secret is an error", False)
        except hvac.exceptions.InvalidPath:
            check("a missing secret is an error", True)
        check("health", vault.sys.read_health_status(method="GET")["initialized"])
        own = vault.auth.token.lookup_self()["data"]
        check("the agent's token stays hidden", not own.get("id") and "policies" in own)
        other = hvac.Client(url=f"http://127.0.0.1:{ports['strict']}")
        token = other.auth.approle.login("app-role-id")["auth"]["client_token"]
        check("login", other.token == token and other.auth.token.lookup_self()["data"]["id"] == token)
        other.auth.token.renew_self(increment="30m")
        child = vault.auth.token.create(ttl="10m", policies=["app"])["auth"]["client_token"]
        again = vault.auth.token.create(ttl="10m", policies=["app"])["auth"]["client_token"]
        check("an equal request gets the same token only from the cache", (child == again) == cache)
        vault.auth.token.revoke(child)
        check("a revoked token is gone from server and cache", not server.api.alive(child)
              and vault.auth.token.create(ttl="10m", policies=["app"])["auth"]["client_token"] != child)
        if server.api.call("GET", "sys/mounts").get("database/"):
            first = vault.secrets.database.generate_credentials("app")
            second = vault.secrets.database.generate_credentials("app")
            check("an equal request gets the same lease only from the cache", (first["lease_id"] == second["lease_id"]) == cache)
            renewed = vault.sys.renew_lease(first["lease_id"])
            check("renewal of a lease", renewed["lease_id"] == first["lease_id"])
            vault.sys.revoke_lease(first["lease_id"])
            third = vault.secrets.database.generate_credentials("app")
            check("a revoked lease is gone from the cache", third["lease_id"] != first["lease_id"])
        probe = [subject, "healthcheck", f"-address=http://127.0.0.1:{ports['metrics']}"]
        check("healthcheck of an agent that is well", subprocess.run(probe, capture_output=True).returncode == 0)
        metrics = http.client.HTTPConnection("127.0.0.1", ports["metrics"], timeout=5)
        metrics.request("GET", "/agent/v1/metrics?format=prometheus")
        lines = metrics.getresponse().read().decode().splitlines()
        check("Prometheus counts logins and proxied requests", "vault_agent_auth_success 2" in lines
              and any(line.startswith("vault_agent_proxy_success ") for line in lines) and "vault_agent_authenticated 1" in lines
              and any(line.startswith("vault_agent_token_ttl_seconds 35") for line in lines))
        before = sum(1 for entry in server.requests() if entry["request"]["path"] == "secret/data/app")
        threads = [threading.Thread(target=ask, args=(ports["plain"], "GET", "/v1/secret/data/app", {}, "")) for _ in range(20)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        sent = sum(1 for entry in server.requests() if entry["request"]["path"] == "secret/data/app") - before
        print(f"  20 equal reads at once {'with' if cache else 'without'} cache: {sent} requests to the server")
        check("equal reads at once share requests", sent < 20 if cache else sent == 20)
    print(f"  hvac {'with' if cache else 'without'} cache: {done} checks, {len(wrong)} failed")
    return wrong


def hand_over(subject: str, server: OpenBao, folder: Path, rotate: bool) -> list[str]:
    cache = folder / "cache"
    cache.mkdir(parents=True)
    (folder / "service-account").write_text("service-account-token")

    def config(name: str, once: bool) -> dict:
        return {
            "vault": {"address": f"http://127.0.0.1:{server.port}"},
            "auto_auth": login(folder / name),
            "cache": {"use_auto_auth_token": True,
                      "persist": {"type": "kubernetes", "path": str(cache), "service_account_token_file": str(folder / "service-account")}},
            "listener": [{"type": "tcp", "address": f"127.0.0.1:{free_port()}", "tls_disable": True}],
            "template": [{"contents": '{{ with secret "database/creds/app" }}{{ .Data.username }}{{ end }}', "destination": str(folder / name / "file")}],
            "exit_after_auth": once,
        }

    seen = sum(1 for _ in server.requests())
    init = Agent(subject, folder / "init", config("init", True)).start()
    try:
        code = init.wait(30)
    except subprocess.TimeoutExpired:
        init.kill()
        code = f"no exit within 30 s ({init.wait()})"
    if code != 0:
        return [f"the init agent ended with {code}, see {folder}/init/agent.log"]
    if not list(cache.iterdir()):
        return ["the init agent left no cache file"]
    if rotate:
        (folder / "service-account").write_text("another-token")
    wrong = []
    with Agent(subject, folder / "sidecar", config("sidecar", False)):
        if not wait_for(lambda: (folder / "sidecar" / "file").exists()):
            return [f"the sidecar rendered nothing, see {folder}/sidecar/agent.log"]
        time.sleep(1)
        paths = [entry["request"]["path"] for entry in list(server.requests())[seen:]]
        logins, credentials = paths.count("auth/approle/login"), paths.count("database/creds/app")
        same = (folder / "init" / "file").read_text() == (folder / "sidecar" / "file").read_text()
        expected = (2, 2, False) if rotate else (1, 1, True)
        print(f"  hand-over{' with a rotated service account token' if rotate else ''}: {logins} login(s), {credentials} credential(s), "
              f"the same credentials in both containers: {same}")
        if (logins, credentials, same) != expected:
            wrong.append(f"hand-over (rotate={rotate}): expected {expected}, got {(logins, credentials, same)}: {paths}")
        if not rotate and list(cache.iterdir()):
            wrong.append("the sidecar left the cache file where it was")
    return wrong


def run(oracle: str, subject: str, folder: Path) -> int:
    folder.mkdir(parents=True)
    with PostgreSql(folder / "postgres") as database, OpenBao(oracle, folder / "server") as server:
        prepare(server)
        api = server.api
        api.write("sys/mounts/database", type="database")
        api.write("database/config/app", plugin_name="postgresql-database-plugin", allowed_roles=["app"], username="root", password=database.password,
                  connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{database.port}/postgres?sslmode=disable")
        api.write("database/roles/app", db_name="app", default_ttl="1h", max_ttl="2h",
                  creation_statements=["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"])
        wrong = compare(oracle, subject, server, folder / "compare")
        wrong += client(subject, server, folder / "hvac-cache", True)
        wrong += client(subject, server, folder / "hvac-plain", False)
        wrong += hand_over(subject, server, folder / "hand-over", False)
        wrong += hand_over(subject, server, folder / "hand-over-rotated", True)
    for text in wrong:
        print(f"FAILED: {text}")
    return len(wrong)
