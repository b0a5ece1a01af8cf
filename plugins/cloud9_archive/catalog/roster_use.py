"""Whom of a roster the calls have shown: extensions and when they last matched, and logins that no roster has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, exists, select, update

from cloud9_archive.catalog.catalog import Catalog, one_at_a_time, upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import roster_extensions, unknown_logins
from cloud9_archive.domain.roster_comparison import UnknownLogin

NEVER_ENDS = date.max.isoformat()

_OF_LATEST_CALL = ("call_id", "last_call_at", "calls")

WATCHED_AT_ONCE = 10_000
"""Extensions written in one transaction."""

Key = tuple[str, str, str]
"""Type, value and first day of an extension, the day as ISO text and empty when there is none."""


@dataclass(frozen=True, slots=True)
class WatchedExtension:
    """
    An extension of the roster in use.

    :param valid_to: ISO day; :data:`NEVER_ENDS` when there is no end
    """

    key: Key
    user: str
    valid_to: str


def watches(catalog: Catalog, policy: str, version: str) -> bool:
    """Whether it is this roster, and no other, whose extensions are watched."""
    table = roster_extensions
    with catalog.begin() as connection:
        if _other_versions(connection, policy, version):
            return False
        return connection.scalar(select(table.c.version).where(table.c.policy == policy).limit(1)) is not None


def watch_extensions(
    catalog: Catalog, policy: str, extensions: Iterable[WatchedExtension], *, version: str, now: datetime
) -> None:
    """
    The extensions of this roster are watched, and no others; what is known of those that were is kept.

    Work in proportion to the roster: ask :func:`watches` first. It is done in several transactions, so that nobody waits
    long for a large roster; one that is cut short is not watched yet.
    """
    table = roster_extensions
    with catalog.begin() as connection:
        others = _other_versions(connection, policy, version)
    left = iter(extensions)
    while rows := [_row(policy, each, version=version, now=now) for each in islice(left, WATCHED_AT_ONCE)]:
        with catalog.begin() as connection:
            one_at_a_time(connection, f"watch {policy}")
            statement = upsert(connection, table)
            changing = {name: statement.excluded[name] for name in ("valid_to", "user", "version")}
            connection.execute(
                statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changing), rows
            )
    with catalog.begin() as connection:
        one_at_a_time(connection, f"watch {policy}")
        # Only what was there before: another run may be at the same work for another version.
        connection.execute(delete(table).where(table.c.policy == policy, table.c.version.in_(others)))


def note_matches(catalog: Catalog, policy: str, matched: Sequence[tuple[Key, datetime]]) -> None:
    """
    Each of these extensions has matched a call that began then, unless a later one is known.

    :param matched: starts are aware UTC
    """
    table = roster_extensions
    with catalog.begin() as connection:
        for (kind, value, valid_from), at in sorted(matched):
            connection.execute(
                update(table)
                .where(
                    table.c.policy == policy,
                    table.c.type == kind,
                    table.c.value == value,
                    table.c.valid_from == valid_from,
                    (table.c.matched_at.is_(None)) | (table.c.matched_at < at),
                )
                .values(matched_at=at, quiet_since=case((table.c.quiet_since > at, table.c.quiet_since), else_=at))
            )


def note_unknown_logins(catalog: Catalog, policy: str, seen: Sequence[UnknownLogin], *, now: datetime) -> None:
    """These logins are remembered as being on no roster, each with the latest call that any run met."""
    table = unknown_logins
    with catalog.begin() as connection:
        for chunk in chunks(sorted(seen, key=lambda each: (each.source, each.login))):
            statement = upsert(connection, table)
            new = statement.excluded
            later = new["last_call_at"] >= table.c.last_call_at
            changing = {name: case((later, new[name]), else_=table.c[name]) for name in _OF_LATEST_CALL}
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=list(table.primary_key.columns), set_={**changing, "seen_at": new["seen_at"]}
                ),
                [
                    {
                        "policy": policy,
                        "source": each.source,
                        "login": each.login,
                        "call_id": each.call_id,
                        "last_call_at": each.last_call_at,
                        "calls": each.calls,
                        "seen_at": now,
                    }
                    for each in chunk
                ],
            )


def forget_unknown_logins(
    catalog: Catalog, policy: str, *, seen_before: datetime, known: Callable[[UnknownLogin], bool] | None = None
) -> None:
    """
    Logins that no run met since then are forgotten, and with ``known`` those that a roster has by now.

    :param seen_before: aware UTC
    :param known: whether a roster has the login; asked about every remembered one
    """
    table = unknown_logins
    with catalog.begin() as connection:
        connection.execute(delete(table).where(table.c.policy == policy, table.c.seen_at < seen_before))
        if known is None:
            return
        gone = [(each.source, each.login) for each in _unknown(connection, policy) if known(each)]
        for chunk in chunks(gone):
            connection.execute(
                delete(table).where(table.c.policy == policy, one_of(table.c.source, table.c.login, chunk))
            )


def unknown_logins_of(catalog: Catalog, policy: str) -> list[UnknownLogin]:
    """The remembered logins, by source, the one with the latest call first."""
    with catalog.begin() as connection:
        return _unknown(connection, policy)


def quiet_users(catalog: Catalog, policy: str, *, since: datetime) -> list[str]:
    """
    Users of whom no extension has matched a call since then, though it was on the roster; by name.

    Found by index: the work is in proportion to the quiet extensions.

    :param since: aware UTC
    """
    table, other = roster_extensions, roster_extensions.alias()
    heard = exists().where(
        other.c.policy == policy,
        other.c.user == table.c.user,
        other.c.quiet_since >= since,
        other.c.valid_to > _day(since),
    )
    query = select(table.c.user).where(_quiet(policy, since), ~heard).distinct().order_by(table.c.user)
    with catalog.begin() as connection:
        return list(connection.scalars(query))


def unmatched_extensions(catalog: Catalog, policy: str, *, since: datetime) -> list[Key]:
    """
    Extensions that have been on the roster since then and never matched a call, by type and value.

    :param since: aware UTC
    """
    table = roster_extensions
    query = (
        select(table.c.type, table.c.value, table.c.valid_from)
        .where(_quiet(policy, since), table.c.matched_at.is_(None))
        .order_by(table.c.type, table.c.value, table.c.valid_from)
    )
    with catalog.begin() as connection:
        return [(row.type, row.value, row.valid_from) for row in connection.execute(query)]


def _quiet(policy: str, since: datetime) -> ColumnElement[bool]:
    table = roster_extensions
    return (table.c.policy == policy) & (table.c.quiet_since < since) & (table.c.valid_to > _day(since))


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _other_versions(connection: Connection, policy: str, version: str) -> list[str]:
    """Rosters but this one that any watched extension is of; found by index, mostly none."""
    table = roster_extensions
    other = (table.c.version < version) | (table.c.version > version)
    return list(connection.scalars(select(table.c.version).where(table.c.policy == policy, other).distinct()))


def _row(policy: str, extension: WatchedExtension, *, version: str, now: datetime) -> dict[str, Any]:
    kind, value, valid_from = extension.key
    begins = datetime.combine(date.fromisoformat(valid_from), datetime.min.time(), UTC) if valid_from else now
    return {
        "policy": policy,
        "type": kind,
        "value": value,
        "valid_from": valid_from,
        "valid_to": extension.valid_to,
        "user": extension.user,
        "quiet_since": max(begins, now),
        "version": version,
    }


def _unknown(connection: Connection, policy: str) -> list[UnknownLogin]:
    table = unknown_logins
    query = (
        select(table)
        .where(table.c.policy == policy)
        .order_by(table.c.source, table.c.last_call_at.desc(), table.c.login)
    )
    return [
        UnknownLogin(row.source, row.login, row.call_id, row.last_call_at, row.calls)
        for row in connection.execute(query)
    ]
