"""What is usual for callers, in a running gateway, and an alarm where one is not themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
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
_NAME: Final = 128
_MOST: Final = 50_000
"""Different calls of one second that are told apart; of more only the first are learnt from."""
_BY: Final = "anomalies"


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
        self._heard: dict[tuple[Any, ...], list[Any]] = {}
        self._seconds = 0
        self.alarms = 0

    def annex(self) -> Annex:
        """Return what the gateway has to do for it."""
        return Annex("anomalies", hears=self._hear, chores=(self._observe,), close=self._keep)

    def _hear(self, trail: Trail) -> None:
        # Calls that are alike are learnt from together: what is kept of a call costs less than looking at it.
        caller = trail.caller
        if caller is None:
            return
        key = (trail.told or trail.reference, trail.outcome)
        heard = self._heard.get(key)
        if heard is not None:
            heard[0] += 1
            heard[1] += trail.request_bytes
            heard[2] += trail.answer_bytes
        elif len(self._heard) < _MOST:
            self._heard[key] = [1, trail.request_bytes, trail.answer_bytes, trail]

    async def _observe(self) -> None:
        """Learn from the calls of the last second: a chore."""
        heard, self._heard = self._heard, {}
        for at, (count, sent, got, trail) in enumerate(heard.values()):
            seen = _seen(trail, count, sent, got)
            found = self._watcher.observe(seen) if seen is not None else None
            if found is not None:
                await self._alarm(found, trail.caller)
            if not at % 64:
                await asyncio.sleep(0)
        self._seconds += 1
        if not self._seconds % _SAVE:
            await self._keep()

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

    async def _keep(self) -> None:
        """Write down what was learnt; the loop is held for the encoding only."""
        await asyncio.to_thread(habits.keep, self._data, msgspec.msgpack.encode(self._watcher))


def _seen(trail: Trail, count: int, sent: int, got: int) -> Seen | None:
    caller, call, target, outcome = trail.caller, trail.call, trail.target, trail.outcome
    if caller is None or call is None or (target is not None and not target.server):
        return None
    tool = target.label if target is not None else call.name or call.method
    program = call.client.info.get("name")
    return Seen(
        trail.time, f"{caller.issuer} {caller.subject}", tool[:_NAME], caller.client,
        program[:_NAME] if isinstance(program, str) else "", network(trail.message.peer),
        outcome in DENIED, failed(outcome), sent, got, count,
    )  # fmt: skip
