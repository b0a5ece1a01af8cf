"""Decisions say which profile they ask for, and a recording may have several derivatives, peaks, and derivatives that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Only these could be asked for until now, and their objects were written with sorted keys, so that each begins with {.
_TO_A_LIST = """
UPDATE media SET derivatives = '[{"file": "' || CASE
    WHEN derivative LIKE '%"profile": "opus_24k"%' THEN 'opus_24k.ogg'
    WHEN derivative LIKE '%"profile": "pcm_16k"%' THEN 'pcm_16k.wav'
    ELSE 'alaw_8k.wav'
END || '", "part": "", "checks": null, "settings": null, ' || substr(derivative, 2) || ']'
WHERE derivative IS NOT NULL
"""


def upgrade() -> None:
    """What was decided before asks for no profile; each derivative that was made is a list of one."""
    op.add_column(
        "decisions",
        sa.Column(
            "profile",
            sa.String(),
            nullable=True,
            comment="the profile that is asked for; without one, the policy's media.profile",
        ),
    )
    for name, comment in (
        ("derivatives", "JSON list: file, digest, provenance and checks of each derivative"),
        ("failed_derivatives", "JSON list: profile, code and reason of each that was not made"),
        ("waveform", "JSON: file, digest and size of the peaks beside the derivatives"),
    ):
        op.add_column("media", sa.Column(name, sa.Text(), nullable=True, comment=comment))
    op.execute(_TO_A_LIST)
    op.drop_column("media", "derivative")
