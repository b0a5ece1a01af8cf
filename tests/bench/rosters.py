"""Rosters for tests: a policy that names one, and a reach without Airflow over SQLite and the file system."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cloud9_archive.domain.policy import Policy
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.roster_reach import QueryAnswer

HEADER = "extension_type,extension,user,mode\n"


def policy_with(roster: Any, **rules: Any) -> Policy:
    """A policy whose rules are on, with this roster."""
    return Policy.model_validate(
        {
            "policy": "emea_rates",
            "sources": ["cloud9_emea"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": True, "roster": roster, **rules},
            "archive": {"target": "archive"},
        }
    )


def roster_text(*users: str, mode: str = "full") -> str:
    """A CSV roster of users whose login is their name."""
    return HEADER + "".join(f"user_agent_id,{user},{user},{mode}\n" for user in users)


@dataclass
class PlainReach:
    """Addresses lead to files by their name; connections lead to SQLite databases."""

    files: Path
    databases: dict[str, Path] = field(default_factory=dict)

    @contextmanager
    def open_url(self, url: str) -> Iterator[BinaryIO]:
        try:
            with (self.files / url.rpartition("/")[2]).open("rb") as content:
                yield content
        except OSError as error:
            raise RosterError(f"the roster {url} cannot be read: {error.strerror}", hint="check the address") from None

    @contextmanager
    def query(self, sql: str, *, conn_id: str) -> Iterator[QueryAnswer]:
        with closing(sqlite3.connect(self.databases[conn_id])) as connection:
            cursor = connection.execute(sql)
            yield QueryAnswer(tuple(column[0] for column in cursor.description), iter(cursor))
