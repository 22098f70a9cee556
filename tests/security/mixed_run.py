"""Run the mixture against a gateway in front of every kind of server, and say which claims do not hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ostiary.config.schema import Server
from tests.e2e.rig import Rig, Upstream, process, rig, upstream
from tests.security import raw
from tests.security.mixed_asking import DEEDS
from tests.security.mixture import LIVES, PATIENCE, PLACES, TIMEOUT, Mixture, Tally
from tests.security.vitals import Vital, Vitals, least, most, thirds

Json = dict[str, Any]

CALLERS: Final = 30
EVERY: Final = 3.0
"""Seconds between two looks."""
MOST_GROWTH_MB: Final = 5.0
MOST_MB: Final = 256.0
MOST_TROUBLE: Final = 0.05
"""The share of calls that may end badly because a server went away."""
SLACK: Final = 4
"""Descriptors: a database's second file, a connection that is being closed."""
UPSTREAM_IDLE: Final = 640.0
"""Seconds after which a session with a server that nobody uses is certainly ended: ten minutes and a sweep."""
OWN: Final = 3
"""Sessions of the gateway's own with one server: one for each set of capabilities that its clients declare."""
SERVED: Final = (
    "answers", "progress", "log messages", "cancelled", "hang-ups", "lost upstream", "states refused",
    "thefts refused", "questions that expired", "change streams", "sessions ended", "sessions ended amid calls",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway and what stands behind it."""

    rig: Rig
    servers: Mapping[str, Upstream]
    """Those over HTTP."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every server there is."""
        return tuple(place.name for place in PLACES if place.name in self.servers or place.callers)

    async def asked(self, path: str) -> dict[str, Json]:
        """Return what each server answers to a question of ours."""
        ask = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        return {name: json.loads((await raw.once(at.port, ask)).body) for name, at in self.servers.items()}


@contextmanager
def stage(folder: Path, callers: int = CALLERS, hiccup: float = 20.0) -> Iterator[Stage]:
    """Run the gateway in front of every kind of server; each goes away for a moment every `hiccup` seconds."""
    ways = {"modern": "modern", "session": "handshake", **({"events": "sse"} if "sse" in Server.model_fields else {})}
    with ExitStack() as stack:
        servers = {
            # They do not go away all at once.
            name: stack.enter_context(upstream("tests.security.mixed_http", way, name, str(hiccup + 3 * number)))
            for number, (name, way) in enumerate(ways.items())
        }
        common: Json = {"max_in_flight": 512, "timeout": f"{TIMEOUT}s", "refresh": "60s"}
        settings = {name: _settings(ways[name], at, common) for name, at in servers.items()}
        settings["pipe"] = process("tests.security.mixed_stdio", "pipe", idle="3s", **common)
        section = {
            "timeouts": {"answer": f"{PATIENCE}s", "session": f"{LIVES + 2 * TIMEOUT:.0f}s"},
            "unsafe_open_metrics": True,
        }
        allowed = [pattern for name in settings for pattern in (f"{name}.*", f"{name}:*")]
        rules = [{"name": "everyone", "allow": allowed, "subjects": ["*"]}]
        yield Stage(stack.enter_context(rig(folder, settings, callers, rules=rules, gateway=section)), servers)


def _settings(way: str, at: Upstream, common: Json) -> Json:
    settings = at.settings(**common)
    if way == "sse":
        settings["sse"] = settings.pop("url").replace("/mcp", "/sse")
    return settings


@dataclass(slots=True)
class Course:
    """How a run went."""

    tally: Tally
    before: Vital
    busy: list[Vital]
    resting: list[Vital]
    states: dict[str, Json]
    rest: float

    def lines(self) -> list[str]:
        """Return the figures for people."""
        first, last = thirds(self.busy)
        peak, end = most(self.busy), least(self.resting)
        way = " ".join(f"{each.memory_mb:.0f}" for each in self.busy[:: max(1, len(self.busy) // 15)])
        servers = [
            f"server {name}: " + ", ".join(f"{count:,} {what}" for what, count in state.items() if count)
            for name, state in self.states.items()
        ]
        return [
            *self.tally.lines(),
            f"before:          {self.before.line()}",
            f"at most:         {peak.line()}",
            f"after {self.rest:.0f} s rest: {end.line()}",
            f"memory after the warm-up: {first:.1f} MB in the first third, {last:.1f} MB in the last; MB on the way: {way}",
            *servers,
        ]

    def broken(self) -> list[str]:
        """Return the claims that do not hold."""
        return [*self.tally.wrong, *self._missing(), *self._grown(), *self._kept(), *self._kept_by_servers()]

    def _missing(self) -> list[str]:
        done, trouble = self.tally.done, self.tally.trouble.total()
        missing = [f"the run held no {deed}" for deed in SERVED if not done[deed]]
        if most(self.busy).suspended < 1:
            missing.append("no call was ever seen suspended")
        if trouble > MOST_TROUBLE * done["requests"]:
            missing.append(f"{trouble:,} of {done['requests']:,} requests failed because their server had gone away")
        return missing

    def _grown(self) -> list[str]:
        # What is remembered within bounds (journals, tokens of sessions, links) takes its time to fill; then it is flat.
        first, _ = thirds(last := self.busy[-max(3, len(self.busy) // 3) :])
        _, end = thirds(last)
        grown = (
            [f"memory still grew at the end, from {first:.1f} to {end:.1f} MB"] if end - first > MOST_GROWTH_MB else []
        )
        peak = most(self.busy).memory_mb
        return [*grown, *([f"memory rose to {peak:.1f} MB"] if peak > MOST_MB else [])]

    def _kept(self) -> list[str]:
        end, before = least(self.resting), self.before
        held = {
            "descriptors": (end.descriptors, before.descriptors + SLACK),
            "processes": (end.processes, before.processes),
            "suspended calls": (end.suspended, 0),
            "calls in flight": (end.in_flight, 0),
        }
        return [
            f"{now:.0f} {what} after {self.rest:.0f} s at rest: {limit:.0f} at most"
            for what, (now, limit) in held.items()
            if now > limit
        ]

    def _kept_by_servers(self) -> list[str]:
        return [
            f"the server {name} still has {state[what]} {what} at the end: {limit} at most"
            for name, state in self.states.items()
            for what, limit in self._limits(name).items()
            if state[what] > limit
        ]

    def _limits(self, name: str) -> dict[str, int]:
        """Return what a server may hold open at the end: what the gateway itself uses to hear of changes."""
        nothing = {"running": 0, "waiting": 0}
        if self.rest >= UPSTREAM_IDLE:
            nothing["sessions"] = OWN
        # With the transport of 2024-11-05 every session has a stream, and goes when it was idle for long enough.
        piped = any(place.name == name and place.piped for place in PLACES)
        if piped and self.rest < UPSTREAM_IDLE:
            return nothing
        return {**nothing, "streams": OWN if piped else 1, "connections": OWN + 2}


async def course(on: Stage, vitals: Vitals, seconds: float, warm: float, rest: float, pace: float, seed: int) -> Course:
    """Do everything for so many seconds, let the gateway rest, and return how it went; `warm` is not judged."""
    await vitals.at_rest(2.0, 0.5)
    before = most(vitals.seen)
    started = before.seconds
    watching = asyncio.get_running_loop().create_task(vitals.watch(min(EVERY, seconds / 20)))
    try:
        tally = await Mixture(on.rig, on.names, seed).run(DEEDS, seconds, pace)
    finally:
        watching.cancel()
    busy = [each for each in vitals.seen if started + warm < each.seconds < started + seconds]
    # What goes away takes its leaks along; what cannot be waited for until it is idle may go.
    await on.asked("/calm" if rest >= UPSTREAM_IDLE else "/rest")
    resting = await vitals.at_rest(rest, EVERY)
    return Course(tally, before, busy, resting[-8:], await on.asked("/state"), rest)
