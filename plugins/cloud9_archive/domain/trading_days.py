"""A finished day beside what is usual: no calls where some are expected, or far fewer than on that weekday before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from cloud9_archive.domain.days import days_window
from cloud9_archive.domain.expecting import WEEK, Expect
from cloud9_archive.domain.window import Window

WEEKS = 6
"""How many earlier weeks are asked."""

ENOUGH_WEEKS = 2
ENOUGH_CALLS = 10
"""Of a weekday that has fewer calls as a rule, a few are no proof of anything."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TradingDays:
    """On which days calls are expected."""

    expect: Expect
    holidays: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        """Whether calls are expected on the day."""
        return WEEK[day.weekday()] in self.expect.days and day not in self.holidays

    def like(self, day: date) -> list[date]:
        """The same weekday in earlier weeks, holidays left out, the latest first."""
        before = [day - timedelta(weeks=weeks) for weeks in range(1, WEEKS + 1)]
        return [each for each in before if each in self]


def usual(counts: Collection[int]) -> float | None:
    """
    How many calls such a day has as a rule: the median; None when too little is known.

    :param counts: of earlier days; one of 0 was never listed, or a fault itself, and does not count
    """
    known = [count for count in counts if count]
    return median(known) if len(known) >= ENOUGH_WEEKS else None


def far_below(calls: int, usually: float | None, *, floor: int) -> bool:
    """
    Whether so few calls are a finding.

    :param floor: percent of what is usual
    """
    return usually is not None and usually >= ENOUGH_CALLS and calls * 100 < usually * floor


def days_within(window: Window, *, zone: str) -> list[date]:
    """
    The days of which some moment lies in the window, oldest first.

    :param zone: IANA name
    """
    first = window.start.date() - _DAY
    days = [first + number * _DAY for number in range((window.end.date() - first).days + 2)]
    return [day for day in days if _meet(day_window(day, zone=zone), window)]


def day_window(day: date, *, zone: str) -> Window:
    """The day from midnight to midnight in its zone."""
    return days_window(day, day, zone=zone)


def covers(spans: Sequence[Window], day: Window) -> bool:
    """
    Whether every moment of the day lies in one of the spans.

    :param spans: in any order
    """
    reached = day.start
    for span in sorted(spans):
        if span.start > reached:
            return False
        reached = max(reached, span.end)
        if reached >= day.end:
            return True
    return False


def _meet(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end
