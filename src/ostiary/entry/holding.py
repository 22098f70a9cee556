"""Write into the ledger what people were asked, and what they said: commands cannot, for the ledger has one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from ostiary.adapters.store import votes
from ostiary.entry.chores import Chore


def telling(
    engine: sa.Engine, moved: Callable[[], object], record: Callable[[str, Mapping[str, Any]], None],
    stopped: Callable[[], bool],
) -> Chore:  # fmt: skip
    """Return the chore that writes down what is not in the ledger yet.

    `moved` is what differs once anybody was asked or said something. While the ledger is stopped everything stays in
    the database, which outlives this process.
    """
    seen: list[object] = [None]

    async def told_of_holds() -> None:
        now = moved()
        if now == seen[0] or stopped():
            return
        events = await asyncio.to_thread(votes.unrecorded, engine)
        for kind, said in events:
            record(kind, said)
        await asyncio.to_thread(votes.recorded, engine, events)
        seen[0] = now

    return told_of_holds
