"""A wire between a client and a server, which a test cuts, and which can turn jobs away or swallow an answer."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
QUEUEING = b"POST /prompt "


@dataclass
class Wire:
    """A proxy on loopback: `url` stands for the server's."""

    server: str
    url: str = ""
    full: int = 0
    """Jobs that are turned away as a proxy does before a full queue."""
    swallowed: int = 0
    """Jobs that reach the server, and whose answer does not come back."""
    cuts: int = 0
    """Connections that were cut while they were open."""
    _ends: list[socket.socket] = field(default_factory=list)

    def cut(self) -> None:
        """Cut every connection."""
        while self._ends:
            end = self._ends.pop()
            self.cuts += 1
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(self, door: socket.socket) -> None:
        """Connect whoever comes, until the door is shut."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = door.accept()
                there = socket.create_connection((urlsplit(self.server).hostname, urlsplit(self.server).port))
                self._ends += [client, there]
                for source, drain in ((client, there), (there, client)):
                    threading.Thread(target=self._carry, args=(source, drain), daemon=True).start()

    def _carry(self, source: socket.socket, drain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                queueing = data.startswith(QUEUEING)
                if queueing and self.full:
                    self.full -= 1
                    source.sendall(FULL)
                    break
                if queueing and self.swallowed:
                    self.swallowed -= 1
                    source.shutdown(socket.SHUT_WR)
                drain.sendall(data)
        for end in (source, drain):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wired(server: str) -> Iterator[Wire]:
    """Give a wire to a server."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        wire = Wire(server, f"http://127.0.0.1:{door.getsockname()[1]}")
        threading.Thread(target=wire.serve, args=(door,), daemon=True).start()
        try:
            yield wire
        finally:
            wire.cut()
