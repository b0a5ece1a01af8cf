"""Second step: every listed call is decided on, before any audio is fetched, and the work is in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from cloud9_archive.catalog.deciding import record_decisions, undecided
from cloud9_archive.catalog.forming import form_batches
from cloud9_archive.catalog.redeciding import Redecided, outdated, replace_decisions
from cloud9_archive.catalog.runs import the_run
from cloud9_archive.domain.decision import Outcome
from cloud9_archive.domain.rules import Ruler
from cloud9_archive.domain.run import CallRef, RunRef
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import TransientError
from cloud9_archive.pipeline.roster_use import note_roster_use
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)

AT_ONCE = 1000
"""Calls decided in one transaction."""


@dataclass(frozen=True, slots=True)
class AppliedRules:
    """
    What a run decided anew, and the batches that it holds.

    :param recorded: calls that had no decision before and are recorded
    :param excluded: calls that had no decision before and are excluded
    :param rules: how many of these decisions each rule made
    :param redecided: calls that have another decision than before, because that was asked for
    :param now_recorded: of these, those that were excluded before
    :param now_excluded: of these, those that were recorded before
    """

    recorded: int
    excluded: int
    rules: Mapping[str, int]
    batch_ids: tuple[str, ...]
    redecided: int = 0
    now_recorded: int = 0
    now_excluded: int = 0


def apply_recording_rules(workspace: Workspace, run: RunRef, *, redecide: bool = False) -> AppliedRules:
    """
    Each call that the run listed has a decision, and what may be worked on is in batches that the run holds.

    Decisions stand: a call that was decided before keeps its decision, whatever the roster says now, unless deciding
    anew is asked for.

    :param redecide: whether listed calls whose decision another roster or policy made are decided on anew
    :raises RosterError: if the roster cannot be read; nobody is taken for excluded because of that
    :raises TransientError: if another run works on calls that are to be decided on anew
    """
    the_run(workspace.catalog, run.policy, run.run_id)
    roster = workspace.roster()
    ruler = Ruler(workspace.policy, roster)
    again = _redecided(workspace, run, ruler) if redecide else Redecided()
    rules: Counter[str] = Counter()
    outcomes: Counter[Outcome] = Counter()
    while calls := undecided(workspace.catalog, run, limit=AT_ONCE):
        decided = [(call, ruler.decide(call)) for call in calls]
        record_decisions(
            workspace.catalog, run, decided, deadline=workspace.policy.media.deadline, now=workspace.clock()
        )
        rules.update(decision.rule for _, decision in decided)
        outcomes.update(decision.outcome for _, decision in decided)
    note_roster_use(workspace, run, roster)
    if again.held:
        raise _left_alone(again.held)
    batch_ids = form_batches(
        workspace.catalog,
        run,
        max_recordings=workspace.policy.batch.max_recordings,
        lease=workspace.settings.claim_lease,
        now=workspace.clock(),
    )
    recorded, excluded = outcomes[Outcome.RECORD], outcomes[Outcome.EXCLUDE]
    log.info(
        "recording rules applied",
        recorded=recorded,
        excluded=excluded,
        batches=len(batch_ids),
        redecided=again.decided,
        now_recorded=again.now_recorded,
        now_excluded=again.now_excluded,
    )
    return AppliedRules(
        recorded,
        excluded,
        dict(rules),
        tuple(batch_ids),
        again.decided,
        again.now_recorded,
        again.now_excluded,
    )


def _redecided(workspace: Workspace, run: RunRef, ruler: Ruler) -> Redecided:
    """Every listed call whose decision is out of date is decided on anew; one that is held is named."""
    again = Redecided()
    last: CallRef | None = None
    while page := outdated(
        workspace.catalog,
        run,
        policy_version=ruler.policy_version,
        roster_version=ruler.roster_version,
        after=last,
        limit=AT_ONCE,
    ):
        last = page[-1].ref
        decided = [(each, ruler.decide(each.call)) for each in page]
        now = replace_decisions(workspace.catalog, run, decided, now=workspace.clock())
        workspace.staging.drop_media(run.policy, now.unwanted)
        again += now
    return again


def _left_alone(held: tuple[CallRef, ...]) -> TransientError:
    subject = "/".join(held[0])
    return TransientError(
        f"{len(held)} calls cannot be decided on anew while a batch holds them, the first is {shown(subject)}",
        subject=subject,
        hint="wait until the other run is over; a bag that this run was sealing must be finished first: clear the run "
        "without redecide, and ask again",
    )
