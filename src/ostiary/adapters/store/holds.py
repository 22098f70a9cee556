"""Calls that wait for a person: kept in the database, approved once, for the same call of the same caller only."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from ostiary.adapters.store.tables import holds as table
from ostiary.core.errors import Held, Overloaded
from ostiary.core.ports import Seal, Wish

WITHIN: Final = 15 * 60.0
"""Seconds for which a call waits, and for which an approval or a refusal counts."""
MOST: Final = 1_000
PER_PERSON: Final = 50
"""Calls that wait at a time."""
_KEPT: Final = 7 * 86_400.0
_PURPOSE: Final = "held-arguments"
_LONGEST: Final = 65_536
WAITING, APPROVED, REFUSED, USED = "waiting", "approved", "refused", "used"


class Waiting(Struct, frozen=True):
    """One call that waits, or waited."""

    id: str
    issuer: str
    subject: str
    label: str
    reason: str
    created: float
    until: float
    state: str
    decided: float | None = None
    decided_by: str | None = None
    arguments: str = ""
    """As JSON; only where it was asked for."""


class Holds:
    """Asks people, by way of the database (port `Approving`)."""

    def __init__(self, engine: sa.Engine, seal: Seal, time: Callable[[], float]) -> None:
        self._engine, self._seal, self._time = engine, seal, time

    async def __call__(self, wish: Wish) -> str:
        """Return who approved a wish, once; raise `Held` where nobody did."""
        return await asyncio.to_thread(self._approved, wish)

    def _approved(self, wish: Wish) -> str:
        now, key = self._time(), _key(wish)
        with self._engine.begin() as connection:
            state, ident, by = self._stands(connection, wish, key, now)
        if state == APPROVED:
            return f"{by} ({ident})"
        if state == REFUSED:
            raise Held(wish.reason, hint=f"{by} refused it ({ident}): {wish.reason}")
        raise Held(wish.reason, hint=_waits(ident, wish))

    def _stands(self, connection: sa.Connection, wish: Wish, key: str, now: float) -> tuple[str, str, str | None]:
        """Return where a wish stands, its id, and who decided; an approval is used up by that."""
        current = sa.select(table).where(table.c.key == key, table.c.until > now, table.c.state != USED)
        row = connection.execute(current.order_by(table.c.created.desc(), table.c.id)).mappings().first()
        if row is None:
            return WAITING, self._kept(connection, wish, key, now), None
        state, ident = row["state"], row["id"]
        if state == APPROVED:
            # Of two equal calls at the same moment, one uses the approval up.
            use = sa.update(table).where(table.c.id == ident, table.c.state == APPROVED)
            state = APPROVED if connection.execute(use.values(state=USED)).rowcount == 1 else WAITING
        return state, ident, row["decided_by"]

    def _kept(self, connection: sa.Connection, wish: Wish, key: str, now: float) -> str:
        connection.execute(sa.delete(table).where(table.c.until < now - _KEPT))
        waiting = sa.select(sa.func.count()).select_from(table).where(table.c.state == WAITING, table.c.until > now)
        mine = waiting.where(table.c.issuer == wish.issuer, table.c.subject == wish.subject)
        for count, most in ((mine, PER_PERSON), (waiting, MOST)):
            if connection.execute(count).scalar_one() >= most:
                raise Overloaded(f"{most} calls wait for a person already")
        ident = f"h_{secrets.token_hex(6)}"
        arguments = msgspec.json.encode(wish.arguments)
        said = arguments if len(arguments) <= _LONGEST else b'"too long to be kept"'
        connection.execute(
            sa.insert(table).values(
                id=ident,
                key=key,
                issuer=wish.issuer,
                subject=wish.subject,
                label=wish.label[:2048],
                reason=wish.reason[:1024],
                arguments=self._seal.close(_PURPOSE, said),
                created=now,
                until=now + WITHIN,
                state=WAITING,
            )
        )
        return ident


def _waits(ident: str, wish: Wish) -> str:
    return f"{wish.reason}. It waits as {ident}: ask a person to approve it, then call again in the same words"


def _key(wish: Wish) -> str:
    said = (wish.issuer, wish.subject, wish.client, wish.label, wish.method, wish.by, wish.arguments)
    return sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def listed(engine: sa.Engine, now: float, *, every: bool = False) -> list[Waiting]:
    """Return the calls that wait, oldest first; `every`: also those that were decided or waited in vain."""
    query = sa.select(table).order_by(table.c.created, table.c.id)
    if not every:
        query = query.where(table.c.state == WAITING, table.c.until > now)
    with engine.connect() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def shown(engine: sa.Engine, seal: Seal, ident: str) -> Waiting | None:
    """Return one call with its arguments; None where there is none."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == ident)).mappings().first()
    if row is None:
        return None
    return msgspec.structs.replace(_read(row), arguments=seal.open(_PURPOSE, row["arguments"]).decode())


def decide(engine: sa.Engine, ident: str, state: str, by: str, now: float) -> bool:
    """Approve or refuse a call that waits; False where none of this id waits any more."""
    change = sa.update(table).where(table.c.id == ident, table.c.state == WAITING, table.c.until > now)
    values = {"state": state, "decided": now, "decided_by": by[:256], "until": now + WITHIN}
    with engine.begin() as connection:
        return connection.execute(change.values(**values)).rowcount == 1


def _read(row: sa.RowMapping) -> Waiting:
    names = (name for name in Waiting.__struct_fields__ if name != "arguments")
    return Waiting(**{name: row[name] for name in names})
