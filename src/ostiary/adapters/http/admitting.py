"""What is looked at of a request before anything else: its fields as text, the host it is for, its credential. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

from ostiary.core.errors import HeadTooLarge, WrongHost, WrongOrigin
from ostiary.core.model import Json, Snapshot

# Node caps request heads at 16 KiB, Apache at 8 per line; MCP clients send ~2, and `Mcp-Param-*` may add some.
MAX_HEAD: Final = 32 * 1024
MAX_HEADERS: Final = 128
_SCHEMES: Final = frozenset({"bearer", "dpop"})


def collected(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[dict[str, str], frozenset[str]]:
    """Return the headers by lower-case name, first of each, and the names that came more than once."""
    text = b"\n".join(chain.from_iterable(pairs)).decode("latin-1")
    count = len(pairs)
    if len(text) + 2 * count >= MAX_HEAD or count > MAX_HEADERS:
        raise HeadTooLarge(hint=f"at most {MAX_HEAD} bytes in {MAX_HEADERS} headers")
    words = text.split("\n")
    found = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) == 2 * count == 2 * len(found):
        return found, _NONE
    return _collected_singly(pairs)


def _collected_singly(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[dict[str, str], frozenset[str]]:
    found: dict[str, str] = {}
    doubled: set[str] = set()
    for name, value in pairs:
        key = name.decode("latin-1")
        if key in found:
            doubled.add(key)
            continue
        found[key] = value.decode("latin-1")
    return found, frozenset(doubled)


_NONE: Final[frozenset[str]] = frozenset()


def admit_host(found: Json, now: Snapshot) -> None:
    """Refuse a request for a host that we are not, or from a page of an origin that is not allowed."""
    host = found.get("host", "").lower()
    if host not in now.hosts and _without_port(host) not in now.hosts:
        raise WrongHost(hint="this host is not one of gateway.url, gateway.listen or gateway.hosts")
    origin = found.get("origin")
    if origin is not None and origin not in now.origins and not _local_page(origin, now):
        raise WrongOrigin(hint="this origin is not in gateway.origins")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return f"{name}:*" if colon and port.isdigit() and len(port) <= 5 else ""  # noqa: PLR2004 - 65535


def _local_page(origin: str, now: Snapshot) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme in {"http", "https"} and _without_port(host) in now.origins


def bearer(header: str | None) -> str | None:
    """Return the token of an Authorization header (RFC 6750 section 2.1, RFC 9449 section 7.1)."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() in _SCHEMES else ""
