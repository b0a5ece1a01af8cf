"""A whole run without a scheduler: the steps of the DAG one after the other, with the same retries and the same end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import tenacity

from cloud9_archive.catalog.chain import head
from cloud9_archive.catalog.runs import find_run
from cloud9_archive.domain.accounting import CallSum
from cloud9_archive.domain.run import RunRef
from cloud9_archive.errors import Cloud9ArchiveError, ReconciliationError, StagingLostError, TransientError
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import Reconciled, reconcile
from cloud9_archive.pipeline.report_filing import page_beside
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.workspace import Workspace

RETRIES = 3
"""How often a step is tried again after a transient error; the client's own attempts are within each try."""

FIRST_WAIT = 10.0
"""Seconds before a step's first retry; each further wait is three times as long."""

T = TypeVar("T")


class StepState(StrEnum):
    """What is told of a step."""

    BEGUN = "begun"
    DONE = "done"
    AGAIN = "again"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepNews:
    """
    What is told of a step while a run goes on.

    :param step: the step's name, as the DAG's task has it
    :param subject: the source or the batch; empty for a step of the whole run
    :param result: what the step returned, once it is done
    :param error: why it failed
    :param wait: seconds until it is tried again
    :param place: the batch's number and how many there are; (0, 0) outside of batches
    """

    step: str
    subject: str
    state: StepState
    result: object = None
    error: Cloud9ArchiveError | None = None
    wait: float = 0.0
    place: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """Step and subject in one."""
        return f"{self.step} {self.subject}".rstrip()


Tell = Callable[[StepNews], None]

_BATCH_STEPS: tuple[tuple[str, Callable[[Workspace, str], object]], ...] = (
    ("fetch_recordings", fetch_recordings),
    ("transcode", transcode),
    ("archive", archive),
)


def run_policy(
    workspace: Workspace,
    run: RunRef,
    *,
    redecide: bool = False,
    tell: Tell = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Reconciled:
    """
    The run's calls are listed, decided on and archived, and its sums hold.

    As in the DAG, one source or batch that fails does not hold up the others, and the run is reconciled whatever
    happened before.

    :param redecide: whether listed calls whose decision another roster or policy made are decided on anew
    :param tell: is told how each step gets on
    :param sleep: waits for so many seconds
    :raises ReconciliationError: if the run does not add up; its cause is the gravest failure of a step, if any failed:
        one that needs a person before one that may pass
    """
    steps = _Steps(workspace, tell, sleep)
    listed = [
        steps.tried("fetch_calls", source, lambda source=source: fetch_calls(workspace, run, source))  # type: ignore[misc]  # mypy cannot see a default as a closure's value
        for source in workspace.policy.sources
    ]
    if any(listed):
        applied = steps.tried(
            "apply_recording_rules", "", lambda: apply_recording_rules(workspace, run, redecide=redecide)
        )
        batch_ids = applied.batch_ids if applied else ()
        for number, batch_id in enumerate(batch_ids, start=1):
            steps.batch(batch_id, (number, len(batch_ids)))
    failed = sorted(steps.failures)
    try:
        return steps.carried_out("reconcile", "", lambda: reconcile(workspace, run, failed_tasks=failed))
    except ReconciliationError as error:
        raise error from _gravest(steps.failures)


@dataclass(frozen=True, slots=True)
class FiledSum:
    """
    What the newest report of a run says, whether or not the run adds up.

    :param report: key of the report in the archive
    :param chain_head: digest of the newest link of the policy's chain
    """

    calls: CallSum
    recordings: dict[str, int]
    findings: dict[str, int]
    report: str
    chain_head: str

    @property
    def page(self) -> str:
        """Key of the report's page, which lies beside it."""
        return page_beside(self.report)


def filed_sum(workspace: Workspace, run: RunRef) -> FiledSum | None:
    """The sums of the run's newest report; None when it has none."""
    record = find_run(workspace.catalog, run.policy, run.run_id)
    known = head(workspace.catalog, run.policy)
    if record is None or record.report_key is None or record.report_sums is None or known is None:
        return None
    # The report itself may be encrypted, and nobody here can open it.
    sums: dict[str, Any] = json.loads(record.report_sums)
    return FiledSum(CallSum(**sums["calls"]), sums["recordings"], sums["findings"], record.report_key, known.digest)


@dataclass(slots=True)
class _Steps:
    """Carries out steps, and remembers which failed for good."""

    workspace: Workspace
    tell: Tell
    sleep: Callable[[float], None]
    failures: dict[str, Cloud9ArchiveError] = field(default_factory=dict)

    def tried(self, step: str, subject: str, work: Callable[[], T]) -> T | None:
        """The step's result; None, and a failure to remember, if it failed."""
        try:
            return self.carried_out(step, subject, work)
        except Cloud9ArchiveError as error:
            self.failures[f"{step} {subject}".rstrip()] = error
            return None

    def batch(self, batch_id: str, place: tuple[int, int]) -> None:
        """The batch is archived, or its failed step is remembered; lost bytes are fetched once more."""
        for last in (False, True):
            for step, work in _BATCH_STEPS:
                try:
                    self.carried_out(step, batch_id, lambda work=work: work(self.workspace, batch_id), place=place)  # type: ignore[misc]  # as above
                except StagingLostError as error:
                    if not last:
                        break
                    self.failures[f"{step} {batch_id}"] = error
                    return
                except Cloud9ArchiveError as error:
                    self.failures[f"{step} {batch_id}"] = error
                    return
            else:
                return

    def carried_out(self, step: str, subject: str, work: Callable[[], T], *, place: tuple[int, int] = (0, 0)) -> T:
        """What the step's first try without a transient error returns; the last try's error is raised."""

        def news(state: StepState, **details: Any) -> None:  # noqa: ANN401 - fields of StepNews
            self.tell(StepNews(step, subject, state, place=place, **details))

        def again(state: tenacity.RetryCallState) -> None:
            news(StepState.AGAIN, error=state.outcome and state.outcome.exception(), wait=state.upcoming_sleep)

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(1 + RETRIES),
            wait=tenacity.wait_exponential(multiplier=FIRST_WAIT, exp_base=3),
            # Bytes that are gone do not come back by waiting: the batch begins anew.
            retry=tenacity.retry_if_exception(
                lambda e: isinstance(e, TransientError) and not isinstance(e, StagingLostError)
            ),
            before_sleep=again,
            sleep=self.sleep,
            reraise=True,
        )
        news(StepState.BEGUN)
        try:
            result = retrying(work)
        except Cloud9ArchiveError as error:
            news(StepState.FAILED, error=error)
            raise
        news(StepState.DONE, result=result)
        return result


def _gravest(failures: dict[str, Cloud9ArchiveError]) -> Cloud9ArchiveError | None:
    """The first failure that needs a person, else the first; None if nothing failed."""
    return min(failures.values(), key=lambda error: isinstance(error, TransientError), default=None)
