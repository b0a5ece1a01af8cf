"""How long something must be kept: a whole number of days or years, counted from a call's start."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

_RETENTION = re.compile(r"([1-9]\d{0,4})([dy])", re.ASCII)
LONGEST_YEARS = 100
LONGEST_DAYS = 36_525
RETENTION_WANTED = "a whole number of days or years is wanted, from 1d to 36525d or 100y, such as 7y"


class RetentionUnit(StrEnum):
    """In what a retention is counted."""

    DAYS = "d"
    YEARS = "y"


@dataclass(frozen=True, slots=True)
class Retention:
    """
    A length of time by the calendar.

    :param amount: at least 1
    """

    amount: int
    unit: RetentionUnit

    def __str__(self) -> str:
        """The text that :func:`parse_retention` reads as this retention."""
        return f"{self.amount}{self.unit.value}"

    def until(self, moment: datetime) -> datetime:
        """
        The first moment at which something of that moment need not be kept any more.

        A year later than 29 February is 1 March where there is no 29th: a retention is never cut short. What would
        lie beyond the calendar's end is its end.

        :param moment: aware datetime
        """
        start = moment.astimezone(UTC)
        try:
            if self.unit is RetentionUnit.DAYS:
                return start + timedelta(days=self.amount)
            year = start.year + self.amount
            try:
                return start.replace(year=year)
            except ValueError:
                return start.replace(year=year, month=3, day=1)
        except (ValueError, OverflowError):
            return datetime.max.replace(tzinfo=UTC)


def parse_retention(text: object) -> Retention:
    """
    The retention that ``7y`` or ``90d`` means; one passes through.

    :raises ValueError: if it is anything else
    """
    if isinstance(text, Retention):
        return text
    if isinstance(text, str):
        return _parsed(text)
    raise ValueError(RETENTION_WANTED)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Retention:
    """One object for each text: the rows of a roster say the same few over and over."""
    match = _RETENTION.fullmatch(text)
    if match is None:
        raise ValueError(RETENTION_WANTED)
    retention = Retention(int(match[1]), RetentionUnit(match[2]))
    if retention.amount > (LONGEST_DAYS if retention.unit is RetentionUnit.DAYS else LONGEST_YEARS):
        raise ValueError(RETENTION_WANTED)
    return retention


def kept_until(started_at: datetime, decided: str | None, policy: Retention | None) -> datetime | None:
    """
    The later end of what a decision and its policy want, counted from the call's start; None if neither says.

    :param started_at: aware datetime
    :param decided: the text of the decision's retention
    :param policy: ``archive.retention``
    """
    wanted = [policy, parse_retention(decided) if decided else None]
    return max((each.until(started_at) for each in wanted if each is not None), default=None)


def longest(retentions: Iterable[Retention | None], *, since: datetime) -> Retention | None:
    """
    The retention that ends last; None when none is stated. Of two that end together, the one in years.

    :param since: aware datetime from which all are counted
    """
    stated = {each for each in retentions if each is not None}
    if len(stated) <= 1:
        return next(iter(stated), None)
    return max(stated, key=lambda each: (each.until(since), each.unit, each.amount))
