"""The gateway's database: open it, bring its tables up to date, read and write what lies in them.

Every function takes an engine and returns plain values. None runs on the hot path: what calls need is in memory, and
the generation (see `generation.py`) says when memory is out of date.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ostiary.adapters.store import tables
from ostiary.core.errors import Overloaded
from ostiary.core.model import Json, Kind, Token
from ostiary.integrity.pins import Offering, Sighting, Verdicts

NAME: Final = "ostiary.sqlite"
_STATEMENTS: Final = 16
"""What a connection keeps ready, and each thread has a connection."""
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LISTS: Final = ("roles", "teams", "scopes", "servers", "views", "tools", "replaces")
_PLAIN: Final = (
    "id", "subject", "note", "created", "expires", "revoked", "last_used", "rotated", "successor",
)  # fmt: skip


def opened(data: Path) -> sa.Engine:
    """Return the engine of the database in `data`, its tables up to date; only its owner may read the file."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data / NAME
    path.touch(mode=0o600, exist_ok=True)
    arguments = {"timeout": 10, "check_same_thread": False, "cached_statements": _STATEMENTS}
    engine = sa.create_engine(f"sqlite:///{path}", connect_args=arguments)
    sa.event.listen(engine, "connect", _tuned)
    with engine.begin() as connection:
        if _revision(connection) != _newest():
            _upgrade(connection)
    return engine


def _revision(connection: sa.Connection) -> str:
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())


def _newest() -> str:
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _upgrade(connection: sa.Connection) -> None:
    # A gateway starts a hundred times on tables that are up to date, and this takes 10 MB that it would keep.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _tuned(connection: Any, _record: object) -> None:
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")


# Tokens


def add_token(engine: sa.Engine, token: Token, digest: str) -> None:
    """Keep a token by the digest of its secret."""
    row = {**_plain(token), "digest": digest}
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.tokens).values(**row))


def _plain(token: Token) -> dict[str, Any]:
    lists = {name: list(getattr(token, name)) for name in _LISTS}
    return {**{name: getattr(token, name) for name in _PLAIN}, **lists}


def token_by_digest(engine: sa.Engine, digest: str) -> Token | None:
    """Return the token whose secret has this digest, whether or not it may still be used.

    Raise `Overloaded` where that cannot be known at the moment.
    """
    return _found(engine, tables.tokens.c.digest == digest)


def _found(engine: sa.Engine, which: sa.ColumnElement[bool]) -> Token | None:
    query = sa.select(tables.tokens).where(which)
    try:
        with engine.connect() as connection:
            row = connection.execute(query).mappings().first()
    except sa.exc.SQLAlchemyError as error:
        # A database that is locked, or on a full disk, does not say that a token is good, nor that it is not.
        raise Overloaded(f"a token could not be looked up: {type(error).__name__}", retry_after=1.0) from error
    return _token(row) if row else None


def token_by_id(engine: sa.Engine, ident: str) -> Token | None:
    """Return the token with this id, whether or not it may still be used; raise as `token_by_digest` does."""
    return _found(engine, tables.tokens.c.id == ident)


def all_tokens(engine: sa.Engine) -> list[Token]:
    """Return every token, newest first."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(tables.tokens).order_by(tables.tokens.c.created.desc())).mappings().all()
    return [_token(row) for row in rows]


def _token(row: Any) -> Token:
    values: dict[str, Any] = {name: tuple(row[name]) for name in _LISTS}
    return Token(**values, **{name: row[name] for name in _PLAIN})


def revoke_token(engine: sa.Engine, ident: str, now: float) -> bool:
    """Revoke the token with this id; False where there is none that could still be used."""
    change = (
        sa.update(tables.tokens)
        .where(tables.tokens.c.id == ident, tables.tokens.c.revoked.is_(None))
        .values(revoked=now)
    )
    with engine.begin() as connection:
        return connection.execute(change).rowcount > 0


def rotate_token(engine: sa.Engine, ident: str, successor: Token, digest: str, until: float) -> bool:
    """Keep a token's successor by its digest, and let the token itself end at `until`, if it does not end before.

    False, and nothing is changed, where the token has a successor, was revoked or has expired already.
    """
    columns, now = tables.tokens.c, successor.created
    usable = (columns.id == ident, columns.revoked.is_(None), columns.successor == "", columns.expires > now)
    ends = sa.case((columns.expires < until, columns.expires), else_=until)
    change = sa.update(tables.tokens).where(*usable).values(rotated=now, successor=successor.id, expires=ends)
    with engine.begin() as connection:
        if connection.execute(change).rowcount != 1:
            return False
        connection.execute(sa.insert(tables.tokens).values(**_plain(successor), digest=digest))
    return True


def token_changes(engine: sa.Engine, since: float) -> list[tuple[str, dict[str, Any]]]:
    """Return what happened to tokens since then: made, rotated or revoked, each with what the ledger says of it."""
    columns = tables.tokens.c
    query = sa.select(tables.tokens).where(
        sa.or_(columns.created > since, columns.rotated > since, columns.revoked > since)
    )
    with engine.connect() as connection:
        found = [_token(row) for row in connection.execute(query).mappings()]
    changes = []
    for kind, when in (("token_created", "created"), ("token_rotated", "rotated"), ("token_revoked", "revoked")):
        changes += [(kind, _said(kind, each)) for each in found if (getattr(each, when) or 0.0) > since]
    return changes


def _said(kind: str, token: Token) -> dict[str, Any]:
    said: dict[str, Any] = {"token": token.id, "subject": token.subject}
    if kind == "token_created" and token.replaces:
        said["replaces"] = token.replaces[-1]
    if kind == "token_rotated":
        said |= {"successor": token.successor, "until": _rfc3339(token.expires)}
    return said


def _rfc3339(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def touch_tokens(engine: sa.Engine, used: Mapping[str, float]) -> None:
    """Remember when these tokens were last used."""
    if not used:
        return
    # One statement for all: ten thousand would take most of a second, each second.
    said = sa.update(tables.tokens).where(tables.tokens.c.id == sa.bindparam("ident"))
    with engine.begin() as connection:
        connection.execute(said.values(last_used=sa.bindparam("moment")), [
            {"ident": ident, "moment": when} for ident, when in used.items()
        ])  # fmt: skip


# What servers offer, and what of it is approved


def verdicts(engine: sa.Engine) -> dict[tuple[str, str, str], Verdicts]:
    """Return what was said about each (server, kind, name)."""
    approved: dict[tuple[str, str, str], set[str]] = {}
    rejected: dict[tuple[str, str, str], set[str]] = {}
    columns = tables.approvals.c
    with engine.connect() as connection:
        for row in connection.execute(
            sa.select(columns.server, columns.kind, columns.name, columns.digest, columns.verdict)
        ):
            chosen = approved if row.verdict == "approved" else rejected
            chosen.setdefault((row.server, row.kind, row.name), set()).add(row.digest)
    keys = approved.keys() | rejected.keys()
    return {key: Verdicts(frozenset(approved.get(key, ())), frozenset(rejected.get(key, ()))) for key in keys}


def record_verdict(
    engine: sa.Engine, server: str, sightings: Iterable[Sighting], verdict: str, by: str, now: float
) -> None:
    """Approve or reject definitions; the last word on a definition counts."""
    table = tables.approvals
    with engine.begin() as connection:
        for each in sightings:
            key = {"server": server, "kind": str(each.kind), "name": each.name, "digest": each.digest}
            connection.execute(sa.delete(table).where(*(table.c[name] == value for name, value in key.items())))
            row = {**key, "verdict": verdict, "definition": dict(each.definition), "by": by, "at": now}
            connection.execute(sa.insert(table).values(**row))


def approved_definitions(engine: sa.Engine, server: str, kind: Kind, name: str) -> list[Json]:
    """Return the approved definitions of one name, newest first."""
    table = tables.approvals
    wanted = (table.c.server == server, table.c.kind == str(kind), table.c.name == name)
    query = sa.select(table.c.definition).where(*wanted, table.c.verdict == "approved").order_by(table.c.at.desc())
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def pinned(engine: sa.Engine) -> frozenset[str]:
    """Return the servers whose first use is over."""
    with engine.connect() as connection:
        return frozenset(connection.execute(sa.select(tables.servers.c.name)).scalars())


def pin(engine: sa.Engine, server: str, now: float) -> None:
    """End a server's first use."""
    with engine.begin() as connection:
        if connection.execute(sa.select(tables.servers.c.name).where(tables.servers.c.name == server)).first() is None:
            connection.execute(sa.insert(tables.servers).values(name=server, pinned=now))


def keep_offering(engine: sa.Engine, offering: Offering) -> None:
    """Keep what a server offers, in place of what it offered before."""
    table = tables.sightings
    row: dict[str, Any] = {
        "server": offering.server, "offer": offering.offer, "era": offering.era, "version": offering.version,
        "info": dict(offering.info), "capabilities": dict(offering.capabilities),
        "instructions": offering.instructions, "ttl_ms": offering.ttl_ms, "seen": offering.seen,
        "definitions": [[str(it.kind), it.name, it.digest, dict(it.definition)] for it in offering.definitions],
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.server == offering.server, table.c.offer == offering.offer))
        connection.execute(sa.insert(table).values(**row))


def offerings(engine: sa.Engine) -> list[Offering]:
    """Return the last good offering of each server and set of capabilities."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(tables.sightings)).mappings().all()
    return [
        Offering(
            **{name: row[name] for name in ("server", "offer", "era", "version", "info", "capabilities")},
            instructions=row["instructions"],
            definitions=tuple(Sighting(Kind(kind), *rest) for kind, *rest in row["definitions"]),
            ttl_ms=row["ttl_ms"],
            seen=row["seen"],
        )
        for row in rows
    ]


# Handshake-era sessions that were ended


def end_sessions(engine: sa.Engine, sessions: Mapping[str, float]) -> None:
    """Remember that these sessions were ended."""
    with engine.begin() as connection:
        for session, until in sessions.items():
            connection.execute(sa.delete(tables.ended).where(tables.ended.c.session == session))
            connection.execute(sa.insert(tables.ended).values(session=session, until=until))


def ended_sessions(engine: sa.Engine, now: float) -> dict[str, float]:
    """Return the ended sessions whose tokens would otherwise still open, and forget the rest."""
    with engine.begin() as connection:
        connection.execute(sa.delete(tables.ended).where(tables.ended.c.until < now))
        return {row.session: row.until for row in connection.execute(sa.select(tables.ended))}
