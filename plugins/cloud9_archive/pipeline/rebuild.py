"""The catalog made anew from archives alone: link by link, each with its reports and bags, in the order of the chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.chain import KnownLink, note_link
from cloud9_archive.catalog.rebuilding import (
    begin_rebuild,
    contradictions,
    finish_rebuild,
    known_link,
    known_seal,
    note_contradictions,
    settle_policy,
)
from cloud9_archive.domain.accounting import CallState
from cloud9_archive.domain.bag import SEAL
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.chain import ChainLink
from cloud9_archive.domain.keys import is_day_report, link_path, path_segment
from cloud9_archive.domain.policy import Media
from cloud9_archive.domain.run import CallRef, RecordingRef, RunRef
from cloud9_archive.errors import CatalogError, ConfigurationError
from cloud9_archive.pipeline.archived_bag import Reader, open_bag
from cloud9_archive.pipeline.archived_documents import ReportDocument
from cloud9_archive.pipeline.archived_folders import PolicyFolders, links_in_place, policy_folders
from cloud9_archive.pipeline.rebuild_bag import BagPlace, refs_of, take_over
from cloud9_archive.pipeline.rebuild_report import read_report, take_over_day, take_over_findings, take_over_rows
from cloud9_archive.pipeline.verify_bag import Watch
from cloud9_archive.pipeline.verify_chain import Vouched, verify_chain
from cloud9_archive.pipeline.verify_proofs import Keyring, Trust
from cloud9_archive.pipeline.verify_report import Code, Head, VerifyFinding
from cloud9_archive.storage.store import Store

DEADLINE: timedelta = Media.model_fields["deadline"].default
"""How long media may take to appear, for calls of which no report says it."""

UNKNOWN_RUN = "unknown"
"""What stands for the run of a bag that neither a report nor a link names."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """
    What a rebuild came to.

    :param bags: sealed bags that were read
    :param calls: how many calls are in each state, over all policies
    :param heads: of the chains; to be compared with those kept elsewhere
    :param findings: what was not taken over, and why
    :param resumed: whether it went on where another was cut off
    """

    policies: tuple[str, ...]
    links: int
    bags: int
    reports: int
    calls: Mapping[CallState, int]
    heads: tuple[Head, ...]
    findings: tuple[VerifyFinding, ...]
    resumed: bool

    def document(self) -> dict[str, object]:
        """All of it as plain JSON values."""
        return {
            "policies": list(self.policies),
            "links": self.links,
            "bags": self.bags,
            "reports": self.reports,
            "calls": {state.value: count for state, count in sorted(self.calls.items())},
            "heads": [{"policy": h.policy, "number": h.number, "digest": h.digest} for h in self.heads],
            "findings": [{"code": f.code.value, "subject": f.subject, "words": f.words} for f in self.findings],
            "resumed": self.resumed,
        }


@dataclass
class _Tally:
    reports: int = 0
    links: int = 0
    calls: Counter[CallState] = field(default_factory=Counter)
    policies: list[str] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)


def rebuild_catalog(
    catalog: Catalog, stores: Sequence[Store], *, who: str, now: datetime, watch: Watch | None = None
) -> Rebuilt:
    """
    The empty catalog holds what the archives say, as far as nothing contradicts it; runs may use it.

    Cut off anywhere, it may be run again: links that are in the catalog with all that they cover are passed over.

    :param who: by whom it is done, for the trail
    :param now: what is absent is due from then on
    :raises CatalogError: if the catalog is not empty, or two archives have chains of one policy
    :raises ConfigurationError: if an archive holds nothing; the catalog is as it was then
    :raises Cloud9ArchiveError: if an archive cannot be listed or read; what is in the catalog by then is left out when
        it is run again
    """
    folders = [policy_folders(store) for store in stores]
    for store, found in zip(stores, folders, strict=True):
        if not found:
            raise ConfigurationError(
                f"{store!r} holds no policy's folder", subject="archive", hint="check the archive's address and conn_id"
            )
    resumed = begin_rebuild(catalog, who=who, origin=" ".join(map(repr, stores)), now=now)
    watch = watch or Watch()
    tally, checkers = _Tally(), [Reader(store, watch) for store in stores]
    for checker, found in zip(checkers, folders, strict=True):
        for segment, mine in found.items():
            _rebuild_policy(catalog, checker, segment, mine, tally=tally, who=who, now=now)
    for policy in tally.policies:
        tally.calls.update(settle_policy(catalog, policy, now=now))
    rebuilt = Rebuilt(
        policies=tuple(tally.policies),
        links=tally.links,
        bags=sum(checker.bags for checker in checkers),
        reports=tally.reports,
        calls=tally.calls,
        heads=tuple(tally.heads),
        findings=_told(catalog, checkers, who=who, now=now),
        resumed=resumed,
    )
    outcome = {**rebuilt.document(), "findings": len(rebuilt.findings)}
    finish_rebuild(catalog, who=who, outcome=canonical_json(outcome).decode(), now=now)
    return rebuilt


def _told(catalog: Catalog, checkers: Sequence[Reader], *, who: str, now: datetime) -> tuple[VerifyFinding, ...]:
    """What this rebuild and those that were cut off before it have found, each thing once."""
    for checker in checkers:
        note_contradictions(catalog, [(f.code, f.subject, f.words) for f in checker.findings], who=who, now=now)
    return tuple(VerifyFinding(Code(code), subject, words) for code, subject, words in contradictions(catalog))


def _rebuild_policy(
    catalog: Catalog, checker: Reader, segment: str, folders: PolicyFolders, *, tally: _Tally, who: str, now: datetime
) -> None:
    vouched = verify_chain(checker, segment, Keyring(checker, Trust()))
    checker.watch.planned(len(folders.sealed))
    sealed_by: dict[str, str] = {}
    policy = ""
    for link, digest in links_in_place(checker.store, segment):
        policy = link.policy
        known = known_link(catalog, link.policy, link.number)
        if known is not None and known != digest:
            raise CatalogError(
                f"link {link.number} of {link.policy} is another one than that which is in the catalog",
                subject=link_path(link.policy, link.number),
                hint="two archives have a chain of this policy, or this one was altered: give one of them, and an empty catalog",
            )
        if known is None:
            _take_over_link(catalog, checker, link, vouched=vouched, sealed_by=sealed_by, tally=tally)
            note_contradictions(catalog, [(f.code, f.subject, f.words) for f in checker.findings], who=who, now=now)
            note_link(
                catalog,
                link.policy,
                KnownLink(link.number, digest, link.run_id),
                covers=[member.path.split("/")[-2] for member in link.members if member.path.endswith(f"/{SEAL}")],
                written_at=link.written_at,
            )
        tally.links += 1
    if vouched.head and policy:
        tally.heads.append(vouched.head)
    _take_over_rest(catalog, checker, segment, folders, vouched=vouched, now=now, tally=tally)
    if policy and policy not in tally.policies:
        tally.policies.append(policy)


def _take_over_link(
    catalog: Catalog,
    checker: Reader,
    link: ChainLink,
    *,
    vouched: Vouched,
    sealed_by: dict[str, str],
    tally: _Tally,
) -> None:
    """The reports and bags that the link covers are in the catalog."""
    reports: list[tuple[RunRef, ReportDocument]] = []
    for member in link.members:
        if "/reports/" not in member.path or not member.path.endswith(".json"):
            continue
        if is_day_report(member.path):
            tally.reports += take_over_day(catalog, checker, member, link.policy)
            continue
        report = read_report(checker, member, link.policy)
        if report is None:
            continue
        run = take_over_rows(catalog, report, key=member.path, at=link.written_at, deadline=DEADLINE)
        sealed_by |= {each.bag_id: report.run_id for each in report.bags}
        reports.append((run, report))
        tally.reports += 1
    archived: set[CallRef | RecordingRef] = set()
    for member in link.members:
        folder, slash, name = member.path.rpartition("/")
        if "/bags/" not in member.path or not slash or name != SEAL:
            continue
        bag_id = folder.rpartition("/")[2]
        run_id = sealed_by.pop(bag_id, link.run_id)
        place = BagPlace(link.policy, run_id, {}, link.written_at)
        archived |= _take_over_bag(catalog, checker, folder, place, expected=vouched.members.get(member.path))
    for run, report in reports:
        take_over_findings(catalog, run, report, archived=archived, at=link.written_at)


def _take_over_bag(
    catalog: Catalog, checker: Reader, folder: str, place: BagPlace, *, expected: str | None
) -> set[CallRef | RecordingRef]:
    """What the bag holds is in the catalog; the calls and recordings that were taken over."""
    versions = dict(checker.store.versions(folder))
    checker.watch.bag_done()
    if f"{folder}/{SEAL}" not in versions:
        checker.found(Code.CHAIN_MEMBER_MISSING, f"{folder}/{SEAL}", f"the chain vouches for the digest {expected}")
        return set()
    archived = open_bag(checker, folder, versions, expected=expected)
    if archived is None:
        return set()
    checker.bags += 1
    if archived.policy != place.policy:
        checker.found(Code.BAG_MALFORMED, folder, f"it is of the policy {archived.policy}")
        return set()
    known = known_seal(catalog, archived.bag_id)
    if known is not None:
        return set()
    told = {key: version for key, version in versions.items() if version}
    place = BagPlace(place.policy, place.run_id, told, place.at)
    return refs_of(take_over(catalog, checker, archived, place, deadline=DEADLINE))


def _take_over_rest(
    catalog: Catalog,
    checker: Reader,
    segment: str,
    folders: PolicyFolders,
    *,
    vouched: Vouched,
    now: datetime,
    tally: _Tally,
) -> None:
    """Sealed bags that no link covers are in the catalog, so that the next run's link covers them; all are told of."""
    for folder in sorted(folders.unsealed):
        checker.found(Code.BAG_UNSEALED, folder, f"it has no {SEAL}; what it was to hold is fetched again")
    for key in sorted(folders.reports - vouched.members.keys()):
        checker.found(Code.REPORT_NOT_CHAINED, key, "no link of the chain vouches for it")
    for folder in sorted(folders.sealed):
        if f"{folder}/{SEAL}" in vouched.members:
            continue
        checker.found(Code.BAG_NOT_CHAINED, folder, "no link vouches for it; the next run's will: look at it before")
        versions = dict(checker.store.versions(folder))
        archived = open_bag(checker, folder, versions, expected=None)
        if archived is None or path_segment(archived.policy) != segment:
            continue
        place = BagPlace(archived.policy, UNKNOWN_RUN, {}, now)
        _take_over_bag(catalog, checker, folder, place, expected=None)
        if archived.policy not in tally.policies:
            tally.policies.append(archived.policy)
