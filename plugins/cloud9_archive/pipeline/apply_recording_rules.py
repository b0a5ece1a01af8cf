"""Second step: every listed call is decided on, before any audio is fetched, and the work is in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from cloud9_archive.catalog.deciding import record_decisions, undecided
from cloud9_archive.catalog.forming import form_batches
from cloud9_archive.catalog.runs import the_run
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.rules import decide
from cloud9_archive.domain.run import RunRef
from cloud9_archive.pipeline.roster_use import note_roster_use
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)

AT_ONCE = 1000
"""Calls decided in one transaction."""


@dataclass(frozen=True, slots=True)
class AppliedRules:
    """
    What a run decided anew, and the batches that it holds.

    :param rules: how many new decisions each rule made
    """

    recorded: int
    excluded: int
    rules: Mapping[str, int]
    batch_ids: tuple[str, ...]


def apply_recording_rules(workspace: Workspace, run: RunRef) -> AppliedRules:
    """
    Each call that the run listed has a decision, and what may be worked on is in batches that the run holds.

    Decisions stand: a call that was decided before keeps its decision, whatever the roster says now.

    :raises RosterError: if the roster cannot be read; nobody is taken for excluded because of that
    """
    the_run(workspace.catalog, run.policy, run.run_id)
    roster = workspace.roster()
    rules: Counter[str] = Counter()
    outcomes: Counter[Outcome] = Counter()
    while calls := undecided(workspace.catalog, run, limit=AT_ONCE):
        decided = [(call, decide(call, policy=workspace.policy, roster=roster)) for call in calls]
        record_decisions(
            workspace.catalog, run, decided, deadline=workspace.policy.media.deadline, now=workspace.clock()
        )
        rules.update(decision.rule for _, decision in decided)
        outcomes.update(decision.outcome for _, decision in decided)
    note_roster_use(workspace, run, roster)
    batch_ids = form_batches(
        workspace.catalog,
        run,
        max_recordings=workspace.policy.batch.max_recordings,
        lease=workspace.settings.claim_lease,
        now=workspace.clock(),
    )
    recorded, excluded = outcomes[Outcome.RECORD], outcomes[Outcome.EXCLUDE]
    log.info("recording rules applied", recorded=recorded, excluded=excluded, batches=len(batch_ids))
    return AppliedRules(recorded, excluded, dict(rules), tuple(batch_ids))
