"""Events can be neither changed nor taken away; runs remember what their newest report sums up to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_WORDS = "the trail is append-only"

# REPLACE removes a row without asking the trigger on DELETE.
_SQLITE = tuple(
    f"CREATE TRIGGER events_no_{name} BEFORE {act} BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
    for name, act in (
        ("update", "UPDATE ON events"),
        ("delete", "DELETE ON events"),
        ("replace", "INSERT ON events WHEN NEW.event_id IN (SELECT event_id FROM events)"),
    )
)
_POSTGRES = (
    f"CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_WORDS}'; END $$",
    """
    CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
)


def upgrade() -> None:
    """The database refuses to change events, to whoever asks; only who may change the schema can lift that."""
    op.add_column(
        "runs",
        sa.Column(
            "report_sums",
            sa.Text(),
            nullable=True,
            comment="JSON: both sums, and the findings by code, as the newest report has them",
        ),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
