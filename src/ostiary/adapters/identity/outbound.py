"""How identity asks the outside: one port, through which every request to an identity provider goes.

What implements it holds the egress rules: pinned addresses, no redirects, https, bounded size and time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from msgspec import Struct

from ostiary.core.errors import Garbled, GatewayError, UpstreamRefused
from ostiary.policy.egress import parse_url
from ostiary.protocol.jsonrpc import read

WITHIN: Final = 5.0
"""Seconds that one request may take."""
MOST: Final = 256 * 1024
"""Bytes of any document that identity reads."""
_DEPTH: Final = 16
_OK: Final = 200
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Fetched(Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


class Fetch(Protocol):
    """Sends single requests to a provider."""

    async def __call__(
        self,
        method: str,
        url: str,
        /,
        *,
        deadline: float,
        headers: Mapping[str, str] = ...,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
    ) -> Fetched:
        """Return the answer, whatever its status; raise `UpstreamFailure` or `Busy` if there is none.

        `form` is the fields of a POST, `basic` the id and secret of a client (RFC 6749 section 2.3.1), `deadline` a
        time on the loop's clock. Redirects are answers like others: nobody follows them.
        """


def document(fetched: Fetched, what: str) -> dict[str, Any]:
    """Return the JSON object that was fetched, or raise a failure that says what was wrong with `what`."""
    if fetched.status != _OK:
        raise UpstreamRefused(f"{what}: status {fetched.status}")
    if len(fetched.body) > MOST:
        raise Garbled(f"{what}: more than {MOST} bytes")
    try:
        found = read(fetched.body, _DEPTH)
    except GatewayError as error:
        # Two readers of a doubled member may see two different documents; it is refused like any other bad JSON.
        raise Garbled(f"{what}: {error.hint or 'not JSON'}") from error
    if not isinstance(found, dict):
        raise Garbled(f"{what}: not a JSON object")
    return found


def usable(url: object) -> bool:
    """Say whether a URL may be asked at all: https, or http on this machine (which egress rules must still permit)."""
    if not isinstance(url, str):
        return False
    try:
        origin = parse_url(url)
    except ValueError:
        return False
    return origin.scheme == "https" or origin.host in _LOOPBACK
