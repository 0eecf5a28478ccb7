"""A real OpenBao server for the comparison: plain and TLS listeners, everything audited.

The server is no `-dev` server on purpose: a dev server can neither be sealed and unsealed nor
be given a listener with our own certificates.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path


def free_port() -> int:
    """A port nobody listened on a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class ApiError(Exception):
    """The server's answer was not a success."""

    def __init__(self, method: str, path: str, status: int, body: str):
        super().__init__(f"{method} {path}: {status} {body.strip()}")
        self.status = status


class Api:
    """The few calls the set-up of a case needs, as root."""

    def __init__(self, port: int, token: str = "", namespace: str = ""):
        self.port, self.token, self.namespace = port, token, namespace

    def within(self, namespace: str) -> "Api":
        return Api(self.port, self.token, namespace)

    def call(self, method: str, path: str, body=None, token=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            send = {"X-Vault-Request": "true", **(headers or {})}
            if (self.token if token is None else token):
                send["X-Vault-Token"] = self.token if token is None else token
            if self.namespace:
                send["X-Vault-Namespace"] = self.namespace
            payload = None if body is None else json.dumps(body)
            connection.request(method, "/v1/" + path, payload, send)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status >= 400:
                raise ApiError(method, path, answer.status, text)
            return json.loads(text) if text.strip() else {}
        finally:
            connection.close()

    def write(self, path: str, **body):
        return self.call("PUT", path, body)

    def read(self, path: str):
        return self.call("GET", path)

    def delete(self, path: str):
        return self.call("DELETE", path)

    def policy(self, name: str, text: str):
        self.write(f"sys/policies/acl/{name}", policy=text)

    def alive(self, token: str) -> bool:
        """Whether the server still knows the token."""
        try:
            self.call("PUT", "auth/token/lookup", {"token": token})
            return True
        except ApiError as error:
            if error.status in (403, 404):
                return False
            raise


def openssl(*args: str, cwd: Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["openssl", *args], cwd=cwd, input=stdin, check=True, capture_output=True
    ).stdout


class Authority:
    """A certificate authority in a folder, by way of the `openssl` command."""

    def __init__(self, folder: Path, name: str = "ca"):
        self.folder, self.name, self.issuing = folder, name, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", f"/CN={name}", "-keyout", str(self.key), "-out", str(self.cert),
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)

    def issue(self, name: str, sans: str, days: str = "2", usage: str = "serverAuth,clientAuth"):
        """A certificate and its key; `sans` as openssl writes them. Negative days: expired."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request = openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-subj", f"/CN={name}", "-keyout", str(key), cwd=self.folder)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={sans}\nextendedKeyUsage={usage}\n"
                              "basicConstraints=CA:FALSE\n")
        with self.issuing:  # the serial number is in a file
            openssl("x509", "-req", "-CA", str(self.cert), "-CAkey", str(self.key), "-CAcreateserial",
                    "-days", days, "-extfile", str(extensions), "-out", str(cert),
                    cwd=self.folder, stdin=request)
        return cert, key


LOCAL = "IP:127.0.0.1,DNS:localhost"


class Tokens:
    """Signs JSON web tokens (RS256) with a key made for the run."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.key = folder, folder / "jwt.key"
        openssl("genrsa", "-out", str(self.key), "2048", cwd=folder)
        self.public = openssl("rsa", "-in", str(self.key), "-pubout", cwd=folder).decode()

    def service_account(self) -> str:
        """The token of service account `app` in namespace `demo`, shaped as the kubelet's projected tokens."""
        account = {"namespace": "demo", "serviceaccount": {"name": "app", "uid": "0b1c"}}
        return self.sign("system:serviceaccount:demo:app", audience=["pannier"], **{"kubernetes.io": account})

    def sign(self, subject: str, audience="pannier", ttl: int = 3600, **more) -> str:
        def part(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        now = int(time.time())
        # A random id, so that no two tokens have the same text.
        claims = {"sub": subject, "aud": audience, "iss": "parity", "iat": now - 5,
                  "nbf": now - 5, "exp": now + ttl, "jti": os.urandom(8).hex(), **more}
        signed = part(b'{"alg":"RS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
        signature = openssl("dgst", "-sha256", "-sign", str(self.key), cwd=self.folder, stdin=signed.encode())
        return signed + "." + part(signature)


class OpenBao:
    """One server process; `with` starts and stops it."""

    def __init__(self, binary: str, folder: Path, authority: Authority | None = None):
        self.binary, self.folder = binary, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority or Authority(folder / "tls")
        self.cert, self.key = self.authority.issue(f"server-{folder.name}", LOCAL)
        self.port, self.tls_port = free_port(), free_port()
        self.audit = folder / "audit.log"
        self.process: subprocess.Popen | None = None
        self.setup_lock = threading.Lock()

    def config(self) -> str:
        return f"""
storage "inmem" {{}}
disable_mlock = true
log_level = "warn"
listener "tcp" {{
  address = "127.0.0.1:{self.port}"
  tls_disable = true
}}
listener "tcp" {{
  address = "127.0.0.1:{self.tls_port}"
  tls_cert_file = "{self.cert}"
  tls_key_file = "{self.key}"
}}
audit "file" "all" {{
  options {{
    file_path = "{self.audit}"
    log_raw = "true"
  }}
}}
"""

    def __enter__(self) -> "OpenBao":
        path = self.folder / "server.hcl"
        path.write_text(self.config())
        with open(self.folder / "server.log", "wb") as log:
            self.process = subprocess.Popen([self.binary, "server", f"-config={path}"], stdout=log, stderr=log)
        self.api = Api(self.port)
        deadline = time.monotonic() + 30
        while True:
            try:
                keys = self.api.write("sys/init", secret_shares=1, secret_threshold=1)
                break
            except (OSError, ApiError) as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"OpenBao did not start, see {self.folder}/server.log") from error
                time.sleep(0.05)
        self.unseal_key = keys["keys"][0]
        self.api.token = keys["root_token"]
        self.unseal()
        for header in ("user-agent", "x-vault-request"):
            self.api.write(f"sys/config/auditing/request-headers/{header}", hmac=False)
        return self

    def unseal(self):
        self.api.write("sys/unseal", key=self.unseal_key)
        deadline = time.monotonic() + 30
        while True:
            try:
                if not self.api.call("GET", "sys/health?standbyok=true").get("sealed", True):
                    return
            except (ApiError, OSError):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError("OpenBao did not unseal")
            time.sleep(0.05)

    def seal(self):
        self.api.write("sys/seal")

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def requests(self, source: str | None = None):
        """Audited requests, oldest first; only those from the address `source` if one is given."""
        with open(self.audit, encoding="utf-8") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    return  # the server is still writing it
                entry = json.loads(line)
                if entry["type"] == "request" and source in (None, entry["request"].get("remote_address")):
                    yield entry
