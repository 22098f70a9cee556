"""Tokens in the database: rotation in one step, what the ledger hears of it, and databases of earlier versions."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ostiary.adapters.store import database, tables
from ostiary.core.model import Token

OLD = Token("tok_1", "ana", "ci", ("dev",), ("a",), ("x",), ("files",), 10.0, 1000.0, views=("v",), tools=("files.r*",))
NEXT = msgspec.structs.replace(OLD, id="tok_2", created=100.0, expires=2000.0, replaces=("tok_1",))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = database.opened(tmp_path)
    database.add_token(made, OLD, "digest-1")
    yield made
    made.dispose()


def kept(engine: sa.Engine, ident: str) -> Token:
    found = database.token_by_id(engine, ident)
    assert found is not None
    return found


def test_a_token_is_kept_whole(engine: sa.Engine) -> None:
    assert database.token_by_digest(engine, "digest-1") == OLD


def test_each_token_that_was_used_says_when(engine: sa.Engine) -> None:
    database.add_token(engine, NEXT, "digest-2")
    database.touch_tokens(engine, {})
    assert kept(engine, "tok_1").last_used is None
    database.touch_tokens(engine, {"tok_1": 30.0, "tok_2": 40.0, "tok_gone": 50.0})
    assert [kept(engine, ident).last_used for ident in ("tok_1", "tok_2")] == [30.0, 40.0]


@pytest.mark.parametrize(("until", "ends"), [(200.0, 200.0), (5000.0, 1000.0)])
def test_a_rotated_token_ends_with_its_overlap_and_never_later_than_before(
    engine: sa.Engine, until: float, ends: float
) -> None:
    assert database.rotate_token(engine, "tok_1", NEXT, "digest-2", until)
    assert kept(engine, "tok_1") == msgspec.structs.replace(OLD, rotated=100.0, successor="tok_2", expires=ends)
    assert database.token_by_digest(engine, "digest-2") == NEXT


@pytest.mark.parametrize("spoilt", ["rotated", "revoked", "expired", "unknown"])
def test_what_cannot_be_used_any_more_has_no_successor(engine: sa.Engine, spoilt: str) -> None:
    """A revoked token must not come back under another name."""
    if spoilt == "rotated":
        assert database.rotate_token(engine, "tok_1", NEXT, "digest-2", 200.0)
    if spoilt == "revoked":
        assert database.revoke_token(engine, "tok_1", 50.0)
    third = msgspec.structs.replace(NEXT, id="tok_3", created=1000.0 if spoilt == "expired" else 100.0)
    before = database.all_tokens(engine)
    ident = "tok_0" if spoilt == "unknown" else "tok_1"
    assert not database.rotate_token(engine, ident, third, "digest-3", 200.0)
    assert database.all_tokens(engine) == before


def test_of_two_rotations_at_once_one_counts(engine: sa.Engine) -> None:
    heirs = [msgspec.structs.replace(NEXT, id=f"tok_{number}") for number in range(2, 10)]
    with ThreadPoolExecutor(len(heirs)) as pool:
        done = list(pool.map(lambda it: database.rotate_token(engine, "tok_1", it, f"digest-{it.id}", 200.0), heirs))
    assert done.count(True) == 1
    assert kept(engine, "tok_1").successor == heirs[done.index(True)].id
    assert len(database.all_tokens(engine)) == 2


def test_a_successor_whose_digest_is_taken_changes_nothing(engine: sa.Engine) -> None:
    """All or nothing: the old token must not end for a successor that nobody has."""
    with pytest.raises(sa.exc.IntegrityError):
        database.rotate_token(engine, "tok_1", NEXT, "digest-1", 200.0)
    assert kept(engine, "tok_1") == OLD


def test_the_ledger_hears_of_every_change_once(engine: sa.Engine) -> None:
    assert database.token_changes(engine, 5.0) == [("token_created", {"token": "tok_1", "subject": "ana"})]
    database.rotate_token(engine, "tok_1", NEXT, "digest-2", 200.0)
    database.revoke_token(engine, "tok_2", 150.0)
    assert database.token_changes(engine, 50.0) == [
        ("token_created", {"token": "tok_2", "subject": "ana", "replaces": "tok_1"}),
        (
            "token_rotated",
            {"token": "tok_1", "subject": "ana", "successor": "tok_2", "until": "1970-01-01T00:03:20Z"},
        ),
        ("token_revoked", {"token": "tok_2", "subject": "ana"}),
    ]
    assert [kind for kind, _ in database.token_changes(engine, 120.0)] == ["token_revoked"]
    assert database.token_changes(engine, 150.0) == []


def migrated(engine: sa.Engine, revision: str, *, down: bool = False) -> None:
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def test_tokens_of_an_earlier_version_are_as_wide_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / database.NAME
    earlier = sa.create_engine(f"sqlite:///{path}")
    migrated(earlier, "0003")
    row = "('tok_0', 'digest-0', 'bo', '', '[\"dev\"]', '[]', '[]', '[]', 1.0, 9.0, NULL, NULL)"
    with earlier.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO tokens VALUES {row}"))
    earlier.dispose()
    now = database.opened(tmp_path)
    assert database.token_by_digest(now, "digest-0") == Token("tok_0", "bo", "", ("dev",), (), (), (), 1.0, 9.0)
    now.dispose()


def test_going_back_leaves_no_token_that_would_be_wider_than_it_was(engine: sa.Engine) -> None:
    database.add_token(engine, msgspec.structs.replace(OLD, id="tok_9", views=(), tools=()), "digest-9")
    migrated(engine, "0003", down=True)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT id FROM tokens")).scalars().all() == ["tok_9"]


def test_the_migrations_make_the_tables_that_the_code_knows(engine: sa.Engine) -> None:
    """A migration never follows the tables: it says what it said when it was written."""
    found = {each["name"]: each["nullable"] for each in sa.inspect(engine).get_columns("tokens")}
    assert found == {each.name: each.nullable for each in tables.tokens.columns}
