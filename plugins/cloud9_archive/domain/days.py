"""Days as a desk counts them: in its own time zone, from midnight to midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.domain.window import Window
from cloud9_archive.errors import WindowError

_ASK = "give --from and --to as days, for example --from 2026-11-01 --to 2026-11-07; both are included"


def day_of(text: str, *, name: str, ask: str = _ASK) -> date:
    """
    The day that is meant.

    :param name: what the day is called where it was asked for
    :param ask: how it is to be given
    :raises WindowError: if it is none
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WindowError(f"{name} {text!r} is not a day", subject=name, hint=ask) from None


def days_window(first: date, last: date, *, zone: str) -> Window:
    """
    From the first moment of the first day to the last one of the last day.

    A day has 23 or 25 hours where clocks change, and begins after midnight where they change at midnight.

    :param zone: IANA name
    :raises WindowError: if the last day is before the first
    """
    if last < first:
        raise WindowError(f"the last day, {last}, is before the first, {first}", subject="--to", hint=_ASK)
    return Window(_begin(first, zone), _begin(last + timedelta(days=1), zone))


def _begin(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
