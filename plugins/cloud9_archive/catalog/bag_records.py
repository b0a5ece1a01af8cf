"""The records that bags hold, until when they are kept, and what was made of them since."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.catalog.tables import (
    bag_records,
    bags,
    call_recordings,
    calls,
    decisions,
    media,
    policy_calls,
)
from cloud9_archive.domain.accounting import ABSENT, CallState, MediaState
from cloud9_archive.domain.retention import Retention, kept_until
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.selection import ArchivedRecord, CallFacts, RecordKind, folded

_BAGS = 100
"""Bags looked at in one piece: memory stays bounded, and SQLite's limit of bound variables is far."""


class HoldFlag(IntEnum):
    """Whether a record was put under legal hold; one that is being lifted may be so in part."""

    FREE = 0
    HELD = 1
    LIFTING = 2


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """
    A record of a bag, as the catalog knows it.

    :param flag: how it stands with legal holds
    :param tombstone: the document that disposes of it; its files may still be there
    :param disposed_at: when the last of them was removed
    """

    record: ArchivedRecord
    flag: HoldFlag
    tombstone: str | None
    disposed_at: datetime | None


def bags_without_records(catalog: Catalog, policy: str) -> list[SealedBag]:
    """Sealed bags of which no record is known: of older releases, or of a catalog that was made anew."""
    known = exists().where(bag_records.c.bag_id == bags.c.bag_id)
    with catalog.begin() as connection:
        return _bags(connection, and_(bags.c.policy == policy, ~known))


def bags_by_id(connection: Connection, bag_ids: Collection[str], *, chained: bool) -> dict[str, SealedBag]:
    """
    The bags of these ids.

    :param chained: only those that a chain link covers
    """
    found: dict[str, SealedBag] = {}
    for chunk in chunks(sorted(bag_ids)):
        where = and_(bags.c.bag_id.in_(chunk), *([bags.c.link_number.is_not(None)] if chained else []))
        found |= {each.bag_id: each for each in _bags(connection, where)}
    return found


def bag_pages(
    catalog: Catalog, policy: str, *, ended_by: datetime | None = None, held: bool = False
) -> Iterator[Sequence[str]]:
    """
    Ids of the policy's bags with records that are not disposed of, some at a time.

    :param ended_by: only bags with a record whose stated retention, or extension, has ended by then
    :param held: only bags with a record that was put under legal hold
    """
    where: list[ColumnElement[bool]] = [bag_records.c.policy == policy, bag_records.c.tombstone.is_(None)]
    if ended_by is not None:
        where.append((bag_records.c.retain_until <= ended_by) | (bag_records.c.extended_until <= ended_by))
    if held:
        where.append(bag_records.c.legal_hold.in_((HoldFlag.HELD, HoldFlag.LIFTING)))
    query = select(bag_records.c.bag_id).where(*where).distinct().order_by(bag_records.c.bag_id)
    with catalog.begin() as connection:
        ids = list(connection.scalars(query))
    yield from chunks(ids, _BAGS)


def records_of_bags(
    connection: Connection, policy: str, bag_ids: Sequence[str], *, retention: Retention | None
) -> list[KeptRecord]:
    """
    All records of some bags, with what is known of their calls.

    :param retention: the policy's, as it is now
    """
    rows = connection.execute(
        select(bag_records)
        .where(bag_records.c.policy == policy, bag_records.c.bag_id.in_(bag_ids))
        .order_by(bag_records.c.bag_id, bag_records.c.path)
    ).all()
    linked = _calls_of(connection, rows)
    facts = _facts(connection, policy, {ref for refs in linked.values() for ref in refs}, retention)
    return [_kept(row, [facts[ref] for ref in linked[row.bag_id, row.path] if ref in facts]) for row in rows]


def note_extended(connection: Connection, bag_id: str, path: str, until: datetime) -> None:
    """The record is kept until then at least."""
    shorter = bag_records.c.extended_until.is_(None) | (bag_records.c.extended_until < until)
    connection.execute(update(bag_records).where(_this(bag_id, path), shorter).values(extended_until=until))


def note_flag(catalog: Catalog, bag_id: str, paths: Iterable[str], flag: HoldFlag) -> None:
    """How these records of the bag stand with legal holds."""
    with catalog.begin() as connection:
        for path in paths:
            connection.execute(update(bag_records).where(_this(bag_id, path)).values(legal_hold=flag))


def any_condemned(connection: Connection, places: Iterable[tuple[str, str]]) -> bool:
    """Whether a tombstone was entered for one of the records, which are given by bag and path."""
    for chunk in chunks(sorted(places)):
        query = select(bag_records.c.path).where(
            one_of(bag_records.c.bag_id, bag_records.c.path, chunk), bag_records.c.tombstone.is_not(None)
        )
        if connection.scalar(query.limit(1)) is not None:
            return True
    return False


def note_condemned(connection: Connection, bag_id: str, paths: Iterable[str], tombstone: str) -> None:
    """The document disposes of these records; nothing else may be made of them from now on."""
    for path in paths:
        connection.execute(update(bag_records).where(_this(bag_id, path)).values(tombstone=tombstone))


def note_disposed(connection: Connection, policy: str, record: ArchivedRecord, *, who: str, now: datetime) -> None:
    """
    The record's files are gone, and it is never fetched or archived again.

    :param who: the actor
    """
    connection.execute(
        update(bag_records)
        .where(_this(record.bag_id, record.path), bag_records.c.disposed_at.is_(None))
        .values(disposed_at=now)
    )
    if record.kind is RecordKind.RECORDING:
        table, identity = media, media.c.recording_id
        settled: tuple[str, ...] = (MediaState.ARCHIVED, MediaState.QUARANTINED)
    else:
        table, identity = policy_calls, policy_calls.c.call_id
        # Also one that still waits for media: it was kept for as long as it was to be.
        settled = (CallState.ARCHIVED, CallState.QUARANTINED, CallState.EXCLUDED, *ABSENT)
    this = and_(
        table.c.policy == policy,
        table.c.source == record.source,
        identity == record.record_id,
        table.c.batch_id.is_(None),
    )
    before = connection.scalar(
        select(table.c.state).where(this, table.c.bag_id == record.bag_id, table.c.state.in_(settled))
    )
    if before is not None:
        connection.execute(update(table).where(this).values(state=MediaState.DISPOSED.value))
        event = events.Event(f"{record.kind}.state", f"{record.source}/{record.record_id}", before, MediaState.DISPOSED)
        events.append(connection, [event], policy=policy, who=who, now=now)


def _this(bag_id: str, path: str) -> ColumnElement[bool]:
    return and_(bag_records.c.bag_id == bag_id, bag_records.c.path == path)


def _bags(connection: Connection, where: ColumnElement[bool]) -> list[SealedBag]:
    return [
        SealedBag(row.bag_id, row.prefix, row.seal_sha256, row.files, row.size)
        for row in connection.execute(select(bags).where(where).order_by(bags.c.bag_id))
    ]


def _kept(row: Row[Any], facts: Sequence[CallFacts]) -> KeptRecord:
    record = ArchivedRecord(
        row.bag_id,
        row.path,
        RecordKind(row.kind),
        row.source,
        row.record_id,
        row.retain_until,
        row.extended_until,
        tuple(facts),
    )
    return KeptRecord(record, HoldFlag(row.legal_hold or 0), row.tombstone, row.disposed_at)


def _calls_of(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, str], list[CallRef]]:
    """The calls of each record, by bag and path."""
    linked: dict[tuple[str, str], list[CallRef]] = {(row.bag_id, row.path): [] for row in rows}
    places: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in rows:
        if row.kind == RecordKind.CALL:
            linked[row.bag_id, row.path].append(CallRef(row.source, row.record_id))
        else:
            places.setdefault((row.source, row.record_id), []).append((row.bag_id, row.path))
    for chunk in chunks(sorted(places)):
        query = select(call_recordings).where(one_of(call_recordings.c.source, call_recordings.c.recording_id, chunk))
        for row in connection.execute(query.order_by(call_recordings.c.source, call_recordings.c.call_id)):
            for place in places[row.source, row.recording_id]:
                linked[place].append(CallRef(row.source, row.call_id))
    return linked


def _facts(
    connection: Connection, policy: str, refs: Collection[CallRef], retention: Retention | None
) -> dict[CallRef, CallFacts]:
    """What is known of the calls that the policy has decided on; every decision ever made counts for their users."""
    found: dict[CallRef, CallFacts] = {}
    for chunk in chunks(sorted(refs)):
        users: dict[CallRef, set[str]] = {}
        ruled = select(decisions.c.source, decisions.c.call_id, decisions.c.users).where(
            decisions.c.policy == policy, one_of(decisions.c.source, decisions.c.call_id, chunk)
        )
        for source, call_id, names in connection.execute(ruled):
            users.setdefault(CallRef(source, call_id), set()).update(map(folded, json.loads(names)))
        query = (
            select(
                calls.c.source,
                calls.c.call_id,
                calls.c.document,
                policy_calls.c.started_at,
                policy_calls.c.state,
                decisions.c.retention,
            )
            .join(
                policy_calls, and_(policy_calls.c.source == calls.c.source, policy_calls.c.call_id == calls.c.call_id)
            )
            .join(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
            .where(policy_calls.c.policy == policy, one_of(calls.c.source, calls.c.call_id, chunk))
        )
        for row in connection.execute(query):
            ref, document = CallRef(row.source, row.call_id), json.loads(row.document)
            logins = {party[name] for party in document["parties"] for name in ("login", "user_id") if party[name]}
            found[ref] = CallFacts(
                *ref,
                row.started_at,
                frozenset(users.get(ref, set()) | {folded(login) for login in logins}),
                frozenset(each["recording_id"] for each in document["recordings"]),
                None if row.state == CallState.EXCLUDED else kept_until(row.started_at, row.retention, retention),
            )
    return found
