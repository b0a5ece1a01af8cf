"""The data intervals of a policy's schedule, as Airflow's CronDataIntervalTimetable makes them, without Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from cloud9_archive.domain.policy import Schedule
from cloud9_archive.domain.window import Window

_MINUTE = timedelta(minutes=1)


def data_intervals(schedule: Schedule, begin: datetime, end: datetime) -> Iterator[Window]:
    """
    The intervals that begin at or after ``begin`` and are over at ``end``, oldest first.

    :param begin: aware
    :param end: aware
    """
    edge = _next(schedule, begin - _MINUTE)
    while edge < begin:
        edge = _next(schedule, edge)
    while (after := _next(schedule, edge)) <= end:
        yield Window(edge, after)
        edge = after


def last_edge(schedule: Schedule, limit: datetime) -> datetime:
    """
    The latest moment of the schedule that is not after ``limit``, aware UTC.

    :param limit: aware
    """
    edge = _previous(schedule, limit + _MINUTE)
    while edge > limit:
        edge = _previous(schedule, edge)
    while (after := _next(schedule, edge)) <= limit:
        edge = after
    return edge


def _next(schedule: Schedule, moment: datetime) -> datetime:
    naive = _naive(schedule, moment)
    cron = croniter(schedule.cron, start_time=naive)
    scheduled: datetime = cron.get_next(datetime)
    return moment.astimezone(UTC) + (scheduled - naive) if _hourly(cron) else _aware(schedule, scheduled)


def _previous(schedule: Schedule, moment: datetime) -> datetime:
    naive = _naive(schedule, moment)
    cron = croniter(schedule.cron, start_time=naive)
    scheduled: datetime = cron.get_prev(datetime)
    return moment.astimezone(UTC) - (naive - scheduled) if _hourly(cron) else _aware(schedule, scheduled)


def _hourly(cron: croniter) -> bool:
    """Whether it strikes in every hour: then Airflow keeps its step through an hour that comes twice."""
    return bool(cron.expanded[1] == ["*"])


def _naive(schedule: Schedule, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(schedule.timezone)).replace(tzinfo=None, fold=0)


def _aware(schedule: Schedule, wall: datetime) -> datetime:
    """Of an hour that comes twice, Airflow takes the second; what comes never is as much later."""
    zone = ZoneInfo(schedule.timezone)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return max(first, second)
