"""A second place for checkpoints behind a syslog receiver: RFC 5424 over TLS (RFC 5425). Waits; for threads.

Syslog knows no acknowledgement, so each delivery has a connection of its own that is ended in order: a receiver that
answers our end, or closes without a reset, has read all that came before. What it had of a delivery that broke off it
gets again. Nothing can be read back, so how far it came is noted beside the checkpoints.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.adapters.store.checkpoint_files import since, tail
from ostiary.integrity.checkpoints import Checkpoint, genuine
from ostiary.protocol.happening import Happening
from ostiary.protocol.syslog import framed, message

_PATIENCE: Final = 10.0
_MOST: Final = 64 * 1024
"""Bytes that a receiver may say before it ends; it has nothing to say at all."""


class SyslogPlace:
    """Sends each checkpoint as one message, whose text is the line itself."""

    def __init__(self, host: str, port: int, trust: ssl.SSLContext | None, key: Ed25519PublicKey) -> None:
        """Without `trust` nothing is encrypted; `key` is the ledger's public key."""
        self.name = f"{'syslog+tls' if trust else 'syslog+tcp'}://{host}:{port}"
        self._host, self._port, self._trust, self._key = host, port, trust, key

    def agreed(self, source: Path) -> None:
        """Say nothing: what a receiver has cannot be asked."""

    def deliver(self, source: Path, end: int) -> None:
        """Send every checkpoint of `source` before `end` that was not sent, or raise OSError."""
        noted = source.with_name("checkpoints.syslog")
        for piece in since(source, self._sent(source, noted), end):
            self._send(b"".join(framed(each) for each in self._messages(piece)))
            # Written over in place: one line of fixed length, which a crash leaves old or new, or makes us send again.
            noted.write_text(f"{self.name} {self._marked(piece)}\n")

    def _sent(self, source: Path, noted: Path) -> int:
        """Return how much of the source was sent; a receiver that knows nothing begins with the newest."""
        words = noted.read_text().split() if noted.exists() else []
        if len(words) == 2 and words[0] == self.name:  # noqa: PLR2004 - as it is written
            offset = 0
            with source.open("rb") as file:
                for raw in file:
                    offset += len(raw)
                    if self._marked(raw) == words[1]:
                        return offset
        found = tail(source, self._key)
        return found.end - len(found.raw)

    @staticmethod
    def _marked(piece: bytes) -> str:
        """Return what tells the last line of a piece from all others."""
        return piece.rstrip(b"\n").rpartition(b"\n")[2][-60:].hex()

    def _messages(self, piece: bytes) -> Iterator[bytes]:
        for raw in piece.splitlines(keepends=True):
            read = genuine(self._key, raw)
            if isinstance(read, Checkpoint):
                told = Happening(f"{read.chain}-checkpoint-{read.n}", read.records, read.head, read.time, 0, "chain")
                said = raw.decode().removesuffix("\n")
                yield message(told, said, host=socket.gethostname(), process=str(os.getpid()))

    def _send(self, said: bytes) -> None:
        with socket.create_connection((self._host, self._port), _PATIENCE) as plain:
            if self._trust is None:
                plain.sendall(said)
                plain.shutdown(socket.SHUT_WR)
                _ended(plain)
                return
            with self._trust.wrap_socket(plain, server_hostname=self._host) as secured:
                secured.sendall(said)
                _unwrapped(secured)


def _unwrapped(secured: ssl.SSLSocket) -> None:
    try:
        secured.unwrap()
    except ssl.SSLEOFError:
        # It closed without answering our close_notify, but in order: a reset would be another error.
        return
    except OSError as error:
        # OpenSSL's way to say the same of older receivers: the stream has ended, and nothing is wrong.
        if isinstance(error, ssl.SSLError) or error.errno:
            raise


def _ended(plain: socket.socket) -> None:
    heard = 0
    while said := plain.recv(4096):
        heard += len(said)
        if heard > _MOST:
            raise OSError("a syslog receiver has nothing to say, and this one does not end")
