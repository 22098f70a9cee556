"""Ask one side, in one era, everything that can be asked without an effect, over the gateway's own adapters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.adapters.secrets import base_environment
from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.handshake import Link
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.server import GATEWAY, Setup
from ostiary.adapters.upstream.wire import SessionGone, Wire, deaf
from ostiary.core.errors import GatewayError
from ostiary.core.model import HANDSHAKES, MODERN, Call, Caller, Client, Era, Json, Kind, Order, Target
from ostiary.entry.cli.comparing import LISTS, Side
from ostiary.integrity.pins import Offering
from ostiary.protocol import headers
from ostiary.protocol.capabilities import EVERYTHING, NOTHING, declared
from ostiary.protocol.jsonrpc import request
from ostiary.protocol.questions import refusal

Ask = Callable[[str, dict[str, Any]], Awaitable[Json]]

_LISTS: Final = (
    (Kind.TOOL, "tools/list", "tools", "tools", "name"),
    (Kind.PROMPT, "prompts/list", "prompts", "prompts", "name"),
    (Kind.RESOURCE, "resources/list", "resources", "resources", "uri"),
    (Kind.TEMPLATE, "resources/templates/list", "resourceTemplates", "resources", "uriTemplate"),
)
_PAGES: Final = 200
_TIMES: Final = 3
_LISTENING: Final = 5.0
"""Seconds that a listen stream may take to be acknowledged."""
_ROUNDS: Final = 10
_DECLINED: Final[Mapping[str, Json]] = {"elicitation/create": {"action": "decline"}, "roots/list": {"roots": []}}
_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"


class Errand(Struct, frozen=True):
    """What to ask for."""

    patience: float
    """Seconds for everything that is asked of one side in one era."""
    reads: int = 0
    """How many resources to read."""
    tool: str = ""
    """The tool to call; empty: none is called."""
    arguments: Json = {}
    uris: tuple[str, ...] | None = None
    """The resources to read; None: the first ones listed, each of them twice."""


async def heard(hub: Hub, name: str, errand: Errand) -> Side:
    """Return what a server says, or why it says nothing."""
    deadline = asyncio.get_running_loop().time() + errand.patience
    try:
        async with asyncio.timeout_at(deadline + 1):
            return await _heard(hub, name, errand, deadline)
    except GatewayError as error:
        why = error.detail or error.message
    except SessionGone:
        why = "it forgot the session that it had just begun"
    except TimeoutError:
        why = "it did not answer in time"
    return Side(hub.servers[name].era or Era.HANDSHAKE, failed=why)


async def _heard(hub: Hub, name: str, errand: Errand, deadline: float) -> Side:
    basic = await hub.offered(name, NOTHING, deadline, time.time())
    able = await hub.offered(name, EVERYTHING, deadline, time.time())
    side = _said(basic, able)
    async with hub.servers[name].questions(NOTHING, deadline) as (_, way):
        ask = _asking(way, deadline)
        uris = errand.uris if errand.uris is not None else _resources(side)[: errand.reads]
        reads = {uri: await _read(ask, uri) for uri in uris if (Kind.RESOURCE, uri) in side.definitions}
        again = {uri: await _read(ask, uri) for uri in reads} if errand.uris is None else reads
        side = msgspec.structs.replace(
            side,
            dropped=tuple([each async for each in _dropped(ask, basic)]) if errand.uris is None else (),
            reads=reads,
            unsteady=frozenset(uri for uri in reads if reads[uri] != again[uri]),
            honoured=None if isinstance(way, Link) else await _honoured(way, _wishes(side), deadline),
            milliseconds=await _quickest(ask, side.era, next(iter(reads), "")),
        )
    if not errand.tool:
        return side
    return msgspec.structs.replace(side, called=await _called(hub, name, side, errand, deadline))


def _said(basic: Offering, able: Offering) -> Side:
    known = {(each.kind, each.name): each.definition for each in basic.definitions}
    more = {(each.kind, each.name): each.definition for each in able.definitions if (each.kind, each.name) not in known}
    return Side(
        Era(basic.era),
        version=basic.version,
        info=basic.info,
        capabilities=basic.capabilities,
        instructions=basic.instructions,
        definitions=known,
        able=frozenset(more),
    )


def _resources(side: Side) -> tuple[str, ...]:
    return tuple(sorted(name for kind, name in side.definitions if kind is Kind.RESOURCE))


def _asking(way: Wire | Link, deadline: float) -> Ask:
    if isinstance(way, Link):
        return lambda method, params: way.ask(method, params, deadline)

    async def ask(method: str, params: dict[str, Any]) -> Json:
        sent = {**params, "_meta": dict(modern.envelope(NOTHING))}
        lines = modern.fields(method, str(params.get("uri", "")))
        return (await way.request(request(way.mint(), method, sent), lines, deadline, deaf)).message

    return ask


async def _read(ask: Ask, uri: str) -> Json:
    answer = await ask("resources/read", {"uri": uri})
    result = answer.get("result")
    return {"contents": result.get("contents")} if isinstance(result, dict) else {"error": answer.get("error")}


async def _quickest(ask: Ask, era: Era, uri: str) -> float:
    """Return the time of a round trip: of a read, which goes the whole way, or of a ping where nothing can be read."""
    empty = "server/discover" if era is Era.MODERN else "ping"
    method, params = ("resources/read", {"uri": uri}) if uri else (empty, {})
    took = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        await ask(method, params)
        took.append(time.perf_counter() - begun)
    return min(took) * 1000


async def _dropped(ask: Ask, offering: Offering) -> AsyncIterator[tuple[Kind, str]]:
    """Yield what the server lists and the gateway's own reading of the same list left out."""
    known = {(each.kind, each.name) for each in offering.definitions}
    for kind, method, field, needed, key in _LISTS:
        if needed not in offering.capabilities:
            continue
        for name in {_name(entry, key) for entry in await _entries(ask, method, field)}:
            if (kind, name) not in known:
                yield kind, name


def _name(entry: object, key: str) -> str:
    name = entry.get(key) if isinstance(entry, dict) else None
    return name if isinstance(name, str) and name else "without a name"


async def _entries(ask: Ask, method: str, field: str) -> list[Any]:
    entries: list[Any] = []
    params: dict[str, Any] = {}
    for _ in range(_PAGES):
        result = (await ask(method, params)).get("result")
        page = result.get(field) if isinstance(result, dict) else None
        entries += page if isinstance(page, list) else []
        following = result.get("nextCursor") if isinstance(result, dict) else None
        if not isinstance(following, str):
            break
        params = {"cursor": following}
    return entries


def _wishes(side: Side) -> Json:
    """Return all that may be asked of a listen stream: of what is not announced, an answer would mean nothing."""
    lists = {key: True for name, key in LISTS.items() if name in side.capabilities}
    return {**lists, "resourceSubscriptions": list(_resources(side)[:1])}


async def _honoured(way: Wire, wishes: Json, deadline: float) -> Json | None:
    """Return what a listen stream acknowledges; it is closed as soon as it has."""
    acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

    async def hear(message: dict[str, Any]) -> None:
        params = message.get("params")
        if message.get("method") == _ACKNOWLEDGED and isinstance(params, dict) and not acknowledged.done():
            acknowledged.set_result(params.get("notifications") or {})

    params = {"notifications": wishes, "_meta": dict(modern.envelope(NOTHING))}
    method = "subscriptions/listen"
    message, lines = request(way.mint(), method, params), modern.fields(method, "")
    stream: asyncio.Future[Any] = asyncio.ensure_future(way.request(message, lines, deadline, hear))
    waited: set[asyncio.Future[Any]] = {stream, acknowledged}
    await asyncio.wait(waited, timeout=_LISTENING, return_when=asyncio.FIRST_COMPLETED)
    stream.cancel()
    await asyncio.wait({stream})
    return acknowledged.result() if acknowledged.done() else None


# One call, where it was asked for


class _Declining:
    """Answers every question of a server by declining, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    async def notify(self, method: str, params: Json) -> None:
        """Hear what comes beside the answer."""

    async def ask(self, method: str, params: Json) -> Json:  # noqa: ARG002 - the port's shape
        """Decline."""
        self.asked.add(method)
        declined = _DECLINED.get(method)
        return {"result": declined} if declined is not None else refusal("ostiary probe answers no questions")


async def _called(hub: Hub, name: str, side: Side, errand: Errand, deadline: float) -> Json:
    back, params = _Declining(), {"name": errand.tool, "arguments": dict(errand.arguments)}
    answer: Json = {}
    for _ in range(_ROUNDS):
        raw = await hub.send(_order(name, side, errand.tool, params, deadline), back)
        answer = raw.get("result") or raw.get("error") or {}
        if answer.get("resultType") != "input_required":
            break
        requests = answer.get("inputRequests") or {}
        responses = {key: _DECLINED.get(str(each.get("method"))) for key, each in requests.items()}
        back.asked |= {str(each.get("method")) for each in requests.values()}
        if None in responses.values():
            # A client of this era cannot refuse to sample; it can only stay away.
            answer = {}
            break
        params = {**params, "inputResponses": responses, **_state(answer)}
    return {"asked": sorted(back.asked), "answer": dict(answer)}


def _state(answer: Json) -> dict[str, Any]:
    return {"requestState": answer["requestState"]} if "requestState" in answer else {}


def _order(name: str, side: Side, tool: str, params: Mapping[str, Any], deadline: float) -> Order:
    version = MODERN if side.era is Era.MODERN else HANDSHAKES[-1]
    client = Client(side.era, version, declared(EVERYTHING), EVERYTHING, {})
    call = Call(1, "tools/call", tool, dict(params), client)
    schema = side.definitions.get((Kind.TOOL, tool), {}).get("inputSchema")
    mirrored = headers.mirrored(schema) if isinstance(schema, dict) else ()
    target = Target(name, Kind.TOOL, tool, f"{name}.{tool}", tool, mirrored=mirrored)
    return Order(call, target, Caller(GATEWAY, "", GATEWAY, "", 0.0), deadline, "probe")


# Both sides


async def directly(hub: Hub, setup: Setup, errand: Errand) -> list[Side]:
    """Return what a server says in each era that it speaks; the first is the one it prefers."""
    other = msgspec.structs.replace(setup, name=f"{setup.name} once more", era=str(Era.HANDSHAKE))
    await hub.configure([setup, other])
    first = await heard(hub, setup.name, errand)
    if first.failed or first.era is not Era.MODERN or setup.era != "auto":
        return [first]
    second = await heard(hub, other.name, errand)
    return [first] if second.failed else [first, second]


async def through(hub: Hub, gateway: Setup, errand: Errand) -> list[Side]:
    """Return what the gateway says of a server, to a client of each era."""
    setups = [
        msgspec.structs.replace(gateway, name=f"{gateway.name} {era}", era=str(era))
        for era in (Era.MODERN, Era.HANDSHAKE)
    ]
    await hub.configure(setups)
    return [await heard(hub, each.name, errand) for each in setups]


# What servers offer, and nothing else


async def asked(setups: list[Setup], patience: float) -> dict[str, Offering | str]:
    """Ask every server what it offers, all at once; a text says why one could not be asked."""
    hub = Hub(base_environment())
    async with hub.supervisor:
        await hub.configure(setups)
        deadline = asyncio.get_running_loop().time() + patience
        try:
            answers = await asyncio.gather(*(_offered(hub, each.name, deadline) for each in setups))
        finally:
            await hub.close()
    return {each.name: answer for each, answer in zip(setups, answers, strict=True)}


async def _offered(hub: Hub, name: str, deadline: float) -> Offering | str:
    try:
        async with asyncio.timeout_at(deadline + 1):
            return await hub.offered(name, NOTHING, deadline, time.time())
    except GatewayError as error:
        return error.detail or error.message
    except TimeoutError:
        return "it did not answer in time"
