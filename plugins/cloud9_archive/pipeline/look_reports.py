"""Reports of the days that a daily look was over: drawn up when they are over, and anew when what they tell has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.catalog.run_spans import first_scheduled
from cloud9_archive.domain.days import days_window
from cloud9_archive.pipeline.daily_look import Looked
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ReportedDays:
    """
    The days of a look.

    :param days: that have a report now
    :param written: of these, reports that are new
    :param short: of these, days that were not listed whole, or have calls that are unaccounted for
    """

    days: int = 0
    written: int = 0
    short: tuple[date, ...] = ()


def report_days(workspace: Workspace, looked: Looked) -> ReportedDays:
    """
    Each day of the look has a report in the archive that tells what the catalog has now, this look's findings included.

    Days are the policy's own. Left out are those before its first scheduled run, and the one that was not over when the
    look's span ended.

    :raises ConfigurationError: if the chain cannot be signed as it must be
    """
    first = first_scheduled(workspace.catalog, looked.policy)
    if first is None:
        return ReportedDays()
    begin = max(looked.window.start, first)
    drawn = [put_day_report(workspace, day) for day in _days(workspace, begin, looked.window.end)]
    return ReportedDays(len(drawn), sum(each.written for each in drawn), tuple(d.day for d in drawn if not d.holds))


def _days(workspace: Workspace, begin: datetime, end: datetime) -> Iterator[date]:
    name = workspace.policy.schedule.timezone
    day = begin.astimezone(ZoneInfo(name)).date()
    while days_window(day, day, zone=name).end <= end:
        yield day
        day += timedelta(days=1)
