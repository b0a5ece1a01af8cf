"""What a sealed bag holds, read from the bag itself: its manifest, and the retention that its documents state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from cloud9_archive.catalog.bag_records import bags_without_records
from cloud9_archive.catalog.sealing import SealedBag, note_records
from cloud9_archive.domain import bag
from cloud9_archive.domain.bag import ManifestLine
from cloud9_archive.domain.custody_parts import belongs_to
from cloud9_archive.domain.selection import ArchivedRecord, RecordKind
from cloud9_archive.errors import ArchiveConflictError, Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.store import Store

log = structlog.get_logger(__name__)

TAG_FILES = (bag.BAGIT, bag.BAG_INFO, bag.MANIFEST, bag.SEAL)


@dataclass(frozen=True, slots=True)
class BagFiles:
    """
    The files of a sealed bag.

    :param lines: of its manifest
    """

    bag: SealedBag
    lines: tuple[ManifestLine, ...]

    def of(self, record: str) -> list[ManifestLine]:
        """
        The files of a record.

        :param record: its path in the bag
        """
        return [line for line in self.lines if belongs_to(line.path, record)]

    def keys(self, records: Sequence[str]) -> list[str]:
        """Keys of all files of some records."""
        return [f"{self.bag.prefix}/{line.path}" for record in records for line in self.of(record)]

    @property
    def tag_keys(self) -> list[str]:
        """Keys of the files about the bag, without which nothing in it could be proven."""
        return [f"{self.bag.prefix}/{name}" for name in TAG_FILES]


def read_bag_files(store: Store, sealed: SealedBag) -> BagFiles:
    """
    The bag's manifest, as the archive has it.

    :raises ConfigurationError: if it is not there, or is no manifest
    """
    return BagFiles(sealed, bag.parse_manifest(store.read(f"{sealed.prefix}/{bag.MANIFEST}")))


def survey_bags(workspace: Workspace) -> int:
    """
    The records of the policy's bags are in the catalog, those of older releases too.

    :returns: bags whose documents could not be read; nothing of them can be held, extended or disposed of
    """
    policy = workspace.policy.policy
    unread = 0
    for sealed in bags_without_records(workspace.catalog, policy):
        try:
            records = list(_records(workspace.store, sealed))
        except Cloud9ArchiveError as error:
            log.warning("bag cannot be looked into", bag=sealed.prefix, reason=str(error))
            unread += 1
            continue
        with workspace.catalog.begin() as connection:
            note_records(connection, policy, records)
    return unread


def _records(store: Store, sealed: SealedBag) -> Iterator[ArchivedRecord]:
    for line in read_bag_files(store, sealed).lines:
        kind = _kind(line.path)
        if kind is None or not store.exists(f"{sealed.prefix}/{line.path}"):
            continue  # what was disposed of is told by its tombstone
        content = store.read(f"{sealed.prefix}/{line.path}")
        if hashlib.sha256(content).hexdigest() != line.sha256:
            raise ArchiveConflictError(f"{sealed.prefix}/{line.path} is not as its bag lists it", subject=line.path)
        try:
            document = json.loads(content)
            about = document if kind is RecordKind.RECORDING else document["call"]
            source, record_id = str(about["source"]), str(about[f"{kind.value}_id"])
            until = document.get("retain_until")  # the first releases did not write it
            retain_until = datetime.fromisoformat(until) if until else None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigurationError(
                f"{sealed.prefix}/{line.path} is no document of this format", subject=line.path
            ) from None
        path = line.path.removesuffix("/record.json") if kind is RecordKind.RECORDING else line.path
        yield ArchivedRecord(sealed.bag_id, path, kind, source, record_id, retain_until)


def _kind(path: str) -> RecordKind | None:
    if path.startswith("data/recordings/") and path.endswith("/record.json"):
        return RecordKind.RECORDING
    return RecordKind.CALL if path.startswith("data/calls/") and path.endswith(".json") else None
