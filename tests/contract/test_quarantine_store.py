"""Quarantines in the database: what stands, what is over, and what the ledger has not been told yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from msgspec.structs import replace

from ostiary.adapters.store import database, quarantines
from ostiary.core.errors import Overloaded
from ostiary.policy.quarantine import Quarantine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    found = database.opened(tmp_path)
    yield found
    found.dispose()


def made(what: str = "ana", **more: Any) -> Quarantine:
    plain: dict[str, Any] = {"kind": "person", "reason": "lost laptop", "by": "op@host", "since": 100.0}
    return Quarantine(**{"id": quarantines.ident(), "what": what, **plain, **more})


def test_what_is_kept_is_what_is_read(engine: sa.Engine) -> None:
    one = made(issuer="https://idp.example", expires=200.0)
    assert quarantines.add(engine, one) is one
    assert quarantines.every(engine) == quarantines.standing(engine, 150.0) == [one]
    assert quarantines.standing(engine, 200.0) == []


def test_what_stands_already_is_not_kept_twice_unless_it_ends_otherwise(engine: sa.Engine) -> None:
    one = quarantines.add(engine, made())
    assert quarantines.add(engine, made()) == one
    longer = made(expires=900.0)
    assert quarantines.add(engine, longer) is longer
    assert quarantines.lift(engine, one.id, "op@host", "found", 110.0) is not None
    again = made(since=120.0)
    assert quarantines.add(engine, again) is again
    assert {each.id for each in quarantines.standing(engine, 130.0)} == {longer.id, again.id}


def test_it_is_lifted_once_and_by_somebody(engine: sa.Engine) -> None:
    one = quarantines.add(engine, made(expires=200.0))
    assert quarantines.lift(engine, "q_nothing", "op@host", "found", 110.0) is None
    lifted = quarantines.lift(engine, one.id, "eve@host", "found", 110.0)
    assert lifted == replace(one, lifted=110.0, lifted_by="eve@host", lifted_because="found")
    assert quarantines.lift(engine, one.id, "op@host", "found", 120.0) is None
    late = quarantines.add(engine, made("bob", expires=200.0))
    assert quarantines.lift(engine, late.id, "op@host", "found", 200.0) is None, "it is over"


def test_the_ledger_is_told_everything_once_and_in_order(engine: sa.Engine) -> None:
    one, two = made(expires=150.0, issuer="https://idp.example"), made("crm", kind="server", since=120.0)
    for each in (one, two):
        quarantines.add(engine, each)
    first = quarantines.unrecorded(engine, 130.0)
    facts = {"reason": "lost laptop", "by": "op@host"}
    until = {"issuer": "https://idp.example", "until": "1970-01-01T00:02:30Z"}
    assert first == [
        ("quarantine_added", {"quarantine": one.id, "person": "ana", **facts, **until}),
        ("quarantine_added", {"quarantine": two.id, "server": "crm", **facts}),
    ]
    assert quarantines.unrecorded(engine, 130.0) == first, "nothing is lost between reading and writing"
    quarantines.recorded(engine, first)
    assert quarantines.unrecorded(engine, 130.0) == []
    quarantines.lift(engine, two.id, "eve@host", "mended", 140.0)
    second = quarantines.unrecorded(engine, 160.0)
    assert second == [
        ("quarantine_lifted", {"quarantine": two.id, "server": "crm", "reason": "mended", "by": "eve@host"}),
        ("quarantine_lifted", {"quarantine": one.id, "person": "ana", "reason": "its time was over", "by": "expiry"}),
    ]
    quarantines.recorded(engine, second)
    assert quarantines.unrecorded(engine, 999.0) == []


def test_what_began_and_ended_while_nobody_served_is_told_whole(engine: sa.Engine) -> None:
    one = quarantines.add(engine, made())
    quarantines.lift(engine, one.id, "op@host", "found", 110.0)
    events = quarantines.unrecorded(engine, 120.0)
    assert [kind for kind, _ in events] == ["quarantine_added", "quarantine_lifted"]
    quarantines.recorded(engine, events)
    assert quarantines.unrecorded(engine, 120.0) == []


def test_so_many_stand_and_no_more(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantines, "MOST", 2)
    one = quarantines.add(engine, made("a"))
    quarantines.add(engine, made("b"))
    with pytest.raises(Overloaded):
        quarantines.add(engine, made("c"))
    assert quarantines.add(engine, made("a")) == one, "what stands is no new one"
    quarantines.lift(engine, one.id, "op@host", "found", 110.0)
    quarantines.add(engine, made("c", since=120.0))


def test_what_ended_is_forgotten_after_a_year_and_what_stands_never(engine: sa.Engine) -> None:
    one, two = quarantines.add(engine, made("a")), quarantines.add(engine, made("b"))
    quarantines.lift(engine, one.id, "op@host", "found", 110.0)
    year = 366 * 86_400.0
    quarantines.add(engine, made("c", since=100.0 + 2 * year))
    assert len(quarantines.every(engine)) == 3, "the ledger has not been told yet"
    quarantines.recorded(engine, quarantines.unrecorded(engine, 100.0 + 2 * year))
    quarantines.add(engine, made("d", since=100.0 + 2 * year))
    left = {each.id for each in quarantines.every(engine)}
    assert one.id not in left
    assert two.id in left


def downgraded(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")


def test_an_older_version_is_not_gone_back_to_while_anything_stands(engine: sa.Engine) -> None:
    one = quarantines.add(engine, made())
    with pytest.raises(RuntimeError, match="lift it first"):
        downgraded(engine)
    assert quarantines.standing(engine, 150.0) == [one]
    quarantines.lift(engine, one.id, "op@host", "found", 110.0)
    downgraded(engine)
    assert "quarantines" not in sa.inspect(engine).get_table_names()
