"""The whole archive, checked against its own seals and chains; the catalog is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from cloud9_archive.domain.keys import path_segment
from cloud9_archive.pipeline.verify_bag import Checker, verify_bag
from cloud9_archive.pipeline.verify_chain import Vouched, verify_chain
from cloud9_archive.pipeline.verify_report import Code, Head, VerifyReport
from cloud9_archive.storage.readme import README_DIGESTS, README_KEY
from cloud9_archive.storage.store import Store

_BAG_DEPTH = 6
_REPORT_DEPTH = 6
_DAY = (4, 2, 2)


def verify_archive(store: Store, *, policy: str | None = None, head: str | None = None) -> VerifyReport:
    """
    Every byte was read and compared with what vouches for it.

    :param policy: check this policy only; None checks all, and the root
    :param head: a head digest kept elsewhere (64 hex digits): some link must have it
    :returns: counts and findings; damage is a finding, never an exception
    :raises Cloud9ArchiveError: if the archive's folders cannot be listed
    """
    checker = Checker(store)
    digests: set[str] = set()
    heads: list[Head] = []
    root_files: set[str] = set()
    for segment, keys in groupby(store.keys(path_segment(policy) if policy else ""), key=_first_segment):
        if segment is None:
            root_files.update(keys)
            continue
        vouched = verify_chain(checker, segment)
        digests |= vouched.digests
        if vouched.head:
            heads.append(vouched.head)
        _verify_policy(checker, keys, vouched=vouched)
    _check_hidden(checker, policy=policy)
    _check_presence(checker, policy=policy, heads=heads)
    if policy is None:
        _verify_root(checker, root_files)
    if head is not None and head.strip().lower() not in digests:
        checker.found(Code.CHAIN_ROLLED_BACK, head, f"none of the {checker.links} links has this digest")
    return VerifyReport(
        bags=checker.bags,
        files=checker.files,
        size=checker.size,
        links=checker.links,
        heads=tuple(heads),
        findings=tuple(checker.findings),
    )


def _verify_policy(checker: Checker, keys: Iterator[str], *, vouched: Vouched) -> None:
    unseen = dict(vouched.members)
    for (kind, place), group in groupby(keys, key=_place):
        if kind == "bags":
            seal = verify_bag(checker, place, group)
            if seal:
                _check_vouched(checker, f"{place}/tagmanifest-sha256.txt", seal, unseen=unseen, bag=place)
        elif kind == "reports":
            measured = checker.digest(place)
            if measured:
                _check_vouched(checker, place, measured[0], unseen=unseen, bag=None)
        elif kind is None:
            checker.found(Code.FILE_MISPLACED, place, "the layout has no place for it")
    for key, digest in sorted(unseen.items()):
        _check_unseen(checker, key, digest)


def _check_vouched(checker: Checker, key: str, digest: str, *, unseen: dict[str, str], bag: str | None) -> None:
    expected = unseen.pop(key, None)
    if expected is None:
        code = Code.BAG_NOT_CHAINED if bag else Code.REPORT_NOT_CHAINED
        checker.found(code, bag or key, "no link of the chain vouches for it")
    elif expected != digest:
        checker.found(Code.CHAIN_MEMBER_ALTERED, key, f"its digest is {digest}, the chain vouches for {expected}")


def _check_unseen(checker: Checker, key: str, expected: str) -> None:
    """A member that is neither the seal of a bag nor a report that was listed."""
    if not checker.store.exists(key):
        checker.found(Code.CHAIN_MEMBER_MISSING, key, f"the chain vouches for it with the digest {expected}")
        return
    measured = checker.digest(key)
    if measured and measured[0] != expected:
        checker.found(Code.CHAIN_MEMBER_ALTERED, key, f"its digest is {measured[0]}, the chain vouches for {expected}")


def _check_presence(checker: Checker, *, policy: str | None, heads: list[Head]) -> None:
    """Nothing found wrong where nothing is proves nothing."""
    if checker.files or heads or checker.findings:
        return
    if policy is None:
        checker.found(Code.ARCHIVE_EMPTY, "archive", "there is nothing to verify")
    else:
        checker.found(Code.POLICY_UNKNOWN, policy, "there is nothing of it to verify")


def _check_hidden(checker: Checker, *, policy: str | None) -> None:
    """What others put over files, where the store keeps versions; the files themselves were read below it."""
    for each in checker.store.hidden(path_segment(policy) if policy else ""):
        held = f"the bucket holds {each.versions} versions of it"
        if each.deleted:
            checker.found(Code.FILE_DELETED, each.key, f"{held} and a delete marker")
        if not each.same:
            checker.found(Code.FILE_OVERWRITTEN, each.key, f"{held}, with different bytes")
        elif each.versions > 1:
            checker.found(Code.FILE_WRITTEN_TWICE, each.key, f"{held}, with the same bytes")


def _verify_root(checker: Checker, files: set[str]) -> None:
    for name in sorted(files - {README_KEY}):
        checker.found(Code.FILE_MISPLACED, name, f"the root holds nothing but {README_KEY} and the policies' folders")
    if README_KEY not in files:
        checker.found(Code.README_MISSING, README_KEY, "it is not there")
        return
    measured = checker.digest(README_KEY)
    if measured and measured[0] not in README_DIGESTS:
        checker.found(Code.README_ALTERED, README_KEY, f"its digest {measured[0]} is that of no release")


def _first_segment(key: str) -> str | None:
    segment, slash, _ = key.partition("/")
    return segment if slash else None


def _place(key: str) -> tuple[str | None, str]:
    """The kind of thing that a key belongs to, and its key: a bag's folder, a report, the chain, or nothing known."""
    segments = key.split("/")
    kind, day = segments[1], segments[2:5]
    if kind == "chain":
        return kind, segments[0]
    is_day = tuple(map(len, day)) == _DAY and all(part.isascii() and part.isdigit() for part in day)
    if kind == "bags" and is_day and len(segments) > _BAG_DEPTH:
        return kind, "/".join(segments[:_BAG_DEPTH])
    if kind == "reports" and is_day and len(segments) == _REPORT_DEPTH:
        return kind, key
    return None, key
