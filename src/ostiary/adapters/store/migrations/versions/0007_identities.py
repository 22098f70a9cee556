"""What each server was when it was last looked at. After 0006 (quarantines)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; servers that are known already are pinned when they are next looked at."""
    op.create_table(
        "identities",
        sa.Column("server", sa.String(32), primary_key=True),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Drop it, with what was said about identities and instructions: an older version would not know what it means."""
    approvals = sa.table("approvals", sa.column("kind", sa.String))
    op.execute(sa.delete(approvals).where(approvals.c.kind == "gateway"))
    op.drop_table("identities")
