"""Single requests to the outside that are no calls: documents, keys, tokens (what `Fetch` in identity asks for).

The same rules as for servers: an address is judged and pinned, nothing is followed, all of it is bounded. Plain
http goes to this machine only, and only where that was permitted.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import quote_plus, urlencode

from ostiary.adapters.upstream.dial import Dialer, Resolve, resolve
from ostiary.adapters.upstream.pool import Limits, Pool
from ostiary.core.errors import Garbled, Unreachable
from ostiary.policy.egress import Kind, Network, Origin, classify, parse_url

WITHIN: Final = 5.0
_LIMITS: Final = Limits(connections=16, waiting=256, head=32 * 1024, body=1024 * 1024)
_POOLS: Final = 8
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_FIXED: Final = {"accept": "application/json", "user-agent": "ostiary"}
_NOTHING: Final[Mapping[str, str]] = {}

A = TypeVar("A", covariant=True)  # noqa: PLC0105 - one letter is the whole story


class Made(Protocol[A]):
    """The shape in which answers are given."""

    def __call__(self, status: int, headers: Mapping[str, str], body: bytes, /) -> A:
        """Return an answer of this status, with these headers (lower-case names) and this body."""


class Fetching(Generic[A]):
    """Sends requests to where one identity provider is. One for each set of permits; close it at the end."""

    def __init__(
        self,
        made: Made[A],
        permitted: tuple[Network, ...] = (),
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        """`made` is the shape of answers; `permitted` is `allow_private`; `tls` trusts the system's authorities."""
        self._made, self._tls = made, tls
        self._secure = Dialer(permitted, timeout=WITHIN, resolve=resolve)
        self._plain = Dialer(permitted, timeout=WITHIN, resolve=_here(resolve))
        self._pools: dict[tuple[str, str, int], Pool] = {}

    async def __call__(
        self,
        method: str,
        url: str,
        /,
        *,
        deadline: float,
        headers: Mapping[str, str] = _NOTHING,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
    ) -> A:
        """Return the answer, whatever its status; raise `UpstreamFailure` or `Overloaded` where there is none."""
        origin = _origin(url)
        fields, body = dict(_FIXED) | dict(headers), b""
        if form is not None:
            fields["content-type"], body = "application/x-www-form-urlencoded", urlencode(form).encode()
        if basic is not None:
            fields["authorization"] = _basic(*basic)
        block = "".join(_line(name, value) for name, value in fields.items()).encode("latin-1")
        limit = min(deadline, asyncio.get_running_loop().time() + WITHIN)
        pool = await self._pool(origin)
        answer = await pool.exchange(method.encode(), origin.target.encode(), block, body, limit)
        if answer.streaming:
            answer.close()
            raise Garbled(f"{origin.host} answers with an event stream")
        return self._made(answer.status, answer.headers, answer.body)

    async def close(self) -> None:
        """Drop every connection."""
        pools, self._pools = tuple(self._pools.values()), {}
        for pool in pools:
            await pool.close()

    async def _pool(self, origin: Origin) -> Pool:
        key = (origin.scheme, origin.host, origin.port)
        pool = self._pools.get(key)
        if pool is not None:
            return pool
        secure = origin.scheme == "https"
        tls = (self._tls or _trusting()) if secure else None
        pool = self._pools[key] = Pool(origin, dial=self._secure if secure else self._plain, tls=tls, limits=_LIMITS)
        if len(self._pools) > _POOLS:
            # A provider that moves its keys from host to host keeps no more connections open than one that does not.
            await self._pools.pop(next(iter(self._pools))).close()
        return pool


@lru_cache(maxsize=1)
def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()


def _origin(url: str) -> Origin:
    try:
        origin = parse_url(url)
    except ValueError as error:
        raise Unreachable(str(error)) from error
    if origin.scheme == "http" and origin.host not in _LOOPBACK:
        raise Unreachable(f"{origin.host} is to be asked over http; only https is spoken beyond this machine")
    return origin


def _here(resolve: Resolve) -> Resolve:
    """Resolve to addresses of this machine only: whatever else `localhost` may mean, it gets nothing in plain text."""

    async def found(host: str, port: int) -> list[str]:
        return [each for each in await resolve(host, port) if classify(ip_address(each)) is Kind.LOOPBACK]

    return found


def _basic(ident: str, secret: str) -> str:
    # RFC 6749 section 2.3.1: each is form-encoded first, so that a colon in an id stays part of it.
    pair = f"{quote_plus(ident)}:{quote_plus(secret)}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def _line(name: str, value: str) -> str:
    if not (name + value).isprintable() or not (name + value).isascii() or ":" in name or " " in name:
        # A line break in a value would begin another header.
        raise Unreachable("a header of the request is not plain text")
    return f"{name}: {value}\r\n"
