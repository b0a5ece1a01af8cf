"""What Airflow is told of a run: metrics for whoever watches, and an asset on which other DAGs can wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk import Asset
from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from cloud9_archive.domain.run import RunRef
    from cloud9_archive.pipeline.daily_look import Looked
    from cloud9_archive.pipeline.run import FiledSum
    from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)

PREFIX = "cloud9_archive"

METRICS: Mapping[str, str] = {
    "calls.listed": "gauge: calls that the newest run listed",
    "calls.archived": "gauge: of these, archived",
    "calls.excluded": "gauge: of these, excluded by the recording rules",
    "calls.awaiting_media": "gauge: of these, those whose audio Cloud9 does not have yet",
    "calls.quarantined": "gauge: of these, archived as they came because something is wrong with the audio",
    "calls.missing": "gauge: of these, those whose audio did not come by the deadline",
    "calls.disposed": "gauge: of these, disposed of since, after their retention",
    "findings": "gauge: findings in the newest run's report",
    "lag_seconds": "gauge: from the end of the run's window to its reconciliation",
    "archived_bytes": "counter: bytes that were written to the archive, metadata included",
    "archived_files": "counter: files that were written to the archive",
    "throttled": "counter: requests that Cloud9 answered with 429, too many; each made all workers of its key pause",
}
"""Every metric of a run, with the tag ``policy``; the table in the documentation is made of this, and the next."""

LOOK_METRICS: Mapping[str, str] = {
    "look.listed": "gauge: calls that the newest daily look saw listed by the policy's sources",
    "look.undecided": "gauge: of these, those that no run has decided on",
    "look.missing_intervals": "gauge: data intervals of the schedule without a run, as the newest daily look saw",
    "look.gaps": "gauge: findings of the newest daily look that failed it",
    "look.findings": "gauge: all of its findings",
}
"""Every metric of a daily look, with the tag ``policy``."""


def policy_asset(policy: str) -> Asset:
    """What a policy's runs add to; a DAG scheduled on it starts when a run has added up."""
    return Asset(name=f"{PREFIX}.{policy}", uri=f"x-cloud9-archive://{policy}", group="cloud9-archive")


def note_run(workspace: Workspace, run: RunRef) -> None:
    """
    The gauges show the run, as far as it has a report.

    What goes wrong with it is logged, and never stands in the way of how the run ended.
    """
    from cloud9_archive.pipeline.run import filed_sum

    try:
        if filed := filed_sum(workspace, run):
            _show(run, filed, now=workspace.clock())
    except Exception as error:  # noqa: BLE001 - the run's own end, good or bad, must come through
        log.warning("the run's metrics were not sent", fault=type(error).__name__)


def _show(run: RunRef, filed: FiledSum, *, now: datetime) -> None:
    tags = {"policy": run.policy}
    for name, count in asdict(filed.calls).items():
        stats.gauge(f"{PREFIX}.calls.{name}", count, tags=tags)
    stats.gauge(f"{PREFIX}.findings", sum(filed.findings.values()), tags=tags)
    stats.gauge(f"{PREFIX}.lag_seconds", (now - run.window.end).total_seconds(), tags=tags)


def note_look(looked: Looked) -> None:
    """The gauges show the policy's newest daily look."""
    counts = {
        "listed": sum(source.listed for source in looked.sources),
        "undecided": sum(source.undecided for source in looked.sources),
        "missing_intervals": looked.missing_intervals,
        "gaps": len(looked.gaps),
        "findings": len(looked.findings),
    }
    try:
        for name, count in counts.items():
            stats.gauge(f"{PREFIX}.look.{name}", count, tags={"policy": looked.policy})
    except Exception as error:  # noqa: BLE001 - the look's own end, good or bad, must come through
        log.warning("the look's metrics were not sent", fault=type(error).__name__)


def note_archived(policy: str, *, files: int, size: int) -> None:
    """
    The counters have grown.

    :param size: bytes
    """
    stats.incr(f"{PREFIX}.archived_files", files, tags={"policy": policy})
    stats.incr(f"{PREFIX}.archived_bytes", size, tags={"policy": policy})


def note_throttled(policy: str, refused: int) -> None:
    """
    The counter of answers 429 has grown; like all figures, it never stands in the way of how a task ended.

    :param refused: answers 429
    """
    try:
        stats.incr(f"{PREFIX}.throttled", refused, tags={"policy": policy})
    except Exception as error:  # noqa: BLE001 - as in note_run
        log.warning("a task's metrics were not sent", fault=type(error).__name__)


def tell_reader(context: Context, workspace: Workspace, run: RunRef) -> None:
    """
    XCom has what a person looks for in the grid, also if the run does not add up: its table, and its report's page.

    What goes wrong with it is logged, and never stands in the way of how the run ended.
    """
    from cloud9_archive.links import REPORT_KEY, TABLE_KEY
    from cloud9_archive.pipeline.run import filed_sum
    from cloud9_archive.pipeline.run_table import run_table

    try:
        if filed := filed_sum(workspace, run):
            context["ti"].xcom_push(TABLE_KEY, run_table(filed))
            context["ti"].xcom_push(REPORT_KEY, filed.page)
    except Exception as error:  # noqa: BLE001 - the run's own end, good or bad, must come through
        log.warning("the run's table was not left in XCom", fault=type(error).__name__)


def tell_downstream(context: Context, run: RunRef, counts: dict[str, Any]) -> None:
    """
    The event of the policy's asset carries the run's window and counts.

    :param counts: numbers and keys only, as they stand in XCom
    """
    events = context.get("outlet_events")
    if events is not None:
        window = {"window_start": run.window.start.isoformat(), "window_end": run.window.end.isoformat()}
        events[policy_asset(run.policy)].extra.update({"run_id": run.run_id, **window, **counts})
