"""Documents of custody, checked against the chain and each other, and the files that their tombstones account for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloud9_archive.domain.custody import AnyDocument, LegalHold, Release, ReleaseRequest, Tombstone, parse_custody
from cloud9_archive.domain.custody_parts import DisposedFile
from cloud9_archive.domain.holds import hold_states
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.verify_bag import Checker
from cloud9_archive.pipeline.verify_codes import Code


@dataclass
class Tombstones:
    """
    The tombstones that count, by the folder of their bag; each is read again when its bag is.

    There may be one for every bag of many years, and each lists every file: they are not kept in memory.
    """

    stones: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, key: str, digest: str, stone: Tombstone) -> None:
        """One more, under its key and digest."""
        self.stones.setdefault(stone.prefix, []).append((key, digest))

    def update(self, others: Tombstones) -> None:
        """Those of another policy too."""
        self.stones.update(others.stones)

    def of(self, checker: Checker, folder: str) -> dict[str, DisposedFile]:
        """Files of a bag that a tombstone accounts for, by key."""
        found: dict[str, DisposedFile] = {}
        for key, digest in self.stones.get(folder, ()):
            content = checker.read(key)
            if content is None or hashlib.sha256(content).hexdigest() != digest:
                continue  # altered since it was checked: what it listed is missing then
            stone = parse_custody(content)
            for path, file in stone.files().items() if isinstance(stone, Tombstone) else ():
                if path in found:
                    checker.found(Code.TOMBSTONE_WRONG, path, f"two tombstones list it: {key} is the second")
                found[path] = file
        return found


def verify_custody(checker: Checker, segment: str, members: Mapping[str, str]) -> Tombstones:
    """
    Every document of custody was read and compared with what vouches for it.

    :param segment: the policy's folder
    :param members: digest by key, over all links of the policy's chain
    :returns: the tombstones; one that was altered or has no voucher is none
    """
    about_holds: dict[str, AnyDocument] = {}
    stones = Tombstones()
    for key in checker.store.keys(f"{segment}/custody"):
        document = _document(checker, key, segment=segment, expected=members.get(key))
        if isinstance(document, Tombstone):
            stones.add(key, members[key], document)
        elif isinstance(document, (LegalHold, ReleaseRequest, Release)):
            about_holds[key] = document
    _check_releases(checker, about_holds)
    return stones


def _document(checker: Checker, key: str, *, segment: str, expected: str | None) -> AnyDocument | None:
    """The document, or None with a finding."""
    content = checker.read_counted(key)
    if content is None:
        return None
    digest = hashlib.sha256(content).hexdigest()
    if expected is None:
        checker.found(Code.CUSTODY_NOT_CHAINED, key, "no link of the chain vouches for it")
        return None
    if digest != expected:
        words = f"its digest is {digest}, the chain vouches for {expected}"
        checker.found(Code.CHAIN_MEMBER_ALTERED, key, words)
        return None
    try:
        document = parse_custody(content)
    except Cloud9ArchiveError as error:
        checker.found(Code.CUSTODY_REFUSED, key, error.message)
        return None
    if document.key != key or path_segment(document.policy) != segment:
        checker.found(Code.CUSTODY_REFUSED, key, f"it belongs at {document.key}")
        return None
    return document


def _check_releases(checker: Checker, documents: Mapping[str, AnyDocument]) -> None:
    """Each request and release is about a hold that is there; each release names a request of another person."""
    states = hold_states(documents.values())
    holds = {each.document_id for each in documents.values() if isinstance(each, LegalHold)}
    counted = {state.release.document_id for state in states if state.release}
    for key, document in documents.items():
        if isinstance(document, (Release, ReleaseRequest)) and document.hold not in holds:
            checker.found(Code.CUSTODY_REFUSED, key, f"it is about a hold {document.hold}, which is not there")
        elif isinstance(document, Release) and document.document_id not in counted:
            words = "it releases nothing: there is no request of another person that it approves"
            checker.found(Code.CUSTODY_REFUSED, key, words)
