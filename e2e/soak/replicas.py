"""The injector's replicas as processes, and what kubelet and endpoints controller would do for them."""

import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time

from e2e.soak import api as objects

# A private /run makes room for the token where a pod has it, without touching the machine's.
START = """
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
[ -e /var/run/secrets ] || { mount -t tmpfs none /var/run && mkdir -p /var/run/secrets && cp -r /run/secrets/. /var/run/secrets/; }
exec "$2" agent-inject '2>&1'
"""


class Replica:
    """One process after another on one port."""

    def __init__(self, number: int, port: int, program: str, account: pathlib.Path, log: pathlib.Path, server: str, lifetime: str):
        self.number, self.port, self.log = number, port, log
        host, _, api_port = server.removeprefix("https://").partition(":")
        self.command = ["unshare", "-m", "--propagation", "private", "sh", "-ec", START, "sh", str(account), program]
        self.environment = {
            "PATH": os.environ["PATH"],
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": api_port or "443",
            "AGENT_INJECT_LISTEN": f":{port}",
            "AGENT_INJECT_LOG_LEVEL": "debug",
            "AGENT_INJECT_TELEMETRY_PATH": "/metrics",
            "AGENT_INJECT_VAULT_ADDR": "http://vault.vault.svc:8200",
            "AGENT_INJECT_TLS_AUTO": objects.CONFIGURATION,
            "AGENT_INJECT_TLS_AUTO_HOSTS": objects.HOSTS,
            "AGENT_INJECT_TLS_AUTO_LIFETIME": lifetime,
            "AGENT_INJECT_USE_LEADER_ELECTOR": "true",
            "NAMESPACE": objects.NAMESPACE,
            "POD_NAME": f"soak-{number}",
        }
        self.process: subprocess.Popen | None = None
        self.killed: list[float] = []
        # When it could not be reached: from a kill until its port is open again.
        self.down: list[tuple[float, float]] = []
        self.restart_at = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log.open("ab"))

    def kill(self) -> None:
        """SIGKILL; a container would be started again a moment later."""
        assert self.process
        self.killed.append(time.time())
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.restart_at = time.time() + 1

    def tend(self) -> str | None:
        """Starts it when it is time. A process that ended by itself is a finding."""
        if self.process is None:
            if time.time() >= self.restart_at:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            if len(self.down) < len(self.killed) and self.is_open():
                self.down.append((self.killed[len(self.down)], time.time() + 0.5))
            return None
        self.process, self.restart_at = None, time.time() + 1
        return f"replica {self.number} ended by itself with {code}"

    def is_open(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def outages(self) -> list[tuple[float, float]]:
        return self.down + [(kill, time.time()) for kill in self.killed[len(self.down) :]]

    def stop(self) -> int | None:
        """SIGTERM, as at the end of a pod; the exit code."""
        if not self.process:
            return None
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1

    def probe(self) -> bool:
        """As the kubelet: by address, without a name, without verification."""
        return self.get("/health/ready")[0] == 204

    def get(self, path: str) -> tuple[int, str]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=1)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (http.client.HTTPException, OSError):
            return 0, ""
        finally:
            connection.close()


class Endpoints(threading.Thread):
    """Probes every replica twice a second and keeps the ready ones in the endpoints."""

    def __init__(self, api: objects.Api, address: str, replicas: list[Replica]):
        super().__init__(daemon=True)
        self.api, self.address, self.replicas = api, address, replicas
        self.ready: set[int] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.5):
            now = {replica.port for replica in self.replicas if replica.process and replica.probe()}
            if now != self.ready:
                self.ready = now
                objects.set_endpoints(self.api, self.address, sorted(now))
