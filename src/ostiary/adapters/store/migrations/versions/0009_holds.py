"""Calls that wait for a person. After 0008 (objections)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "holds",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, index=True),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("label", sa.String(2048), nullable=False),
        sa.Column("reason", sa.String(1024), nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("until", sa.Float, nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided", sa.Float),
        sa.Column("decided_by", sa.String(256)),
    )


def downgrade() -> None:
    """Drop it: an older version holds no call."""
    # SQLite begins a transaction with a change of rows only: without one, this could not be undone with a later step.
    op.execute(sa.delete(sa.table("holds")))
    op.drop_table("holds")
