"""People, programs, servers and tools that are shut out for now. After 0004 (tokens that are narrowed)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "quarantines",
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
        sa.Column("recorded", sa.Integer, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Refuse while anything is shut out: absence never means more."""
    table = sa.table("quarantines", sa.column("lifted", sa.Float))
    if op.get_bind().execute(sa.select(table.c.lifted).where(table.c.lifted.is_(None))).first() is not None:
        raise RuntimeError("something is quarantined, and an older version would let it through; lift it first")
    op.drop_table("quarantines")
