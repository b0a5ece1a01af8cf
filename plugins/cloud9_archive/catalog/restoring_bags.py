"""Bags, and the recordings and calls that they hold, put into a catalog that is rebuilt."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.restoring import ToldCall, restore_calls
from cloud9_archive.catalog.sealing import SealedBag, note_records
from cloud9_archive.catalog.tables import bags, batches, call_recordings, media, policy_calls, recordings
from cloud9_archive.domain.accounting import BatchState, MediaState
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.domain.selection import ArchivedRecord

_ABSENT_MEDIA = (MediaState.AWAITING_MEDIA, MediaState.MISSING)


@dataclass(frozen=True, slots=True)
class HeldRecording:
    """
    A recording that a bag holds.

    :param told: columns of ``media``
    :param duration: seconds, as reported
    :param record: how it is kept, held and disposed of
    """

    ref: RecordingRef
    state: MediaState
    duration: float | None
    filename: str | None
    told: Mapping[str, Any]
    record: ArchivedRecord


@dataclass(frozen=True, slots=True)
class HeldCall:
    """
    A call whose document a bag holds.

    :param absent: its recordings that were not received when the bag's content was fixed
    :param record: how its document is kept, held and disposed of
    """

    told: ToldCall
    absent: Mapping[RecordingRef, MediaState]
    record: ArchivedRecord


@dataclass(frozen=True, slots=True)
class HeldBag:
    """
    All that a bag says.

    :param run_id: of the run that sealed it
    :param versions: by key, the archive's own id of each file's version, where it keeps versions
    :param at: when the link that covers it was written
    """

    policy: str
    run_id: str
    bag: SealedBag
    recordings: Sequence[HeldRecording]
    calls: Sequence[HeldCall]
    versions: Mapping[str, str]
    at: datetime


def held_elsewhere(catalog: Catalog, policy: str, refs: Collection[RecordingRef]) -> dict[RecordingRef, str]:
    """Those of the recordings that a bag in the catalog holds, each with its id."""
    found: dict[RecordingRef, str] = {}
    with catalog.begin() as connection:
        for chunk in chunks(sorted(refs)):
            query = select(media.c.source, media.c.recording_id, media.c.bag_id).where(
                media.c.policy == policy,
                one_of(media.c.source, media.c.recording_id, chunk),
                media.c.bag_id.is_not(None),
            )
            found |= {RecordingRef(row.source, row.recording_id): row.bag_id for row in connection.execute(query)}
    return found


def restore_bag(catalog: Catalog, held: HeldBag, *, deadline: timedelta) -> None:
    """
    The bag and all that it holds are in the catalog, in one transaction.

    :param deadline: as for :func:`~cloud9_archive.catalog.restoring.restore_calls`
    """
    with catalog.begin() as connection:
        _restore_bag_row(connection, held)
        told = [each.told for each in held.calls]
        deadlines = restore_calls(connection, held.policy, held.run_id, told, at=held.at, deadline=deadline)
        _restore_recordings(connection, held)
        ends: dict[RecordingRef, datetime] = {}
        for each in held.calls:
            for link in each.told.call.recordings:
                ref = RecordingRef(each.told.ref.source, link.recording_id)
                ends[ref] = min(deadlines[each.told.ref], ends.get(ref, deadlines[each.told.ref]))
        _restore_media(connection, held, {each.ref: ends.get(each.ref, held.at + deadline) for each in held.recordings})
        absent = {ref: state for each in held.calls for ref, state in each.absent.items()}
        _restore_absent(connection, held.policy, absent, ends)
        _note_documented(connection, held)
        records = [*(one.record for one in held.recordings), *(call.record for call in held.calls)]
        note_records(connection, held.policy, records)
        if held.versions:
            kept = events.Event("bag.versions", held.bag.bag_id, after=json.dumps(dict(held.versions), sort_keys=True))
            events.append(connection, [kept], policy=held.policy, who=held.run_id, now=held.at)


def _restore_bag_row(connection: Connection, held: HeldBag) -> None:
    bag = held.bag
    connection.execute(
        insert(bags).values(
            bag_id=bag.bag_id,
            policy=held.policy,
            run_id=held.run_id,
            prefix=bag.prefix,
            seal_sha256=bag.seal_sha256,
            files=bag.files,
            size=bag.size,
            sealed_at=held.at,
        )
    )
    connection.execute(
        insert(batches).values(
            batch_id=bag.bag_id,
            policy=held.policy,
            run_id=held.run_id,
            state=BatchState.SEALED,
            formed_at=held.at,
            lease_until=held.at,
        )
    )


def _restore_recordings(connection: Connection, held: HeldBag) -> None:
    """What the calls say of their recordings, and the links between them."""
    told = {each.ref: (each.duration, each.filename) for each in held.recordings}
    links: list[dict[str, Any]] = []
    for each in held.calls:
        source, call_id = each.told.ref
        for link in each.told.call.recordings:
            told.setdefault(RecordingRef(source, link.recording_id), (link.duration, link.filename))
            links.append(
                {"source": source, "call_id": call_id, "recording_id": link.recording_id, "offset": link.offset}
            )
    rows = [
        {**ref._asdict(), "duration": duration, "filename": filename, "first_listed_at": held.at}
        for ref, (duration, filename) in told.items()
    ]
    if rows:
        statement = upsert(connection, recordings)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(recordings.primary_key.columns),
                set_={name: statement.excluded[name] for name in ("duration", "filename")},
            ),
            rows,
        )
    if links:
        statement = upsert(connection, call_recordings)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(call_recordings.primary_key.columns), set_={"offset": statement.excluded["offset"]}
            ),
            links,
        )


def _restore_media(connection: Connection, held: HeldBag, deadlines: Mapping[RecordingRef, datetime]) -> None:
    rows = [
        {
            "policy": held.policy,
            **each.ref._asdict(),
            "deadline_at": deadlines[each.ref],
            "state": each.state,
            "bag_id": held.bag.bag_id,
            **each.told,
        }
        for each in held.recordings
    ]
    if rows:
        statement = upsert(connection, media)
        changed = ("state", "bag_id", *held.recordings[0].told)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(media.primary_key.columns),
                set_={name: statement.excluded[name] for name in changed},
            ),
            rows,
        )


def _restore_absent(
    connection: Connection,
    policy: str,
    absent: Mapping[RecordingRef, MediaState],
    deadlines: Mapping[RecordingRef, datetime],
) -> None:
    rows = [
        {"policy": policy, **ref._asdict(), "state": state, "deadline_at": deadlines[ref]}
        for ref, state in absent.items()
    ]
    if rows:
        statement = upsert(connection, media)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(media.primary_key.columns),
                set_={"state": statement.excluded["state"]},
                where=media.c.state.in_(_ABSENT_MEDIA),
            ),
            rows,
        )


def _note_documented(connection: Connection, held: HeldBag) -> None:
    """Each call's newest document is the bag's."""
    if not held.calls:
        return
    connection.execute(
        update(policy_calls)
        .where(
            policy_calls.c.policy == held.policy,
            policy_calls.c.source == bindparam("its_source"),
            policy_calls.c.call_id == bindparam("its_call_id"),
        )
        .values(archived_digest=bindparam("its_digest"), bag_id=held.bag.bag_id),
        [
            {"its_source": ref.source, "its_call_id": ref.call_id, "its_digest": told.call.digest()}
            for ref, told in ((each.told.ref, each.told) for each in held.calls)
        ],
    )
