"""Retention of what is archived, made longer; it only grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.bag_records import any_condemned, note_extended
from cloud9_archive.catalog.catalog import one_at_a_time
from cloud9_archive.catalog.events import Event
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.custody import RetentionExtension
from cloud9_archive.domain.custody_parts import ExtendedRecord
from cloud9_archive.domain.retention import Retention
from cloud9_archive.domain.selection import ArchivedRecord, Selection
from cloud9_archive.errors import CustodyError, TransientError
from cloud9_archive.pipeline.chain_proofs import Prover
from cloud9_archive.pipeline.custody import Order, link_name, nothing_selected, prepare, shown_names, vouch
from cloud9_archive.pipeline.legal_holds import matching
from cloud9_archive.pipeline.longer_locks import lock_longer
from cloud9_archive.pipeline.workspace import Workspace

KINDS = ("retention_extension",)
AT_ONCE = 5000
"""Records in one document: a reader has it whole in memory."""


@dataclass(frozen=True, slots=True)
class Extended:
    """
    What came of it.

    :param records: records that are kept longer now
    :param unchanged: records that were kept until just then already
    :param finished: documents of attempts that were cut off, which were carried out first
    """

    records: int
    unchanged: int
    finished: int


def extend_retention(
    workspace: Workspace, selection: Selection, order: Order, *, until: datetime | None, retention: Retention | None
) -> Extended:
    """
    Each record that the selection means is kept until then, in the archive's own lock where it locks.

    Doing it again changes nothing, but finishes what an attempt that was cut off left.

    :param until: aware moment; or
    :param retention: counted from the start of each call, for a recording from the last of its calls
    :raises CustodyError: if nothing is meant, or a record would be kept shorter than it is now: then nothing is changed
    :raises LockNotProvenError: if the archive does not tell a longer lock back; doing it again goes on
    """
    prover, _ = prepare(workspace)
    finished = _carry_out(workspace, prover)
    longer: list[tuple[ArchivedRecord, datetime]] = []
    shorter: list[ArchivedRecord] = []
    unchanged = 0
    for each in matching(workspace, selection):
        record = each.record
        end = until or _end(record, retention)
        if record.end is not None and end < record.end:
            shorter.append(record)
        elif record.end is None or end > record.end:
            longer.append((record, end))
        else:
            unchanged += 1
    if shorter:
        ends = max(filter(None, (record.end for record in shorter)))
        raise CustodyError(
            f"{len(shorter)} of the records are kept longer already, until {utc_text(ends)}: {shown_names(shorter)}; "
            "retention only grows, and nothing was changed",
            subject="retention",
            hint="ask for a later date, or select other records",
        )
    if not longer and not unchanged:
        raise nothing_selected(workspace.policy.policy)
    if longer:
        _enter(workspace, selection, order, longer, until=until, retention=retention)
        _carry_out(workspace, prover)
    return Extended(len(longer), unchanged, finished)


def _end(record: ArchivedRecord, retention: Retention | None) -> datetime:
    if retention is None or not record.calls:
        raise CustodyError(
            f"nothing is known of the call of {record.name}, so that no retention can be counted from its start",
            subject=record.record_id,
            hint="give --until with a date",
        )
    return max(retention.until(call.started_at) for call in record.calls)


def _enter(
    workspace: Workspace,
    selection: Selection,
    order: Order,
    longer: Sequence[tuple[ArchivedRecord, datetime]],
    *,
    until: datetime | None,
    retention: Retention | None,
) -> None:
    policy, at = workspace.policy.policy, workspace.clock()
    documents = [
        RetentionExtension(
            policy=policy,
            at=at,
            actor=order.actor,
            reason=order.reason,
            selection=selection,
            until=until,
            retention=str(retention) if retention else None,
            records=tuple(
                ExtendedRecord(
                    bag=record.bag_id,
                    path=record.path,
                    kind=record.kind,
                    source=record.source,
                    id=record.record_id,
                    before=record.end,
                    after=end,
                )
                for record, end in part
            ),
        )
        for part in chunks(longer, AT_ONCE)
    ]
    trail = [
        Event("retention.extended", f"{record.bag_id}/{record.path}", utc_text(record.end), utc_text(end))
        for record, end in longer
    ]
    with workspace.catalog.begin() as connection:
        one_at_a_time(connection, f"custody {policy}")
        if any_condemned(connection, [(record.bag_id, record.path) for record, _ in longer]):
            raise TransientError("records of the selection were disposed of meanwhile; nothing was changed")
        custody.enter(connection, documents, chained_by=link_name(documents), trail=trail, now=at)
        for record, end in longer:
            note_extended(connection, record.bag_id, record.path, end)


def _carry_out(workspace: Workspace, prover: Prover) -> int:
    """Every extension that was entered is vouched for, and in force in the archive's own locks; how many there were."""
    waiting = vouch(workspace, prover, kinds=KINDS)
    for each in waiting:
        document = each.document
        if isinstance(document, RetentionExtension):
            ends: dict[str, dict[str, datetime]] = {}
            for record in document.records:
                ends.setdefault(record.bag, {})[record.path] = record.after
            lock_longer(workspace, ends)
        with workspace.catalog.begin() as connection:
            custody.note_completed(connection, document, now=workspace.clock())
    return len(waiting)
