"""The report of a day of a policy, in the archive and in the chain; drawn again, it is written only if facts changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from cloud9_archive.catalog.accounts import CallAccount, day_accounts
from cloud9_archive.catalog.begun import calls_begun
from cloud9_archive.catalog.chain import head
from cloud9_archive.catalog.day_reports import (
    DayRecord,
    RunOver,
    find_day_report,
    findings_about,
    listed_in_time,
    note_day_report,
    runs_of_bags,
    runs_over,
)
from cloud9_archive.domain.accounting import CallSum, MediaSum
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.days import days_window
from cloud9_archive.domain.keys import day_report_path
from cloud9_archive.domain.run import RecordingRef, RunKind, RunRef
from cloud9_archive.errors import WindowError
from cloud9_archive.pipeline.chain_proofs import check_still_signed, complete_proofs, open_prover
from cloud9_archive.pipeline.chain_writer import append_link, read_head
from cloud9_archive.pipeline.day_facts import DayFacts
from cloud9_archive.pipeline.day_page import day_page
from cloud9_archive.pipeline.report_filing import CSV, HTML, JSON, Draft, Frame, file_report
from cloud9_archive.pipeline.silences import silence_subject
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.readme import write_readme

log = structlog.get_logger(__name__)

WEEKS = 4
"""Same weekdays that a day is compared with."""


@dataclass(frozen=True, slots=True)
class DayReport:
    """
    A day's newest report.

    :param holds: whether all of the day was listed, and every call is accounted for
    :param findings: how many are open, accepted and healed
    :param number: counts the day's reports, from 1
    :param report: key of its JSON file in the archive; the page and the CSV file lie beside it
    :param chain_head: digest of the newest chain link
    :param written: False if a report with these facts was there already
    """

    day: date
    calls: CallSum
    recordings: MediaSum
    holds: bool
    findings: Mapping[str, int]
    number: int
    report: str
    chain_head: str
    written: bool


def put_day_report(workspace: Workspace, day: date, *, now: datetime | None = None) -> DayReport:
    """
    The archive holds a report on the day as the catalog has it now, and a link of the chain vouches for it.

    :param day: of the calendar, in the policy's time zone
    :param now: aware UTC; the workspace's clock by default
    :raises WindowError: if the day is not over there
    :raises ConfigurationError: if the chain cannot be signed as it must be; nothing was written then
    """
    now = now or workspace.clock()
    policy = workspace.policy.policy
    facts = day_facts(workspace, day, now=now)
    known, newest = find_day_report(workspace.catalog, policy, day), head(workspace.catalog, policy)
    digest = facts.digest()
    if known and newest and known.facts_digest == digest:
        return _outcome(facts, known.number, known.key, newest.digest, written=False)
    prover = open_prover(workspace.settings.proof)
    check_still_signed(prover, read_head(workspace, policy))
    write_readme(workspace.store)
    run = RunRef(policy, link_name(day), RunKind.SCHEDULED, facts.window)

    def contents(frame: Frame) -> Mapping[str, bytes]:
        return {CSV: facts.csv(), JSON: day_json(facts, frame), HTML: day_page(facts, frame)}

    def key_of(number: int, extension: str) -> str:
        return day_report_path(policy, day=day, number=number, extension=extension)

    draft = Draft(policy, run.run_id, digest, (CSV, JSON, HTML), key_of, contents)
    filed = file_report(workspace, draft, after=known.number if known else 0)
    link = append_link(workspace, run, report=filed.members, prover=prover)
    with workspace.catalog.begin() as connection:
        sums = json.dumps(facts.sums(), sort_keys=True)
        note_day_report(connection, policy, day, DayRecord(filed.number, filed.key, digest, sums))
    workspace.staging.drop_reports(policy, run.run_id)
    complete_proofs(workspace, run, prover)
    log.info("day reported", policy=policy, day=day.isoformat(), holds=facts.holds, report=filed.key)
    return _outcome(facts, filed.number, filed.key, link.digest, written=True)


def link_name(day: date) -> str:
    """The run id of links that vouch for reports of the day."""
    return f"day__{day.isoformat()}"


def day_json(facts: DayFacts, frame: Frame) -> bytes:
    """The report's JSON file."""
    document: dict[str, Any] = {**facts.document(), **frame.document()}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def day_facts(workspace: Workspace, day: date, *, now: datetime) -> DayFacts:
    """
    What the day's report states, as the catalog has it now.

    :raises WindowError: if the day is not over
    """
    policy, zone = workspace.policy, workspace.policy.schedule.timezone
    window = days_window(day, day, zone=zone)
    if now < window.end:
        raise WindowError(
            f"{day} is not over in {zone}",
            subject="day",
            hint=f"its report can be drawn up from {utc_text(window.end)} on",
        )
    catalog, sources = workspace.catalog, tuple(sorted(policy.sources))
    runs = runs_over(catalog, policy.policy, window)
    accounts = day_accounts(catalog, policy.policy, sources, window, now=now)
    in_time = listed_in_time(catalog, policy.policy, window)
    return DayFacts(
        policy=policy.policy,
        day=day,
        timezone=zone,
        window=window,
        sources=sources,
        accounts=accounts,
        runs=runs,
        findings=findings_about(catalog, policy.policy, _subjects(policy.policy, day, sources, accounts, runs)),
        late_calls=sum(account.ref not in in_time for account in accounts),
        late_recordings=_late_recordings(workspace, accounts, runs),
        same_weekday={
            earlier: _listed_on(workspace, earlier, sources)
            for earlier in (day - timedelta(weeks=week) for week in range(1, WEEKS + 1))
        },
    )


def _subjects(
    policy: str, day: date, sources: tuple[str, ...], accounts: list[CallAccount], runs: list[RunOver]
) -> set[str]:
    """Of findings that are about this day alone: its calls and recordings, and what a source lists of it."""
    found = {day.isoformat(), *(f"{source}/{day.isoformat()}" for source in sources)}
    for account in accounts:
        found.add("/".join(account.ref))
        found.update("/".join(recording.ref) for recording in account.recordings)
    for run in runs:
        ref = RunRef(policy, run.run_id, run.kind, run.window)
        found.add(run.run_id)
        found.update(silence_subject(ref, source) for source in sources)
    return found


def _late_recordings(workspace: Workspace, accounts: list[CallAccount], runs: list[RunOver]) -> int:
    windows = {run.run_id: run.window for run in runs if not run.single_calls}
    bag_ids = {each.bag_id for account in accounts for each in account.recordings if each.bag_id}
    sealed_by = runs_of_bags(workspace.catalog, bag_ids)
    in_time: set[RecordingRef] = set()
    archived: set[RecordingRef] = set()
    for account in accounts:
        for recording in account.recordings:
            if recording.bag_id is None:
                continue
            archived.add(recording.ref)
            window = windows.get(sealed_by.get(recording.bag_id, ""))
            if window is not None and account.started_at in window:
                in_time.add(recording.ref)
    return len(archived - in_time)


def _listed_on(workspace: Workspace, day: date, sources: tuple[str, ...]) -> int | None:
    window = days_window(day, day, zone=workspace.policy.schedule.timezone)
    if not runs_over(workspace.catalog, workspace.policy.policy, window):
        return None
    return sum(calls_begun(workspace.catalog, source, window) for source in sources)


def _outcome(facts: DayFacts, number: int, key: str, chain_head: str, *, written: bool) -> DayReport:
    states = [each.status for each in facts.findings]
    findings = {status: states.count(status) for status in ("open", "accepted", "healed")}
    return DayReport(facts.day, facts.calls, facts.recordings, facts.holds, findings, number, key, chain_head, written)
