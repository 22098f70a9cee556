"""What clients send, ready to be changed in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostiary.core.errors import SessionUnknown
from ostiary.core.model import MODERN, Call, Client, Era, Inbound
from ostiary.protocol import modern

SESSION = "sealed"
HELD = Client(Era.HANDSHAKE, "2025-11-25", {}, "", {"name": "tests"}, "s-1")
MODERN_CLIENT = Client(Era.MODERN, MODERN, {}, "", {})


LEAST: dict[str, dict[str, Any]] = {
    "initialize": {"protocolVersion": "2025-06-18"},
    "ping": {},
    "logging/setLevel": {"level": "info"},
    "tools/call": {"name": "t:t"},
    "prompts/get": {"name": "t:t"},
    "resources/read": {"uri": "t:t"},
    "resources/subscribe": {"uri": "t:t"},
    "resources/unsubscribe": {"uri": "t:t"},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": "t:t"}, "argument": {"name": "a", "value": ""}},
    "tasks/get": {"taskId": "t:t"},
    "tasks/cancel": {"taskId": "t:t"},
    "tasks/update": {"taskId": "t:t", "inputResponses": {}},
    "subscriptions/listen": {"notifications": {}},
    **{f"{what}/list": {} for what in ("tools", "prompts", "resources", "resources/templates")},
    "server/discover": {},
}
"""The least that each method takes."""


async def nothing() -> bytes:
    return b""


def inbound(
    headers: Mapping[str, str] | None = None, *, verb: str = "POST", doubled: frozenset[str] = frozenset()
) -> Inbound:
    return Inbound(verb, "/mcp", headers or {}, doubled, None, "127.0.0.1", nothing)


def recall(token: str) -> Client:
    if token != SESSION:
        raise SessionUnknown
    return HELD


def envelope(**more: Any) -> dict[str, Any]:
    return {modern.VERSION: MODERN, modern.CAPABILITIES: {}, **more}


def request(method: str, params: Mapping[str, Any] | None = None, ident: Any = 1) -> dict[str, Any]:
    """A request of 2026-07-28."""
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": {"_meta": envelope(), **(params or {})}}


def routing(method: str, name: str | None = None) -> dict[str, str]:
    """The headers that belong to it."""
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method}
    return headers if name is None else {**headers, "mcp-name": name}


def legacy(method: str, params: Mapping[str, Any] | None = None, ident: Any = 1) -> dict[str, Any]:
    """A request of the handshake era."""
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": dict(params or {})}


def in_session(**more: str) -> dict[str, str]:
    return {"mcp-session-id": SESSION, **more}


def call(method: str = "tools/call", client: Client = MODERN_CLIENT, ident: str | int | None = 7) -> Call:
    return Call(ident, method, "t", {}, client)
