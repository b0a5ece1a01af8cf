"""Bags that were sealed lately, and what the catalog says they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.catalog.tables import bag_records, bags, batches
from cloud9_archive.domain.accounting import BatchState
from cloud9_archive.domain.selection import ArchivedRecord, RecordKind

_UNFINISHED = (BatchState.OPEN, BatchState.SEALING)


def sealed_since(catalog: Catalog, policy: str, since: datetime) -> list[SealedBag]:
    """The policy's bags that were sealed at that moment or later, by id."""
    query = select(bags).where(bags.c.policy == policy, bags.c.sealed_at >= since)
    with catalog.begin() as connection:
        rows = connection.execute(query).all()
    # Sorted here: SQLite would walk all bags in the order of their ids to save a sort of few.
    found = [SealedBag(row.bag_id, row.prefix, row.seal_sha256, row.files, row.size) for row in rows]
    return sorted(found, key=lambda bag: bag.bag_id)


def standing_records(catalog: Catalog, bag_ids: Collection[str]) -> Iterator[ArchivedRecord]:
    """What the bags hold and no tombstone lists, by bag and path; nothing of bags whose records are not known."""
    for some in chunks(sorted(bag_ids)):
        query = (
            select(bag_records)
            .where(
                bag_records.c.bag_id.in_(some), bag_records.c.tombstone.is_(None), bag_records.c.disposed_at.is_(None)
            )
            .order_by(bag_records.c.bag_id, bag_records.c.path)
        )
        with catalog.begin() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield ArchivedRecord(
                row.bag_id, row.path, RecordKind(row.kind), row.source, row.record_id, row.retain_until
            )


def unknown_bags(catalog: Catalog, bag_ids: Collection[str]) -> set[str]:
    """Those of the ids that are no bag of the catalog, nor a batch whose bag is being sealed."""
    unknown = set(bag_ids)
    for some in chunks(sorted(bag_ids)):
        with catalog.begin() as connection:
            unknown -= set(connection.scalars(select(bags.c.bag_id).where(bags.c.bag_id.in_(some))))
            at_work = select(batches.c.batch_id).where(batches.c.batch_id.in_(some), batches.c.state.in_(_UNFINISHED))
            unknown -= set(connection.scalars(at_work))
    return unknown
