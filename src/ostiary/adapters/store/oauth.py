"""What the authorization server remembers: clients, consents, codes, grants, and what must not come twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from ostiary.adapters.store import tables
from ostiary.core.errors import Overloaded
from ostiary.core.model import Json

_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR
UNUSED: Final = _DAY
"""Seconds after which a client that registered and never got any further is forgotten."""
IDLE: Final = 90 * _DAY
"""Seconds after which a client that was used once is forgotten."""
_REMEMBERED: Final = 900.0
"""Seconds that a code is kept beyond its end: as long as an access token that came of it may be good."""
_GRANTS: Final = 20
"""Grants of one person to one client that stand at the same time; the oldest gives way."""


class OAuth:
    """Rows in the gateway's database; what `content` means is not known here."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # Clients

    def client(self, ident: str) -> Json | None:
        """Return a registered client."""
        return self._content(sa.select(tables.oauth_clients.c.content).where(tables.oauth_clients.c.id == ident))

    def _content(self, query: sa.Select[Any]) -> Json | None:
        with _begun(self._engine) as connection:
            found: Json | None = connection.execute(query).scalars().first()
        return found

    def add_client(self, ident: str, content: Json, now: float, most: int) -> bool:
        """Keep a registered client; forget those that never were used if there are `most`; False: no room."""
        table = tables.oauth_clients
        count = sa.select(sa.func.count()).select_from(table)
        with _begun(self._engine) as connection:
            if connection.execute(count).scalar_one() >= most:
                _forget_clients(connection, now, unused=_HOUR)
                if connection.execute(count).scalar_one() >= most:
                    return False
            connection.execute(sa.insert(table).values(id=ident, content=dict(content), created=now))
        return True

    def use_client(self, ident: str, now: float) -> None:
        """Remember that a client was used."""
        table = tables.oauth_clients
        with _begun(self._engine) as connection:
            connection.execute(sa.update(table).where(table.c.id == ident).values(used=now))

    # Consents

    def consent(self, key: str, now: float) -> list[str]:
        """Return the scopes that a person granted under this key and still does."""
        columns = tables.oauth_consents.c
        query = sa.select(columns.scopes).where(columns.key == key, columns.until > now)
        with _begun(self._engine) as connection:
            return list(connection.execute(query).scalars().first() or ())

    def keep_consent(self, key: str, person: tuple[str, str], scopes: list[str], until: float) -> None:
        """Keep that a person (issuer and subject) granted these scopes, in place of what they granted before."""
        table = tables.oauth_consents
        row = {"key": key, "issuer": person[0], "subject": person[1], "scopes": scopes, "until": until}
        with _begun(self._engine) as connection:
            connection.execute(sa.delete(table).where(table.c.key == key))
            connection.execute(sa.insert(table).values(**row))

    # Codes and grants

    def add_code(self, digest: str, content: Json, until: float) -> None:
        """Keep a code."""
        with _begun(self._engine) as connection:
            connection.execute(sa.insert(tables.oauth_codes).values(digest=digest, content=dict(content), until=until))

    def code(self, digest: str) -> Json | None:
        """Return what a code stands for, whether or not it was used or has expired, as long as it is known."""
        return self._content(sa.select(tables.oauth_codes.c.content).where(tables.oauth_codes.c.digest == digest))

    def redeem(self, digest: str, refresh: str, now: float, idle: float) -> bool:
        """Use a code and begin its grant; False, and nothing done, where it was used before or has expired."""
        codes = tables.oauth_codes
        unused = (codes.c.digest == digest, codes.c.used.is_(None), codes.c.until > now)
        with _begun(self._engine) as connection:
            if connection.execute(sa.update(codes).where(*unused).values(used=now)).rowcount != 1:
                return False
            content = connection.execute(sa.select(codes.c.content).where(codes.c.digest == digest)).scalar_one()
            grant = content["grant"]
            person = {"issuer": grant["subject"]["issuer"], "subject": grant["subject"]["subject"]}
            _make_room(connection, {**person, "client": grant["client"]}, now)
            row = {
                **person, "id": grant["id"], "client": grant["client"], "content": grant, "refresh": refresh,
                "idle": idle, "created": now, "until": grant["until"],
            }  # fmt: skip
            connection.execute(sa.insert(tables.oauth_grants).values(**row))
        return True

    def spoil(self, digest: str, now: float) -> None:
        """Let a code be used no more."""
        codes = tables.oauth_codes
        with _begun(self._engine) as connection:
            spoiled = sa.update(codes).where(codes.c.digest == digest, codes.c.used.is_(None))
            connection.execute(spoiled.values(used=now))

    def grant(self, ident: str, now: float) -> Json | None:
        """Return a grant that stands."""
        columns = tables.oauth_grants.c
        standing = (columns.id == ident, columns.revoked.is_(None), columns.until > now)
        return self._content(sa.select(columns.content).where(*standing))

    def grants(self, issuer: str, subject: str, now: float) -> list[Json]:
        """Return the grants of a person that stand, the newest first, each with when it began (`created`)."""
        columns = tables.oauth_grants.c
        theirs = (columns.issuer == issuer, columns.subject == subject)
        standing = (columns.revoked.is_(None), columns.until > now, columns.idle > now)
        query = sa.select(columns.content, columns.created).where(*theirs, *standing).order_by(columns.created.desc())
        with _begun(self._engine) as connection:
            return [{**content, "created": created} for content, created in connection.execute(query)]

    def rotate(self, ident: str, old: str, new: str, now: float, idle: float) -> bool:
        """Put a grant's new refresh token in place of the old one; False where that is not its present one."""
        table = tables.oauth_grants
        present = (
            table.c.id == ident, table.c.refresh == old, table.c.revoked.is_(None), table.c.idle > now,
            table.c.until > now,
        )  # fmt: skip
        with _begun(self._engine) as connection:
            change = sa.update(table).where(*present).values(refresh=new, idle=idle)
            return connection.execute(change).rowcount == 1

    def expired(self, ident: str, digest: str, now: float) -> bool:
        """Say whether this is the grant's present refresh token, and too old."""
        columns = tables.oauth_grants.c
        query = sa.select(columns.id).where(columns.id == ident, columns.refresh == digest, columns.idle <= now)
        with _begun(self._engine) as connection:
            return connection.execute(query).first() is not None

    def revoke(self, ident: str, now: float, until: float) -> bool:
        """End a grant; access tokens of it are refused until `until`. False where there was none that stood."""
        with _begun(self._engine) as connection:
            return _end(connection, ident, now, until)

    def revoke_person(self, issuer: str, subject: str, now: float, until: float) -> int:
        """End every grant and forget every consent of a person; return how many grants stood."""
        grants, consents = tables.oauth_grants, tables.oauth_consents
        theirs = (grants.c.issuer == issuer, grants.c.subject == subject, grants.c.revoked.is_(None))
        with _begun(self._engine) as connection:
            found = list(connection.execute(sa.select(grants.c.id).where(*theirs)).scalars())
            for ident in found:
                _end(connection, ident, now, until)
            connection.execute(sa.delete(consents).where(consents.c.issuer == issuer, consents.c.subject == subject))
        return len(found)

    # What is refused, and what came

    def withdraw(self, mark: str, until: float) -> None:
        """Refuse access tokens with this `jti` or grant until then."""
        with _begun(self._engine) as connection:
            _withdraw(connection, mark, until)

    def withdrawn(self, now: float) -> frozenset[str]:
        """Return the marks whose access tokens are refused."""
        columns = tables.oauth_withdrawn.c
        with _begun(self._engine) as connection:
            return frozenset(connection.execute(sa.select(columns.mark).where(columns.until > now)).scalars())

    def first(self, digest: str, until: float, now: float) -> bool:
        """Remember something that may come once; False where it came before."""
        table = tables.oauth_seen
        with _begun(self._engine) as connection:
            connection.execute(sa.delete(table).where(table.c.digest == digest, table.c.until <= now))
            try:
                # The primary key decides between two that come at the same time.
                with connection.begin_nested():
                    connection.execute(sa.insert(table).values(digest=digest, until=until))
            except sa.exc.IntegrityError:
                return False
        return True

    def sweep(self, now: float) -> None:
        """Forget all that has no meaning any more."""
        with _begun(self._engine) as connection:
            _forget_clients(connection, now, unused=UNUSED)
            for table in (tables.oauth_consents, tables.oauth_grants, tables.oauth_withdrawn, tables.oauth_seen):
                connection.execute(sa.delete(table).where(table.c.until <= now))
            connection.execute(sa.delete(tables.oauth_codes).where(tables.oauth_codes.c.until <= now - _REMEMBERED))


@contextlib.contextmanager
def _begun(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction whose failures are ours."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise _away(error) from error


def _away(error: Exception) -> Overloaded:
    return Overloaded(f"the authorization server's tables: {type(error).__name__}", retry_after=1.0)


def _end(connection: sa.Connection, ident: str, now: float, until: float) -> bool:
    grants = tables.oauth_grants
    standing = sa.update(grants).where(grants.c.id == ident, grants.c.revoked.is_(None))
    ended = connection.execute(standing.values(revoked=now)).rowcount > 0
    if ended:
        _withdraw(connection, ident, until)
    return ended


def _withdraw(connection: sa.Connection, mark: str, until: float) -> None:
    table = tables.oauth_withdrawn
    connection.execute(sa.delete(table).where(table.c.mark == mark))
    connection.execute(sa.insert(table).values(mark=mark, until=until))


def _make_room(connection: sa.Connection, whose: dict[str, str], now: float) -> None:
    """End the oldest grants of a person to a client, so that one more is not too many."""
    grants = tables.oauth_grants
    theirs = [*(grants.c[name] == value for name, value in whose.items()), grants.c.revoked.is_(None)]
    query = sa.select(grants.c.id).where(*theirs).order_by(grants.c.created.desc())
    for ident in list(connection.execute(query).scalars())[_GRANTS - 1 :]:
        _end(connection, ident, now, now + _REMEMBERED)


def _forget_clients(connection: sa.Connection, now: float, unused: float) -> None:
    table = tables.oauth_clients
    never = sa.and_(table.c.used.is_(None), table.c.created <= now - unused)
    connection.execute(sa.delete(table).where(sa.or_(never, table.c.used <= now - IDLE)))
