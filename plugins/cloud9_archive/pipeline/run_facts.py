"""What a run came to, gathered from the catalog: its calls, its bags, and what a person must know of them."""

from __future__ import annotations

from cloud9_archive.catalog.accounts import abandoned_work, run_accounts, straggler_accounts
from cloud9_archive.catalog.listings import finished_listings
from cloud9_archive.catalog.sealing import sealed_bags_of
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.pipeline.call_findings import findings_on
from cloud9_archive.pipeline.derivative_findings import derivative_findings
from cloud9_archive.pipeline.expiring_keys import expiring_keys
from cloud9_archive.pipeline.report import RunFacts
from cloud9_archive.pipeline.roster_use import find_roster_faults
from cloud9_archive.pipeline.silences import find_silences
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
    findings.extend(find_silences(workspace, run, sources=listed, accounts=accounts))
    findings.extend(expiring_keys(listed.values()))
    findings.extend(find_roster_faults(workspace, run))
    stragglers = straggler_accounts(workspace.catalog, run, now=workspace.clock())
    for account in (*accounts, *stragglers):
        findings.extend(findings_on(account))
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
    )
