"""A finding may be accepted by a named person, with a reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Who accepted a finding, when and why; empty again once it healed."""
    comment = "a person has seen it and lives with it; empty again once healed"
    op.add_column("findings", sa.Column("accepted_at", UtcDateTime(), nullable=True, comment=comment))
    op.add_column("findings", sa.Column("accepted_by", SourceText(), nullable=True))
    op.add_column("findings", sa.Column("accepted_because", SourceText(), nullable=True))
