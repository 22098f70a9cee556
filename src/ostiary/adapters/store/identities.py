"""What servers were when they were last looked at, in the database; what of it is pinned lies among the approvals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from ostiary.adapters.store import tables
from ostiary.core.model import Kind
from ostiary.integrity.facts import INSTRUCTIONS, Fact

NOTED: Final = "noted"
"""Who approved what changed in the ordinary course of things."""
_OURS: Final = tables.approvals.c.kind == str(Kind.GATEWAY)


def keep(engine: sa.Engine, server: str, facts: Iterable[Fact], now: float) -> None:
    """Keep what a server is, in place of what it was before."""
    table = tables.identities
    row = {"server": server, "facts": [[each.name, dict(each.value)] for each in facts], "seen": now}
    with engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.server == server))
        connection.execute(sa.insert(table).values(**row))


def known(engine: sa.Engine) -> dict[str, tuple[Fact, ...]]:
    """Return what each server was when it was last looked at."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(tables.identities)).all()
    return {row.server: tuple(Fact(name, value) for name, value in row.facts) for row in rows}


def texts(engine: sa.Engine) -> dict[str, str]:
    """Return the instructions of each server that were approved last; to have none is no text."""
    columns = tables.approvals.c
    query = (
        sa.select(columns.server, columns.definition)
        .where(_OURS, columns.name == INSTRUCTIONS, columns.verdict == "approved")
        .order_by(columns.at, columns.digest)
    )
    with engine.connect() as connection:
        return {row.server: text for row in connection.execute(query) if (text := str(row.definition[INSTRUCTIONS]))}


def noted(engine: sa.Engine) -> dict[str, dict[str, float]]:
    """Return which facts about each server changed without holding it, and when last."""
    columns = tables.approvals.c
    query = sa.select(columns.server, columns.name, columns.at).where(_OURS, columns.by == NOTED).order_by(columns.at)
    found: dict[str, dict[str, float]] = {}
    with engine.connect() as connection:
        for row in connection.execute(query):
            found.setdefault(row.server, {})[row.name] = row.at
    return found


def pinned(engine: sa.Engine) -> dict[str, float]:
    """Return when the first fact about each server was pinned."""
    columns = tables.approvals.c
    approved = (_OURS, columns.name != INSTRUCTIONS, columns.verdict == "approved")
    query = sa.select(columns.server, sa.func.min(columns.at)).where(*approved).group_by(columns.server)
    with engine.connect() as connection:
        return {server: float(at) for server, at in connection.execute(query)}
