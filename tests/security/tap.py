"""A loopback relay that keeps every byte that comes for the server behind it, connection by connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

CHUNK = 64 * 1024


@dataclass
class Tap:
    """Where the server is reached, and what was said to it."""

    listener: socket.socket
    target: int
    heard: list[bytearray] = field(default_factory=list)
    open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Return the port that stands for the server's own."""
        return int(self.listener.getsockname()[1])

    def received(self) -> bytes:
        """Return every byte, those of one connection together."""
        return b"\n".join(self.heard)

    def serve(self) -> None:
        """Relay connections until the listener is closed."""
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.target))
                self.open += [here, there]
                self.heard.append(bytearray())
                Thread(target=_pump, args=(here, there, self.heard[-1]), daemon=True).start()
                Thread(target=_pump, args=(there, here, bytearray()), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            kept += data
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def tap(target: int) -> Iterator[Tap]:
    """Stand in front of a loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Tap(listener, target)
        serving = Thread(target=found.serve, daemon=True)
        serving.start()
        try:
            yield found
        finally:
            # Closing a listener does not wake who waits at it; shutting it down does.
            listener.shutdown(socket.SHUT_RDWR)
            serving.join(10)
            for each in found.open:
                each.close()
