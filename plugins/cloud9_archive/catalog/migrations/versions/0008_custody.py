"""Records of bags with their retention, and the documents of custody: extensions, holds, releases, tombstones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Both are empty: records of bags that are sealed already are read from the archive when they are first asked for."""
    op.create_table(
        "bag_records",
        sa.Column("bag_id", SourceText(), nullable=False),
        sa.Column(
            "path", sa.String(), nullable=False, comment="in the bag: a recording's folder, or a call's document"
        ),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="recording or call"),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("record_id", SourceText(), nullable=False),
        sa.Column("retain_until", UtcDateTime(), nullable=True, comment="as its document states it"),
        sa.Column("extended_until", UtcDateTime(), nullable=True, comment="the latest extension"),
        sa.Column(
            "legal_hold", sa.Integer(), nullable=True, comment="1: put under legal hold, 2: that is being lifted"
        ),
        sa.Column("tombstone", sa.String(), nullable=True, comment="the document of custody that disposes of it"),
        sa.Column("disposed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("bag_id", "path", name=op.f("pk_bag_records")),
    )
    op.create_index(
        op.f("ix_bag_records_policy_tombstone_retain_until"),
        "bag_records",
        ["policy", "tombstone", "retain_until"],
        unique=False,
    )
    op.create_index(
        op.f("ix_bag_records_policy_source_record_id"), "bag_records", ["policy", "source", "record_id"], unique=False
    )
    op.create_table(
        "custody",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("document_id", SourceText(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "document", sa.Text(), nullable=False, comment="the text that is in the archive, or is to be put there"
        ),
        sa.Column("chained_by", sa.String(), nullable=False, comment="run id of the link that has it as a member"),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("chained_at", UtcDateTime(), nullable=True, comment="from then on it counts in the archive"),
        sa.Column(
            "completed_at", UtcDateTime(), nullable=True, comment="when everything that follows from it was done"
        ),
        sa.PrimaryKeyConstraint("policy", "document_id", name=op.f("pk_custody")),
    )
    op.create_index(op.f("ix_custody_policy_kind"), "custody", ["policy", "kind"], unique=False)
    op.create_index(op.f("ix_custody_policy_completed_at"), "custody", ["policy", "completed_at"], unique=False)
