"""A TLS proxy in front of OpenBao that can fail in all the ways a network and a server do."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

Certificate = tuple[Path, Path]


@dataclass(frozen=True)
class Fault:
    """What the proxy does instead of forwarding.

    `stage` is where it strikes: `listen` (no listener), `accept` (before TLS), `tls` (another certificate),
    `request` (after a whole request was read).
    """

    name: str
    stage: str
    act: object = None


def reset(client: socket.socket):
    """Closes with RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def answer(status: str, body: str, kind: str = "application/json", **headers: str):
    """An act that answers every request alike."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines) + "\r\n\r\n" + body
    return lambda proxy, client, request: client.sendall(text.encode())


def raw(data: bytes):
    """An act that sends these bytes and hangs up."""

    def act(proxy, client, request):
        client.sendall(data)
        client.close()

    return act


def hang(proxy, client, request):
    proxy.over.wait()


def slow(seconds: float):
    def act(proxy, client, request):
        time.sleep(seconds)
        client.sendall(proxy.forward(request))

    return act


def drip(proxy, client, request):
    reply = proxy.forward(request)
    step = max(1, len(reply) // 40)
    for start in range(0, len(reply), step):
        client.sendall(reply[start:start + step])
        time.sleep(0.03)


def cut(share: float):
    """The true answer up to a share of its body, then the end of the connection."""

    def act(proxy, client, request):
        reply = proxy.forward(request)
        head = reply.index(b"\r\n\r\n") + 4
        client.sendall(reply[:head + int((len(reply) - head) * share)])
        client.close()

    return act


def truncated_json(proxy, client, request):
    reply = proxy.forward(request)
    body = reply[reply.index(b"\r\n\r\n") + 4:]
    body = body[:len(body) // 2]
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def stale_redirect(proxy, client, request):
    path = request.split(b" ", 2)[1].decode()
    answer("307 Temporary Redirect", "", Location=f"https://127.0.0.1:{proxy.port}{path}")(proxy, client, request)


HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"

FAULTS = [
    Fault("down", "listen"),
    Fault("connection reset", "accept", lambda proxy, client: reset(client)),
    Fault("accepted, never answered", "accept", lambda proxy, client: proxy.over.wait()),
    Fault("closed before TLS", "accept", lambda proxy, client: client.close()),
    Fault("garbage instead of TLS", "accept", lambda proxy, client: client.sendall(b"\x00garbage" * 64)),
    Fault("plain HTTP on the TLS port", "accept", lambda proxy, client: client.sendall(
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")),
    Fault("certificate of a stranger", "tls", "stranger"),
    Fault("certificate expired", "tls", "expired"),
    Fault("certificate of another name", "tls", "misnamed"),
    Fault("sealed (503)", "request", answer("503 Service Unavailable", '{"errors":["Vault is sealed"]}')),
    Fault("429 with Retry-After", "request", answer("429 Too Many Requests", '{"errors":["request rate limited"]}', Retry_After="1")),
    Fault("500", "request", answer("500 Internal Server Error", '{"errors":["internal error"]}')),
    Fault("501", "request", answer("501 Not Implemented", '{"errors":["not implemented"]}')),
    Fault("502 with HTML", "request", answer("502 Bad Gateway", HTML, "text/html")),
    Fault("404 with HTML", "request", answer("404 Not Found", HTML, "text/html")),
    Fault("403, then fine", "request", answer("403 Forbidden", '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}')),
    Fault("403 invalid token, then fine", "request", answer("403 Forbidden", '{"errors":["permission denied","invalid token"]}')),
    Fault("400", "request", answer("400 Bad Request", '{"errors":["invalid request"]}')),
    Fault("200 without a body", "request", answer("200 OK", "")),
    Fault("200 with HTML", "request", answer("200 OK", HTML, "text/html")),
    Fault("200 with an empty object", "request", answer("200 OK", "{}")),
    Fault("204", "request", lambda proxy, client, request: client.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")),
    Fault("half a JSON text", "request", truncated_json),
    Fault("cut in mid-answer", "request", cut(0.5)),
    Fault("cut before the body", "request", cut(0.0)),
    Fault("cut in mid-header", "request", raw(b"HTTP/1.1 200 OK\r\nContent-Ty")),
    Fault("reset after the request", "request", lambda proxy, client, request: reset(client)),
    Fault("garbage instead of HTTP", "request", raw(bytes(range(256)) * 4)),
    Fault("hanging after the request", "request", hang),
    Fault("slow (2 s)", "request", slow(2)),
    Fault("dripping", "request", drip),
    Fault("redirected in a circle", "request", stale_redirect),
]


class FaultyProxy:
    """TLS on a fixed port of 127.0.0.1, plain towards the server. Faultless until `break_with`."""

    def __init__(self, target: int, certificates: dict[str, Certificate], name: str):
        self.target, self.name = target, name
        self.contexts = {}
        for kind, (cert, key) in certificates.items():
            self.contexts[kind] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.contexts[kind].load_cert_chain(cert, key)
        self.fault: Fault | None = None
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.clients: set[socket.socket] = set()
        # Moments at which a connection came in or a request was read, for "no busy loop".
        self.contacts: list[float] = []
        self.port = 0
        self.listener: socket.socket | None = None
        self._listen()

    def _listen(self):
        listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def break_with(self, fault: Fault):
        self.over.clear()
        self.fault = fault
        if fault.stage == "listen":
            self._stop_listening()
        # Connections made before the fault would not notice it otherwise.
        if fault.stage != "request":
            self._drop_clients()

    def mend(self):
        fault, self.fault = self.fault, None
        self.over.set()
        if fault and fault.stage == "listen":
            self._listen()

    def _stop_listening(self):
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def _drop_clients(self):
        with self.lock:
            for client in self.clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.over.set()
        self._stop_listening()
        self._drop_clients()

    def _accept(self, listener: socket.socket):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket):
        self.contacts.append(time.monotonic())
        plain = client
        with self.lock:
            self.clients.add(plain)
        try:
            fault = self.fault
            if fault and fault.stage == "accept":
                fault.act(self, client)
                time.sleep(0.05)
                return
            kind = fault.act if fault and fault.stage == "tls" else "good"
            client.settimeout(30)
            client = self.contexts[kind].wrap_socket(client, server_side=True)
            client.settimeout(None)
            with self.lock:
                # The plain socket has handed its descriptor on and is of no use any more.
                self.clients.add(client)
            while request := self._request(client):
                self.contacts.append(time.monotonic())
                fault = self.fault
                if fault and fault.stage == "request":
                    fault.act(self, client, request)
                else:
                    client.sendall(self.forward(request))
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.clients -= {plain, client}
            for each in (client, plain):
                try:
                    each.close()
                except OSError:
                    pass

    @staticmethod
    def _request(client) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            more = client.recv(65536)
            if not more:
                return b""
            body += more
        return head + b"\r\n\r\n" + body

    def forward(self, request: bytes) -> bytes:
        """The server's true answer."""
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"accept-encoding:"))]
        with socket.create_connection(("127.0.0.1", self.target), 10) as server:
            server.settimeout(30)
            server.sendall(b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + body)
            reply = b""
            while data := server.recv(65536):
                reply += data
        head, _, body = reply.partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        return b"\r\n".join(kept) + b"\r\n\r\n" + body
