"""The real webhook with certificate files, and one call of the API server to it."""

import base64
import http.client
import json
import pathlib
import socket
import ssl

from demo.openbao import OpenBao
from demo.process import Failed, Processes, free_port, wait_for

SERVICE = "vault-agent-injector-svc.vault.svc"


class Certificates:
    """A certificate authority in OpenBao's PKI engine, and one pair for the webhook's service, as files."""

    def __init__(self, bao: OpenBao, folder: pathlib.Path):
        folder.mkdir(parents=True, exist_ok=True)
        bao.write("sys/mounts/pki", {"type": "pki"})
        bao.write("pki/root/generate/internal", {"common_name": "demo CA", "ttl": "24h", "key_type": "ec"})
        bao.write("pki/roles/webhook", {"allowed_domains": SERVICE, "allow_bare_domains": True, "key_type": "ec", "max_ttl": "1h"})
        pair = bao.write("pki/issue/webhook", {"common_name": SERVICE})["data"]
        self.authority = folder / "ca.crt"
        self.certificate = folder / "tls.crt"
        self.key = folder / "tls.key"
        self.authority.write_text(pair["issuing_ca"] + "\n")
        self.certificate.write_text(pair["certificate"] + "\n")
        self.key.touch(mode=0o600)
        self.key.write_text(pair["private_key"] + "\n")


class Injector:
    """A running `pannier agent-inject`."""

    def __init__(self, processes: Processes, program: pathlib.Path, bao: OpenBao, certificates: Certificates):
        self._port = free_port()
        self._certificates = certificates
        self.log = processes.log("injector")
        env = {
            "PATH": "/usr/bin:/bin",
            "AGENT_INJECT_LISTEN": f"127.0.0.1:{self._port}",
            "AGENT_INJECT_VAULT_ADDR": bao.address,
            "AGENT_INJECT_TLS_CERT_FILE": str(certificates.certificate),
            "AGENT_INJECT_TLS_KEY_FILE": str(certificates.key),
            "AGENT_INJECT_VAULT_IMAGE": "ghcr.io/pannier/pannier-agent:0.1.0",
            # The default is five minutes; a demo should not take that long to see a changed password.
            "AGENT_INJECT_TEMPLATE_STATIC_SECRET_RENDER_INTERVAL": "2s",
        }
        self.process = processes.start("injector", [str(program), "agent-inject"], env)
        wait_for("the webhook", 15, self.ready, self.process, self.log)

    def ready(self) -> bool:
        try:
            return self._call("GET", "/health/ready", None)[0] == 204
        except OSError:
            return False

    def review(self, review: dict) -> dict:
        """The `response` of the answer, checked as an API server checks it."""
        try:
            status, body = self._call("POST", "/mutate?timeout=10s", json.dumps(review).encode())
        except OSError as error:
            raise Failed(f"the webhook does not answer: {error}", self.log) from error
        if status != 200:
            raise Failed(f"the webhook answered {status}: {body.decode(errors='replace').strip()}", self.log)
        answer = json.loads(body)
        response = answer.get("response") or {}
        if (answer.get("kind"), answer.get("apiVersion")) != (review["kind"], review["apiVersion"]) or response.get("uid") != review["request"]["uid"]:
            raise Failed(f"the webhook's answer is not one to this request: {answer}", self.log)
        return response

    def patch(self, review: dict) -> list[dict]:
        """The JSON patch for a review that must be allowed and injected."""
        response = self.review(review)
        if response.get("allowed") is not True:
            raise Failed(f"the webhook denied the pod: {response.get('status', {}).get('message')}", self.log)
        if response.get("patchType") != "JSONPatch":
            raise Failed(f"the webhook sent no patch: {response}", self.log)
        return json.loads(base64.b64decode(response["patch"]))

    def _call(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """As an API server: the name of the service in the handshake, its certificate checked against the CA bundle."""
        context = ssl.create_default_context(cafile=str(self._certificates.authority))
        raw = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        connection = http.client.HTTPConnection(SERVICE, timeout=10)
        try:
            connection.sock = context.wrap_socket(raw, server_hostname=SERVICE)
            headers = {"Content-Type": "application/json", "Accept": "application/json, */*", "User-Agent": "kube-apiserver-admission"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
            raw.close()
