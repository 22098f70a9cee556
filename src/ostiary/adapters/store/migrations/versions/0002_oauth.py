"""What the authorization server remembers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create its tables."""
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("used", sa.Float),
    )
    op.create_index("ix_oauth_clients_created", "oauth_clients", ["created"])
    op.create_index("ix_oauth_clients_used", "oauth_clients", ["used"])
    op.create_table(
        "oauth_consents",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("ix_oauth_consents_person", "oauth_consents", ["issuer", "subject"])
    op.create_index("ix_oauth_consents_until", "oauth_consents", ["until"])
    op.create_table(
        "oauth_codes",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("used", sa.Float),
    )
    op.create_index("ix_oauth_codes_until", "oauth_codes", ["until"])
    op.create_table(
        "oauth_grants",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("client", sa.String(2048), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("refresh", sa.String(64), nullable=False),
        sa.Column("idle", sa.Float, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("revoked", sa.Float),
    )
    op.create_index("ix_oauth_grants_person", "oauth_grants", ["issuer", "subject"])
    op.create_index("ix_oauth_grants_until", "oauth_grants", ["until"])
    op.create_table(
        "oauth_withdrawn",
        sa.Column("mark", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("ix_oauth_withdrawn_until", "oauth_withdrawn", ["until"])
    op.create_table(
        "oauth_seen",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("ix_oauth_seen_until", "oauth_seen", ["until"])


def downgrade() -> None:
    """Drop them: every client must register, and every person consent, again."""
    for table in ("seen", "withdrawn", "grants", "codes", "consents", "clients"):
        op.drop_table(f"oauth_{table}")
