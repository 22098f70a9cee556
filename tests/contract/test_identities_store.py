"""What servers are, in the database: kept in place of what they were; what was pinned, noted and said is found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ostiary.adapters.store import database, identities
from ostiary.core.model import Kind
from ostiary.integrity.facts import Fact, spoken
from ostiary.integrity.pins import sighting

ONE, TWO = Fact("program", {"sha256": "aa"}), Fact("program", {"sha256": "bb"})
KEY = Fact("tls-key", {"sha256": "aa"})
TOOL = sighting(Kind.TOOL, {"name": "act"})


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return database.opened(tmp_path)


def test_a_server_is_what_it_was_last_seen_to_be(engine: sa.Engine) -> None:
    identities.keep(engine, "it", [ONE, KEY], 1.0)
    identities.keep(engine, "it", [TWO], 2.0)
    identities.keep(engine, "other", [], 2.0)
    assert identities.known(engine) == {"it": (TWO,), "other": ()}


def test_the_instructions_that_count_are_those_approved_last_that_say_something(engine: sa.Engine) -> None:
    for at, text in enumerate(("One.", "Two.", "")):
        database.record_verdict(engine, "it", [spoken(text)], "approved", "ana", float(at))
    database.record_verdict(engine, "it", [spoken("Three.")], "rejected", "ana", 9.0)
    database.record_verdict(engine, "other", [spoken("")], "approved", "first-use", 1.0)
    assert identities.texts(engine) == {"it": "Two."}


def test_when_a_server_was_pinned_and_what_was_noted_since_is_known(engine: sa.Engine) -> None:
    database.record_verdict(engine, "it", [ONE.sighting(), TOOL], "approved", "first-use", 1.0)
    database.record_verdict(engine, "it", [spoken("One.")], "approved", "first-use", 0.5)
    database.record_verdict(engine, "it", [KEY.sighting()], "approved", identities.NOTED, 2.0)
    assert identities.pinned(engine) == {"it": 1.0}
    assert identities.noted(engine) == {"it": {"tls-key": 2.0}}


def test_going_back_forgets_what_an_older_version_does_not_understand(engine: sa.Engine) -> None:
    database.record_verdict(engine, "it", [ONE.sighting(), TOOL], "approved", "first-use", 1.0)
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
    assert list(database.verdicts(engine)) == [("it", "tool", "act")]
    assert not sa.inspect(engine).has_table("identities")
