"""Change streams: `subscriptions/listen` (2026-07-28) and the GET stream of the handshake era."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec

from ostiary.core.errors import BadParams, GatewayError, SessionRequired
from ostiary.core.model import Allow, Answer, Call, Json, Kind, Order, Surface, Target
from ostiary.core.ports import Change, Reply
from ostiary.pipeline.world import World
from ostiary.policy.decide import decide
from ostiary.protocol.jsonrpc import notification
from ostiary.protocol.modern import SUBSCRIPTION

PULSE: Final = 15.0
"""Seconds of silence after which a comment keeps proxies from closing the stream."""
_LISTS: Final[Mapping[str, str]] = {
    "toolsListChanged": "tools",
    "promptsListChanged": "prompts",
    "resourcesListChanged": "resources",
}
_MOST_URIS: Final = 256


async def listen(order: Order, surface: Surface, reply: Reply, world: World) -> Answer:
    """Acknowledge the subset that is honoured, then send what changes until the client goes."""
    call = order.call
    asked = call.params.get("notifications")
    if not isinstance(asked, dict):
        raise BadParams(hint="subscriptions/listen needs params.notifications")
    honoured: dict[str, Any] = {key: True for key in _LISTS if asked.get(key) is True}
    resources = _resources(asked.get("resourceSubscriptions"), order, surface)
    if resources:
        honoured["resourceSubscriptions"] = list(resources)
    mark = {"_meta": {SUBSCRIPTION: call.id}}
    lists = frozenset(_LISTS[key] for key in honoured if key in _LISTS)
    async with world.changes(surface.servers) as changes, asyncio.TaskGroup() as tasks:
        ack = {"notifications": honoured, **mark}
        await reply.put(notification("notifications/subscriptions/acknowledged", ack))
        following = [
            tasks.create_task(_follow(order, server, uris, reply, world))
            for server, uris in _by_server(resources).items()
        ]
        await _relay(changes, lists, reply, mark)
        for task in following:
            task.cancel()
    return Answer({"jsonrpc": "2.0", "id": call.id, "result": {"resultType": "complete", **mark}})


def _resources(asked: Any, order: Order, surface: Surface) -> dict[str, Target]:
    """Return the subscribed URIs that this caller may read; the others are left out, as if they did not exist."""
    if asked is None:
        return {}
    if not isinstance(asked, list) or not all(isinstance(uri, str) for uri in asked) or len(asked) > _MOST_URIS:
        raise BadParams(hint=f"resourceSubscriptions is a list of at most {_MOST_URIS} URIs")
    found = {}
    for uri in asked:
        target = surface.targets.get((Kind.RESOURCE, uri))
        if target is not None and isinstance(decide(order.caller, target), Allow):
            found[uri] = target
    return found


def _by_server(resources: Mapping[str, Target]) -> dict[str, list[str]]:
    servers: dict[str, list[str]] = {}
    for uri, target in resources.items():
        servers.setdefault(target.server, []).append(uri)
    return servers


async def _follow(order: Order, server: str, uris: list[str], reply: Reply, world: World) -> None:
    """Keep one upstream subscription for these resources; when it ends, so does our knowledge, not the stream."""
    call, target = order.call, msgspec.structs.replace(order.target, server=server)
    params = {**call.params, "notifications": {"resourceSubscriptions": uris}}
    upstream = msgspec.structs.replace(
        order, call=msgspec.structs.replace(call, params=params), target=target, deadline=float("inf")
    )
    try:
        await world.send(upstream, _Updates(reply, call))
    except GatewayError:
        return


class _Updates:
    """Passes `notifications/resources/updated` on under the client's own subscription id, and nothing else."""

    def __init__(self, reply: Reply, call: Call) -> None:
        self._reply, self._call = reply, call

    async def notify(self, method: str, params: Json) -> None:
        if method == "notifications/resources/updated" and isinstance(params.get("uri"), str):
            meta = {**(params.get("_meta") or {}), SUBSCRIPTION: self._call.id}
            await self._reply.put(notification(method, {**params, "_meta": meta}))

    async def ask(self, method: str, params: Json) -> Json:  # noqa: ARG002 - the port's shape
        return {"error": {"code": -32601, "message": "a subscription answers no requests"}}


async def stream(order: Order, surface: Surface, reply: Reply, world: World) -> Answer:
    """Send a handshake-era session what changes, on its GET stream: one a session, the newest wins."""
    session = order.call.client.session
    if session is None:
        raise SessionRequired
    resumed = world.sessions.journals.find(session, str(order.call.params.get("lastEventId", "")))
    if resumed is not None:
        await reply.open()
        async for ident, data in resumed[0].after(resumed[1]):
            await reply.replay(ident, data)
        return Answer(None, 200)
    live, here = world.sessions.live(session), asyncio.current_task()
    if live.stream is not None:
        live.stream.cancel()
    live.stream = here
    try:
        async with world.changes(surface.servers) as changes:
            await reply.open()
            await _relay(changes, frozenset(_LISTS.values()), reply, {}, session)
    finally:
        if live.stream is here:
            live.stream = None
    return Answer(None, 200)


async def _relay(
    changes: AsyncIterator[Change], lists: frozenset[str], reply: Reply, mark: Mapping[str, Any], session: str = ""
) -> None:
    while True:
        try:
            async with asyncio.timeout(PULSE):
                change = await anext(changes)
        except TimeoutError:
            await reply.pulse()
            continue
        except StopAsyncIteration:
            return
        if change.uri:
            if session and change.session == session:
                await reply.put(notification("notifications/resources/updated", {"uri": change.uri}))
        elif change.what in lists:
            await reply.put(notification(f"notifications/{change.what}/list_changed", mark))
