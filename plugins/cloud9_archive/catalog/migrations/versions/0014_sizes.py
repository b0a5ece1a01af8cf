"""Sizes of more than 2 GiB: Postgres had four bytes for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """A bag or recording may be of any size; SQLite's integers always were."""
    if op.get_context().dialect.name == "sqlite":
        return
    op.alter_column("media", "original_size", type_=sa.BigInteger(), existing_type=sa.Integer(), existing_nullable=True)
    op.alter_column("bags", "size", type_=sa.BigInteger(), existing_type=sa.Integer(), existing_nullable=False)
