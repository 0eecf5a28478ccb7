"""What every test here needs: one OpenBao for all of them, agents in folders of their own, ways to ask."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))

from server import Api, Authority, OpenBao, free_port  # noqa: E402,F401  (for the tests)

EVERYTHING = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'


def program(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value or not Path(value).exists():
        raise RuntimeError(f"{variable} names no program: run `make test`, which sets it")
    return str(Path(value).resolve())


AGENT = program("PANNIER_AGENT")


class RabbitMq(BaseHTTPRequestHandler):
    """The calls of RabbitMQ's management API by which OpenBao makes and removes users: dynamic credentials without a broker."""

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if user := re.fullmatch(r"/api/users/([^/]+)", self.path):
            self.server.users.append(user[1])
        self.reply(201)

    def do_DELETE(self):
        self.reply(204)

    def do_GET(self):
        self.reply(200, b"[]")

    def reply(self, status: int, body: bytes = b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class World:
    """OpenBao with what the tests share."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pannier-agent-"))
        self.authority = Authority(self.folder / "tls")
        self.bao = OpenBao(program("PANNIER_BAO"), self.folder / "server", self.authority)
        self.bao.__enter__()
        atexit.register(self.close)
        self.rabbit = ThreadingHTTPServer(("127.0.0.1", 0), RabbitMq)
        self.rabbit.users = []
        threading.Thread(target=self.rabbit.serve_forever, daemon=True).start()
        api = self.api = self.bao.api
        api.policy("everything", EVERYTHING)
        api.write("sys/mounts/secret", type="kv", options={"version": "2"})
        api.write("sys/auth/approle", type="approle")
        for name, ttl in (("app", "1h"), ("other", "1h"), ("short", "4s")):
            api.write(f"auth/approle/role/{name}", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"], token_policies=["everything"], token_ttl=ttl)
            api.write(f"auth/approle/role/{name}/role-id", role_id=f"{name}-role-id")
        api.write("sys/mounts/broker", type="rabbitmq")
        api.write("broker/config/connection", username="root", password="root", verify_connection=False,
                  connection_uri=f"http://127.0.0.1:{self.rabbit.server_address[1]}")
        api.write("broker/config/lease", ttl=3600, max_ttl=7200)
        api.write("broker/roles/app", tags="", vhosts='{"/": {"configure": ".*", "write": ".*", "read": ".*"}}')
        # A new key-value mount upgrades itself for a moment.
        wait_for(lambda: api.write("secret/data/app", data={"user": "ada", "password": "hunter2"}), "key-value mount")

    def audited(self, since: int = 0) -> list[dict]:
        return [entry["request"] for entry in list(self.bao.requests())[since:]]

    def close(self):
        self.bao.__exit__()
        self.rabbit.shutdown()
        self.rabbit.server_close()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)


_world: World | None = None


def world() -> World:
    global _world
    if _world is None:
        _world = World()
    return _world


def wait_for(what, name: str, seconds: float = 20):
    """What `what` gives, once it is true; errors of the network count as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := what():
                return found
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001  (the last one is told)
            last = error
        else:
            last = None
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {name} ({last})")
        time.sleep(0.03)


class Agent:
    """A running agent."""

    def __init__(self, folder: Path, config: dict, *words: str, env=None, before=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.stdout, self.stderr = folder, folder / "stdout", folder / "stderr"
        (folder / "config.json").write_text(json.dumps(config))
        with open(self.stdout, "ab") as out, open(self.stderr, "ab") as err:
            self.process = subprocess.Popen(
                [*before, AGENT, "agent", f"-config={folder / 'config.json'}", "-log-level=debug", *words], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, env={"PATH": os.environ["PATH"], "HOME": str(folder), **(env or {})}, cwd=folder, start_new_session=True)

    def logged(self, text: str) -> bool:
        return text in self.stderr.read_text(errors="replace")

    def until_logged(self, text: str, seconds: float = 20):
        def found():
            if self.logged(text):
                return True
            if self.process.poll() is not None:
                raise AssertionError(f"the agent ended with {self.process.returncode}: {self.told()}")
            return False
        wait_for(found, f"`{text}` in the log", seconds)

    def told(self) -> str:
        return self.stdout.read_text(errors="replace") + self.stderr.read_text(errors="replace")

    def exit(self, seconds: float = 20) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent did not end within {seconds} s: {self.told()[-2000:]}") from None

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.exit()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Answer(NamedTuple):
    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)


def ask(port: int, method: str, path: str, body=None, connection=None, **headers) -> Answer:
    """`X_Vault_Token="..."` becomes the header of that name."""
    connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, None if body is None else body if isinstance(body, (str, bytes)) else json.dumps(body),
                           {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode())
    finally:
        connection.close()


class OverSocket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def curl(*words: str) -> tuple[int, str]:
    """Exit code and output of curl."""
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "20", *map(str, words)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Case(unittest.TestCase):
    """A test with a folder and agents that end with it."""

    def setUp(self):
        self.world = world()
        self.api = self.world.api
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self._testMethodName[:40]}-", dir=self.world.folder))
        self.seen = len(self.world.audited())
        self.agents = 0

    def agent(self, config: dict, *words: str, **options) -> Agent:
        self.agents += 1
        agent = Agent(self.folder / f"agent-{self.agents}", {"vault": {"address": f"http://127.0.0.1:{self.world.bao.port}"}, **config}, *words, **options)
        self.addCleanup(agent.stop)
        return agent

    def method(self, role: str = "app") -> dict:
        """An approle login. Each test has its own file, so that a login that should not have been is seen."""
        file = self.folder / f"{role}-role"
        file.write_text(f"{role}-role-id")
        return {"type": "approle", "config": {"role_id_file_path": str(file)}}

    def login(self, role: str = "app", name: str = "token") -> dict:
        return {"method": self.method(role), "sink": [{"type": "file", "config": {"path": str(self.folder / name)}}]}

    def listening(self, listener: dict | None = None, role: str = "app", **config) -> tuple[Agent, int]:
        """An agent that has logged in and listens."""
        port = free_port()
        agent = self.agent({"auto_auth": self.login(role), "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True, **(listener or {})}], **config})
        agent.until_logged("renewed auth token")
        return agent, port

    def paths(self) -> list[str]:
        """What the server was asked for since the test began."""
        return [request["path"] for request in self.world.audited(self.seen)]
