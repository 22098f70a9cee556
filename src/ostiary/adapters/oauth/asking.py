"""Reading what clients and browsers send: bounded, and each parameter once (RFC 6749 section 3.1 and 3.2)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from ostiary.adapters.oauth.failures import Denied
from ostiary.core.errors import GatewayError
from ostiary.protocol.jsonrpc import read

_QUERY: Final = 12 * 1024
_BODY: Final = 48 * 1024
_FIELDS: Final = 64
_DEPTH: Final = 8


def query(request: Request) -> dict[str, str]:
    """Return the parameters of an address."""
    raw: bytes = request.scope["query_string"]
    if len(raw) > _QUERY:
        raise Denied("invalid_request", f"the address is longer than {_QUERY} bytes")
    return fields(raw)


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form."""
    _declared(request, "application/x-www-form-urlencoded")
    return fields(await body(request, _BODY))


async def document(request: Request) -> dict[str, Any]:
    """Return the JSON object that was posted."""
    _declared(request, "application/json")
    try:
        found = read(await body(request, _BODY), _DEPTH)
    except GatewayError as error:
        raise Denied("invalid_client_metadata", "the body is not JSON, or a member is there twice") from error
    if not isinstance(found, dict):
        raise Denied("invalid_client_metadata", "the body is not a JSON object")
    return found


def _declared(request: Request, media: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media:
        raise Denied("invalid_request", f"the body must be declared as {media}")


async def body(request: Request, most: int) -> bytes:
    """Return a body of at most so many bytes; reading stops where it is longer."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise Denied("invalid_request", f"the body is longer than {most} bytes", 413)
    return bytes(found)


def fields(raw: bytes) -> dict[str, str]:
    """Return fields by name; one without a value counts as left out, one that is there twice as an attack."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError as error:
        raise Denied("invalid_request", "the parameters are not form-encoded UTF-8, or too many") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        # Two readers of two copies may each believe another one.
        raise Denied("invalid_request", "a parameter is there twice; send each once")
    if any("\x00" in value for value in found.values()):
        raise Denied("invalid_request", "a parameter has a NUL character")
    return {name: value for name, value in found.items() if value}
