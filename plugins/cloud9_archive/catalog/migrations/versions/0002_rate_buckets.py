"""Turns under the source's limits, shared by all workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Turns under the source's limits, shared by all workers."""
    op.create_table(
        "rate_buckets",
        sa.Column("bucket", SourceText(), nullable=False, comment="digest of the API key, and the endpoint"),
        sa.Column(
            "ledger",
            sa.Text(),
            nullable=False,
            comment="JSON: turns of the last minute and turns booked ahead, in milliseconds; until when all pause",
        ),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_rate_buckets")),
    )
