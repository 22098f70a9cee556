"""Requests of both eras as bytes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

MODERN = "2026-07-28"
HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
META = "io.modelcontextprotocol/"
ENVELOPE: Json = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}}
ACCEPT = "application/json, text/event-stream"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def request(path: str, host: str, fields: Iterable[tuple[str, str]], body: bytes, verb: str = "POST") -> bytes:
    """Return one request with a body of known length."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{verb} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def message(ident: Any, method: str, params: Json) -> Json:
    """Return a JSON-RPC request; a notification where the id is None."""
    numbered = {} if ident is None else {"id": ident}
    return {"jsonrpc": "2.0", **numbered, "method": method, "params": params}


def packed(value: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def common(token: str) -> list[tuple[str, str]]:
    """Return the headers of every request."""
    named = [("Authorization", f"Bearer {token}")] if token else []
    return [*named, ("Accept", ACCEPT), ("Content-Type", "application/json")]


def modern_fields(token: str, method: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers of a modern request."""
    key = NAMED.get(method)
    name = [("Mcp-Name", str(params[key]))] if key else []
    return [*common(token), ("MCP-Protocol-Version", MODERN), ("Mcp-Method", method), *name]


def enveloped(params: Mapping[str, Any], progress: Any = None) -> Json:
    """Return parameters in the modern envelope."""
    token = {} if progress is None else {"progressToken": progress}
    return {**params, "_meta": {**ENVELOPE, **token}}


def modern(path: str, host: str, token: str, method: str, params: Json, ident: Any = 1, progress: Any = None) -> bytes:
    """Return a modern request."""
    body = packed(message(ident, method, enveloped(params, progress)))
    return request(path, host, modern_fields(token, method, params), body)


def session_fields(token: str, session: str, version: str) -> list[tuple[str, str]]:
    """Return the headers of a request within a session."""
    return [*common(token), ("Mcp-Session-Id", session), ("MCP-Protocol-Version", version)]


def initialize(path: str, host: str, token: str, version: str) -> bytes:
    """Return the first request of a session."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    return request(path, host, common(token), packed(message(1, "initialize", params)))


def spoken(path: str, host: str, fields: Iterable[tuple[str, str]], method: str, params: Json, ident: Any = 1) -> bytes:
    """Return a request within a session."""
    return request(path, host, fields, packed(message(ident, method, params)))


def call(name: str, arguments: Json) -> Json:
    """Return the parameters of a tool call."""
    return {"name": name, "arguments": arguments}
