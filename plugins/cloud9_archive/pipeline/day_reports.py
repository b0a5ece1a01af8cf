"""The reports of a policy's last days: each that was for its runs to list, and each of which something is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.catalog.begun import calls_begun
from cloud9_archive.catalog.day_reports import runs_over
from cloud9_archive.catalog.run_spans import first_scheduled
from cloud9_archive.domain.days import days_window
from cloud9_archive.pipeline.day_report import DayReport, put_day_report
from cloud9_archive.pipeline.workspace import Workspace

DAY = timedelta(days=1)


def put_day_reports(workspace: Workspace, *, span: timedelta, now: datetime | None = None) -> tuple[DayReport, ...]:
    """
    Each day that is over and of which a part lies in the span has its report, the earliest first.

    A day after the policy's first scheduled run has one though no run went over it: that is what it tells. Of earlier days,
    those are left out of which nothing is known. A day whose facts are those of its newest report costs a look into the
    catalog, and nothing is written.

    :param span: back from now; at least a day is taken
    :param now: aware UTC; the workspace's clock by default
    :raises ConfigurationError: if the chain cannot be signed as it must be
    """
    now = now or workspace.clock()
    first = first_scheduled(workspace.catalog, workspace.policy.policy)
    return tuple(
        put_day_report(workspace, day, now=now)
        for day in _days(now, span, zone=workspace.policy.schedule.timezone)
        if _is_due(workspace, day, first)
    )


def _days(now: datetime, span: timedelta, *, zone: str) -> Iterator[date]:
    today = now.astimezone(ZoneInfo(zone)).date()
    for before in range(max(1, -(-span // DAY)), 0, -1):
        yield today - before * DAY


def _is_due(workspace: Workspace, day: date, first: datetime | None) -> bool:
    policy, catalog = workspace.policy, workspace.catalog
    window = days_window(day, day, zone=policy.schedule.timezone)
    return (
        (first is not None and window.end > first)
        or bool(runs_over(catalog, policy.policy, window))
        or any(calls_begun(catalog, source, window) for source in policy.sources)
    )
