"""The per-request-envelope era towards upstreams (2026-07-28): no session, everything in each request."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from functools import lru_cache
from typing import Any, Final

from ostiary import __version__
from ostiary.adapters.upstream.wire import Heard, Wire
from ostiary.core.errors import HeaderMismatch
from ostiary.core.model import MODERN, Era, Json, Kind, Order, Target
from ostiary.core.ports import Back
from ostiary.protocol import headers, modern, tasks, tracing
from ostiary.protocol.capabilities import declared
from ostiary.protocol.jsonrpc import request
from ostiary.protocol.methods import LEVELS

INFO: Final[Json] = {"name": "ostiary", "version": __version__}
"""Upstreams see the gateway, never the program behind it: what a client says of itself is no server's business."""
_NOT_SUPPORTED: Final = -32601


@lru_cache(maxsize=256)
def envelope(offer: str) -> Json:
    """Return the `_meta` members of every request made for clients with this offer."""
    return {modern.VERSION: MODERN, modern.CAPABILITIES: declared(offer, modern=True), modern.INFO: INFO}


@lru_cache(maxsize=16_384)
def fields(method: str, name: str) -> bytes:
    """Return the routing headers of a request."""
    lines = f"mcp-protocol-version: {MODERN}\r\nmcp-method: {method}\r\n"
    if name:
        lines += f"mcp-name: {headers.encoded(name)}\r\n"
    return lines.encode("ascii")


def mirrors(target: Target, arguments: Any) -> bytes:
    """Return the `Mcp-Param-*` headers, computed from the arguments that are sent."""
    lines = []
    for name, path in target.mirrored:
        value = headers.at(arguments, path)
        if value is None:
            continue
        if not isinstance(value, str | int | float):
            raise HeaderMismatch(hint=f"the argument mirrored by Mcp-Param-{name} is no plain value")
        lines.append(f"mcp-param-{name}: {headers.spelled(value)}\r\n")
    return "".join(lines).encode("ascii")


def outgoing(order: Order) -> dict[str, Any]:
    """Return the parameters as the upstream sees them: its own names, our envelope, the client's other `_meta`."""
    call, target = order.call, order.target
    params = dict(call.params)
    if call.method in {"tools/call", "prompts/get"}:
        params["name"] = target.name
        # A hint of 2025-11-25, which makes no task here and must not make one that nobody would know (SEP-2663).
        params.pop("task", None)
    elif target.task:
        params["taskId"] = target.task
    elif call.method == "completion/complete" and target.kind is Kind.PROMPT:
        params["ref"] = {**params["ref"], "name": target.name}
    meta, said = params.get("_meta"), envelope(call.client.offer)
    if meta and not meta.keys() <= said.keys():
        said = {**{key: value for key, value in meta.items() if not _ours(key)}, **said}
    if call.level is not None:
        said = {**said, modern.LEVEL: call.level}
    params["_meta"] = said
    return params


def _ours(key: str) -> bool:
    return key.startswith(modern.META) or key == "progressToken"


def carry(wire: Wire, order: Order, back: Back) -> Coroutine[Any, Any, Heard]:
    """Carry an order out on a wire of this era, and return the answer."""
    call, params, ident = order.call, outgoing(order), wire.mint()
    if call.progress is not None:
        # Our own token: two clients may have chosen the same one. The id is unique on this wire, so it serves.
        params["_meta"] = {**params["_meta"], "progressToken": ident}

    async def hear(message: dict[str, Any]) -> None:
        await passed_on(message, order, back)

    name = order.target.task
    if not name and call.method != "completion/complete":
        name = params.get("name") or params.get("uri") or ""
    lines = fields(call.method, name) + tracing.fields(params["_meta"])
    if order.target.mirrored:
        lines += mirrors(order.target, params.get("arguments"))
    return wire.request(request(ident, call.method, params), lines, order.deadline, hear)


async def passed_on(message: Mapping[str, Any], order: Order, back: Back) -> None:
    """Pass one notification on to the client that made the call; anything else has no place on this stream."""
    method, params = message.get("method"), message.get("params")
    if not isinstance(method, str) or "id" in message or not method.startswith("notifications/"):
        return
    params = params if isinstance(params, dict) else {}
    if method == "notifications/progress":
        if order.call.progress is not None:
            await back.notify(method, {**params, "progressToken": order.call.progress})
        return
    if method.startswith(tasks.NOTIFICATION) and order.target.kind is not Kind.GATEWAY:
        # It names a task by the server's own id, which no client knows; who wants to hear of tasks subscribes to them.
        return
    if method != "notifications/message" or _wanted(params, order):
        await back.notify(method, params)


def _wanted(params: Json, order: Order) -> bool:
    """Say whether a log message goes to a client: a modern one gets only those that its own call asked for."""
    asked, level = order.call.level, params.get("level")
    if order.call.client.era is Era.HANDSHAKE:
        return True
    return asked is not None and level in LEVELS and LEVELS.index(level) >= LEVELS.index(asked)
