"""How a batch ends: its bag's content is fixed, then it is sealed, or dissolved because there is nothing to seal."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.batches import Batch
from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import one_of, this_call
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.media import NEW
from cloud9_archive.catalog.settling import calls_of_recordings, settle_calls
from cloud9_archive.catalog.tables import bag_records, bags, batches, media, policy_calls
from cloud9_archive.domain.accounting import MEDIA_MOVES, BatchState, CallState, MediaState
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.domain.selection import ArchivedRecord
from cloud9_archive.errors import CatalogError


@dataclass(frozen=True, slots=True)
class SealedBag:
    """
    A bag that is complete in the archive.

    :param prefix: its folder, relative to the archive's root
    :param seal_sha256: digest of its tagmanifest-sha256.txt
    :param size: bytes of all its files
    """

    bag_id: str
    prefix: str
    seal_sha256: str
    files: int
    size: int


def fix_plan(catalog: Catalog, batch_id: str, plan: str) -> str:
    """
    The bag's content is fixed: the plan that holds from now on, which is another worker's if that was first.

    :param plan: JSON text
    :raises CatalogError: if the batch is finished already
    """
    with catalog.begin() as connection:
        connection.execute(
            update(batches)
            .where(batches.c.batch_id == batch_id, batches.c.state == BatchState.OPEN)
            .values(state=BatchState.SEALING, plan=plan)
        )
        fixed: str | None = connection.scalar(select(batches.c.plan).where(batches.c.batch_id == batch_id))
    if fixed is None:
        raise CatalogError(f"batch {batch_id!r} is finished already", subject=batch_id)
    return fixed


def finish_batch(
    catalog: Catalog,
    batch: Batch,
    bag: SealedBag | None,
    *,
    held: Collection[RecordingRef],
    documented: Mapping[CallRef, str],
    now: datetime,
    versions: Mapping[str, str] | None = None,
    records: Collection[ArchivedRecord] = (),
) -> bool:
    """
    The batch is over: what its bag holds is archived, the rest is released, every call's state follows.

    :param bag: the sealed bag, or None when there was nothing to archive
    :param held: recordings whose original is in the bag
    :param documented: calls whose document is in the bag, each with the digest that it was documented at
    :param versions: by key, the archive's own id of each file's version, where it keeps versions; they go into the trail
    :param records: what the bag holds, with the retention that its documents state
    :returns: False when the batch was finished before, and nothing changed
    """
    with catalog.begin() as connection:
        changed = connection.execute(
            update(batches)
            .where(batches.c.batch_id == batch.batch_id, batches.c.state.in_((BatchState.OPEN, BatchState.SEALING)))
            .values(state=BatchState.SEALED if bag else BatchState.DISSOLVED, plan=None)
        ).rowcount
        if not changed:
            return False
        if bag:
            _note_bag(connection, batch, bag, held, documented, now)
            note_records(connection, batch.policy, records)
            if versions:
                kept = events.Event("bag.versions", bag.bag_id, after=json.dumps(versions, sort_keys=True))
                events.append(connection, [kept], policy=batch.policy, who=batch.run_id, now=now)
        refs = {RecordingRef(*ref) for ref in connection.execute(_members(media, batch, media.c.recording_id))}
        touched = {CallRef(*ref) for ref in connection.execute(_members(policy_calls, batch, policy_calls.c.call_id))}
        for table in (media, policy_calls):
            connection.execute(update(table).where(table.c.batch_id == batch.batch_id).values(batch_id=None))
        touched |= calls_of_recordings(connection, batch.policy, refs)
        settle_calls(connection, batch.policy, touched, now=now)
    return True


def dissolve_batch(catalog: Catalog, batch: Batch, *, now: datetime) -> bool:
    """
    The batch is given up before its bag was sealed: what the bag was to hold is wanted anew, and due at once.

    A fixed plan names digests; when staged bytes are lost, the bag it describes may never come about.

    :returns: False when the batch was finished before, and nothing changed
    """
    with catalog.begin() as connection:
        changed = connection.execute(
            update(batches)
            .where(batches.c.batch_id == batch.batch_id, batches.c.state.in_((BatchState.OPEN, BatchState.SEALING)))
            .values(state=BatchState.DISSOLVED, plan=None)
        ).rowcount
        if not changed:
            return False
        mine = media.c.batch_id == batch.batch_id
        refs = {RecordingRef(*ref) for ref in connection.execute(_members(media, batch, media.c.recording_id))}
        touched = {CallRef(*ref) for ref in connection.execute(_members(policy_calls, batch, policy_calls.c.call_id))}
        again = [state for state, moves in MEDIA_MOVES.items() if MediaState.WANTED in moves]
        connection.execute(update(media).where(mine, media.c.state.in_(again)).values(state=MediaState.WANTED, **NEW))
        connection.execute(update(media).where(mine).values(batch_id=None))
        connection.execute(update(policy_calls).where(policy_calls.c.batch_id == batch.batch_id).values(batch_id=None))
        touched |= calls_of_recordings(connection, batch.policy, refs)
        settle_calls(connection, batch.policy, touched, now=now)
        for chunk in chunks(sorted(touched)):
            connection.execute(
                update(policy_calls)
                .where(
                    policy_calls.c.policy == batch.policy,
                    one_of(policy_calls.c.source, policy_calls.c.call_id, chunk),
                    policy_calls.c.state == CallState.SELECTED,
                )
                .values(next_check_at=now)
            )
        event = events.Event("batch.dissolved", batch.batch_id, batch.state, BatchState.DISSOLVED)
        events.append(connection, [event], policy=batch.policy, who=batch.run_id, now=now)
    return True


def sealed_bags_of(catalog: Catalog, policy: str, run_id: str) -> list[tuple[SealedBag, int | None]]:
    """The run's sealed bags, by id, each with the number of the chain link that covers it."""
    query = select(bags).where(bags.c.policy == policy, bags.c.run_id == run_id).order_by(bags.c.bag_id)
    with catalog.begin() as connection:
        return [
            (SealedBag(row.bag_id, row.prefix, row.seal_sha256, row.files, row.size), row.link_number)
            for row in connection.execute(query)
        ]


def note_records(connection: Connection, policy: str, records: Iterable[ArchivedRecord]) -> None:
    """The bag's records are known, with the retention that their documents state."""
    rows = [
        {
            "bag_id": each.bag_id,
            "path": each.path,
            "policy": policy,
            "kind": each.kind,
            "source": each.source,
            "record_id": each.record_id,
            "retain_until": each.retain_until,
        }
        for each in records
    ]
    if rows:
        connection.execute(upsert(connection, bag_records).on_conflict_do_nothing(), rows)


def _members(table: Any, batch: Batch, column: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's own types are wider here
    return select(table.c.source, column).where(table.c.batch_id == batch.batch_id)


def _note_bag(
    connection: Connection,
    batch: Batch,
    bag: SealedBag,
    held: Collection[RecordingRef],
    documented: Mapping[CallRef, str],
    now: datetime,
) -> None:
    connection.execute(
        insert(bags).values(
            bag_id=bag.bag_id,
            policy=batch.policy,
            run_id=batch.run_id,
            prefix=bag.prefix,
            seal_sha256=bag.seal_sha256,
            files=bag.files,
            size=bag.size,
            sealed_at=now,
        )
    )
    for chunk in chunks(sorted(held)):
        mine = and_(media.c.policy == batch.policy, one_of(media.c.source, media.c.recording_id, chunk))
        connection.execute(update(media).where(mine).values(bag_id=bag.bag_id))
        connection.execute(
            update(media).where(mine, media.c.state == MediaState.TRANSCODED).values(state=MediaState.ARCHIVED)
        )
    for ref, digest in documented.items():
        connection.execute(
            update(policy_calls).where(this_call(batch.policy, ref)).values(archived_digest=digest, bag_id=bag.bag_id)
        )
    trail = [events.Event("recording.archived", "/".join(ref), after=bag.bag_id) for ref in sorted(held)]
    trail.append(events.Event("bag.sealed", bag.bag_id, after=bag.seal_sha256))
    events.append(connection, trail, policy=batch.policy, who=batch.run_id, now=now)
