"""The first catalog."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The first catalog."""
    op.create_table(
        "bags",
        sa.Column("bag_id", SourceText(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("seal_sha256", sa.String(length=64), nullable=False, comment="digest of tagmanifest-sha256.txt"),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.Column("link_number", sa.Integer(), nullable=True, comment="the chain link that covers it"),
        sa.PrimaryKeyConstraint("bag_id", name=op.f("pk_bags")),
    )
    op.create_index(op.f("ix_bags_policy_link_number"), "bags", ["policy", "link_number"], unique=False)
    op.create_index(op.f("ix_bags_policy_run_id"), "bags", ["policy", "run_id"], unique=False)
    op.create_table(
        "batches",
        sa.Column("batch_id", SourceText(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False, comment="the run that holds it"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("formed_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True, comment="JSON: the bag's final content, from sealing until sealed"),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batches")),
    )
    op.create_index(
        "ix_batches_unfinished",
        "batches",
        ["policy", "run_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('open', 'sealing')"),
        postgresql_where=sa.text("state IN ('open', 'sealing')"),
    )
    op.create_table(
        "calls",
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="Call.document() as canonical JSON, raw row included"),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the document; changes when the source amends",
        ),
        sa.Column("first_listed_at", UtcDateTime(), nullable=False),
        sa.Column("last_listed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "call_id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_source_started_at"), "calls", ["source", "started_at"], unique=False)
    op.create_table(
        "chain",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "number", name=op.f("pk_chain")),
    )
    op.create_index(op.f("ix_chain_policy_run_id"), "chain", ["policy", "run_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("reason", SourceText(), nullable=False),
        sa.Column("users", sa.Text(), nullable=False, comment="JSON list of recorded users"),
        sa.Column("policy_version", sa.String(length=64), nullable=False),
        sa.Column("roster_version", sa.String(length=64), nullable=True),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decisions")),
    )
    op.create_index(
        op.f("ix_decisions_policy_source_call_id"), "decisions", ["policy", "source", "call_id"], unique=False
    )
    op.create_table(
        "events",
        sa.Column("event_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(), nullable=False, comment="the run that did it"),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("subject", SourceText(), nullable=False),
        sa.Column("before", SourceText(), nullable=True),
        sa.Column("after", SourceText(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_policy_subject"), "events", ["policy", "subject"], unique=False)
    op.create_table(
        "findings",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("code", SourceText(), nullable=False),
        sa.Column("subject", SourceText(), nullable=False),
        sa.Column("words", SourceText(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False, comment="the run that saw it last"),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("healed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("policy", "code", "subject", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_policy_healed_at"), "findings", ["policy", "healed_at"], unique=False)
    op.create_index(op.f("ix_findings_policy_subject"), "findings", ["policy", "subject"], unique=False)
    op.create_table(
        "listings",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("run_id", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "run_id", "source", name=op.f("pk_listings")),
    )
    op.create_table(
        "policies",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("version", SourceText(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "version", name=op.f("pk_policies")),
    )
    op.create_table(
        "recordings",
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("recording_id", SourceText(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=True, comment="seconds, as reported"),
        sa.Column("filename", SourceText(), nullable=True),
        sa.Column("first_listed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "recording_id", name=op.f("pk_recordings")),
    )
    op.create_table(
        "runs",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("run_id", SourceText(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("window_start", UtcDateTime(), nullable=False),
        sa.Column("window_end", UtcDateTime(), nullable=False),
        sa.Column("policy_version", sa.String(length=64), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column(
            "facts_digest", sa.String(length=64), nullable=True, comment="digest of the facts in the newest report"
        ),
        sa.Column("report_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("report_key", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("policy", "run_id", name=op.f("pk_runs")),
    )
    op.create_table(
        "call_recordings",
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.Column("recording_id", SourceText(), nullable=False),
        sa.Column("offset", sa.Float(), nullable=True, comment="seconds into the recording at which the call begins"),
        sa.ForeignKeyConstraint(
            ["source", "call_id"], ["calls.source", "calls.call_id"], name=op.f("fk_call_recordings_calls")
        ),
        sa.ForeignKeyConstraint(
            ["source", "recording_id"],
            ["recordings.source", "recordings.recording_id"],
            name=op.f("fk_call_recordings_recordings"),
        ),
        sa.PrimaryKeyConstraint("source", "call_id", "recording_id", name=op.f("pk_call_recordings")),
    )
    op.create_index(
        op.f("ix_call_recordings_source_recording_id"), "call_recordings", ["source", "recording_id"], unique=False
    )
    op.create_table(
        "media",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("recording_id", SourceText(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline_at", UtcDateTime(), nullable=False),
        sa.Column(
            "batch_id", sa.String(), nullable=True, comment="the batch that holds it, while that batch is unfinished"
        ),
        sa.Column("original_sha256", sa.String(length=64), nullable=True),
        sa.Column("original_size", sa.Integer(), nullable=True),
        sa.Column("fetched_at", UtcDateTime(), nullable=True),
        sa.Column("examination", sa.Text(), nullable=True, comment="JSON: what the bytes turned out to be"),
        sa.Column(
            "derivative", sa.Text(), nullable=True, comment="JSON: digest, size and provenance of the derivative"
        ),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("failure_reason", SourceText(), nullable=True),
        sa.Column("bag_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source", "recording_id"],
            ["recordings.source", "recordings.recording_id"],
            name=op.f("fk_media_recordings"),
        ),
        sa.PrimaryKeyConstraint("policy", "source", "recording_id", name=op.f("pk_media")),
    )
    op.create_index(op.f("ix_media_batch_id"), "media", ["batch_id"], unique=False)
    op.create_index(op.f("ix_media_policy_state"), "media", ["policy", "state"], unique=False)
    op.create_table(
        "policy_calls",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("deadline_at", UtcDateTime(), nullable=False, comment="from here on absent media are missing"),
        sa.Column("next_check_at", UtcDateTime(), nullable=False, comment="when it is due again, unless it is settled"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often its media were asked for in vain"),
        sa.Column(
            "batch_id", sa.String(), nullable=True, comment="the batch that holds it, while that batch is unfinished"
        ),
        sa.Column(
            "archived_digest",
            sa.String(length=64),
            nullable=True,
            comment="digest of the call as last documented in a bag",
        ),
        sa.Column("bag_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source", "call_id"], ["calls.source", "calls.call_id"], name=op.f("fk_policy_calls_calls")
        ),
        sa.PrimaryKeyConstraint("policy", "source", "call_id", name=op.f("pk_policy_calls")),
    )
    op.create_index(op.f("ix_policy_calls_batch_id"), "policy_calls", ["batch_id"], unique=False)
    op.create_index(
        op.f("ix_policy_calls_policy_state_next_check_at"),
        "policy_calls",
        ["policy", "state", "next_check_at"],
        unique=False,
    )
    op.create_table(
        "run_calls",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("run_id", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source", "call_id"], ["calls.source", "calls.call_id"], name=op.f("fk_run_calls_calls")
        ),
        sa.PrimaryKeyConstraint("policy", "run_id", "source", "call_id", name=op.f("pk_run_calls")),
    )
    op.create_table(
        "run_stragglers",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("run_id", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source", "call_id"], ["calls.source", "calls.call_id"], name=op.f("fk_run_stragglers_calls")
        ),
        sa.PrimaryKeyConstraint("policy", "run_id", "source", "call_id", name=op.f("pk_run_stragglers")),
    )
