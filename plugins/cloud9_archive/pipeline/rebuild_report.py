"""What one report of an archive says, taken over: the run, the calls that it listed, decisions, findings."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.day_reports import DayRecord, note_day_report
from cloud9_archive.catalog.findings import note_findings
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.restoring import ToldCall, restore_calls
from cloud9_archive.catalog.restoring_runs import ToldRun, note_listed, restore_run
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.domain.accounting import CallState, CallSum, MediaSum
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.chain import Member
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import CallRef, RecordingRef, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.archived_bag import Reader
from cloud9_archive.pipeline.archived_documents import ArchivedDecision, DayDocument, ReportDocument, ReportRow, parsed
from cloud9_archive.pipeline.expiring_keys import key_subject
from cloud9_archive.pipeline.listing_findings import standing_subjects
from cloud9_archive.pipeline.rebuild_bag import told_decision
from cloud9_archive.pipeline.roster_use import roster_subjects
from cloud9_archive.pipeline.silences import silence_subject
from cloud9_archive.pipeline.verify_report import Code

Report = TypeVar("Report", ReportDocument, DayDocument)

REPORT_LIMIT = 4 * 1024**3
"""Bytes; the rows of a backfill over a busy day are many."""


def read_report(checker: Reader, member: Member, policy: str) -> ReportDocument | None:
    """
    The report as its link vouches for it, or None with a finding.

    :raises Cloud9ArchiveError: if it is there and cannot be read
    """
    document = _read(checker, member, policy, ReportDocument)
    if document is None:
        return None
    try:
        Window(document.window_start, document.window_end)
    except Cloud9ArchiveError as error:
        checker.found(Code.DOCUMENT_CONTRADICTED, member.path, f"it is no report: {error}")
        return None
    return document


def take_over_day(catalog: Catalog, checker: Reader, member: Member, policy: str) -> bool:
    """
    The day's report is in the catalog, as its link vouches for it; False with a finding if it is not as it must be.

    :raises Cloud9ArchiveError: if it is there and cannot be read
    """
    report = _read(checker, member, policy, DayDocument)
    if report is None:
        return False
    standing = Counter(each.code for each in report.findings if each.status != "healed")
    sums = {"calls": report.calls, "recordings": report.recordings, "findings": dict(sorted(standing.items()))}
    told = DayRecord(report.report_number, member.path, report.facts_sha256, json.dumps(sums, sort_keys=True))
    with catalog.begin() as connection:
        note_day_report(connection, policy, report.day, told)
    return True


def _read(checker: Reader, member: Member, policy: str, kind: type[Report]) -> Report | None:
    """The document as its link vouches for it, or None with a finding."""
    if not checker.store.exists(member.path):
        words = f"the chain vouches for it with the digest {member.sha256}"
        checker.found(Code.CHAIN_MEMBER_MISSING, member.path, words)
        return None
    content = checker.store.read(member.path, limit=REPORT_LIMIT)
    checker.files += 1
    checker.size += len(content)
    digest = hashlib.sha256(content).hexdigest()
    if digest != member.sha256:
        words = f"its digest is {digest}, the chain vouches for {member.sha256}"
        checker.found(Code.CHAIN_MEMBER_ALTERED, member.path, words)
        return None
    try:
        document = parsed(kind, content)
    except ValueError as error:
        checker.found(Code.DOCUMENT_CONTRADICTED, member.path, f"it is no report: {error}")
        return None
    if document.policy != policy:
        checker.found(Code.DOCUMENT_CONTRADICTED, member.path, f"it is of the policy {document.policy}")
        return None
    return document


def take_over_rows(catalog: Catalog, report: ReportDocument, *, key: str, at: datetime, deadline: timedelta) -> RunRef:
    """
    The run and the calls that it listed are in the catalog, with the decisions on them.

    :param key: of the report in the archive
    :param at: when its link was written
    :param deadline: as for :func:`~cloud9_archive.pipeline.rebuild_bag.take_over`
    """
    window = Window(report.window_start, report.window_end)
    run = RunRef(report.policy, report.run_id, report.kind, window, report.call_ids)
    counts = Counter(row.source for row in report.rows)
    sums = {
        "calls": report.calls,
        "recordings": report.recordings,
        "findings": dict(Counter(each.code for each in report.findings)),
    }
    told = ToldRun(
        run=run,
        policy_version=report.policy_version,
        state=RunState.ACCOUNTED if _adds_up(report) else RunState.GAP,
        facts_digest=report.facts_sha256,
        report_number=report.report_number,
        report_key=key,
        listed={each.source: counts[each.source] for each in report.sources if each.listed},
        at=at,
        report_sums=json.dumps(sums, sort_keys=True),
    )
    with catalog.begin() as connection:
        restore_run(connection, told)
    for rows in chunks(report.rows):
        calls = [_told(row, report, at) for row in rows]
        with catalog.begin() as connection:
            restore_calls(connection, run.policy, run.run_id, calls, at=at, deadline=deadline)
            note_listed(connection, run, [each.ref for each in calls])
    return run


def take_over_findings(
    catalog: Catalog,
    run: RunRef,
    report: ReportDocument,
    *,
    archived: Collection[CallRef | RecordingRef],
    at: datetime,
) -> None:
    """
    What the run found is open, and what it looked at and did not find any more is healed.

    :param archived: calls and recordings in the bags of the run's link
    """
    examined = {"/".join(ref) for row in report.rows for ref in _refs(row)} | {"/".join(ref) for ref in archived}
    examined |= roster_subjects(run) | standing_subjects(catalog, run)
    for each in report.sources:
        examined |= {each.source, silence_subject(run, each.source), key_subject(each.source)}
    seen = [Finding(each.code, each.subject, each.words) for each in report.findings if each.code in FINDING_KINDS]
    note_findings(catalog, run, seen, examined=examined, now=at)


def _refs(row: ReportRow) -> Iterator[tuple[str, str]]:
    yield row.source, row.call_id
    for recording in row.recordings:
        yield row.source, recording.recording_id


def _adds_up(report: ReportDocument) -> bool:
    calls = CallSum(**{name: report.calls.get(name, 0) for name in CallSum.__dataclass_fields__})
    media = MediaSum(**{name: report.recordings.get(name, 0) for name in MediaSum.__dataclass_fields__})
    gaps = (FINDING_KINDS[each.code].gap for each in report.findings if each.code in FINDING_KINDS)
    return not calls.unaccounted and not media.unaccounted and not any(gaps)


def _told(row: ReportRow, report: ReportDocument, at: datetime) -> ToldCall:
    """
    What a row says of its call.

    Its recordings are left out: a run would fetch them, and document the call by the little that a row says of it.
    """
    decision = None
    if row.rule is not None:
        decision = ArchivedDecision(
            outcome=Outcome.EXCLUDE if row.state is CallState.EXCLUDED else Outcome.RECORD,
            rule=row.rule,
            section=row.section,
            reason=row.reason or "",
            users=row.users,
            recorded_for=row.recorded_for,
            retention=row.retention,
            profile=row.profile,
            policy_version=row.policy_version or report.policy_version,
            roster_version=row.roster_version,
            decided_at=row.decided_at,
        )
    call = Call(row.source, row.call_id, row.started_at)
    return ToldCall(call, told_decision(decision, at=at) if decision else None, row.deadline_at)
