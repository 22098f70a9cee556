"""What a declared proxy in front says of the client behind it (X-Forwarded-For, X-Forwarded-Proto)."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, Final

from ostiary.adapters.http.certificates import TLS

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
App = Callable[..., Awaitable[Any]]

_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"
_MOST_HOPS: Final = 32


def proxied(app: App, networks: Iterable[Network]) -> App:
    """Return the application as it is behind proxies in these networks; what anybody else says counts for nothing."""
    trusted = tuple(networks)

    def behind(scope: MutableMapping[str, Any], receive: Any, send: Any) -> Awaitable[Any]:
        peer = scope.get("client")
        hop = address(peer[0]) if peer else None
        if hop is not None and _within(hop, trusted):
            _believe(scope, hop, trusted)
        return app(scope, receive, send)

    return behind


def _believe(scope: MutableMapping[str, Any], hop: Address, trusted: Sequence[Network]) -> None:
    headers = scope["headers"]
    hops = b",".join(value for name, value in headers if name == _FOR).decode("latin-1")
    said = {value.strip().lower() for name, value in headers if name == _PROTO}
    scope["client"] = (str(origin(hops, hop, trusted)), 0)
    if said in ({b"https"}, {b"http"}):
        scope["scheme"] = said.pop().decode()
    if TLS in scope.get("extensions", ()):
        # The certificate is the proxy's, and proves nothing of whom it speaks for.
        scope["extensions"][TLS] = None


def origin(hops: str, hop: Address, trusted: Sequence[Network]) -> Address:
    """Return the rightmost hop that no trusted proxy is: whatever is left of it, a client may have written."""
    for said in reversed(hops.split(",")[-_MOST_HOPS:]):
        found = address(said)
        if found is None:
            break
        hop = found
        if not _within(hop, trusted):
            break
    return hop


def address(said: str) -> Address | None:
    """Return the address that one hop is written as, with or without a port; None where it is none."""
    text = said.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _within(found: Address, networks: Sequence[Network]) -> bool:
    return any(found.version == network.version and found in network for network in networks)
