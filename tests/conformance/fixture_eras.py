"""An ASGI wrapper that lets a server of both protocol eras speak only one of them."""

import json
from collections.abc import Iterator

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ERAS = ("both", "handshake", "modern")
MODERN = "2026-07-28"
_ENVELOPE = "io.modelcontextprotocol/protocolVersion"


def _is_modern(scope: Scope, body: bytes) -> bool:
    if (b"mcp-protocol-version", MODERN.encode()) in scope["headers"]:
        return True
    try:
        message = json.loads(body)
    except ValueError:
        return False
    params = message.get("params") if isinstance(message, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    return message.get("method") == "server/discover" or (isinstance(meta, dict) and _ENVELOPE in meta)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    first: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replayed() -> Message:
        return next(first, None) or await receive()

    return replayed


def _refusal(status: int, code: int, message: str) -> JSONResponse:
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}, status)


def restricted(app: ASGIApp, era: str) -> ASGIApp:
    """Return the app, refusing the other era as a server that never heard of it would."""
    if era == "both":
        return app

    async def one_era(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        if scope["method"] != "POST" and era == "modern":
            return await _refusal(405, -32600, "Only POST is served here")(scope, receive, send)
        body = await _body(receive) if scope["method"] == "POST" else b""
        modern = _is_modern(scope, body)
        if era == "handshake" and modern:
            return await _refusal(400, -32000, "Bad Request: no session")(scope, receive, send)
        if era == "modern" and not modern:
            return await _refusal(400, -32020, "MCP-Protocol-Version is missing")(scope, receive, send)
        return await app(scope, _again(body, receive), send)

    return one_era
