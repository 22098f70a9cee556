"""Objects in an S3-compatible store: put one that must not exist yet, list names, fetch one. Waits; for threads."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import md5
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import gmtime, strftime, time
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

from ostiary.protocol.sigv4 import Keys, Request, Scope, signed

_TIMEOUT: Final = 10.0
_LARGEST: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read: an object of ours is at most 256 KiB, and a page of names some 500 KiB."""
_KEY: Final = re.compile(rb"<Key>([^<]{1,1024})</Key>")
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_CONFLICT, _PRESENT, _UNKNOWN = 409, 412, 501


class Bucket(Struct, frozen=True):
    """Where objects lie, and what holds them there."""

    endpoint: str
    bucket: str
    region: str
    lock: str = ""
    """`GOVERNANCE` or `COMPLIANCE`: the mode of object lock, or nothing."""
    retain: float = 0.0
    """Seconds that an object is locked for."""


class ObjectStore:
    """One bucket, by the operations that every store has. Raises `OSError` where something else than expected comes."""

    def __init__(
        self, bucket: Bucket, keys: Callable[[], Keys], *, trust: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time,
    ) -> None:  # fmt: skip
        """`keys` is asked before each request, so that a rotated key is used at once."""
        self._bucket, self._keys, self._trust, self._clock = bucket, keys, trust, clock
        self._base = f"{bucket.endpoint}/{bucket.bucket}"
        self._careful = True
        """The store knows `If-None-Match`, as far as we know."""

    def put(self, name: str, content: bytes) -> bool:
        """Put an object there; False: one of this name exists."""
        status, said = self._asked("PUT", f"/{name}", self._held(content), content)
        if status == _UNKNOWN and self._careful:
            self._careful = False
            return self.put(name, content)
        if status in (_CONFLICT, _PRESENT):
            return False
        self._expect(status, said, (200, 201, 204))
        return True

    def fetch(self, name: str) -> bytes:
        """Return an object's content."""
        status, said = self._asked("GET", f"/{name}")
        self._expect(status, said, (200,))
        return said

    def names(self, prefix: str, after: str, most: int = 1000) -> list[str]:
        """Return names with a prefix that come after another, in their order."""
        told = {"list-type": "2", "max-keys": str(most), "prefix": prefix, "start-after": after}
        query = "&".join(f"{key}={quote(value, safe='-_.~')}" for key, value in sorted(told.items()))
        status, said = self._asked("GET", f"?{query}")
        self._expect(status, said, (200,))
        found = [unescape(each.decode("utf-8", "replace")) for each in _KEY.findall(said)]
        if found != sorted(found) or any(each <= after or not each.startswith(prefix) for each in found):
            raise OSError(f"{self._bucket.endpoint} lists other objects than it was asked for")
        return found

    def _held(self, content: bytes) -> dict[str, str]:
        # Object lock demands a digest of the content, and this one is known to every store.
        sum_ = b64encode(md5(content, usedforsecurity=False).digest()).decode()
        headers = {"Content-Type": "application/x-ndjson", "Content-MD5": sum_}
        if self._careful:
            headers["If-None-Match"] = "*"
        if self._bucket.lock:
            until = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(self._clock() + self._bucket.retain))
            headers["X-Amz-Object-Lock-Mode"] = self._bucket.lock
            headers["X-Amz-Object-Lock-Retain-Until-Date"] = until
        return headers

    def _asked(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, bytes]:
        request = Request(method, self._base + target, headers or {}, body)
        sent = signed(self._keys(), Scope(self._bucket.region, "s3"), request, self._clock())
        parts = urlsplit(request.url)
        connection = self._connection()
        try:
            connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, sent)
            answer = connection.getresponse()
            said = answer.read(_LARGEST + 1)
        except HTTPException as error:
            raise OSError(f"{self._bucket.endpoint} answers with something that is not HTTP") from error
        finally:
            connection.close()
        if len(said) > _LARGEST:
            raise OSError(f"{self._bucket.endpoint} answers with more than {_LARGEST} bytes")
        return answer.status, said

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self._bucket.endpoint)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return HTTPConnection(host, port, timeout=_TIMEOUT)
        return HTTPSConnection(host, port, timeout=_TIMEOUT, context=self._trust or ssl.create_default_context())

    def _expect(self, status: int, said: bytes, good: tuple[int, ...]) -> None:
        if status in good:
            return
        code = _CODE.search(said)
        why = f" {code[1].decode()}" if code else ""
        raise OSError(f"{self._bucket.endpoint} answers {status}{why} for the bucket {self._bucket.bucket}")
