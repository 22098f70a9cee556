"""People's sessions, what may be used only once, and bootstrap links, in the gateway's database.

Secrets are kept as SHA-256 digests: each has 256 bits of entropy, so a slow hash would protect nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ostiary.adapters.store import tables
from ostiary.core.errors import Overloaded
from ostiary.core.model import Json

logins: Final = sa.Table(
    "logins",
    tables.metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("issuer", sa.String(2048), nullable=False),
    sa.Column("subject", sa.String(256), nullable=False, index=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("sid", sa.String(256), nullable=False),
    # What the provider wants to see at logout, sealed.
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("teams", sa.JSON, nullable=False),
    sa.Column("claims", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
    sa.Column("ends", sa.Float, nullable=False, index=True),
)

spent: Final = sa.Table(
    "spent",
    tables.metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
)

bootstraps: Final = sa.Table(
    "bootstraps",
    tables.metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("until", sa.Float, nullable=False),
    sa.Column("used", sa.Float),
)

_SESSIONS: Final = 20
"""Sessions of one person; the oldest goes when another comes."""
_SPENT: Final = 100_000
"""Things remembered as used; those that expire first go first."""


class Logins:
    """The three tables, over one engine. Every method blocks, and raises `Overloaded` where the database cannot say."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, row: Json) -> None:
        """Keep a session, and forget those that are over."""
        mine = (logins.c.issuer == row["issuer"], logins.c.subject == row["subject"])
        newest = sa.select(logins.c.digest).where(*mine).order_by(logins.c.created.desc()).limit(_SESSIONS - 1)
        with self._writing() as connection:
            connection.execute(sa.delete(logins).where(logins.c.ends <= row["created"]))
            kept = list(connection.execute(newest).scalars())
            connection.execute(sa.delete(logins).where(*mine, logins.c.digest.not_in(kept)))
            connection.execute(sa.insert(logins).values(**row))

    def find(self, digest: str) -> Json | None:
        """Return the session, whether or not it is still good."""
        with self._reading() as connection:
            row = connection.execute(sa.select(logins).where(logins.c.digest == digest)).mappings().first()
        return dict(row) if row else None

    def touch(self, digest: str, seen: float) -> None:
        """Remember when the session was last used."""
        with self._writing() as connection:
            connection.execute(sa.update(logins).where(logins.c.digest == digest).values(seen=seen))

    def end(self, digest: str) -> bool:
        """End a session; False where there was none."""
        with self._writing() as connection:
            return connection.execute(sa.delete(logins).where(logins.c.digest == digest)).rowcount > 0

    def end_all(self, issuer: str, sid: str, subject: str) -> int:
        """End the sessions of an issuer that have this `sid` and this subject, and return how many; empty: any."""
        which: list[Any] = [logins.c.issuer == issuer]
        which += [logins.c.sid == sid] if sid else []
        which += [logins.c.subject == subject] if subject else []
        with self._writing() as connection:
            return connection.execute(sa.delete(logins).where(*which)).rowcount

    def spend(self, digest: str, until: float, now: float) -> bool:
        """Note that a thing for one use was used; False where it was used before."""
        try:
            with self._writing() as connection:
                connection.execute(sa.delete(spent).where(spent.c.until <= now))
                # The primary key decides who is first, also between two workers.
                connection.execute(sa.insert(spent).values(digest=digest, until=until))
                over = connection.execute(sa.select(sa.func.count()).select_from(spent)).scalar_one() - _SPENT
                if over > 0:
                    oldest = sa.select(spent.c.digest).order_by(spent.c.until).limit(over)
                    connection.execute(sa.delete(spent).where(spent.c.digest.in_(oldest)))
        except IntegrityError:
            return False
        return True

    def offer(self, digest: str, until: float) -> None:
        """Keep a bootstrap link in place of every earlier one that was not used."""
        with self._writing() as connection:
            connection.execute(sa.delete(bootstraps).where(bootstraps.c.used.is_(None)))
            connection.execute(sa.insert(bootstraps).values(digest=digest, until=until))

    def take(self, digest: str, now: float) -> bool:
        """Use a bootstrap link up; False where it is unknown, used or too old."""
        good = (bootstraps.c.digest == digest, bootstraps.c.used.is_(None), bootstraps.c.until > now)
        with self._writing() as connection:
            return connection.execute(sa.update(bootstraps).where(*good).values(used=now)).rowcount == 1

    def bootstrapped(self) -> bool:
        """Say whether a bootstrap link was ever used."""
        with self._reading() as connection:
            return (
                connection.execute(sa.select(bootstraps.c.used).where(bootstraps.c.used.isnot(None))).first()
                is not None
            )

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _translated(), self._engine.begin() as connection:
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        # A database that is locked, or on a full disk, does not say that somebody is signed in, nor that nobody is.
        raise Overloaded(f"logins: {type(error).__name__}", retry_after=1.0) from error
