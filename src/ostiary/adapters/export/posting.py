"""Receivers over HTTP: OTLP logs, and lines posted anywhere. A batch has arrived when its request was answered."""

from __future__ import annotations

import http.client
import select
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from ostiary.adapters.export.cursor import Cursor
from ostiary.adapters.export.receivers import PATIENCE, Item, Undelivered
from ostiary.protocol import otlp_logs

log: Final = structlog.get_logger(__name__)

_ANSWER: Final = 64 * 1024
_LONGEST_WAIT: Final = 300.0
_GOOD: Final = range(200, 300)
_TOO_LARGE: Final = frozenset({400, 413, 422})
"""One record of a batch may be what a receiver does not like; alone it can be named."""

Body = Callable[[Sequence[Item]], bytes]
Headers = Callable[[], Mapping[str, str]]


class Posting:
    """Posts batches to one URL, on one connection that is kept."""

    def __init__(
        self, url: str, body: Body, kind: str, headers: Headers, context: ssl.SSLContext | None, *, otlp: bool = False
    ) -> None:
        """`headers` are asked for anew with each request: they may hold a secret that is rotated."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # Without the query, which may hold a key.
        self.place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._body, self._kind, self._headers, self._context, self._otlp = body, kind, headers, context, otlp
        self._connection: http.client.HTTPConnection | None = None
        self.rejected = 0
        """Records that the receiver answered it will never take."""

    def deliver(self, items: Sequence[Item], cursor: Cursor) -> Cursor:  # noqa: ARG002 - only a file needs it
        """Post these, and return the cursor after them."""
        name = items[0].told.uid if len(items) == 1 else f"{items[0].told.uid}..{items[-1].told.uid}"
        headers = {"Content-Type": self._kind, "Idempotency-Key": f'"{name}"', **self._headers()}
        try:
            status, wait, answer = self._posted(self._body(items), headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Undelivered(f"{type(error).__name__}: {error}"[:300]) from error
        self._judge(status, wait, answer, len(items))
        return items[-1].after

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _posted(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, float, bytes]:
        connection = self._live()
        connection.request("POST", self._target, body, dict(headers))
        answer = connection.getresponse()
        said = answer.read(_ANSWER + 1)
        if len(said) > _ANSWER:
            # The rest is not worth reading, and the connection is not worth keeping with the rest on it.
            self.close()
        return answer.status, _seconds(answer.getheader("Retry-After")), said

    def _live(self) -> http.client.HTTPConnection:
        """Return a connection that the receiver has not closed, as far as can be known before something is sent."""
        kept = self._connection
        if kept is not None and kept.sock is not None and not select.select([kept.sock], [], [], 0)[0]:
            return kept
        self.close()
        if self._context is not None:
            self._connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=PATIENCE, context=self._context
            )
        else:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        return self._connection

    def _judge(self, status: int, wait: float, answer: bytes, count: int) -> None:
        if status not in _GOOD:
            smaller = status in _TOO_LARGE and count > 1
            raise Undelivered(f"it answered {status}", wait=min(wait, _LONGEST_WAIT), smaller=smaller)
        if self._otlp:
            rejected, why = otlp_logs.rejected(answer)
            self.rejected += rejected
            if rejected:
                # The protocol forbids to send these again ("Partial Success"): they stay in the ledger.
                log.error("a receiver rejected records for good", place=self.place, count=rejected, reason=why)


def of_otlp(version: str, host: str) -> Body:
    """Return what makes the body of an OTLP request."""
    return lambda items: msgspec.json.encode(otlp_logs.request([item.told for item in items], version, host))


def of_lines(items: Sequence[Item]) -> bytes:
    """Return one line for each record."""
    return "".join(f"{item.text}\n" for item in items).encode("utf-8", "backslashreplace")


def _seconds(said: Any) -> float:
    return float(said) if isinstance(said, str) and said.isascii() and said.isdigit() else 0.0
