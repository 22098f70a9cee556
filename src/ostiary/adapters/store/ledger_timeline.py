"""What one agent run did, in order: by its trace, session, task or run, or by one call that was part of it."""

from __future__ import annotations

from msgspec import Struct

from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_read import Entry
from ostiary.adapters.store.ledger_rows import NAMED


class Timeline(Struct, frozen=True):
    """Calls of one run, oldest first, and by what they were found."""

    by: str
    """`trace`, `session`, `task`, `run`, or `reference` for a call that belongs to none."""
    ident: str
    entries: list[Entry]
    more: bool = False
    """There are later ones."""


def timeline(index: LedgerIndex, ident: str, *, limit: int = 1000, after: int = 0) -> Timeline:
    """Return what belongs to an identifier, above a record's number; nothing where nobody said it."""
    found = index.run(ident, limit=limit + 1, after=after)
    by = next((name for entry in found for name in NAMED if getattr(entry, name) == ident), "reference")
    if by == "reference" and found and not after:
        # One call was named: what is asked for is the run that it was part of.
        for name in NAMED:
            if mark := getattr(found[0], name):
                return timeline(index, mark, limit=limit)
    return Timeline(by, ident, found[:limit], len(found) > limit)
