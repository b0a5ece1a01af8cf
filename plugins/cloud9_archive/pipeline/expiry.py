"""What has expired under a policy and may be disposed of: read whole, free of holds and locks, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.bag_records import KeptRecord, bag_pages, bags_by_id, records_of_bags
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.custody import Tombstone
from cloud9_archive.domain.custody_parts import DisposedFile, DisposedRecord
from cloud9_archive.domain.holds import standing
from cloud9_archive.domain.selection import ArchivedRecord
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.bag_survey import BagFiles, read_bag_files
from cloud9_archive.pipeline.custody import prepare
from cloud9_archive.pipeline.hold_flags import is_held
from cloud9_archive.pipeline.verify_bag import Checker, Watch, verify_bag
from cloud9_archive.pipeline.verify_codes import Severity
from cloud9_archive.pipeline.workspace import Workspace

TOMBSTONES = ("tombstone",)


@dataclass(frozen=True, slots=True)
class ExpiredBag:
    """
    What has expired in one bag, of which every byte was just compared with its seal.

    :param records: each with the end of its retention
    """

    bag: SealedBag
    records: tuple[DisposedRecord, ...]

    @property
    def size(self) -> int:
        """Bytes of all files that would be removed."""
        return sum(file.size for record in self.records for file in record.files)


@dataclass(frozen=True, slots=True)
class Expiry:
    """
    What may be disposed of, and what has expired and may not.

    :param bags: what has expired, by bag
    :param begun: records of tombstones whose files are not all removed yet
    :param held: records that a legal hold keeps
    :param locked: records that a lock of the archive keeps
    :param unfit: bags that cannot be disposed of as they are, each with the reason
    """

    bags: tuple[ExpiredBag, ...] = ()
    begun: int = 0
    held: int = 0
    locked: int = 0
    unfit: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Records (recordings and call documents) that would be disposed of: the number to confirm."""
        return self.begun + sum(len(bag.records) for bag in self.bags)


def list_expired(workspace: Workspace) -> Expiry:
    """
    What has expired is known; its bags were read whole, and nothing was changed.

    Expired is what is kept until a moment that has passed, by its document, every extension, and what its calls and
    the policy ask for now; not what a hold means, a lock keeps, or no document states a retention of.
    """
    prepare(workspace)
    return listed(workspace)


def listed(workspace: Workspace) -> Expiry:
    """See :func:`list_expired`; the workspace is prepared already."""
    policy, now = workspace.policy, workspace.clock()
    waiting = [each.document for each in custody.unfinished(workspace.catalog, policy.policy, kinds=TOMBSTONES)]
    begun = sum(len(each.records) for each in waiting if isinstance(each, Tombstone))
    found: list[ExpiredBag] = []
    held = locked = 0
    unfit: dict[str, str] = {}
    for page in bag_pages(workspace.catalog, policy.policy, ended_by=now):
        due, held_here, bags = _due(workspace, page, now)
        held += held_here
        for bag_id, records in due.items():
            if bag_id not in bags:
                unfit[bag_id] = "no link of the chain that is known here has it as a member"
                continue
            sealed = bags[bag_id]
            reason = _fault(workspace, sealed)
            if reason is not None:
                unfit[sealed.prefix] = reason
                continue
            free = _unlocked(workspace, sealed, records, now)
            locked += len(records) - len(free)
            if free:
                found.append(ExpiredBag(sealed, tuple(free)))
    return Expiry(tuple(found), begun, held, locked, unfit)


def _due(
    workspace: Workspace, page: Sequence[str], now: datetime
) -> tuple[dict[str, list[ArchivedRecord]], int, dict[str, SealedBag]]:
    """Expired records of some bags that no hold means, by bag; how many a hold means; and the bags."""
    policy = workspace.policy
    with workspace.catalog.begin() as connection:
        holds = standing(custody.holds(connection, policy.policy))
        kept = records_of_bags(connection, policy.policy, page, retention=policy.archive.retention)
        bags = bags_by_id(connection, page, chained=True)
    expired = [each.record for each in kept if is_expired(each, now)]
    free = [record for record in expired if not is_held(record, holds)]
    by_bag = {bag_id: list(records) for bag_id, records in groupby(free, lambda record: record.bag_id)}
    return by_bag, len(expired) - len(free), bags


def is_expired(kept: KeptRecord, now: datetime) -> bool:
    """A record of whose calls nothing is known could be meant by any hold, and is not expired."""
    end = kept.record.end
    return kept.tombstone is None and bool(kept.record.calls) and end is not None and end <= now


def _fault(workspace: Workspace, sealed: SealedBag) -> str | None:
    """Why the bag is not as it was sealed, if it is not; every byte of it is read."""
    checker = Checker(workspace.store, Watch())
    with workspace.catalog.begin() as connection:
        kept = records_of_bags(connection, workspace.policy.policy, [sealed.bag_id], retention=None)
        ids = {each.tombstone for each in kept if each.tombstone is not None}
        buried = custody.documents_by_id(connection, workspace.policy.policy, ids)
    gone = {key: file for each in buried if isinstance(each, Tombstone) for key, file in each.files().items()}
    try:
        seal = verify_bag(checker, sealed.prefix, workspace.store.keys(sealed.prefix), disposed=gone)
    except Cloud9ArchiveError as error:
        return str(error)
    faults = [each.line() for each in checker.findings if each.severity is Severity.FAULT]
    faults += [f"{each.key} has several versions" for each in workspace.store.hidden(sealed.prefix) if not each.same]
    if seal != sealed.seal_sha256:
        faults.insert(0, f"its seal has the digest {seal}, not {sealed.seal_sha256}")
    return faults[0] if faults else None


def _unlocked(
    workspace: Workspace, sealed: SealedBag, records: Sequence[ArchivedRecord], now: datetime
) -> list[DisposedRecord]:
    """The records that no lock of the archive keeps, with all their files."""
    files = read_bag_files(workspace.store, sealed)
    return [
        DisposedRecord(
            bag=record.bag_id,
            path=record.path,
            kind=record.kind,
            source=record.source,
            id=record.record_id,
            retain_until=record.end or now,
            files=tuple(
                DisposedFile(
                    path=line.path, sha256=line.sha256, size=workspace.store.size(f"{sealed.prefix}/{line.path}")
                )
                for line in files.of(record.path)
            ),
        )
        for record in records
        if not _is_locked(workspace, files, record, now)
    ]


def _is_locked(workspace: Workspace, files: BagFiles, record: ArchivedRecord, now: datetime) -> bool:
    for key in files.keys([record.path]):
        lock = workspace.store.lock_of(key)
        if lock and (lock.legal_hold or (lock.retain_until is not None and lock.retain_until > now)):
            return True
    return False
