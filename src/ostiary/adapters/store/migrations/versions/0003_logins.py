"""People's sessions, what was used once, bootstrap links. After 0002 (the authorization server's tables)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "logins",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("sid", sa.String(256), nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("teams", sa.JSON, nullable=False),
        sa.Column("claims", sa.JSON, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
    )
    op.create_index("ix_logins_subject", "logins", ["subject"])
    op.create_index("ix_logins_ends", "logins", ["ends"])
    op.create_table(
        "spent",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("ix_spent_until", "spent", ["until"])
    op.create_table(
        "bootstraps",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("used", sa.Float),
    )


def downgrade() -> None:
    """Drop them: everybody signs in again."""
    for table in ("bootstraps", "spent", "logins"):
        op.drop_table(table)
