"""Decisions say by which section, for whom, for how long, on which form of the call, and what they replace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.text_type import SourceText

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Columns are added; what was decided before has none of it."""
    for column in (
        sa.Column("section", SourceText(), nullable=True, comment="name of the section that decided"),
        sa.Column(
            "recorded_for",
            sa.Text(),
            server_default="[]",
            nullable=False,
            comment="JSON list: an entry with extension, end and retention for each recorded user",
        ),
        sa.Column("retention", sa.String(), nullable=True, comment="the longest that is asked for, such as 7y"),
        sa.Column(
            "call_digest", sa.String(length=64), nullable=True, comment="digest of the call as it was decided on"
        ),
        sa.Column(
            "replaces", sa.Integer(), nullable=True, comment="the decision that it took the place of, on request"
        ),
    ):
        op.add_column("decisions", column)
