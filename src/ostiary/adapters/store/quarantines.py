"""Who and what is shut out: kept in the database, and read again whenever the generation has moved."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from ostiary.adapters.store.tables import quarantines as table
from ostiary.core.errors import Overloaded
from ostiary.policy.quarantine import Quarantine

MOST: Final = 10_000
"""Quarantines that stand at a time."""
_YEAR: Final = 366 * 86_400.0
_NAMES: Final = Quarantine.__struct_fields__
_NOTHING, _BEGUN, _ENDED = 0, 1, 2
_EXPIRED: Final = "its time was over"

Event = tuple[str, dict[str, Any]]
"""What the ledger calls it, and says of it."""


def ident() -> str:
    """Return the id of a new quarantine."""
    return f"q_{secrets.token_hex(6)}"


def add(engine: sa.Engine, quarantine: Quarantine) -> Quarantine:
    """Keep a quarantine, or return the one that stands already with the same end; raise `Overloaded` beyond `MOST`."""
    now, columns = quarantine.since, table.c
    same = [columns[name] == getattr(quarantine, name) for name in ("kind", "what", "issuer")]
    with engine.begin() as connection:
        connection.execute(sa.delete(table).where(columns.recorded == _ENDED, columns.since < now - _YEAR, _over(now)))
        standing = sa.not_(_over(now))
        for row in connection.execute(sa.select(table).where(*same, standing)).mappings():
            if row["expires"] == quarantine.expires:
                return _read(row)
        count = connection.execute(sa.select(sa.func.count()).select_from(table).where(standing)).scalar_one()
        if count >= MOST:
            raise Overloaded(f"{MOST:,} quarantines stand already; lift those that have done their work")
        connection.execute(sa.insert(table).values(**{name: getattr(quarantine, name) for name in _NAMES}))
    return quarantine


def lift(engine: sa.Engine, which: str, by: str, because: str, now: float) -> Quarantine | None:
    """End a quarantine and return it; None where none of this id stands."""
    change = sa.update(table).where(table.c.id == which, sa.not_(_over(now)))
    with engine.begin() as connection:
        if connection.execute(change.values(lifted=now, lifted_by=by, lifted_because=because)).rowcount != 1:
            return None
        return _read(connection.execute(sa.select(table).where(table.c.id == which)).mappings().one())


def every(engine: sa.Engine) -> list[Quarantine]:
    """Return every quarantine that is remembered, newest first."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(table).order_by(table.c.since.desc(), table.c.id)).mappings().all()
    return [_read(row) for row in rows]


def standing(engine: sa.Engine, now: float) -> list[Quarantine]:
    """Return the quarantines that count at this moment, oldest first."""
    query = sa.select(table).where(sa.not_(_over(now))).order_by(table.c.since, table.c.id)
    with engine.connect() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def unrecorded(engine: sa.Engine, now: float) -> list[Event]:
    """Return what began and ended and is not in the ledger yet, in the order in which it happened."""
    waiting = sa.or_(table.c.recorded == _NOTHING, sa.and_(table.c.recorded == _BEGUN, _over(now)))
    with engine.connect() as connection:
        rows = connection.execute(sa.select(table).where(waiting)).mappings().all()
    found: list[tuple[float, Event]] = []
    for row in rows:
        each = _read(row)
        if row["recorded"] == _NOTHING:
            found.append((each.since, ("quarantine_added", _began(each))))
        if not each.stands(now):
            found.append((_end(each), ("quarantine_lifted", _ended(each))))
    return [event for _, event in sorted(found, key=lambda one: one[0])]


def recorded(engine: sa.Engine, events: list[Event]) -> None:
    """Remember what was written into the ledger, so that a gateway that starts writes what is missing and no more."""
    with engine.begin() as connection:
        for kind, said in events:
            done = _ENDED if kind == "quarantine_lifted" else _BEGUN
            connection.execute(sa.update(table).where(table.c.id == said["quarantine"]).values(recorded=done))


def _over(now: float) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.lifted.is_not(None), sa.and_(table.c.expires.is_not(None), table.c.expires <= now))


def _read(row: Any) -> Quarantine:
    return Quarantine(**{name: row[name] for name in _NAMES})


def _end(each: Quarantine) -> float:
    return (each.expires or 0.0) if each.lifted is None else each.lifted


def _began(each: Quarantine) -> dict[str, Any]:
    said: dict[str, Any] = {"quarantine": each.id, each.kind: each.what, "reason": each.reason, "by": each.by}
    said |= {"issuer": each.issuer} if each.issuer else {}
    return said if each.expires is None else {**said, "until": _rfc3339(each.expires)}


def _ended(each: Quarantine) -> dict[str, Any]:
    said = {"quarantine": each.id, each.kind: each.what}
    if each.lifted is None:
        return {**said, "reason": _EXPIRED, "by": "expiry"}
    return {**said, "reason": each.lifted_because, "by": each.lifted_by}


def _rfc3339(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
