"""What people say of calls that wait: one voice each, kept in the database until enough of them said yes."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from msgspec import Struct

from ostiary.adapters.store.holds import APPROVED, REFUSED, WAITING, WITHIN, wants
from ostiary.adapters.store.tables import holds as table
from ostiary.adapters.store.tables import votes as ballot
from ostiary.core.rules import Approval
from ostiary.policy import approvals
from ostiary.policy.quarantine import folded

OPERATOR: Final = ""
"""The issuer of whoever runs the gateway, who has no roles."""
_BY: Final = 256
_NAME: Final = 512
_NOT_YET, _TOLD = 0, 1

Event = tuple[str, dict[str, Any]]


class Voter(Struct, frozen=True):
    """Somebody who says what they think of a call."""

    subject: str
    issuer: str = OPERATOR
    roles: frozenset[str] = frozenset()
    agent: str = ""
    """Who acts for them, where that is somebody else."""


class Objected(Exception):
    """They may not decide about this call: why."""


def cast(engine: sa.Engine, ident: str, voter: Voter, state: str, now: float) -> tuple[str, int] | None:
    """Approve or refuse a call that waits; return where it stands by that, and how many people more it takes.

    None where none of this id waits any more; `Objected` where they may not say anything of it.
    """
    alive = (table.c.id == ident, table.c.state == WAITING, table.c.until > now)
    with engine.begin() as connection:
        # It is written first, so that two who decide at the same moment do so one after the other.
        if connection.execute(sa.update(table).where(*alive).values(state=WAITING)).rowcount != 1:
            return None
        row = connection.execute(sa.select(table).where(table.c.id == ident)).mappings().one()
        needs = wants(row)
        _may(connection, row, voter, state, needs)
        connection.execute(
            sa.insert(ballot).values(
                hold=ident, person=folded(voter.subject)[:_NAME], subject=voter.subject[:_NAME], issuer=voter.issuer,
                roles=sorted(voter.roles), state=state, time=now, told=_NOT_YET,
            )
        )  # fmt: skip
        return _settled(connection, row, needs, state, now)


def _may(connection: sa.Connection, row: sa.RowMapping, voter: Voter, state: str, needs: tuple[Approval, ...]) -> None:
    mine = (ballot.c.hold == row["id"], ballot.c.person == folded(voter.subject)[:_NAME])
    if state == REFUSED:
        # Whoever approved it may think again, as long as it waits for others.
        connection.execute(sa.delete(ballot).where(*mine))
    elif connection.execute(sa.select(ballot.c.hold).where(*mine)).first() is not None:
        raise Objected(f"{voter.subject} approved it already, and it takes other people as well")
    if not needs or (voter.issuer == OPERATOR and state == REFUSED):
        # To stop something needs no more than to run the gateway, which could be switched off as well.
        return
    why = approvals.objection(voter.subject, voter.roles, voter.agent, needs, row["subject"])
    if why:
        raise Objected(why)


def _settled(
    connection: sa.Connection, row: sa.RowMapping, needs: tuple[Approval, ...], state: str, now: float
) -> tuple[str, int]:
    query = sa.select(ballot).where(ballot.c.hold == row["id"], ballot.c.state == state)
    rows = connection.execute(query.order_by(ballot.c.time, ballot.c.person)).mappings().all()
    given = [approvals.Vote(each["subject"], frozenset(each["roles"])) for each in rows]
    left = approvals.lacking(needs, given) if state == APPROVED else ()
    if left:
        return WAITING, max(number for _, number in left)
    by = ", ".join(each.subject for each in given)[:_BY]
    until = now + approvals.within(needs, WITHIN)
    change = sa.update(table).where(table.c.id == row["id"])
    connection.execute(change.values(state=state, decided=now, decided_by=by, until=until))
    return state, 0


# For the ledger, which has one writer


def unrecorded(engine: sa.Engine) -> list[Event]:
    """Return the calls that wait and what people said of them, as far as neither is in the ledger, in their order."""
    waits = sa.select(table).where(table.c.told == _NOT_YET)
    said = sa.select(ballot, table.c.label, table.c.subject.label("caller"), table.c.rules)
    said = said.join(table, table.c.id == ballot.c.hold).where(ballot.c.told == _NOT_YET)
    with engine.connect() as connection:
        found = [(each["created"], ("call_held", _held(each))) for each in connection.execute(waits).mappings()]
        found += [(each["time"], (_kind(each), _voted(each))) for each in connection.execute(said).mappings()]
    return [event for _, event in sorted(found, key=lambda one: one[0])]


def recorded(engine: sa.Engine, events: list[Event]) -> None:
    """Remember what was written into the ledger."""
    with engine.begin() as connection:
        for kind, said in events:
            if kind == "call_held":
                connection.execute(sa.update(table).where(table.c.id == said["hold"]).values(told=_TOLD))
                continue
            mine = (ballot.c.hold == said["hold"], ballot.c.person == folded(said["by"])[:_NAME])
            connection.execute(sa.update(ballot).where(*mine).values(told=_TOLD))


def _held(row: sa.RowMapping) -> dict[str, Any]:
    said = {"hold": row["id"], "tool": row["label"], "caller": row["subject"], "issuer": row["issuer"]}
    wanted = [{"rule": each.rule, "by": sorted(each.by), "quorum": each.quorum} for each in wants(row)]
    return {**said, "reason": row["reason"], **({"rules": wanted} if wanted else {})}


def _kind(row: sa.RowMapping) -> str:
    return "call_approved" if row["state"] == APPROVED else "call_refused"


def _voted(row: sa.RowMapping) -> dict[str, Any]:
    said = {"hold": row["hold"], "tool": row["label"], "caller": row["caller"], "by": row["subject"]}
    rules = [each.rule for each in wants(row)]
    who = {"issuer": row["issuer"], "roles": list(row["roles"])} if row["issuer"] else {}
    return {**said, **who, **({"rules": rules} if rules else {})}
