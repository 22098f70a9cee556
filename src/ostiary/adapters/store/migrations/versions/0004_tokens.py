"""Tokens that are narrowed to views and tools, and those that succeed others. After 0003 (people's sessions)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ADDED = ("views", "tools", "replaces")


def upgrade() -> None:
    """Add the columns; tokens that are there already are as wide as they were, and succeed nobody."""
    for name in _ADDED:
        op.add_column("tokens", sa.Column(name, sa.JSON, nullable=False, server_default="[]"))
    op.add_column("tokens", sa.Column("rotated", sa.Float))
    op.add_column("tokens", sa.Column("successor", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them, and with them every token that would be wider without: absence never means more."""
    tokens = sa.table("tokens", *(sa.column(name, sa.JSON) for name in _ADDED))
    narrowed = [sa.cast(tokens.c[name], sa.String) != "[]" for name in _ADDED]
    op.execute(sa.delete(tokens).where(sa.or_(*narrowed)))
    for name in (*_ADDED, "rotated", "successor"):
        op.drop_column("tokens", name)
