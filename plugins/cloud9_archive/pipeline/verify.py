"""The archive, checked against its own seals and chains; the catalog is not asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from cloud9_archive.domain import bag
from cloud9_archive.domain.keys import KEYS_FOLDER, path_segment
from cloud9_archive.pipeline.opening import Opener
from cloud9_archive.pipeline.verify_bag import Checker, Watch, verify_bag
from cloud9_archive.pipeline.verify_chain import Vouched, verify_chain
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_custody import Tombstones, verify_custody
from cloud9_archive.pipeline.verify_proofs import Keyring, Trust, check_unused_keys, is_key_file
from cloud9_archive.pipeline.verify_report import Head, VerifyReport
from cloud9_archive.pipeline.verify_run_reports import RunReports
from cloud9_archive.pipeline.verify_scope import Scope
from cloud9_archive.storage.readme import README_DIGESTS, README_KEY
from cloud9_archive.storage.store import Store

_BAG_DEPTH = 6
_REPORT_DEPTH = 6
_DAY = (4, 2, 2)
_NOTHING_KEPT = Trust()
_ALL = Scope()


@dataclass
class _Later:
    """Bags and reports that are there and may be read, each with the digest that the chain vouches for, if it does."""

    bags: dict[str, str | None] = field(default_factory=dict)
    reports: dict[str, str | None] = field(default_factory=dict)
    stones: Tombstones = field(default_factory=Tombstones)

    def expected(self, place: str) -> str | None:
        """The digest of a bag's seal, or of a report."""
        return self.bags.get(place) or self.reports.get(place)


def verify_archive(
    store: Store,
    *,
    policy: str | None = None,
    heads: Collection[str] = (),
    trust: Trust = _NOTHING_KEPT,
    scope: Scope = _ALL,
    opener: Opener | None = None,
    watch: Watch | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> VerifyReport:
    """
    Every byte in scope was read and compared with what vouches for it.

    :param policy: check this policy only; None checks all, and the root
    :param heads: head digests kept elsewhere (64 hex digits): each must be that of some link
    :param trust: public keys and certificates kept elsewhere
    :param opener: opens encrypted files, to look into them too
    :param watch: is told how it goes on
    :param monotonic: seconds, for the scope's limit
    :returns: counts and findings; damage is a finding, never an exception
    :raises Cloud9ArchiveError: if the archive's folders cannot be listed
    """
    begun = monotonic()
    checker = Checker(store, watch or Watch(), opener)
    keyring = Keyring(checker, trust)
    digests: set[str] = set()
    found_heads: list[Head] = []
    root_files: set[str] = set()
    key_files: list[str] = []
    later = _Later()
    for segment, keys in groupby(store.keys(path_segment(policy) if policy else ""), key=_first_segment):
        if segment is None:
            root_files.update(keys)
            continue
        vouched = verify_chain(checker, segment, keyring)
        digests |= vouched.digests
        if vouched.head:
            found_heads.append(vouched.head)
        others = _without_key_files(keys, key_files)
        stones = verify_custody(checker, segment, vouched.members)
        later.stones.update(stones)
        _verify_policy(checker, others, vouched=vouched, stones=stones, later=None if scope.whole else later)
    _check_hidden(checker, policy=policy)
    unread = _read_chosen(checker, later, scope, is_over=lambda: _is_over(scope, monotonic() - begun))
    _check_presence(checker, policy=policy, heads=found_heads)
    if policy is None:
        check_unused_keys(keyring, key_files)
        _verify_root(checker, root_files)
    for head in heads:
        if head.strip().lower() not in digests:
            checker.found(Code.CHAIN_ROLLED_BACK, head, f"none of the {checker.links} links has this digest")
    return checker.report(heads=tuple(found_heads), unread=unread)


def _without_key_files(keys: Iterable[str], key_files: list[str]) -> Iterator[str]:
    """What else lies in the folder of public keys, which a policy may be named like; the keys are put aside."""
    for key in keys:
        if is_key_file(key):
            key_files.append(key)
        else:
            yield key


def _is_over(scope: Scope, seconds: float) -> bool:
    return scope.max_duration is not None and seconds >= scope.max_duration.total_seconds()


def _verify_policy(
    checker: Checker,
    keys: Iterable[str],
    *,
    vouched: Vouched,
    stones: Tombstones,
    later: _Later | None,
) -> None:
    """
    Everything of the policy is listed and compared with its chain.

    :param stones: account for files that are not there
    :param later: takes what is to be read afterwards; None: it is read at once
    """
    unseen = dict(vouched.members)
    reports = RunReports(checker)
    if later is None:
        checker.watch.planned(sum(path.endswith(f"/{bag.SEAL}") for path in unseen))
    for (kind, place), group in groupby(keys, key=_place):
        if kind == "bags":
            listed = list(group)
            seal = f"{place}/{bag.SEAL}"
            expected = _voucher(checker, seal, unseen=unseen, bag=place) if seal in listed else None
            if later is None or seal not in listed:
                _read_bag(checker, place, listed, expected=expected, stones=stones)
            else:
                later.bags[place] = expected
        elif kind == "reports":
            expected = _voucher(checker, place, unseen=unseen, bag=None)
            if later is None:
                reports.check(place, expected)
            else:
                later.reports[place] = expected
        elif kind == "custody":
            unseen.pop(place, None)  # it was looked at before, since what it says matters to the bags
        elif kind is None:
            checker.found(Code.FILE_MISPLACED, place, "the layout has no place for it")
    _check_unseen(checker, unseen)


def _check_unseen(checker: Checker, unseen: Mapping[str, str]) -> None:
    """What the chain vouches for and was not met where it belongs."""
    for key, digest in sorted(unseen.items()):
        if checker.store.exists(key):
            _check_digest(checker, key, digest)
        else:
            checker.found(Code.CHAIN_MEMBER_MISSING, key, f"the chain vouches for it with the digest {digest}")


def _read_chosen(checker: Checker, later: _Later, scope: Scope, *, is_over: Callable[[], bool]) -> int:
    """What the scope chose was read; how many bags were not."""
    chosen = scope.chosen(later.bags, later.reports)
    checker.watch.planned(sum(place in later.bags for place in chosen))
    unread = len(later.bags)
    reports = RunReports(checker)
    for number, place in enumerate(chosen):
        if number and is_over():
            break
        if place in later.bags:
            _read_bag(checker, place, checker.store.keys(place), expected=later.expected(place), stones=later.stones)
            unread -= 1
        else:
            reports.check(place, later.expected(place))
    return unread


def _voucher(checker: Checker, key: str, *, unseen: dict[str, str], bag: str | None) -> str | None:
    """The digest that the chain vouches for, or None with a finding."""
    expected = unseen.pop(key, None)
    if expected is None:
        code = Code.BAG_NOT_CHAINED if bag else Code.REPORT_NOT_CHAINED
        checker.found(code, bag or key, "no link of the chain vouches for it")
    return expected


def _read_bag(checker: Checker, folder: str, keys: Iterable[str], *, expected: str | None, stones: Tombstones) -> None:
    seal = verify_bag(checker, folder, keys, disposed=stones.of(checker, folder))
    if seal and expected and seal != expected:
        _altered(checker, f"{folder}/{bag.SEAL}", seal, expected)
    checker.watch.bag_done()


def _check_digest(checker: Checker, key: str, expected: str | None) -> None:
    """A member that is neither a report nor the seal of a bag that was listed."""
    measured = checker.digest(key)
    if measured and expected and measured[0] != expected:
        _altered(checker, key, measured[0], expected)


def _altered(checker: Checker, key: str, digest: str, expected: str) -> None:
    checker.found(Code.CHAIN_MEMBER_ALTERED, key, f"its digest is {digest}, the chain vouches for {expected}")


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
        words = f"the root holds nothing but {README_KEY}, {KEYS_FOLDER}/ and the policies' folders"
        checker.found(Code.FILE_MISPLACED, name, words)
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
    if kind in {"reports", "custody"} and is_day and len(segments) == _REPORT_DEPTH:
        return kind, key
    return None, key
