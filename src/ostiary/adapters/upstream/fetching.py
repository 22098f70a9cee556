"""Single requests to the outside that are no calls: documents, keys, tokens (what `Fetch` in identity asks for).

The same rules as for servers: an address is judged and pinned, nothing is followed, all of it is bounded. Plain
http goes to this machine only, and only where that was permitted; with `plain`, also to networks that were permitted.
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
from ostiary.policy.egress import Address, Kind, Network, Origin, classify, parse_url

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
        *,
        limits: Limits = _LIMITS,
        plain: bool = False,
    ) -> None:
        """`made` is the shape of answers; `permitted` is `allow_private`; `tls` trusts the system's authorities."""
        self._made, self._tls, self._limits = made, tls, limits
        self._open = permitted if plain else ()
        self._secure = Dialer(permitted, timeout=WITHIN, resolve=resolve)
        self._plain = Dialer(permitted, timeout=WITHIN, resolve=_nearby(resolve, self._open))
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
        fields, body = dict(headers), b""
        if form is not None:
            fields["content-type"], body = "application/x-www-form-urlencoded", urlencode(form).encode()
        if basic is not None:
            fields["authorization"] = _basic(*basic)
        return await self.send(method, url, fields, body, min(deadline, asyncio.get_running_loop().time() + WITHIN))

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, deadline: float) -> A:
        """Return the answer to a request with any body, under the same rules."""
        origin = _origin(url, self._open)
        fields = dict(_FIXED) | dict(headers)
        block = "".join(_line(name, value) for name, value in fields.items()).encode("latin-1")
        pool = await self._pool(origin)
        answer = await pool.exchange(method.encode(), origin.target.encode(), block, body, deadline)
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
        dial = self._secure if secure else self._plain
        pool = self._pools[key] = Pool(origin, dial=dial, tls=tls, limits=self._limits)
        if len(self._pools) > _POOLS:
            # A provider that moves its keys from host to host keeps no more connections open than one that does not.
            await self._pools.pop(next(iter(self._pools))).close()
        return pool


@lru_cache(maxsize=1)
def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()


def _origin(url: str, plain: tuple[Network, ...] = ()) -> Origin:
    try:
        origin = parse_url(url)
    except ValueError as error:
        raise Unreachable(str(error)) from error
    if origin.scheme == "https" or origin.host in _LOOPBACK:
        return origin
    address = origin.address
    if not plain or (address is not None and not _near(address, plain)):
        where = "this machine and the networks of allow_private" if plain else "this machine"
        raise Unreachable(f"{origin.host} is to be asked over http; only https is spoken beyond {where}")
    return origin


def _near(address: Address, plain: tuple[Network, ...]) -> bool:
    """Say whether plain text may travel there: this machine, and private places in networks that were named."""
    kind = classify(address)
    return kind is Kind.LOOPBACK or (kind is not Kind.PUBLIC and any(address in network for network in plain))


def _nearby(resolve: Resolve, plain: tuple[Network, ...]) -> Resolve:
    """Resolve to such addresses only: whatever else `localhost` may mean, it gets nothing in plain text."""

    async def found(host: str, port: int) -> list[str]:
        return [each for each in await resolve(host, port) if _near(ip_address(each), plain)]

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
