"""What a run came to, gathered from the catalog: its calls, its bags, and what a person must know of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cloud9_archive.catalog.accounts import CallAccount, abandoned_work, run_accounts, straggler_accounts
from cloud9_archive.catalog.listings import finished_listings
from cloud9_archive.catalog.sealing import sealed_bags_of
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.pipeline.call_facts import CallFacts, facts_of_calls
from cloud9_archive.pipeline.call_findings import findings_on
from cloud9_archive.pipeline.day_counts import judge_days
from cloud9_archive.pipeline.derivative_findings import derivative_findings
from cloud9_archive.pipeline.expiring_keys import expiring_keys, key_subject
from cloud9_archive.pipeline.listing_findings import alike_calls, amended_calls, late_metadata, standing_subjects
from cloud9_archive.pipeline.media_findings import differing_lengths, unlinked_recordings
from cloud9_archive.pipeline.report import RunFacts
from cloud9_archive.pipeline.roster_use import find_roster_faults, roster_subjects
from cloud9_archive.pipeline.silences import find_silences, silence_subject
from cloud9_archive.pipeline.unheard_users import unheard_users
from cloud9_archive.pipeline.workspace import Workspace


def facts_of(workspace: Workspace, run: RunRef) -> RunFacts:
    """What the run's report states, as the catalog has it now."""
    accounts = run_accounts(workspace.catalog, run, now=workspace.clock())
    listed = finished_listings(workspace.catalog, run)
    sources = {source: source in listed for source in workspace.policy.sources}
    findings = [
        Finding("SOURCE_NOT_LISTED", source, f"{source} was not listed to its end")
        for source, complete in sources.items()
        if not complete
    ]
    there = {account.ref.call_id for account in accounts}
    findings.extend(
        Finding("CALL_NOT_LISTED", call_id, "it was asked for by its id, and no source listed it")
        for call_id in run.call_ids
        if call_id not in there
    )
    days = judge_days(workspace, run, sources=listed)
    findings.extend(days.findings)
    findings.extend(find_silences(workspace, run, days=days, sources=listed, accounts=accounts))
    findings.extend(expiring_keys(listed.values()))
    findings.extend(find_roster_faults(workspace, run))
    stragglers = straggler_accounts(workspace.catalog, run, now=workspace.clock())
    for account in (*accounts, *stragglers):
        findings.extend(findings_on(account))
    findings.extend(_findings_beside(workspace, run, facts_of_calls(workspace.catalog, (*accounts, *stragglers))))
    findings.extend(derivative_findings(workspace.catalog, run.policy, (*accounts, *stragglers)))
    if run.kind is RunKind.SCHEDULED:
        findings.extend(
            Finding("RECORDING_ABANDONED", "/".join(ref), "it is under work, and nobody holds it")
            for ref in abandoned_work(workspace.catalog, run.policy, now=workspace.clock())
        )
    return RunFacts(
        run=run,
        policy_version=workspace.policy.version,
        sources=sources,
        accounts=accounts,
        stragglers=stragglers,
        bags=[bag for bag, _ in sealed_bags_of(workspace.catalog, run.policy, run.run_id)],
        findings=sorted(set(findings)),
        retention=workspace.policy.archive.retention,
        examined=frozenset(_examined(run, sources, (*accounts, *stragglers)))
        | frozenset(days.subjects(run))
        | standing_subjects(workspace.catalog, run),
    )


def _findings_beside(workspace: Workspace, run: RunRef, calls: Sequence[CallFacts]) -> Iterator[Finding]:
    """What the calls tell beside other calls, their recordings, and what was known of them before."""
    catalog = workspace.catalog
    yield from late_metadata(catalog, run)
    yield from amended_calls(catalog, run, calls)
    yield from alike_calls(catalog, calls)
    yield from differing_lengths(catalog, run.policy, calls, tolerance=workspace.policy.media.length_tolerance)
    yield from unlinked_recordings(catalog, calls)
    yield from unheard_users(workspace, run, calls)


def _examined(run: RunRef, sources: Iterable[str], accounts: Iterable[CallAccount]) -> Iterator[str]:
    """Subjects that the run looked at, so that what it does not find about them any more is healed."""
    for account in accounts:
        for ref in (account.ref, *(recording.ref for recording in account.recordings)):
            yield "/".join(ref)
    yield from roster_subjects(run)
    yield from run.call_ids
    for source in sources:
        yield from (source, silence_subject(run, source), key_subject(source))
