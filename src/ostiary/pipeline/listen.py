"""Change streams: `subscriptions/listen` (2026-07-28), the GET stream of the handshake era, `resources/subscribe`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import msgspec

from ostiary.core.errors import BadParams, GatewayError, SessionRequired
from ostiary.core.model import Allow, Answer, Caller, Deny, Kind, Order, Reason, Surface, Target
from ostiary.core.ports import Change, Reply
from ostiary.core.rules import Ask
from ostiary.core.screening import Looks, Record
from ostiary.pipeline import links, screening, tasks
from ostiary.pipeline.feed import LISTS, Feed
from ostiary.pipeline.links import Links
from ostiary.pipeline.reach import readable, resource
from ostiary.pipeline.world import World
from ostiary.policy.decide import decide
from ostiary.protocol.answers import answered
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
Asking = tuple[Caller, Ask | None]
"""Who listens, and what rules with conditions may look at."""


# A modern client


async def listen(order: Order, surface: Surface, reply: Reply, world: World, record: Record | None = None) -> Answer:
    """Acknowledge the subset that is honoured, then send what changes until the client goes, or may not hear more.

    `record` is where it is written down what guards say of the URIs.
    """
    call, asked = order.call, order.call.params.get("notifications")
    if not isinstance(asked, dict):
        raise BadParams(hint="subscriptions/listen needs params.notifications")
    lists = {key: what for key, what in _LISTS.items() if asked.get(key) is True and what in announcing(surface)}
    resources = _resources(asked.get("resourceSubscriptions"), order, surface, world)
    mark = {"_meta": {SUBSCRIPTION: call.id}}
    feed = Feed(lists.values())
    with ExitStack() as held:
        # Before the acknowledgement: what changes right after it must not be missed.
        held.callback(world.changes(surface.servers, feed.tell))
        watched = await _watched(resources, order, feed, (world, record or Looks()), held)
        honoured: dict[str, Any] = dict.fromkeys(lists, True)
        if watched:
            honoured["resourceSubscriptions"] = watched
        running = tasks.watched(asked.get("taskIds"), order, surface, world)
        async with tasks.following(running, order, reply, world) as news:
            if news.agreed:
                honoured["taskIds"] = news.agreed
            ack = {"notifications": honoured, **mark}
            await reply.put(notification("notifications/subscriptions/acknowledged", ack))
            news.begin()
            tools = [running[each].exposed for each in news.agreed]
            await _relay(Stream(feed, mark, _shut(watched, tools, order, world)), order, surface, reply, world)
    return Answer({"jsonrpc": "2.0", "id": call.id, "result": {"resultType": "complete", **mark}})


def announcing(surface: Surface) -> frozenset[str]:
    """Return the lists of which this endpoint said that it tells when they change."""
    found = surface.capabilities
    return frozenset(what for what in LISTS if isinstance(found.get(what), dict) and found[what].get("listChanged"))


def _resources(asked: Any, order: Order, surface: Surface, world: World) -> list[Target]:
    """Return the resources that this caller may read; the others are left out, as if they did not exist."""
    if asked is None:
        return []
    if not isinstance(asked, list) or not all(isinstance(uri, str) for uri in asked) or len(asked) > _MOST_URIS:
        raise BadParams(hint=f"resourceSubscriptions is a list of at most {_MOST_URIS} URIs")
    # The server is told which URI is watched, so that this is decided as a call is: by what the run has met.
    ask = tasks.aware(order, world)
    found = (readable(uri, surface, order.caller, world.links, ask) for uri in dict.fromkeys(asked))
    return [target for target in found if target is not None]


async def _watched(
    resources: Iterable[Target], order: Order, feed: Feed, around: tuple[World, Record], held: ExitStack
) -> list[str]:
    """Watch these resources until `held` ends, and return those whose servers agreed."""
    agreed: list[str] = []
    world, record = around

    async def watch(target: Target) -> None:
        try:
            wanted = msgspec.structs.replace(order, target=target)
            await screening.wished(target.name, wanted, world, record)
            watched = await world.watch(wanted, feed.tell)
        except GatewayError:
            # It is not honoured, and the acknowledgement says so; the client may try again.
            return
        held.callback(watched.release)
        if watched.error is None:
            agreed.append(target.exposed)

    async with asyncio.TaskGroup() as watching:
        for target in resources:
            watching.create_task(watch(target))
    return sorted(agreed)


# A handshake-era client


async def subscribe(order: Order, _surface: Surface, _reply: Reply, world: World) -> Answer:
    """Subscribe a session to a resource: the gateway keeps it, and tells on the session's stream."""
    session = _session(order)
    error = await world.sessions.subscriptions.add(session, order, world.watch)
    return answered(order.call, {"result": {}} if error is None else {"error": error})


async def unsubscribe(order: Order, _surface: Surface, _reply: Reply, world: World) -> Answer:
    """End a session's subscription; where there is none, nothing is left to do."""
    world.sessions.subscriptions.remove(_session(order), order.target.name)
    return answered(order.call, {"result": {}})


def _session(order: Order) -> str:
    if order.call.client.session is None:
        raise SessionRequired
    return order.call.client.session


async def stream(order: Order, surface: Surface, reply: Reply, world: World) -> Answer:
    """Send a handshake-era session what changes, on its GET stream: one a session, the newest wins."""
    session = _session(order)
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
        await _followed(session, order, surface, reply, world)
    finally:
        if live.stream is here:
            live.stream = None
            world.sessions.rested(session, live)
    return Answer(None, 200)


async def _followed(session: str, order: Order, surface: Surface, reply: Reply, world: World) -> None:
    subscriptions = world.sessions.subscriptions

    def dropped(now: Surface) -> bool:
        for uri in [uri for uri in held.kept if _unheard(uri, order, now, world)]:
            subscriptions.remove(session, uri)
        return False

    with subscriptions.streaming(session, order.caller) as held, ExitStack() as released:
        released.callback(world.changes(surface.servers, held.feed.tell))
        await reply.open()
        async with asyncio.TaskGroup() as both:
            resuming = both.create_task(subscriptions.resume(held, order, surface, world.watch, world.links))
            await _relay(Stream(held.feed, {}, dropped), order, surface, reply, world)
            resuming.cancel()


# Both


class Stream(NamedTuple):
    """A stream of one client."""

    feed: Feed
    mark: Mapping[str, Any]
    """What every notification has in its parameters."""
    shut: Callable[[Surface], bool]
    """Gives up what was quarantined since; says whether the stream ends with it, so that its client asks anew."""


async def _relay(stream: Stream, order: Order, surface: Surface, reply: Reply, world: World) -> None:
    """Tell what changes, to a caller who may still hear of it; return when nothing more will come, or may be told."""
    feed, mark, shut = stream
    while (batch := await feed.batch(PULSE)) is not None:
        before, now = surface, await _present(order, surface, world)
        if now is None or not await world.standing(order.caller):
            return
        if now is not before and shut(now):
            return
        surface = now
        if not batch:
            await reply.pulse()
        for method, params in _said(batch, _asking(order, world), before, now, world.links):
            await reply.put(notification(method, {**params, **mark}))


def _shut(uris: list[str], tools: list[str], order: Order, world: World) -> Callable[[Surface], bool]:
    """Return the test whether something was quarantined that a stream was opened for: these resources, or tasks."""
    return lambda now: (
        any(_unheard(uri, order, now, world) for uri in uris)
        or any(_quarantined(now.targets.get((Kind.TOOL, name)), order) for name in tools)
    )


def _unheard(uri: str, order: Order, now: Surface, world: World) -> bool:
    return _quarantined(links.resource(uri, now, order.caller, world.links, order.ask), order)


def _quarantined(target: Target | None, order: Order) -> bool:
    decision = decide(order.caller, target, order.ask) if target is not None else None
    return isinstance(decision, Deny) and decision.reason is Reason.QUARANTINED


def _asking(order: Order, world: World) -> Asking:
    """Return who listens, and what is known of the time: what may be heard can depend on it."""
    ask = order.ask and msgspec.structs.replace(order.ask, now=world.time())
    return order.caller, ask


async def _present(order: Order, surface: Surface, world: World) -> Surface | None:
    """Return what the endpoint offers by now; None where it is gone."""
    now, key = world.current(), (surface.endpoint, order.call.client.offer)
    if surface.endpoint not in now.endpoints:
        return None
    return now.surfaces.get(key) or (await world.surfaces(*key)).surfaces.get(key)


def _said(
    batch: list[Change], asking: Asking, before: Surface, now: Surface, links: Links
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the notifications for what changed, as far as it concerns this caller."""
    lists = {change.what for change in batch if change.what in LISTS and _concerned(change, asking, before, now)}
    for what in sorted(lists & announcing(now)):
        yield f"notifications/{what}/list_changed", {}
    for change in batch:
        uri = _named(change, asking, now, links) if change.what == "resource" else None
        if uri is not None:
            yield "notifications/resources/updated", {"uri": uri}


def _concerned(change: Change, asking: Asking, before: Surface, now: Surface) -> bool:
    """Say whether a caller has, or had, anything at the server that changed: others must not learn that it exists."""
    return not change.server or _anything(change.server, asking, now) or _anything(change.server, asking, before)


def _anything(server: str, asking: Asking, surface: Surface) -> bool:
    return any(
        target.server == server and isinstance(decide(asking[0], target, asking[1]), Allow)
        for target in surface.targets.values()
    )


def _named(change: Change, asking: Asking, now: Surface, links: Links) -> str | None:
    """Return the resource to name to this caller: what changed, what that is a part of, or nothing."""
    caller, ask = asking
    whole = readable(change.watched, now, caller, links, ask)
    if whole is None or whole.server != change.server:
        return None
    if change.uri == change.watched:
        return whole.exposed
    part = resource(change.uri, now)
    if part is None:
        # Nothing of this name is approved, so nobody may be told it.
        return whole.exposed
    return part.exposed if isinstance(decide(caller, part, ask), Allow) else None
