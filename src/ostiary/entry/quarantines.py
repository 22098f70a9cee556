"""What this process knows to be shut out: looked at anew whenever the generation has moved, before the next call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ostiary.core.errors import Overloaded, Quarantined
from ostiary.core.model import Caller, Inbound, Snapshot, Target
from ostiary.core.ports import Identify, Standing
from ostiary.operate.revise import Revisions
from ostiary.policy.quarantine import CALLERS, NONE, RULE, Marks, Quarantine, marks

log: Final = structlog.get_logger(__name__)
_ASK: Final = "whoever runs this gateway has shut this caller out for now; ask them"

Read = Callable[[], list[Quarantine]]
"""The quarantines that stand at this moment. Blocks, for as long as reading a few rows takes."""


class Quarantines:
    """Stands before the snapshot and before whoever is identified."""

    def __init__(
        self, read: Read, generation: Callable[[], int], revisions: Revisions, time: Callable[[], float]
    ) -> None:
        """Know what is shut out; raise where that cannot be known, for nothing may be served then."""
        self._read, self._generation, self._revisions, self._time = read, generation, revisions, time
        self.marks: Marks = NONE
        self.standing: tuple[Quarantine, ...] = ()
        self.reads = self.changes = 0
        """How often it was looked at, and how often that changed anything: what goes on beside calls compares them."""
        self._until, self._blind = math.inf, False
        self._counted = generation()
        self._take(self._counted, read())

    def current(self) -> Snapshot:
        """Return the snapshot that every new call sees. It neither waits nor raises, and costs eight bytes compared."""
        if self._generation() != self._counted:
            self._look()
        return self._revisions()

    def look(self) -> None:
        """Take in what was quarantined, lifted, or is over by now."""
        if self._generation() != self._counted or self._until <= self._time():
            self._look()

    def _look(self) -> None:
        counted = self._generation()
        try:
            found = self._read()
        except SQLAlchemyError as error:
            self._lose(error)
            return
        self._take(counted, found)

    def _take(self, counted: int, found: list[Quarantine]) -> None:
        fresh = marks(found, self._time())
        self._until = min((each.expires for each in found if each.expires is not None), default=math.inf)
        self.standing = tuple(found)
        if fresh != self.marks:
            self._revisions.quarantined(fresh)
            self.marks, self.changes = fresh, self.changes + 1
        self._blind = False
        # Last: where anything above failed, the next call must try again, and not go on as if nothing were.
        self._counted, self.reads = counted, self.reads + 1

    def _lose(self, error: SQLAlchemyError) -> None:
        """Let nobody in until it is known again who is shut out; plans made for callers before are forgotten."""
        if not self._blind:
            log.error("nobody is let in: who is quarantined cannot be read", reason=type(error).__name__)
            self._revisions.quarantined(self.marks)
        self._blind, self._counted = True, -1

    # Callers

    def admit(self, caller: Caller) -> None:
        """Return if a caller may come in, or raise."""
        if self._blind:
            raise Overloaded("it cannot be read who is quarantined", retry_after=1.0)
        found = self.marks.barred(caller)
        if found:
            raise Quarantined(f"{RULE}{found}", hint=_ASK, caller=caller)

    def identifying(self, identify: Identify) -> Identify:
        """Return the port that knows callers as `identify` does, and lets in those who are not shut out."""

        async def identified(message: Inbound) -> Caller:
            caller = await identify(message)
            self.admit(caller)
            return caller

        return identified

    def attending(self, standing: Standing) -> Standing:
        """Return the port by which streams of those who were shut out since end."""

        async def stands(caller: Caller) -> bool:
            return not self._blind and not self.marks.barred(caller) and await standing(caller)

        return stands

    def unwanted(self, caller: Caller, target: Target) -> bool:
        """Say whether what a caller left open at a target must not go on."""
        return bool(self.marks.barred(caller) or self.marks.cut(target.server, target.label))

    def told(self) -> tuple[dict[str, Any], ...]:
        """Return what readiness says: everybody with a credential reads it, so that it names nobody who is shut out."""
        return tuple(_told(each) for each in self.standing)


def _told(each: Quarantine) -> dict[str, Any]:
    said: dict[str, Any] = {"id": each.id, "kind": each.kind}
    said |= {} if each.kind in CALLERS else {"what": each.what}
    return {**said, "since": each.since, "until": each.expires}
