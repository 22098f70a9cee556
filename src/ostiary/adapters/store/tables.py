"""The tables of the gateway's database, for SQLite and PostgreSQL alike (SQLAlchemy Core, no ORM)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

metadata: Final = sa.MetaData()

tokens: Final = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # SHA-256 of the token: it has 256 bits of entropy, so a slow hash would protect nothing.
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("subject", sa.String(256), nullable=False, index=True),
    sa.Column("note", sa.String(256), nullable=False, server_default=""),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("teams", sa.JSON, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("servers", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("revoked", sa.Float),
    sa.Column("last_used", sa.Float),
    sa.Column("views", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("tools", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("replaces", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("rotated", sa.Float),
    sa.Column("successor", sa.String(32), nullable=False, server_default=""),
)

approvals: Final = sa.Table(
    "approvals",
    metadata,
    sa.Column("server", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(1024), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("by", sa.String(256), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

servers: Final = sa.Table(
    "servers",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("pinned", sa.Float, nullable=False),
)
"""Servers whose first use is over: from here on, what they newly offer waits for a person."""

sightings: Final = sa.Table(
    "sightings",
    metadata,
    sa.Column("server", sa.String(32), primary_key=True),
    sa.Column("offer", sa.String(128), primary_key=True),
    sa.Column("era", sa.String(16), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("info", sa.JSON, nullable=False),
    sa.Column("capabilities", sa.JSON, nullable=False),
    sa.Column("instructions", sa.Text, nullable=False),
    sa.Column("definitions", sa.JSON, nullable=False),
    sa.Column("ttl_ms", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
)
"""What each server offered when it was last asked, approved or not: the last good catalogue survives a restart."""

identities: Final = sa.Table(
    "identities",
    metadata,
    sa.Column("server", sa.String(32), primary_key=True),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
)
"""What each server was when it was last looked at, as pinned or not; what is pinned is among the approvals."""

ended: Final = sa.Table(
    "ended_sessions",
    metadata,
    sa.Column("session", sa.String(64), primary_key=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
)

quarantines: Final = sa.Table(
    "quarantines",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("what", sa.String(1024), nullable=False),
    sa.Column("issuer", sa.String(1024), nullable=False),
    sa.Column("reason", sa.String(256), nullable=False),
    sa.Column("by", sa.String(256), nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("expires", sa.Float),
    sa.Column("lifted", sa.Float, index=True),
    sa.Column("lifted_by", sa.String(256), nullable=False, server_default=""),
    sa.Column("lifted_because", sa.String(256), nullable=False, server_default=""),
    # How much of its life is in the ledger: 0 nothing, 1 its beginning, 2 its end.
    sa.Column("recorded", sa.Integer, nullable=False, server_default="0"),
)
"""Who and what is shut out, and was: a quarantine that ended stays for a year."""

oauth_clients: Final = sa.Table(
    "oauth_clients",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False, index=True),
    sa.Column("used", sa.Float, index=True),
)
"""Programs that registered themselves (RFC 7591)."""

oauth_consents: Final = sa.Table(
    "oauth_consents",
    metadata,
    # SHA-256 over person, client, redirect host and resource.
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("issuer", sa.String(2048), nullable=False),
    sa.Column("subject", sa.String(512), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sa.Index("ix_oauth_consents_person", "issuer", "subject"),
)

oauth_codes: Final = sa.Table(
    "oauth_codes",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sa.Column("used", sa.Float),
)
"""Authorization codes; a used one is kept for a while, for its second use says that somebody has stolen it."""

oauth_grants: Final = sa.Table(
    "oauth_grants",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("issuer", sa.String(2048), nullable=False),
    sa.Column("subject", sa.String(512), nullable=False),
    # A client may be the address of a document.
    sa.Column("client", sa.String(2048), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    # SHA-256 of the present refresh token; older ones are known by their seal, and by not being this one.
    sa.Column("refresh", sa.String(64), nullable=False),
    sa.Column("idle", sa.Float, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sa.Column("revoked", sa.Float),
    sa.Index("ix_oauth_grants_person", "issuer", "subject"),
)

oauth_withdrawn: Final = sa.Table(
    "oauth_withdrawn",
    metadata,
    sa.Column("mark", sa.String(64), primary_key=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
)
"""Grants, and single access tokens, whose tokens have not expired yet but are refused."""

oauth_seen: Final = sa.Table(
    "oauth_seen",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
)
"""Assertions and consent forms that came, and must not come again."""

objections: Final = sa.Table(
    "objections",
    metadata,
    sa.Column("server", sa.String(32), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("findings", sa.JSON, nullable=False),
)
"""What guards found in definitions that servers offer."""

holds: Final = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # SHA-256 over who calls what with which arguments, and what held it: what an approval is good for.
    sa.Column("key", sa.String(64), nullable=False, index=True),
    sa.Column("issuer", sa.String(2048), nullable=False),
    sa.Column("subject", sa.String(512), nullable=False),
    sa.Column("label", sa.String(2048), nullable=False),
    sa.Column("reason", sa.String(1024), nullable=False),
    # Sealed.
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("decided", sa.Float),
    sa.Column("decided_by", sa.String(256)),
    # What rules want: their names, whose approval, how many, for how long. Empty: a guard holds it.
    sa.Column("rules", sa.JSON, nullable=False, server_default="[]"),
    # Digests of the states with which calls that were approved have gone on.
    sa.Column("states", sa.JSON, nullable=False, server_default="[]"),
    # Whether it is in the ledger.
    sa.Column("told", sa.Integer, nullable=False, server_default="1"),
)
"""Calls that wait for a person, and what was decided about them."""

votes: Final = sa.Table(
    "votes",
    metadata,
    sa.Column("hold", sa.String(32), sa.ForeignKey("holds.id", ondelete="CASCADE"), primary_key=True),
    # The name in the form that all its spellings share: one person has one voice.
    sa.Column("person", sa.String(512), primary_key=True),
    sa.Column("subject", sa.String(512), nullable=False),
    sa.Column("issuer", sa.String(2048), nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("time", sa.Float, nullable=False),
    sa.Column("told", sa.Integer, nullable=False, server_default="0"),
)
"""Who approved or refused calls that wait."""
