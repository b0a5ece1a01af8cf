"""What the daily look asks for: a policy's newest runs and bags, and which runs stand for their whole window."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Runs and bags are found by their time; runs of earlier releases count as runs of their whole window."""
    op.add_column(
        "runs",
        sa.Column(
            "single_calls",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="how many calls it was asked for by their ids; 0: for all of its window",
        ),
    )
    op.create_index("ix_runs_policy_kind_window_end", "runs", ["policy", "kind", "window_end"])
    op.create_index("ix_bags_policy_sealed_at", "bags", ["policy", "sealed_at"])
