"""What is usual for callers, in a running gateway, and an alarm where one is not themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Engine

from ostiary.adapters.store import habits, quarantines
from ostiary.behaviour.habits import Seen
from ostiary.behaviour.judging import Anomaly
from ostiary.config.behaviour import Anomalies
from ostiary.core.model import Caller
from ostiary.core.trail import Trail
from ostiary.entry.annexes import Annex
from ostiary.operate.recalled import DENIED, failed, network
from ostiary.policy.quarantine import Quarantine

log: Final = structlog.get_logger(__name__)

_SAVE: Final = 600
"""Seconds after which what was learnt is written down."""
_TOGETHER: Final = 5
"""Seconds of which calls that are alike are learnt from together: callers repeat themselves more than that."""
_NAME: Final = 128
_MOST: Final = 50_000
"""Different calls of these seconds that are told apart; of more only the first are learnt from."""
_BY: Final = "anomalies"


class _Heard(Struct, gc=False):
    """Calls of a few seconds that are alike; it refers to nothing that could refer to it."""

    seen: Seen | None
    caller: Caller
    count: int
    sent: int
    got: int
    """Bytes of requests and of answers."""


class Observing:
    """Learns what is usual for callers, and raises an alarm where one is not themselves."""

    def __init__(
        self,
        section: Anomalies,
        data: Path,
        engine: Engine,
        event: Callable[[str, Mapping[str, Any]], None],
        moved: Callable[[], None],
    ) -> None:
        """`event` writes into the ledger, `moved` says that the database has changed."""
        self._section, self._data, self._engine, self._event, self._moved = section, data, engine, event, moved
        self._watcher = habits.remembered(data)
        self._heard: dict[tuple[bytes | str, str], _Heard] = {}
        self._seconds = 0
        self.alarms = 0

    def annex(self) -> Annex:
        """Return what the gateway has to do for it."""
        return Annex("anomalies", hears=self._hear, chores=(self._observe,), close=self._close)

    def _hear(self, trail: Trail) -> None:
        caller = trail.caller
        if caller is None:
            return
        # Calls that are alike are learnt from together: what is kept of a call costs less than looking at it. The call
        # itself is let go: kept for seconds, thousands of them are what the collector of cycles walks through.
        key = (trail.told or trail.reference, trail.outcome)
        heard = self._heard.get(key)
        if heard is not None:
            heard.count += 1
            heard.sent += trail.request_bytes
            heard.got += trail.answer_bytes
        elif len(self._heard) < _MOST:
            self._heard[key] = _Heard(_seen(trail), caller, 1, trail.request_bytes, trail.answer_bytes)

    async def _observe(self) -> None:
        """Learn from the calls of the last seconds, when it is time to: a chore."""
        self._seconds += 1
        if self._seconds % _TOGETHER == 0:
            await self._learn()
        if self._seconds % _SAVE == 0:
            await self._keep()

    async def _learn(self) -> None:
        heard, self._heard = self._heard, {}
        for at, one in enumerate(heard.values()):
            if one.seen is not None:
                seen = replace(one.seen, count=one.count, sent=one.sent, got=one.got)
                found = self._watcher.observe(seen)
                if found is not None:
                    await self._alarm(found, one.caller)
            if not at % 64:
                await asyncio.sleep(0)

    async def _alarm(self, found: Anomaly, caller: Caller) -> None:
        self.alarms += 1
        facts = {
            "subject": caller.subject, "issuer": caller.issuer, "score": found.score, "kinds": list(found.kinds),
            "reasons": list(found.reasons),
        }  # fmt: skip
        log.warning("a caller is not themselves", **facts)
        self._event("anomaly", facts)
        shut = self._section.quarantine
        if shut is not None and found.score >= shut.score:
            expires = found.at + shut.lasting
            until = Quarantine(
                quarantines.ident(), "person", caller.subject, "; ".join(found.reasons)[:500], _BY, found.at,
                caller.issuer, expires,
            )  # fmt: skip
            await asyncio.to_thread(quarantines.add, self._engine, until)
            self._moved()

    async def _close(self) -> None:
        await self._learn()
        await self._keep()

    async def _keep(self) -> None:
        """Write down what was learnt; the loop is held for the encoding only."""
        await asyncio.to_thread(habits.keep, self._data, msgspec.msgpack.encode(self._watcher))


def _seen(trail: Trail) -> Seen | None:
    """Return what is learnt from of a call, and of those that are like it."""
    caller, call, target, outcome = trail.caller, trail.call, trail.target, trail.outcome
    if caller is None or call is None or (target is not None and not target.server):
        return None
    tool = target.label if target is not None else call.name or call.method
    program = call.client.info.get("name")
    return Seen(
        trail.time, f"{caller.issuer} {caller.subject}", tool[:_NAME], caller.client,
        program[:_NAME] if isinstance(program, str) else "", network(trail.message.peer),
        outcome in DENIED, failed(outcome),
    )  # fmt: skip
