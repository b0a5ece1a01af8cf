"""Where a policy says that its roster is: a file, an address, or a query."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Discriminator, Field, Tag, field_validator

from cloud9_archive.domain.policy_words import ConnectionId, Part, RosterPath

_QUERY = re.compile(r"(?:select|with)\b", re.IGNORECASE | re.ASCII)
_LONGEST_QUERY = 20_000


class RosterQuery(Part):
    """A query whose answer is the roster."""

    sql: str = Field(
        max_length=_LONGEST_QUERY,
        description="One `SELECT` whose columns are named as those of a roster; only ever read.",
        examples=["SELECT extension_type, extension, user, mode FROM recorded_people"],
    )
    conn_id: ConnectionId = Field(
        description="Airflow connection to the database; give it an account that may only read.", examples=["hr_db"]
    )

    @field_validator("sql")
    @classmethod
    def _sql_only_reads(cls, value: str) -> str:
        statement = value.strip().removesuffix(";").strip()
        if not _QUERY.match(statement) or ";" in statement:
            raise ValueError("one statement is wanted that begins with SELECT or WITH")
        return statement


def _kind(value: object) -> str:
    return "<query>" if isinstance(value, (dict, RosterQuery)) else "<file>"


RosterPlace = Annotated[
    Annotated[RosterPath, Tag("<file>")] | Annotated[RosterQuery, Tag("<query>")], Discriminator(_kind)
]
"""A path below ``include/`` or an address, as text; or a query."""
