"""When the key of a listed source expires."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """When the key of a listed source expires."""
    words = "the day on which the source's key expires, when its connection says it"
    op.add_column("listings", sa.Column("key_expires", sa.Date(), comment=words))
