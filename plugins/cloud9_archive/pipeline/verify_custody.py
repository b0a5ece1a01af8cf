"""Documents of custody, checked against the chain and each other, and the files that their tombstones account for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from cloud9_archive.domain.custody import (
    AnyDocument,
    DisposedFile,
    LegalHold,
    Release,
    ReleaseRequest,
    Tombstone,
    hold_states,
    parse_custody,
)
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.verify_bag import Checker
from cloud9_archive.pipeline.verify_report import Code


def verify_custody(checker: Checker, segment: str, members: Mapping[str, str]) -> dict[str, DisposedFile]:
    """
    Every document of custody was read and compared with what vouches for it.

    :param segment: the policy's folder
    :param members: digest by key, over all links of the policy's chain
    :returns: by key, the files that a tombstone accounts for; one that was altered or has no voucher accounts for none
    """
    documents: dict[str, AnyDocument] = {}
    for key in checker.store.keys(f"{segment}/custody"):
        content = checker.read_counted(key)
        if content is None:
            continue
        digest, expected = hashlib.sha256(content).hexdigest(), members.get(key)
        if expected is None:
            checker.found(Code.CUSTODY_NOT_CHAINED, key, "no link of the chain vouches for it")
            continue
        if digest != expected:
            words = f"its digest is {digest}, the chain vouches for {expected}"
            checker.found(Code.CHAIN_MEMBER_ALTERED, key, words)
            continue
        try:
            document = parse_custody(content)
        except Cloud9ArchiveError as error:
            checker.found(Code.CUSTODY_REFUSED, key, error.message)
            continue
        if document.key != key or path_segment(document.policy) != segment:
            checker.found(Code.CUSTODY_REFUSED, key, f"it belongs at {document.key}")
            continue
        documents[key] = document
    _check_releases(checker, documents)
    return _disposed(checker, documents.items())


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


def _disposed(checker: Checker, documents: Iterable[tuple[str, AnyDocument]]) -> dict[str, DisposedFile]:
    found: dict[str, DisposedFile] = {}
    for key, document in documents:
        if not isinstance(document, Tombstone):
            continue
        for path, file in document.files().items():
            if path in found:
                checker.found(Code.TOMBSTONE_WRONG, path, f"two tombstones list it: {key} is the second")
            found[path] = file
    return found
