"""The append-only trail: who did what to which record, when, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from cloud9_archive.catalog.tables import events


@dataclass(frozen=True, slots=True)
class Event:
    """
    One change.

    :param what: kind of change, such as ``media.state``
    :param subject: the record, as ``source/id``
    """

    what: str
    subject: str
    before: str | None = None
    after: str | None = None


def append(connection: Connection, trail: Sequence[Event], *, policy: str, who: str, now: datetime) -> None:
    """The changes are in the trail when the transaction commits."""
    if trail:
        connection.execute(
            insert(events),
            [
                {
                    "at": now,
                    "who": who,
                    "policy": policy,
                    "what": event.what,
                    "subject": event.subject,
                    "before": event.before,
                    "after": event.after,
                }
                for event in trail
            ],
        )
