"""What guards found in definitions, in the database: commands that judge without a gateway know it from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ostiary.adapters.store import tables

Findings = Sequence[Mapping[str, Any]]


def keep(engine: sa.Engine, server: str, found: Mapping[str, Findings]) -> None:
    """Keep what was found in a server's definitions, by their digest, in place of what was found before."""
    table = tables.objections
    rows = [{"server": server, "digest": digest, "findings": [*each]} for digest, each in found.items() if each]
    with engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.server == server))
        if rows:
            connection.execute(sa.insert(table), rows)


def known(engine: sa.Engine) -> dict[str, dict[str, Findings]]:
    """Return what was found, by server and digest."""
    found: dict[str, dict[str, Findings]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.select(tables.objections)):
            found.setdefault(row.server, {})[row.digest] = row.findings
    return found
