"""Agent runs that go in circles are warned, slowed down or stopped, as the configuration says."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from ostiary.behaviour.loops import Astray, Courses, Watch
from ostiary.core.errors import Runaway
from ostiary.core.model import Answer, Call, Caller, Json, Kind, Target
from ostiary.core.trail import Trail
from ostiary.pipeline.runs import named
from ostiary.protocol.jsonrpc import encode

Then = Literal["warn", "slow", "stop"]
WARNING: Final = "ostiary/warning"
"""Where a result's `_meta` has the warning, for programs."""
_SLOWEST: Final = 30.0
_KEPT: Final = 1_024


class Group(Struct, frozen=True):
    """Lines of the configuration that look at the same calls of the same runs."""

    per: Literal["run", "caller"]
    covers: Callable[[str], bool]
    """Label of a tool → whether it is counted."""
    watches: tuple[Watch, ...]
    then: tuple[Then, ...]
    """What follows, for each of `watches`."""


Way = tuple[tuple[Group, Courses, tuple[str, ...]], ...]
"""What looks at the calls of one tool by one caller's run, and what it remembers them as: the same for all of these."""


class Pacing:
    """Takes each call of a tool into account, and says what its run does wrong by it."""

    def __init__(self) -> None:
        """Watch for nothing, until the configuration says otherwise."""
        self.on = False
        """Whether anything is watched for: asked before each call, for most gateways watch for nothing."""
        self._groups: tuple[Group, ...] = ()
        self._courses: tuple[Courses, ...] = ()
        self._found: OrderedDict[tuple[str, ...], tuple[str, Then, Astray]] = OrderedDict()
        """What the short way found of a call that it has left to `serve`: it is not to be counted twice."""

    def configure(self, groups: tuple[Group, ...]) -> None:
        """Watch for this from now on; other groups than before begin with an empty memory."""
        self._groups, self.on = groups, bool(groups)
        self._courses = tuple(Courses() for _ in groups)
        self._found.clear()

    def way(self, call: Call, caller: Caller, target: Target) -> Way:
        """Return what looks at calls like this one; nothing: they go unwatched. It holds until the next `configure`."""
        return tuple(
            (group, courses, _whose(group.per, call, caller))
            for group, courses in zip(self._groups, self._courses, strict=True)
            if group.covers(target.label)
        )

    def quiet(self, way: Way, call: Call, whose: tuple[Caller, Target], arguments: bytes, now: float) -> bool:
        """Count a call, and say whether nothing is wrong with it; otherwise `found` says again what is."""
        caller, target = whose
        found = _step(way, target.label, hash(arguments), len(arguments), now)
        if found is None:
            return True
        self._found[_whose("run", call, caller)] = (target.label, *found)
        if len(self._found) > _KEPT:
            self._found.popitem(last=False)
        return False

    def found(self, call: Call, caller: Caller, target: Target, now: float) -> tuple[Then, Astray] | None:
        """Count a call, and return what its run does wrong by it, if anything."""
        if target.kind is not Kind.TOOL or not self.on:
            return None
        said = self._found.pop(_whose("run", call, caller), None)
        if said is not None and said[0] == target.label:
            return said[1], said[2]
        arguments = encode(call.params.get("arguments"))
        return _step(self.way(call, caller, target), target.label, hash(arguments), len(arguments), now)


def _step(way: Way, label: str, key: int, size: int, now: float) -> tuple[Then, Astray] | None:
    worst: tuple[Then, Astray] | None = None
    at = (hash((label, key)), size)
    for group, courses, whose in way:
        astray = courses.step(whose, group.watches, label, at, now)
        if astray is not None:
            then = group.then[group.watches.index(astray.watch)]
            if worst is None or _HARDER[then] > _HARDER[worst[0]]:
                worst = then, astray
    return worst


_HARDER: Final = {"warn": 0, "slow": 1, "stop": 2}


async def paced(call: Call, caller: Caller, target: Target, pacing: Pacing, trail: Trail) -> None:
    """Count a call, and let it go on, warned or later, or raise `Runaway`: before it takes anybody's place."""
    if pacing.on:
        await kept(pacing.found(call, caller, target, trail.started), trail, target.timeout)


async def kept(found: tuple[Then, Astray] | None, trail: Trail, most: float) -> None:
    """Let a call go on, warned or later, or raise `Runaway`; the ledger says which, and why.

    `most` is how many seconds the call may take.
    """
    if found is None:
        return
    then, astray = found
    trail.findings.append(f"runaway {astray.watch.name}: {astray.said} ({then})")
    if then == "stop":
        hint = f"{astray.said}; stop repeating it, or wait {astray.wait:.0f} s and do something else"
        raise Runaway(f"{astray.watch.name}: {astray.said}", hint=hint, retry_after=astray.wait)
    trail.warning = f"Note by the gateway: {astray.said}. If this is not meant, stop and do something else."
    if then == "slow":
        await asyncio.sleep(min(2.0 ** min(astray.times - astray.watch.most, 5), _SLOWEST, most / 2))


def warned(answer: Answer, trail: Trail) -> Answer:
    """Return an answer with the warning in it, where a model and where a program looks for one."""
    result = answer.payload.get("result") if trail.warning and answer.payload is not None else None
    if not isinstance(result, dict) or not isinstance(result.get("content"), list):
        return answer
    meta: Any = result.get("_meta")
    told: Json = {
        **result,
        "content": [*result["content"], {"type": "text", "text": trail.warning}],
        "_meta": {**(meta if isinstance(meta, dict) else {}), WARNING: trail.warning},
    }
    return msgspec.structs.replace(answer, payload={**(answer.payload or {}), "result": told})


def _whose(per: str, call: Call, caller: Caller) -> tuple[str, ...]:
    who = (caller.issuer, caller.subject)
    return who if per == "caller" else (*who, caller.client, *named(call))
