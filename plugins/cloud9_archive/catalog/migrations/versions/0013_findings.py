"""What findings of every run rest on: spans that were listed, amendments, logins and their audio, how often each was seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0013"
down_revision = "0010"

_FROM = "begin of the span that was listed whole; empty for a run that was told which calls to take"


def upgrade() -> None:
    """Nothing is known of listings before: no call counts as late because of them, and no day as listed."""
    op.add_column("listings", sa.Column("covered_from", UtcDateTime(), nullable=True, comment=_FROM))
    op.add_column("listings", sa.Column("covered_to", UtcDateTime(), nullable=True))
    op.add_column(
        "listings",
        sa.Column(
            "first_completed_at", UtcDateTime(), nullable=True, comment="when the run had listed that span first"
        ),
    )
    op.create_index(
        op.f("ix_listings_policy_source_covered_to"), "listings", ["policy", "source", "covered_to"], unique=False
    )
    op.add_column(
        "findings",
        sa.Column(
            "times_seen",
            sa.Integer(),
            nullable=False,
            server_default="1",
            comment="how many runs have seen it since it was opened",
        ),
    )
    op.drop_index(op.f("ix_call_recordings_source_recording_id"), "call_recordings")
    op.create_index(
        op.f("ix_call_recordings_source_recording_id_call_id"),
        "call_recordings",
        ["source", "recording_id", "call_id"],
        unique=False,
    )
    # What a source amends is looked up under every policy.
    op.create_index(op.f("ix_policy_calls_source_call_id"), "policy_calls", ["source", "call_id"], unique=False)
    op.create_table(
        "amendments",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column(
            "run_id",
            SourceText(),
            nullable=True,
            comment="the run that tells of it; empty until one of the policy does",
        ),
        sa.Column("fields", sa.Text(), nullable=False, comment="JSON list: names of what changed, never values"),
        sa.Column("listed_at", UtcDateTime(), nullable=False, comment="when the source listed it so first"),
        sa.ForeignKeyConstraint(
            ["source", "call_id"], ["calls.source", "calls.call_id"], name=op.f("fk_amendments_calls")
        ),
        sa.PrimaryKeyConstraint("policy", "source", "call_id", "digest", name=op.f("pk_amendments")),
    )
    op.create_index(op.f("ix_amendments_policy_run_id"), "amendments", ["policy", "run_id"], unique=False)
    op.create_table(
        "login_audio",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("login", SourceText(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=True, comment="start of the latest call whose audio came"),
        sa.Column(
            "unheard", sa.Text(), nullable=False, comment="JSON: start of its first calls without audio, by their ids"
        ),
        sa.Column("seen_at", UtcDateTime(), nullable=False, comment="when a run last met it"),
        sa.PrimaryKeyConstraint("policy", "source", "login", name=op.f("pk_login_audio")),
    )
    op.create_index(op.f("ix_login_audio_policy_heard_at"), "login_audio", ["policy", "heard_at"], unique=False)
