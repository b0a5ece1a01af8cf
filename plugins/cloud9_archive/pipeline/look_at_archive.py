"""What the catalog calls archived, beside what lies in the archive by name; bytes are for verify to read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from cloud9_archive.catalog.sealed_since import sealed_since, standing_records, unknown_bags
from cloud9_archive.catalog.sealing import SealedBag
from cloud9_archive.domain.bag import SEAL
from cloud9_archive.domain.keys import bags_of_day
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.archived_bag import RECORDINGS
from cloud9_archive.pipeline.look_notes import Notes, open_of
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.store import Store

_BAG_DEPTH = 6
"""Policy, ``bags``, year, month, day, id."""
_RECORDING_DEPTH = 3
_ORIGINAL = "original."
_CODES = ("BAG_NOT_IN_ARCHIVE", "RECORD_NOT_IN_ARCHIVE", "BAG_NOT_IN_CATALOG")


@dataclass
class ArchiveLook:
    """
    What came of laying catalog and archive side by side.

    :param bags: that the catalog knows of these days
    :param records: recordings and call documents that are to be in them
    """

    bags: int = 0
    records: int = 0
    notes: Notes = field(default_factory=Notes)


def look_at_archive(workspace: Workspace, window: Window) -> ArchiveLook:
    """
    Bags of the window's days, and of the days since, are in the catalog and in the archive, or a finding says which are not.

    The archive's keys are listed before the catalog is asked, and what seems to be missing is looked for once more, so
    that a run which seals bags meanwhile is no finding.

    :raises Cloud9ArchiveError: if the archive cannot be listed
    """
    policy, store = workspace.policy.policy, workspace.store
    there: dict[str, set[str]] = {}
    for day in _days(window.start.date(), workspace.clock().date()):
        for key in store.keys(bags_of_day(policy, day=day)):
            parts = key.split("/")
            there.setdefault("/".join(parts[:_BAG_DEPTH]), set()).add("/".join(parts[_BAG_DEPTH:]))
    known = sealed_since(workspace.catalog, policy, window.start)
    look = ArchiveLook(bags=len(known))
    earlier = open_of(workspace, _CODES)
    present = [bag for bag in known if _is_there(store, bag, there, look.notes)]
    _look_for_records(workspace, look, present, there)
    _look_for_strangers(workspace, look.notes, there)
    looked_at = {bag.prefix for bag in known}
    for each in earlier:
        code, subject = each.finding.code, each.finding.subject
        if code == "BAG_NOT_IN_CATALOG":
            over = not unknown_bags(workspace.catalog, [subject.rpartition("/")[2]])
        elif code == "BAG_NOT_IN_ARCHIVE":
            over = subject in looked_at or store.exists(f"{subject}/{SEAL}")
        else:
            folder = "/".join(subject.split("/")[:_BAG_DEPTH])
            over = folder in looked_at or _has(store, subject)
        if over:
            look.notes.looked_at(code, [subject])
    return look


def _is_there(store: Store, bag: SealedBag, there: dict[str, set[str]], notes: Notes) -> bool:
    """Whether the bag has its seal; what has come since the keys were listed is added to them."""
    if SEAL not in there.get(bag.prefix, ()):
        there[bag.prefix] = {key.removeprefix(f"{bag.prefix}/") for key in store.keys(bag.prefix)}
    if SEAL in there[bag.prefix]:
        return True
    words = f"it was sealed with {bag.files} files, and {len(there[bag.prefix])} of them are in the archive, {SEAL} not among them"
    notes.saw("BAG_NOT_IN_ARCHIVE", bag.prefix, words)
    return False


def _look_for_records(
    workspace: Workspace, look: ArchiveLook, bags: Collection[SealedBag], there: dict[str, set[str]]
) -> None:
    prefixes = {bag.bag_id: bag.prefix for bag in bags}
    named = {bag.bag_id: _records_in(there[bag.prefix]) for bag in bags}
    for record in standing_records(workspace.catalog, prefixes):
        look.records += 1
        if record.path not in named[record.bag_id]:
            subject = f"{prefixes[record.bag_id]}/{record.path}"
            if not _has(workspace.store, subject):
                words = f"the {record.kind.value} {record.source}/{record.record_id} was archived there"
                look.notes.saw("RECORD_NOT_IN_ARCHIVE", subject, words)


def _look_for_strangers(workspace: Workspace, notes: Notes, there: dict[str, set[str]]) -> None:
    sealed = {prefix.rpartition("/")[2]: prefix for prefix, names in there.items() if SEAL in names}
    for bag_id in sorted(unknown_bags(workspace.catalog, sealed)):
        words = "it is sealed, and the catalog knows neither it nor a batch that it could come from"
        notes.saw("BAG_NOT_IN_CATALOG", sealed[bag_id], words)


def _records_in(names: Iterable[str]) -> set[str]:
    """Paths of the records that have their main file: a recording's original, a call's document."""
    found: set[str] = set()
    for name in names:
        parts = name.split("/")
        if not name.startswith(RECORDINGS):
            found.add(name)
        elif len(parts) > _RECORDING_DEPTH and parts[_RECORDING_DEPTH].startswith(_ORIGINAL):
            found.add("/".join(parts[:_RECORDING_DEPTH]))
    return found


def _has(store: Store, key: str) -> bool:
    """Whether the record is there now; of a recording, the names in its folder tell."""
    if f"/{RECORDINGS}" not in key:
        return store.exists(key)
    return any(name.removeprefix(f"{key}/").startswith(_ORIGINAL) for name in store.keys(key))


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
