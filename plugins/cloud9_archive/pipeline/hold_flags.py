"""The archive's own legal holds, made to agree with the holds that stand: one bag at a time, whoever dies on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.bag_records import (
    HoldFlag,
    KeptRecord,
    bags_by_id,
    note_flag,
    note_flags,
    records_of_bags,
)
from cloud9_archive.catalog.catalog import alone, one_at_a_time
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.custody import LegalHold
from cloud9_archive.domain.holds import standing
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.domain.selection import ArchivedRecord
from cloud9_archive.pipeline.bag_survey import read_bag_files
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.store import PARALLEL


@dataclass(frozen=True, slots=True)
class _Change:
    """
    What is to be done about one bag.

    :param place: paths of records that are to be put under legal hold
    :param lift: paths of those that are not to be under it any more
    :param held: whether a hold means anything in it
    """

    bag: SealedBag
    place: Sequence[str]
    lift: Sequence[str]
    held: bool


def is_held(record: ArchivedRecord, holds: Iterable[LegalHold]) -> bool:
    """Whether a hold means the record."""
    return any(hold.selection.matches(record) for hold in holds)


def hold_bag(workspace: Workspace, bag_id: str) -> None:
    """What a hold means of a bag that was just sealed is under legal hold."""
    with workspace.catalog.begin() as connection:
        states = custody.holds(connection, workspace.policy.policy)
    if standing(states):
        settle_holds(workspace, [[bag_id]])


def settle_holds(workspace: Workspace, pages: Iterable[Sequence[str]]) -> None:
    """
    Each record of these bags is under legal hold in the archive exactly if a hold that stands means it.

    Flags are changed by one command at a time, bag by bag, and what is to be lifted is noted in the transaction that
    looks at the holds. So whoever places a hold meanwhile sees what is being lifted, waits, and places it anew; also if
    whoever lifted it died.

    :param pages: ids of bags, some at a time
    """
    for page in pages:
        for bag_id in _unsettled(workspace, page):
            with alone(workspace.catalog, f"holds.{path_segment(workspace.policy.policy)}"):
                change = _begun(workspace, bag_id)
                if change is not None:
                    _carry_out(workspace, change)


def _unsettled(workspace: Workspace, page: Sequence[str]) -> list[str]:
    """Bags in which something is held that is not to be, or the other way round, or in doubt."""
    policy = workspace.policy
    with workspace.catalog.begin() as connection:
        holds = standing(custody.holds(connection, policy.policy))
        kept = records_of_bags(connection, policy.policy, page, retention=policy.archive.retention)
    return sorted({each.record.bag_id for each in kept if each.tombstone is None and _differs(each, holds)})


def _differs(kept: KeptRecord, holds: Sequence[LegalHold]) -> bool:
    return kept.flag != int(is_held(kept.record, holds))


def _begun(workspace: Workspace, bag_id: str) -> _Change | None:
    """What is to be done about the bag, by the holds of this moment; what is to be lifted is noted as in doubt."""
    policy = workspace.policy
    with workspace.catalog.begin() as connection:
        one_at_a_time(connection, f"custody {policy.policy}")
        holds = standing(custody.holds(connection, policy.policy))
        kept = records_of_bags(connection, policy.policy, [bag_id], retention=policy.archive.retention)
        bags = bags_by_id(connection, [bag_id], chained=False)
        records = [each for each in kept if each.tombstone is None]
        wrong = [each for each in records if _differs(each, holds)]
        if not wrong or bag_id not in bags:
            return None
        lift = [each.record.path for each in wrong if not is_held(each.record, holds)]
        note_flags(connection, bag_id, lift, HoldFlag.LIFTING)
    place = [each.record.path for each in wrong if each.record.path not in set(lift)]
    held = any(is_held(each.record, holds) for each in records)
    return _Change(bags[bag_id], place, lift, held)


def _carry_out(workspace: Workspace, change: _Change) -> None:
    files = read_bag_files(workspace.store, change.bag)
    if change.place:
        _keep(workspace, [*files.tag_keys, *files.keys(change.place)], hold=True)
        note_flag(workspace.catalog, change.bag.bag_id, change.place, HoldFlag.HELD)
    if change.lift:
        about_the_bag = [] if change.held else files.tag_keys
        _keep(workspace, [*files.keys(change.lift), *about_the_bag], hold=False)
        note_flag(workspace.catalog, change.bag.bag_id, change.lift, HoldFlag.FREE)


def _keep(workspace: Workspace, keys: Sequence[str], *, hold: bool) -> None:
    with ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="archive-hold") as pool:
        list(pool.map(partial(workspace.store.keep, legal_hold=hold), keys))
