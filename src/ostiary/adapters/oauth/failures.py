"""How the authorization server says no: error codes of RFC 6749, 7591, 8707 and 9449, as JSON or as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}


class Denied(Exception):
    """A request that is refused, with words that a client, or the person in front of it, may read."""

    def __init__(self, error: str, why: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        """`error` is a code of the standards; `why` holds nothing secret, and nothing that the request said."""
        super().__init__(f"{error}: {why}")
        self.error, self.why, self.status, self.headers = error, why, status, dict(headers or {})


def said(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON that nobody keeps (RFC 6749 section 5.1)."""
    return Response(msgspec.json.encode(content), status, {**NO_STORE, **(headers or {})}, "application/json")


def told(denied: Denied) -> Response:
    """Return a refusal as RFC 6749 section 5.2 has it."""
    return said({"error": denied.error, "error_description": denied.why}, denied.status, denied.headers)


def client_unknown(basic: bool = False) -> Denied:
    """Return the one answer to every client that is unknown, or did not prove who it is."""
    headers = {"www-authenticate": 'Basic realm="token"'} if basic else {}
    return Denied("invalid_client", "the client is unknown, or did not authenticate as it is registered", 401, headers)
