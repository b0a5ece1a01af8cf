"""Reports of days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.text_type import SourceText

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """The newest report of each day; runs are found by when their windows end."""
    op.create_table(
        "day_reports",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="in the policy's time zone"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("facts_digest", sa.String(64), nullable=False),
        sa.Column(
            "sums", sa.Text(), nullable=False, comment="JSON: both sums, and the findings that are not healed by code"
        ),
        sa.PrimaryKeyConstraint("policy", "day", name="pk_day_reports"),
    )
    op.create_index("ix_runs_policy_window_end", "runs", ["policy", "window_end"])
