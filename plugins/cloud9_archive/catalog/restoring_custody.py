"""Documents of custody put into a catalog that does not know them, with what follows from them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, select, update

from cloud9_archive.catalog.bag_records import HoldFlag, note_condemned, note_extended
from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.custody import enter
from cloud9_archive.catalog.restoring import ToldCall, ToldDecision, restore_calls
from cloud9_archive.catalog.sealing import note_records
from cloud9_archive.catalog.tables import bag_records, bags, custody, media, policy_calls, recordings
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.custody import AnyDocument, LegalHold, RetentionExtension, Tombstone
from cloud9_archive.domain.custody_parts import DisposedRecord
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.selection import ArchivedRecord, RecordKind

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ToldTombstone:
    """
    A tombstone, and how far the archive carried it out.

    :param gone: paths of records of which no file is there any more
    :param version: of the policy, for calls that nothing else tells of
    """

    stone: Tombstone
    gone: Collection[str]
    version: str = "0" * 64

    @property
    def carried_out(self) -> bool:
        """Whether nothing is left to be removed."""
        return all(record.path in self.gone for record in self.stone.records)


def restore_document(connection: Connection, document: AnyDocument, *, chained_by: str, now: datetime) -> None:
    """
    The document, which a link of the archive vouches for, is in the catalog, and its records are kept or condemned as it says.

    :param chained_by: run id of that link
    """
    enter(connection, [document], chained_by=chained_by, trail=(), now=now, learned=True)
    if isinstance(document, RetentionExtension):
        for extended in document.records:
            note_extended(connection, extended.bag, extended.path, extended.after)
    if isinstance(document, Tombstone):
        records = [
            ArchivedRecord(each.bag, each.path, each.kind, each.source, each.id, each.retain_until)
            for each in document.records
        ]
        note_records(connection, document.policy, records)
        note_condemned(connection, document.bag, [each.path for each in records], document.document_id)


def restore_custody(catalog: Catalog, policy: str, told: Sequence[tuple[AnyDocument, str]]) -> None:
    """
    The documents are in the catalog; what they place under hold or keep longer is to be settled by whoever comes next.

    Locks of the archive may be shorter, and its legal holds other than the documents say: a command may have been cut
    off. So no document counts as carried out, and every record as one whose hold is in doubt, if there ever was one.

    :param told: each with the run id of its link, tombstones left out
    """
    with catalog.begin() as connection:
        for document, chained_by in told:
            restore_document(connection, document, chained_by=chained_by, now=document.at)
        if any(isinstance(document, LegalHold) for document, _ in told):
            connection.execute(
                update(bag_records)
                .where(bag_records.c.policy == policy, bag_records.c.tombstone.is_(None))
                .values(legal_hold=HoldFlag.LIFTING)
            )


def restore_tombstone(catalog: Catalog, told: ToldTombstone, *, chained_by: str, now: datetime) -> None:
    """What the tombstone lists is disposed of, and is never fetched or archived again; it is still open."""
    stone = told.stone
    with catalog.begin() as connection:
        restore_document(connection, stone, chained_by=chained_by, now=stone.at)
        for record in stone.records:
            if record.path in told.gone:
                connection.execute(
                    update(bag_records)
                    .where(bag_records.c.bag_id == record.bag, bag_records.c.path == record.path)
                    .values(disposed_at=stone.at)
                )
            if record.kind is RecordKind.RECORDING:
                _dispose_recording(connection, stone, record)
            else:
                _dispose_call(connection, told, record, now)


def note_carried_out(catalog: Catalog, policy: str, chained_by: str, *, now: datetime) -> None:
    """Everything that follows from the documents of this link was done."""
    with catalog.begin() as connection:
        connection.execute(
            update(custody)
            .where(custody.c.policy == policy, custody.c.chained_by == chained_by, custody.c.completed_at.is_(None))
            .values(completed_at=now)
        )


def _dispose_recording(connection: Connection, stone: Tombstone, record: DisposedRecord) -> None:
    this = and_(media.c.policy == stone.policy, media.c.source == record.source, media.c.recording_id == record.id)
    known = connection.execute(select(media.c.bag_id).where(this)).one_or_none()
    if known is None:
        ref = {"source": record.source, "recording_id": record.id}
        connection.execute(
            upsert(connection, recordings).values(**ref, first_listed_at=stone.at).on_conflict_do_nothing()
        )
        connection.execute(
            media.insert().values(
                policy=stone.policy, **ref, state=MediaState.DISPOSED, deadline_at=stone.at, bag_id=record.bag
            )
        )
    elif known.bag_id in (None, record.bag):
        connection.execute(update(media).where(this).values(state=MediaState.DISPOSED, bag_id=record.bag))


def _dispose_call(connection: Connection, told: ToldTombstone, record: DisposedRecord, now: datetime) -> None:
    """A document that was disposed of disposes of its call, unless a later bag has another one."""
    stone = told.stone
    this = and_(
        policy_calls.c.policy == stone.policy,
        policy_calls.c.source == record.source,
        policy_calls.c.call_id == record.id,
    )
    known = connection.execute(select(policy_calls.c.bag_id).where(this)).one_or_none()
    if known is None:
        decision = ToldDecision(
            Outcome.RECORD, _UNKNOWN, "Nothing but its tombstone tells of it.", told.version, stone.at
        )
        call = ToldCall(Call(record.source, record.id, stone.at), decision, stone.at)
        restore_calls(connection, stone.policy, _UNKNOWN, [call], at=now, deadline=timedelta(0))
    elif known.bag_id not in (None, record.bag) and _is_later(connection, known.bag_id, than=record.bag):
        return
    connection.execute(update(policy_calls).where(this).values(state=CallState.DISPOSED, bag_id=record.bag))


def _is_later(connection: Connection, bag_id: str, *, than: str) -> bool:
    numbers = {
        row.bag_id: row.link_number
        for row in connection.execute(
            select(bags.c.bag_id, bags.c.link_number).where(bags.c.bag_id.in_((bag_id, than)))
        )
    }
    mine, other = numbers.get(bag_id), numbers.get(than)
    return mine is None or (other is not None and mine > other)
