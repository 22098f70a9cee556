"""Calls that rules hold, and who said what about them. After 0009 (calls that wait)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LISTS = ("rules", "states")


def upgrade() -> None:
    """Add what rules want, and the table of votes; calls that wait already were held by guards."""
    for name in _LISTS:
        op.add_column("holds", sa.Column(name, sa.JSON, nullable=False, server_default="[]"))
    op.add_column("holds", sa.Column("told", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "votes",
        sa.Column("hold", sa.String(32), sa.ForeignKey("holds.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", sa.String(512), primary_key=True),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("told", sa.Integer, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Drop them, and every call that a rule holds: an older version would let anybody approve it."""
    op.execute(sa.delete(sa.table("votes")))
    op.drop_table("votes")
    holds = sa.table("holds", sa.column("rules", sa.JSON))
    op.execute(sa.delete(holds).where(sa.cast(holds.c.rules, sa.String) != "[]"))
    for name in (*_LISTS, "told"):
        op.drop_column("holds", name)
