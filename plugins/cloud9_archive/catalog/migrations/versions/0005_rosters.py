"""Rosters that were read, whom of them the calls have shown, and logins that they lack."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloud9_archive.catalog.tables import UtcDateTime
from cloud9_archive.catalog.text_type import SourceText

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Rosters that were read, whom of them the calls have shown, and logins that they lack."""
    op.create_table(
        "rosters",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("version", SourceText(), nullable=False),
        sa.Column("origin", SourceText(), nullable=False, comment="file, address or query that it was read from"),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column("recorded_users", sa.Integer(), nullable=False, comment="users with an extension of mode full"),
        sa.Column("copy_path", sa.String(), nullable=True, comment="path of the copy, on the host that read it"),
        sa.Column("first_read_at", UtcDateTime(), nullable=False),
        sa.Column("last_read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "version", name=op.f("pk_rosters")),
    )
    op.create_index(op.f("ix_rosters_policy_last_read_at"), "rosters", ["policy", "last_read_at"], unique=False)
    op.create_table(
        "roster_extensions",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("type", SourceText(), nullable=False),
        sa.Column("value", SourceText(), nullable=False),
        sa.Column("valid_from", SourceText(), nullable=False),
        sa.Column("valid_to", sa.String(length=10), nullable=False, comment="day; 9999-12-31 when there is no end"),
        sa.Column("user", SourceText(), nullable=False),
        sa.Column("matched_at", UtcDateTime(), nullable=True, comment="start of the latest call that it matched"),
        sa.Column("quiet_since", UtcDateTime(), nullable=False, comment="the same, or when it came onto the roster"),
        sa.Column("version", sa.String(length=64), nullable=False, comment="the roster that last had it"),
        sa.PrimaryKeyConstraint("policy", "type", "value", "valid_from", name=op.f("pk_roster_extensions")),
    )
    op.create_index(
        op.f("ix_roster_extensions_policy_quiet_since"), "roster_extensions", ["policy", "quiet_since"], unique=False
    )
    op.create_index(op.f("ix_roster_extensions_policy_user"), "roster_extensions", ["policy", "user"], unique=False)
    op.create_index(
        op.f("ix_roster_extensions_policy_version"), "roster_extensions", ["policy", "version"], unique=False
    )
    op.create_table(
        "unknown_logins",
        sa.Column("policy", SourceText(), nullable=False),
        sa.Column("source", SourceText(), nullable=False),
        sa.Column("login", SourceText(), nullable=False),
        sa.Column("call_id", SourceText(), nullable=False, comment="its latest call"),
        sa.Column("last_call_at", UtcDateTime(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False, comment="in the run that met that call"),
        sa.Column("seen_at", UtcDateTime(), nullable=False, comment="when a run last met it"),
        sa.PrimaryKeyConstraint("policy", "source", "login", name=op.f("pk_unknown_logins")),
    )
    op.create_index(op.f("ix_unknown_logins_policy_seen_at"), "unknown_logins", ["policy", "seen_at"], unique=False)
