"""Findings remember when they were told, and alerts that were sent are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Findings remember when they were told, and alerts that were sent are kept."""
    op.add_column(
        "findings",
        sa.Column("told_at", UtcDateTime(), nullable=True, comment="when an alert told it; empty again once healed"),
    )
    op.create_table(
        "alerts",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("fingerprint", SourceText(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False, comment="the run that it was told of last"),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False, comment="how often it was met since, and not told"),
        sa.PrimaryKeyConstraint("policy", "fingerprint", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_policy_kind_told_at"), "alerts", ["policy", "kind", "told_at"], unique=False)
