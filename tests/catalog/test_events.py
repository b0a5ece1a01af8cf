"""The trail grows, and nothing else happens to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.events import Event, append
from cloud9_archive.catalog.tables import events

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)


ANYWHERE = (update(events).values(who="nobody"), delete(events))
HERE = {
    "sqlite": text("REPLACE INTO events SELECT event_id, at, 'x', policy, what, subject, before, after FROM events"),
    "postgresql": text("TRUNCATE events"),
}


def test_an_event_can_be_neither_changed_nor_taken_away(catalog: Catalog) -> None:
    with catalog.begin() as connection:
        append(connection, [Event("call.listed", "cloud9/1")], policy="emea_rates", who="one", now=NOW)
        before = connection.execute(select(events)).all()
    for statement in (*ANYWHERE, HERE[catalog.engine.dialect.name]):
        with pytest.raises(DatabaseError, match="append-only"), catalog.begin() as connection:
            connection.execute(statement)
    with catalog.begin() as connection:
        assert connection.execute(select(events)).all() == before
        append(connection, [Event("call.amended", "cloud9/1")], policy="emea_rates", who="two", now=NOW)
        assert len(connection.execute(select(events)).all()) == 2
