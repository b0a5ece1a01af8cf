"""Alembic's entry: migrates over the connection that the catalog hands in."""

from __future__ import annotations

from alembic import context

from cloud9_archive.catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
