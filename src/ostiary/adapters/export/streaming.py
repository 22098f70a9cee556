"""A syslog receiver over TLS (RFC 5425), which knows no acknowledgement: the end of a connection is made to be one.

TCP acknowledges what the receiver's kernel has, which is lost when the receiver dies. So each batch has a connection of
its own that is ended in order: after the last message comes our close_notify, and a receiver that answers it has read
all that came before (RFC 5425 section 4.4 has it answer). Anything else was not received, and the batch comes again
with the same ids: what the receiver had of it before it died, it gets a second time.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Final

import structlog

from ostiary.adapters.export.cursor import Cursor
from ostiary.adapters.export.receivers import PATIENCE, Item, Undelivered
from ostiary.protocol import syslog

log: Final = structlog.get_logger(__name__)

_SILENT: Final = 3
"""Times that a receiver which never answered may leave it open whether it has read everything."""


class Streaming:
    """Sends batches of syslog messages, a connection for each."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, *, ours: str, process: str) -> None:
        """`ours` is the name of this machine; without a context nothing is encrypted (RFC 6587)."""
        self.place = f"{'tls' if context else 'tcp'}://{host}:{port}"
        self._address, self._context = (host, port), context
        self._ours, self._process = ours, process
        self._answers, self._silent = False, 0
        """Whether it has ever answered a close_notify, and how often it did not."""

    def deliver(self, items: Sequence[Item], cursor: Cursor) -> Cursor:  # noqa: ARG002 - only a file needs it
        """Send these, and return the cursor after them once the receiver has read them."""
        said = b"".join(
            syslog.framed(syslog.message(item.told, item.text, host=self._ours, process=self._process))
            for item in items
        )
        try:
            with socket.create_connection(self._address, PATIENCE) as plain:
                if self._context is None:
                    _sent_plainly(plain, said)
                elif not _answered(self._context, plain, self._address[0], said):
                    self._doubt()
                else:
                    self._answers = True
        except OSError as error:
            raise Undelivered(f"{type(error).__name__}: {error}"[:300]) from error
        return items[-1].after

    def close(self) -> None:
        """Nothing is kept open."""

    def _doubt(self) -> None:
        """Decide what a connection means that was closed in order, and without an answer to our close_notify."""
        self._silent += 1
        if self._answers or self._silent < _SILENT:
            raise Undelivered("it closed the connection without answering that it had read everything")
        if self._silent == _SILENT:
            # Some receivers never answer. The kernel resets a connection that is closed with something unread, so all
            # was read; but what such a receiver has read and not kept when it dies is lost.
            log.warning("a syslog receiver answers no close_notify; that it closes is taken for it", place=self.place)


def _answered(context: ssl.SSLContext, plain: socket.socket, host: str, said: bytes) -> bool:
    """Send everything, say that it is all, and return whether the receiver answered that it has read it."""
    with context.wrap_socket(plain, server_hostname=host) as secured:
        secured.sendall(said)
        try:
            secured.unwrap().close()
        except ssl.SSLEOFError:
            return False
        except OSError as error:
            if isinstance(error, ssl.SSLError) or error.errno:
                raise
            # How OpenSSL says that the stream has ended with nothing wrong.
            return False
    return True


def _sent_plainly(plain: socket.socket, said: bytes) -> None:
    plain.sendall(said)
    plain.shutdown(socket.SHUT_WR)
    while plain.recv(4096):
        pass
