"""Show payloads to guards, in the configuration's order, and go on with what they left of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

import msgspec
from msgspec import Struct

from ostiary.core.errors import BadArguments, Blocked
from ostiary.core.model import Call, Caller, Json, Order, Target
from ostiary.core.ports import Back, Wish
from ostiary.core.rules import Run
from ostiary.core.screening import (
    Block,
    Fence,
    Hold,
    Looked,
    Looks,
    Note,
    Pass,
    Path,
    Payload,
    Record,
    Redact,
    Screen,
    Side,
    Text,
    Verdict,
)
from ostiary.core.trail import Trail
from ostiary.pipeline.runs import traced
from ostiary.pipeline.world import World
from ostiary.protocol import modern
from ostiary.protocol.leaves import replaced, words

_UNSAID: Final = frozenset({"_meta", "name", "ref", "requestState", "taskId", "cursor"})
"""Parameters that address or continue a call: a guard that changed one would ask for something else."""
_HANDLES: Final = {(*before, name) for before in ((), ("result",)) for name in ("taskId", "requestState", "nextCursor")}
"""What servers hand out leaves sealed: nobody reads it, and a call could not go on with another."""
_RIGID: Final = frozenset({"uri"})
_ENVELOPE: Final = frozenset({modern.VERSION, modern.CAPABILITIES, modern.INFO, modern.LEVEL, "progressToken"})
"""Members of `_meta` that are said to the gateway, which says its own to servers."""
_TRACE: Final = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""The name of a trace (W3C Trace Context, section 3.2.2) is no words, and means nothing any more when it is changed."""
_WINDOW: Final = 86_400.0
"""Seconds of one run of a caller's program that names neither a session nor a trace."""
_KINDS: Final = 8


class About(Struct, frozen=True):
    """Whose words they are."""

    target: Target
    method: str
    run: str
    caller: Caller
    asked: Json
    """What the call that they belong to asks for, as it came."""
    tracked: Run | None = None
    """The run of whose answers it counts what is found in them; None where no rule asks."""


async def asked(call: Call, caller: Caller, target: Target, world: World, trail: Trail) -> Call:
    """Show what a client says to the guards; return the call with what they left of it."""
    if not target.guards_in:
        return call
    about = About(target, call.method, run(call, caller, world.time()), caller, _essence(call))
    said = {key: value for key, value in call.params.items() if key not in _UNSAID}
    if others := _others(call.params.get("_meta")):
        said["_meta"] = others
    left = await _screened(said, target.guards_in, Side.REQUEST, about, (world, trail))
    if left is said:
        return call
    if others:
        left = {**left, "_meta": {**call.params["_meta"], **left["_meta"]}}
    if target.check is not None and isinstance(left.get("arguments"), dict):
        # What a guard put there has to fit the approved schema as well: nothing else reaches a server.
        try:
            target.check(left["arguments"])
        except BadArguments as error:
            # What it shows may be what a token stands for; where it stands is all that anybody hears.
            raise BadArguments(error.detail, hint=error.detail) from None
    return msgspec.structs.replace(call, params={**call.params, **left})


def _others(meta: Any) -> dict[str, Any]:
    """Return what `_meta` says to a server beside what is said to the gateway: it goes on like any argument."""
    if not isinstance(meta, dict):
        return {}
    return {key: value for key, value in meta.items() if key not in _ENVELOPE and not _names_a_trace(key, value)}


def _names_a_trace(key: str, value: Any) -> bool:
    return key == "traceparent" and isinstance(value, str) and _TRACE.fullmatch(value) is not None


async def wished(uri: str, order: Order, world: World, record: Record) -> None:
    """Show a URI that somebody wants to watch to the guards of the order's target: it goes to the server as it is."""
    if order.target.guards_in:
        about = _about(order, world)
        await _screened({"uri": uri}, order.target.guards_in, Side.REQUEST, about, (world, record))


async def told(raw: Json, order: Order, world: World, trail: Trail) -> Json:
    """Show what a server answers to the guards; return what they left of it."""
    about = _about(order, world, trail.run)
    said = {key: value for key, value in raw.items() if key in {"result", "error"}}
    left = await _screened(said, order.target.guards_out, Side.ANSWER, about, (world, trail))
    return raw if left is said else {**raw, **left}


async def pushed(said: Json, order: Order, world: World, tracked: Run | None) -> tuple[Json, Looks]:
    """Show what a server says without being asked to the guards of the order's target; return what they left of it."""
    looks = Looks()
    about = _about(order, world, tracked)
    return await _screened(said, order.target.guards_out, Side.ANSWER, about, (world, looks)), looks


class Screened:
    """A way back to the client on which every message passes the guards, both ways."""

    def __init__(self, back: Back, order: Order, world: World, trail: Trail) -> None:
        self._back, self._order, self._around = back, order, (world, trail)
        self._about = _about(order, world, trail.run)

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on."""
        await self._back.notify(method, await self._out(method, params))

    async def ask(self, method: str, params: Json) -> Json:
        """Put a server's question to the client, and return what the client answers."""
        answer = await self._back.ask(method, await self._out(method, params))
        about = msgspec.structs.replace(self._about, method=method)
        return await _screened(answer, self._order.target.guards_in, Side.REQUEST, about, self._around)

    async def _out(self, method: str, params: Json) -> Json:
        about = msgspec.structs.replace(self._about, method=method)
        return await _screened(params, self._order.target.guards_out, Side.ANSWER, about, self._around)


def _about(order: Order, world: World, tracked: Run | None = None) -> About:
    call, caller = order.call, order.caller
    return About(order.target, call.method, run(call, caller, world.time()), caller, _essence(call), tracked)


def _essence(call: Call) -> Json:
    """Return what a call asks for, without what is said about it."""
    return {key: value for key, value in call.params.items() if key not in {"_meta", "requestState"}}


def run(call: Call, caller: Caller, now: float) -> str:
    """Name the agent run that a call belongs to: its session, its trace, or its program's day; bound to its caller."""
    client = call.client
    whose = f"{caller.issuer}\n{caller.subject}\n{caller.client}\n"
    if client.session:
        return f"{whose}session:{client.session}"
    trace = traced(call.params.get("_meta"))
    if trace:
        return f"{whose}trace:{trace}"
    program = client.info.get("name")
    return f"{whose}program:{program if isinstance(program, str) else ''}:{int(now / _WINDOW)}"


async def _screened(
    said: Json, screens: tuple[Screen, ...], side: Side, about: About, around: tuple[World, Record]
) -> Json:
    """Return what the guards leave of a payload, the same object where they leave it as it is."""
    for screen in screens:
        # What one guard replaced is what the next one reads.
        payload = _payload(said, side, about)
        verdict = await looked(screen, payload, around[0].clock, around[1])
        if side is Side.ANSWER and about.tracked is not None and not isinstance(verdict, Pass):
            # What was found may have told the model something, whatever is left of it; in a rehearsal it all did.
            around[0].runs.found(about.tracked, screen.name, around[0].clock())
        if screen.shadow or isinstance(verdict, Pass | Note):
            continue
        if isinstance(verdict, Block):
            raise Blocked(f"{screen.name}: {verdict.finding}", hint=f"{screen.name}: {verdict.finding}")
        if isinstance(verdict, Hold):
            by = await around[0].approve(_wish(screen, verdict, side, about))
            around[1].findings.append(f"{screen.name}: approved by {by}")
            continue
        said = replaced(said, _replaceable(screen, verdict, payload))
        if isinstance(verdict, Fence):
            said = _told_of(said, verdict.meta)
    return said


def _wish(screen: Screen, verdict: Hold, side: Side, about: About) -> Wish:
    """Return what a person is asked: whether this call, with these arguments, may go on past this guard."""
    caller, label = about.caller, about.target.label
    by, reason = f"{screen.name}/{side.value}", f"{screen.name}: {verdict.finding}"
    return Wish(caller.issuer, caller.subject, caller.client, label, about.method, by, reason, about.asked)


def _told_of(said: Json, meta: Mapping[str, Any]) -> Json:
    """Return a payload that says in `_meta` of what it carries how it was marked."""
    if said.keys() <= {"result", "error"}:
        # An error has no `_meta`.
        result = said.get("result")
        return {**said, "result": _marked(result, meta)} if isinstance(result, dict) else said
    return _marked(said, meta)


def _marked(said: Json, meta: Mapping[str, Any]) -> Json:
    """Return a result, or parameters, with its `_meta`; of a task, with that of the result that it came to."""
    inner = said.get("result")
    if isinstance(inner, dict) and isinstance(said.get("taskId"), str):
        return {**said, "result": _marked(inner, meta)}
    known = said.get("_meta")
    return {**said, "_meta": {**(known if isinstance(known, dict) else {}), **meta}}


async def looked(screen: Screen, payload: Payload, clock: Callable[[], float], trail: Record) -> Verdict:
    """Ask one guard, and write down that it was asked; one that cannot say anything stops the call."""
    started = clock()
    verdict: Verdict | None = None
    try:
        async with asyncio.timeout(screen.timeout):
            verdict = await screen.look(payload)
    except TimeoutError:
        reason = f"it took longer than {screen.timeout:g} s"
    except Exception as error:  # noqa: BLE001 - a guard may be anybody's code, and whatever it raises stops the call
        reason = f"it failed with {type(error).__name__}"
    word = "failed" if verdict is None else type(verdict).__name__.lower()
    word = f"would-{word}" if screen.shadow and word not in {"pass", "note"} else word
    trail.looked.append(Looked(screen.name, payload.side, word, clock() - started))
    if verdict is None:
        trail.findings.append(f"{screen.name}: {reason}")
        return Block(f"the guard could not look: {reason}")
    finding = _finding(verdict)
    if finding:
        trail.findings.append(f"{screen.name}: {'would: ' if screen.shadow else ''}{finding}")
    return verdict


def _finding(verdict: Verdict) -> str:
    match verdict:
        case Pass():
            return ""
        case Note(finding) | Redact(finding) | Fence(finding) | Hold(finding) | Block(finding):
            return finding
    assert_never(verdict)


def _replaceable(screen: Screen, verdict: Redact | Fence, payload: Payload) -> Mapping[Path, str]:
    """Return what a guard wants replaced; where that cannot be, the call is stopped instead."""
    if verdict.replace.keys() <= {text.path for text in payload.texts if not text.rigid}:
        return verdict.replace
    said = f"{screen.name}: {verdict.finding}, in a name, a number, a file or an address, where it cannot be replaced"
    raise Blocked(said, hint=said)


def _payload(said: Json, side: Side, about: About) -> Payload:
    texts: list[Text] = []
    unread: list[str] = []
    for word in words(said):
        if isinstance(word, str):
            unread.append(word)
        elif side is Side.ANSWER and word.path in _HANDLES:
            continue
        elif side is Side.REQUEST and word.path[0] in _RIGID:
            texts.append(msgspec.structs.replace(word, rigid=True))
        else:
            texts.append(word)
    target = about.target
    kinds = tuple(sorted(set(unread)))[:_KINDS]
    return Payload(side, target.server, target.label, about.method, about.run, tuple(texts), kinds, target.flows)
