"""Disposal of what has expired: listed, confirmed by its count, buried in documents first, and then removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import structlog

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.bag_records import (
    note_condemned,
    note_disposed,
    records_of_bags,
)
from cloud9_archive.catalog.catalog import one_at_a_time
from cloud9_archive.catalog.events import Event
from cloud9_archive.domain.custody import LegalHold, Tombstone
from cloud9_archive.domain.custody_parts import DisposedRecord
from cloud9_archive.domain.holds import standing
from cloud9_archive.domain.selection import ArchivedRecord
from cloud9_archive.errors import CustodyError, StillLockedError, TransientError
from cloud9_archive.pipeline.chain_proofs import Prover
from cloud9_archive.pipeline.custody import Order, link_name, prepare, vouch
from cloud9_archive.pipeline.expiry import TOMBSTONES, ExpiredBag, is_expired, listed
from cloud9_archive.pipeline.hold_flags import is_held
from cloud9_archive.pipeline.legal_holds import finish_holds
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disposed:
    """
    What came of it.

    :param records: records whose files are all removed now
    :param refused: keys of files that the archive did not let go, each with the reason; their tombstones stay open
    """

    records: int = 0
    files: int = 0
    size: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)

    def plus(self, other: Disposed) -> Disposed:
        """Both together."""
        return Disposed(
            self.records + other.records,
            self.files + other.files,
            self.size + other.size,
            {**self.refused, **other.refused},
        )


def dispose(workspace: Workspace, order: Order, *, confirm: int) -> Disposed:
    """
    What has expired is removed from the archive; tombstones, vouched for by a link, were there before.

    Doing it again after it was cut off finishes it, with the same count.

    :param confirm: how many records are to go; see :attr:`Expiry.count`
    :raises CustodyError: if another number has expired; nothing is removed then
    :raises TransientError: if what has expired changed while it was looked at; nothing is removed then
    """
    prover, learned = prepare(workspace)
    finish_holds(workspace, prover, learned=learned)
    expiry = listed(workspace)
    if expiry.count != confirm and expiry.count:
        raise CustodyError(
            f"{confirm} records were confirmed, and {expiry.count} of {workspace.policy.policy} have expired; nothing was "
            "removed",
            subject="confirm",
            hint="list them again, and confirm the number that is listed then",
        )
    if expiry.bags:
        _bury(workspace, expiry.bags, order)
    return _carry_out(workspace, prover)


def _bury(workspace: Workspace, bags: Sequence[ExpiredBag], order: Order) -> None:
    """Each bag has its tombstone in the catalog, unless anything came up since they were listed."""
    policy, at = workspace.policy, workspace.clock()
    stones = [
        Tombstone(
            policy=policy.policy,
            at=at,
            actor=order.actor,
            reason=order.reason,
            bag=each.bag.bag_id,
            prefix=each.bag.prefix,
            seal_sha256=each.bag.seal_sha256,
            records=each.records,
        )
        for each in bags
    ]
    with workspace.catalog.begin() as connection:
        one_at_a_time(connection, f"custody {policy.policy}")
        holds: tuple[LegalHold, ...] = standing(custody.holds(connection, policy.policy))
        for stone in stones:
            wanted = {record.path for record in stone.records}
            kept = records_of_bags(connection, policy.policy, [stone.bag], retention=policy.archive.retention)
            still = {k.record.path for k in kept if is_expired(k, at) and not is_held(k.record, holds)}
            if not wanted <= still:
                raise TransientError(
                    f"records of {stone.prefix} were held, extended or disposed of meanwhile; nothing was removed",
                    subject=stone.prefix,
                    hint="list what has expired again",
                )
            note_condemned(connection, stone.bag, sorted(wanted), stone.document_id)
        trail = [
            Event("bag.disposed", stone.bag, f"{len(stone.records)} records", stone.document_id) for stone in stones
        ]
        custody.enter(connection, stones, chained_by=link_name(stones), trail=trail, now=at)


def _carry_out(workspace: Workspace, prover: Prover) -> Disposed:
    """
    Everything that tombstones list is removed, as far as the archive lets go of it.

    Tombstones that were confirmed together are completed together, so that the count stays the same until the end.
    """
    done = Disposed()
    for _, group in groupby(vouch(workspace, prover, kinds=TOMBSTONES), key=lambda each: each.chained_by):
        stones = [each.document for each in group if isinstance(each.document, Tombstone)]
        outcomes = [_cleared(workspace, stone) for stone in stones]
        for each in outcomes:
            done = done.plus(each)
        if any(each.refused for each in outcomes):
            continue
        with workspace.catalog.begin() as connection:
            for stone in stones:
                custody.note_completed(connection, stone, now=workspace.clock())
    return done


def _cleared(workspace: Workspace, stone: Tombstone) -> Disposed:
    """What a tombstone lists is removed and noted, record by record."""
    done = Disposed()
    for record in stone.records:
        if refused := dict(_removed(workspace, stone, record)):
            done = done.plus(Disposed(refused=refused))
            continue
        archived = ArchivedRecord(record.bag, record.path, record.kind, record.source, record.id, record.retain_until)
        with workspace.catalog.begin() as connection:
            note_disposed(connection, stone.policy, archived, who=stone.actor, now=workspace.clock())
        done = done.plus(Disposed(1, len(record.files), sum(file.size for file in record.files)))
    log.info("records disposed of", bag=stone.prefix, records=done.records, refused=len(done.refused))
    return done


def _removed(workspace: Workspace, stone: Tombstone, record: DisposedRecord) -> Iterator[tuple[str, str]]:
    """The record's files are gone but for those given, each with the reason; none of them is in the way of another."""
    for file in record.files:
        key = f"{stone.prefix}/{file.path}"
        try:
            workspace.store.remove(key, sha256=file.sha256)
        except StillLockedError as error:
            yield key, str(error)
