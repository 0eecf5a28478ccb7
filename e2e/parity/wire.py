"""A TCP relay in front of the server that remembers who asked.

Each case gets a relay of its own that connects onwards from an address of its own (127.1.x.y), so
that the server's audit log tells the requests of one case from those of another although many run at once.
On a plain connection the relay also keeps the text of the requests, because the audit log knows
operations but not HTTP methods.
"""

from __future__ import annotations

import itertools
import re
import socket
import threading

_numbers = itertools.count(1)
_lock = threading.Lock()


def next_source() -> str:
    """An unused loopback address."""
    with _lock:
        number = next(_numbers)
    return f"127.1.{number // 250}.{number % 250 + 1}"


class Relay:
    """Listens on a free port of 127.0.0.1 and forwards to `target`, from the address `source`."""

    def __init__(self, target: int, source: str):
        self.target, self.source = target, source
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.sent: list[bytearray] = []
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        return len(self.sent)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 10, (self.source, 0))
            server.settimeout(None)
        except OSError:
            client.close()
            return
        record = bytearray()
        with self.lock:
            self.sent.append(record)
            self.open |= {client, server}
        back = threading.Thread(target=self._copy, args=(server, client, None), daemon=True)
        back.start()
        self._copy(client, server, record)
        back.join()
        with self.lock:
            self.open -= {client, server}
        client.close()
        server.close()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket, record: bytearray | None):
        try:
            while data := source.recv(65536):
                if record is not None:
                    record += data
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for each in self.open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def request_lines(self) -> list[str]:
        """`METHOD target` of every plain request seen; empty for TLS."""
        return [line for record in self.sent for line in requests_in(bytes(record))]


def requests_in(data: bytes) -> list[str]:
    """The request lines of one connection's bytes; a TLS record is none."""
    found = []
    while match := re.match(rb"([A-Z]+ /\S*) HTTP/1\.1\r\n", data):
        found.append(match.group(1).decode())
        head, _, data = data.partition(b"\r\n\r\n")
        if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
            data = after_chunks(data)
        elif length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
            data = data[int(length.group(1)):]
    return found


def after_chunks(data: bytes) -> bytes:
    """What follows a body that comes in chunks."""
    while match := re.match(rb"([0-9A-Fa-f]+)[^\r]*\r\n", data):
        size = int(match.group(1), 16)
        if not size:
            # Trailers may follow, up to an empty line.
            return data[match.end() - 2:].partition(b"\r\n\r\n")[2]
        data = data[match.end() + size + 2:]
    return b""
