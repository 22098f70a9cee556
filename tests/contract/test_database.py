"""The gateway's database: its tables are made, brought up to date, and left alone when they are."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from ostiary.adapters.store import database

MIGRATIONS = Path(database.__file__).parent / "migrations"


def revision(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())


def head() -> str:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def test_a_new_database_has_every_table_and_a_file_for_its_owner_only(tmp_path: Path) -> None:
    engine = database.opened(tmp_path)
    assert revision(engine) == head() == database._newest()
    assert {"tokens", "oauth_grants"} <= set(sa.inspect(engine).get_table_names())
    assert (tmp_path / database.NAME).stat().st_mode & 0o077 == 0


def test_what_is_up_to_date_is_opened_without_the_migrations(tmp_path: Path) -> None:
    """They take ten megabytes that a running gateway would keep."""
    database.opened(tmp_path).dispose()
    script = (
        "import sys; from pathlib import Path; from ostiary.adapters.store import database;"
        f"database.opened(Path({str(tmp_path)!r})); sys.exit('alembic' in sys.modules)"
    )
    assert run([sys.executable, "-c", script], check=False).returncode == 0


def test_tables_of_a_later_version_are_not_touched(tmp_path: Path) -> None:
    engine = database.opened(tmp_path)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Exception, match="9999"):
        database.opened(tmp_path)
