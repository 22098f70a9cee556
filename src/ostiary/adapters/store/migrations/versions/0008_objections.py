"""What guards found in definitions. After 0007 (identities)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; it fills when servers are next asked."""
    op.create_table(
        "objections",
        sa.Column("server", sa.String(32), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("findings", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop it: an older version asks no guard about definitions."""
    # SQLite begins a transaction with a change of rows only: without one, this could not be undone with a later step.
    op.execute(sa.delete(sa.table("objections")))
    op.drop_table("objections")
