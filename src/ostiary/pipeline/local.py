"""The gateway as its own upstream: what it answers itself, by the same twelve steps as everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary import __version__
from ostiary.core.errors import BadParams
from ostiary.core.model import Answer, Call, Era, Json, Kind, Order, Surface, Target
from ostiary.core.ports import Reply
from ostiary.core.screening import Record
from ostiary.pipeline.batch import batch
from ostiary.pipeline.conversation import Conversation
from ostiary.pipeline.listen import listen, stream, subscribe, unsubscribe
from ostiary.pipeline.voice import channel
from ostiary.pipeline.world import World
from ostiary.policy.visible import visible
from ostiary.protocol import cursors, headers, modern
from ostiary.protocol.answers import definition
from ostiary.protocol.cursors import Cursor
from ostiary.protocol.jsonrpc import is_id
from ostiary.protocol.methods import ANSWER, BATCH, CHANNEL, END, LEVELS, METHODS, STREAM

INFO: Final[Json] = {"name": "ostiary", "version": __version__}
_ACCEPTED: Final = Answer(None, 202)
_PURPOSE: Final = "cursor"
KEPT: Final = frozenset({"resources/subscribe", "resources/unsubscribe"})
"""What concerns a server's resource, and is answered here all the same."""

Handler = Callable[[Order, Surface, Reply, World], Awaitable[Answer]]


async def local(order: Order, surface: Surface, reply: Reply, world: World, record: Record | None = None) -> Answer:
    """Carry out an order addressed to the gateway itself; `record` is where it is written down what guards say."""
    call = order.call
    if METHODS[call.method].lists if call.method in METHODS else False:
        return _listing(order, surface, world)
    if call.id is None and call.method not in _HANDLERS:
        return _ACCEPTED
    if call.method == "subscriptions/listen":
        return await listen(order, surface, reply, world, record)
    return await _HANDLERS[call.method](order, surface, reply, world)


def _result(call: Call, result: dict[str, Any], extra: Mapping[str, str] | None = None) -> Answer:
    return Answer({"jsonrpc": "2.0", "id": call.id, "result": result}, 200, extra or {})


def _listing(order: Order, surface: Surface, world: World) -> Answer:
    call, spec = order.call, METHODS[order.call.method]
    targets = visible(order.caller, spec.lists or Kind.TOOL, surface, order.ask)
    page, following = _page(targets, order, surface, world)
    result: dict[str, Any] = {spec.field: [definition(target, call.client.era) for target in page]}
    if following:
        result["nextCursor"] = following
    if call.client.era is Era.MODERN:
        # What is listed depends on who asks, so no cache may hand it to anyone else (2026-07-28, caching).
        result |= {"resultType": "complete", "ttlMs": surface.ttl_ms, "cacheScope": "private"}
        result["_meta"] = {modern.SERVER: INFO}
    return _result(call, result)


def _page(targets: list[Target], order: Order, surface: Surface, world: World) -> tuple[list[Target], str]:
    call, caller = order.call, order.caller
    cursor, now = call.params.get("cursor"), world.time()
    here = Cursor(call.method, caller.subject, caller.issuer, surface.endpoint, call.client.offer, "", now)
    if cursor is not None:
        if not isinstance(cursor, str):
            raise BadParams(hint="cursor is a string")
        try:
            content = world.seal.open(_PURPOSE, cursor)
        except ValueError:
            raise BadParams(hint="unknown cursor") from None
        after = cursors.after(content, here, now)
        targets = [target for target in targets if target.exposed > after]
    page = targets[: cursors.PAGE]
    if len(targets) <= cursors.PAGE:
        return page, ""
    return page, world.seal.close(_PURPOSE, cursors.pack(msgspec.structs.replace(here, after=page[-1].exposed)))


async def _initialize(order: Order, surface: Surface, _reply: Reply, world: World) -> Answer:
    call = order.call
    result: dict[str, Any] = {
        "protocolVersion": call.client.version,
        "capabilities": {key: value for key, value in surface.capabilities.items() if key != "extensions"},
        "serverInfo": dict(INFO),
    }
    if surface.instructions:
        result["instructions"] = surface.instructions
    token = world.sessions.begin(order.caller, surface.endpoint, call.client)
    return _result(call, result, {headers.SESSION: token})


async def _discover(order: Order, surface: Surface, _reply: Reply, _world: World) -> Answer:
    result: dict[str, Any] = {
        "supportedVersions": list(modern.SUPPORTED),
        "capabilities": dict(surface.capabilities),
        "resultType": "complete",
        "ttlMs": surface.ttl_ms,
        "cacheScope": "private",
        "_meta": {modern.SERVER: INFO},
    }
    if surface.instructions:
        result["instructions"] = surface.instructions
    return _result(order.call, result)


async def _ping(order: Order, _surface: Surface, _reply: Reply, _world: World) -> Answer:
    return _result(order.call, {})


async def _set_level(order: Order, surface: Surface, reply: Reply, world: World) -> Answer:
    """Tell every server: it remembers the level for this session, whether or not its session with us is open yet."""
    level = order.call.params.get("level")
    if level not in LEVELS:
        raise BadParams(hint=f"level is one of {', '.join(LEVELS)}")
    for server in surface.servers:
        target = msgspec.structs.replace(order.target, server=server)
        await world.send(msgspec.structs.replace(order, target=target), Conversation(order, reply, world))
    return _result(order.call, {})


async def _answer(order: Order, _surface: Surface, _reply: Reply, world: World) -> Answer:
    """Hand a posted answer to the call that asked; one that nobody waits for is accepted and dropped."""
    message, session = order.call.params, order.call.client.session
    if session:
        world.sessions.answer(session, message["id"], message)
    return _ACCEPTED


async def _cancelled(order: Order, _surface: Surface, _reply: Reply, world: World) -> Answer:
    session, ident = order.call.client.session, order.call.params.get("requestId")
    if session and is_id(ident):
        world.sessions.cancel(session, ident)
    return _ACCEPTED


async def _end(order: Order, _surface: Surface, _reply: Reply, world: World) -> Answer:
    if order.call.client.session:
        world.sessions.end(order.call.client.session)
    return Answer(None, 204)


async def _roots_changed(order: Order, surface: Surface, reply: Reply, world: World) -> Answer:
    for server in surface.servers:
        target = msgspec.structs.replace(order.target, server=server)
        await world.send(msgspec.structs.replace(order, target=target), Conversation(order, reply, world))
    return _ACCEPTED


_HANDLERS: Final[Mapping[str, Handler]] = {
    "initialize": _initialize,
    "server/discover": _discover,
    "ping": _ping,
    "logging/setLevel": _set_level,
    "subscriptions/listen": listen,
    "resources/subscribe": subscribe,
    "resources/unsubscribe": unsubscribe,
    "notifications/cancelled": _cancelled,
    "notifications/roots/list_changed": _roots_changed,
    ANSWER: _answer,
    STREAM: stream,
    END: _end,
    CHANNEL: channel,
    BATCH: batch,
}
