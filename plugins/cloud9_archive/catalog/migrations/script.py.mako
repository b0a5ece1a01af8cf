"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}
