"""Runs migrations over the connection that the gateway hands in; there is no alembic.ini to point elsewhere."""

from __future__ import annotations

from alembic import context

from ostiary.adapters.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
