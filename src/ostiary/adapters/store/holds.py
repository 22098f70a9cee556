"""Calls that wait for people: kept in the database, approved once, for the same call of the same caller only."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from ostiary.adapters.store.tables import holds as table
from ostiary.adapters.store.tables import votes as ballot
from ostiary.core.errors import Held, Overloaded
from ostiary.core.ports import Seal, Wish
from ostiary.core.rules import Approval
from ostiary.policy import approvals

WITHIN: Final = 15 * 60.0
"""Seconds for which a call that a guard holds waits, and for which an approval or a refusal counts."""
MOST: Final = 1_000
PER_PERSON: Final = 50
"""Calls that wait at a time."""
_KEPT: Final = 7 * 86_400.0
_PURPOSE: Final = "held-arguments"
_LONGEST: Final = 65_536
_ROUNDS: Final = 10
"""How often a call that was approved may go on with what its server handed out."""
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
    rules: tuple[Approval, ...] = ()
    """The rules that hold it, and whose approval they want; empty: a guard holds it."""
    approved_by: tuple[str, ...] = ()
    """Who approved it so far."""
    left: tuple[tuple[str, int], ...] = ()
    """How many people more each rule wants, by its name."""


class Holds:
    """Asks people, by way of the database (port `Approving`)."""

    def __init__(self, engine: sa.Engine, seal: Seal, time: Callable[[], float]) -> None:
        self._engine, self._seal, self._time = engine, seal, time
        self.asked = 0
        """How many wishes were kept since this process began."""

    async def __call__(self, wish: Wish) -> str:
        """Return who approved a wish, once; raise `Held` where nobody did."""
        return await asyncio.to_thread(self._approved, wish)

    def _approved(self, wish: Wish) -> str:
        now, key = self._time(), _key(wish)
        with self._engine.begin() as connection:
            state, ident, by = self._stands(connection, wish, key, now)
            given = _voices(connection, ident) if state == WAITING else ()
        if state == APPROVED:
            return f"{by} ({ident})"
        detail = f"{wish.reason} ({ident})"
        if state == REFUSED:
            raise Held(detail, hint=f"{by} refused it ({ident}): {wish.reason}")
        raise Held(detail, hint=_waits(ident, wish, given))

    def _stands(self, connection: sa.Connection, wish: Wish, key: str, now: float) -> tuple[str, str, str | None]:
        """Return where a wish stands, its id, and who decided; an approval is used up by that."""
        current = sa.select(table).where(table.c.key == key, table.c.until > now)
        rows = connection.execute(current.order_by(table.c.created.desc(), table.c.id)).mappings().all()
        went_on = _continued(connection, rows, wish.state) if wish.state else None
        if went_on is not None:
            return APPROVED, went_on["id"], went_on["decided_by"]
        row = next((each for each in rows if each["state"] != USED), None)
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
                until=now + approvals.within(wish.needs, WITHIN),
                state=WAITING,
                rules=msgspec.to_builtins(wish.needs, order="deterministic"),
                told=0,
            )
        )
        self.asked += 1
        return ident


def _continued(connection: sa.Connection, rows: Sequence[sa.RowMapping], state: str) -> sa.RowMapping | None:
    """Return the approved call that goes on with a state of its server's, once with each; None where none does.

    That the state is of a call in the same words is seen before it leaves. Here it counts that no approval becomes
    two calls: a state that came before goes on with nothing.
    """
    mark = sha256(state.encode(errors="surrogatepass")).hexdigest()[:32]
    used = [each for each in rows if each["state"] == USED]
    if not used or any(mark in each["states"] for each in used) or len(used[0]["states"]) >= _ROUNDS:
        return None
    row = used[0]
    # Whoever writes first goes on: of two that come with one state at the same moment, one waits for a person.
    held = sa.select(table.c.states).where(table.c.id == row["id"])
    connection.execute(sa.update(table).where(table.c.id == row["id"]).values(state=USED))
    if connection.execute(held).scalar_one() != row["states"]:
        return None
    connection.execute(sa.update(table).where(table.c.id == row["id"]).values(states=[*row["states"], mark]))
    return row


def _waits(ident: str, wish: Wish, given: tuple[approvals.Vote, ...]) -> str:
    left = approvals.lacking(wish.needs, given)
    said = f"{wish.reason}. It waits as {ident}: ask a person to approve it, then call again in the same words"
    if not given or not left:
        return said
    return f"{said}. {len(given)} approved it, and it takes {max(number for _, number in left)} more"


def _key(wish: Wish) -> str:
    said: tuple[Any, ...] = (
        wish.issuer, wish.subject, wish.client, wish.label, wish.method, wish.by, wish.arguments
    )  # fmt: skip
    # Where a rule wants more by now, what was approved before is not that.
    said += (wish.needs,) if wish.needs else ()
    return sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def _voices(connection: sa.Connection, ident: str) -> tuple[approvals.Vote, ...]:
    query = sa.select(ballot).where(ballot.c.hold == ident, ballot.c.state == APPROVED)
    rows = connection.execute(query.order_by(ballot.c.time, ballot.c.person)).mappings()
    return tuple(approvals.Vote(row["subject"], frozenset(row["roles"])) for row in rows)


# What people see of it


def listed(engine: sa.Engine, now: float, *, every: bool = False) -> list[Waiting]:
    """Return the calls that wait, oldest first; `every`: also those that were decided or waited in vain."""
    query = sa.select(table).order_by(table.c.created, table.c.id)
    if not every:
        query = query.where(table.c.state == WAITING, table.c.until > now)
    with engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
        return [_read(row, _voices(connection, row["id"])) for row in rows]


def shown(engine: sa.Engine, seal: Seal, ident: str) -> Waiting | None:
    """Return one call with its arguments; None where there is none."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == ident)).mappings().first()
        if row is None:
            return None
        found = _read(row, _voices(connection, ident))
    return msgspec.structs.replace(found, arguments=seal.open(_PURPOSE, row["arguments"]).decode())


def wants(row: sa.RowMapping) -> tuple[Approval, ...]:
    """Return whose approval a call waits for."""
    return msgspec.convert(row["rules"], tuple[Approval, ...])


def _read(row: sa.RowMapping, given: tuple[approvals.Vote, ...]) -> Waiting:
    needs = wants(row)
    own = {"arguments", "rules", "approved_by", "left"}
    names = (name for name in Waiting.__struct_fields__ if name not in own)
    left = tuple((each.rule, number) for each, number in approvals.lacking(needs, given))
    said = tuple(each.subject for each in given)
    return Waiting(**{name: row[name] for name in names}, rules=needs, approved_by=said, left=left)
