"""Rosters that runs decided by: the newest is the last good one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.tables import rosters


@dataclass(frozen=True, slots=True)
class KnownRoster:
    """
    A roster that was read whole and without fault.

    :param origin: file, address or query that it was read from
    :param recorded_users: users with an extension of mode ``full``
    :param copy_path: where the copy lies, on the host that read it; none when it could not be kept
    :param read_at: when it was last read, aware UTC
    """

    version: str
    origin: str
    extensions: int
    users: int
    recorded_users: int
    copy_path: str | None
    read_at: datetime


def note_roster(catalog: Catalog, policy: str, known: KnownRoster) -> None:
    """The roster is the last good one of the policy."""
    fields = {
        "origin": known.origin,
        "extensions": known.extensions,
        "users": known.users,
        "recorded_users": known.recorded_users,
        "copy_path": known.copy_path,
        "last_read_at": known.read_at,
    }
    with catalog.begin() as connection:
        connection.execute(
            upsert(connection, rosters)
            .values(policy=policy, version=known.version, first_read_at=known.read_at, **fields)
            .on_conflict_do_update(index_elements=list(rosters.primary_key.columns), set_=fields)
        )


def last_roster(catalog: Catalog, policy: str) -> KnownRoster | None:
    """The policy's last good roster; none before its first run with recording rules."""
    query = (
        select(rosters)
        .where(rosters.c.policy == policy)
        .order_by(rosters.c.last_read_at.desc(), rosters.c.version)
        .limit(1)
    )
    with catalog.begin() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return KnownRoster(
        row.version, row.origin, row.extensions, row.users, row.recorded_users, row.copy_path, row.last_read_at
    )
