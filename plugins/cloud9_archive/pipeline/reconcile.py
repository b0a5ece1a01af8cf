"""Last step: the run adds up, or fails by naming what does not; its report is in the archive and in the chain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

import structlog

from cloud9_archive.catalog.chain import head
from cloud9_archive.catalog.findings import note_findings
from cloud9_archive.catalog.forming import release_batches
from cloud9_archive.catalog.runs import RunRecord, RunState, find_run, note_report
from cloud9_archive.domain.accounting import CallSum, MediaSum
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import RunRef
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.chain_proofs import Prover, check_still_signed, complete_proofs, open_prover
from cloud9_archive.pipeline.chain_writer import append_link, read_head, unlinked_members
from cloud9_archive.pipeline.report import RunFacts
from cloud9_archive.pipeline.report_writer import put_report
from cloud9_archive.pipeline.run_facts import facts_of
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.readme import write_readme

log = structlog.get_logger(__name__)

NAMED = 10
"""Subjects that a failure names; the report has them all."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """
    What a run came to.

    :param report: key of the report's JSON file in the archive
    :param chain_head: digest of the newest chain link; kept elsewhere, it shows whether the archive was rolled back
    """

    calls: CallSum
    recordings: MediaSum
    excluded_by_rule: dict[str, int]
    findings: tuple[Finding, ...]
    bags: int
    report: str
    chain_head: str


def reconcile(workspace: Workspace, run: RunRef, *, failed_tasks: Sequence[str] = ()) -> Reconciled:
    """
    Both sums hold for the run, and its report is in the archive; otherwise the report says so and this raises.

    Reconciling again changes nothing as long as the facts are the same. Whatever the run still held is released.

    :param failed_tasks: names of tasks of this run that failed, which alone is a reason to fail
    :raises ReconciliationError: if anything is unaccounted for, or a task failed
    :raises ConfigurationError: if the chain cannot be signed as it must be; nothing was written then
    """
    record = find_run(workspace.catalog, run.policy, run.run_id)
    if record is None:
        raise ReconciliationError(
            f"run {run.run_id} listed nothing: none of its sources was reached",
            subject=run.run_id,
            hint=_failed_words(failed_tasks) or "read the log of its fetch_calls tasks",
        )
    facts = facts_of(workspace, run)
    release_batches(workspace.catalog, run, now=workspace.clock())
    gaps = sorted((finding for finding in facts.findings if finding.kind.gap), key=_urgency)
    holds = not gaps and not facts.calls.unaccounted and not facts.recordings.unaccounted
    prover = open_prover(workspace.settings.proof)
    report, chain_head = _file_report(workspace, record, facts, prover, holds=holds)
    unproven = complete_proofs(workspace, run, prover)
    note_findings(workspace.catalog, run, facts.findings, examined=facts.examined, now=workspace.clock())
    log.info("run reconciled", holds=holds, report=report, findings=len(facts.findings), **asdict(facts.calls))
    if not holds or failed_tasks:
        raise ReconciliationError(_gap_words(run, facts, gaps, failed_tasks), subject=run.run_id, hint=_advice(gaps))
    workspace.staging.drop_pages(run.policy, run.run_id)
    return Reconciled(
        facts.calls,
        facts.recordings,
        facts.excluded_by_rule,
        (*facts.findings, *unproven),
        len(facts.bags),
        report,
        chain_head,
    )


def _urgency(finding: Finding) -> tuple[int, Finding]:
    """Causes before their consequences: codes in the order of their table."""
    return list(FINDING_KINDS).index(finding.code), finding


def _file_report(
    workspace: Workspace, record: RunRecord, facts: RunFacts, prover: Prover, *, holds: bool
) -> tuple[str, str]:
    """The report stands in archive and chain; its JSON file's key, and the chain's head."""
    run = record.run
    known = head(workspace.catalog, run.policy)
    if (
        record.facts_digest == facts.digest()
        and record.report_key
        and known
        and not unlinked_members(workspace, run.policy)
    ):
        return record.report_key, known.digest
    check_still_signed(prover, read_head(workspace, run.policy))
    write_readme(workspace.store)
    filed = put_report(workspace, record, facts)
    link = append_link(workspace, run, report=filed.members, prover=prover)
    note_report(
        workspace.catalog,
        run,
        state=RunState.ACCOUNTED if holds else RunState.GAP,
        number=filed.number,
        key=filed.key,
        facts_digest=facts.digest(),
        sums=json.dumps(facts.sums(), sort_keys=True),
    )
    workspace.staging.drop_reports(run.policy, run.run_id)
    return filed.key, link.digest


def _gap_words(run: RunRef, facts: RunFacts, gaps: Sequence[Finding], failed_tasks: Sequence[str]) -> str:
    parts = [f"run {run.run_id} of {run.policy} does not add up"]
    if facts.calls.unaccounted:
        parts.append(f"{facts.calls.unaccounted} of {facts.calls.listed} calls are unaccounted for")
    if facts.recordings.unaccounted:
        parts.append(f"{facts.recordings.unaccounted} of {facts.recordings.wanted} recordings are unaccounted for")
    for code, group in groupby(gaps, key=lambda finding: finding.code):
        subjects = [finding.subject for finding in group]
        parts.append(f"{code}: {_named(subjects)}")
    if failed_tasks:
        parts.append(_failed_words(failed_tasks))
    return "; ".join(parts)


def _named(subjects: Sequence[str]) -> str:
    named = ", ".join(shown(subject) for subject in subjects[:NAMED])
    if len(subjects) == 1:
        return named
    more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
    return f"{len(subjects)} calls or recordings, {named}{more}"


def _failed_words(failed_tasks: Sequence[str]) -> str:
    return f"failed tasks: {', '.join(failed_tasks[:NAMED])}" if failed_tasks else ""


def _advice(gaps: Sequence[Finding]) -> str:
    return (
        gaps[0].kind.next_action if gaps else "read the logs of the failed tasks, mend what they name, and clear them"
    )
