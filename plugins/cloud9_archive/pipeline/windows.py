"""Which window a run works on, with every refusal said in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloud9_archive.domain.window import Window
from cloud9_archive.errors import WindowError

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far a worker's clock may be behind the scheduler's."""

_ASK = (
    "give the params window_start and window_end, for example 2026-11-20T00:00:00+00:00 and 2026-11-21T00:00:00+00:00"
)


def run_window(
    *,
    interval: tuple[datetime, datetime] | None,
    window_start: str | None,
    window_end: str | None,
    now: datetime,
) -> Window:
    """
    The params' window when they are given, else the data interval.

    :param interval: the run's data interval, aware; None when the run has none (logical date null)
    :param window_start: ISO 8601 with an offset
    :param window_end: ISO 8601 with an offset
    :param now: aware UTC
    :raises WindowError: if there is no window, half a window, an empty one, or one that is not over yet
    """
    if window_start or window_end:
        if not (window_start and window_end):
            given, absent = ("window_start", "window_end") if window_start else ("window_end", "window_start")
            raise WindowError(f"{given} is given without {absent}", subject=absent, hint=_ASK)
        window = Window(_moment("window_start", window_start), _moment("window_end", window_end))
    elif interval is None:
        raise WindowError("the run has no data interval: it was triggered without a logical date", hint=_ASK)
    elif interval[0] == interval[1]:
        raise WindowError(
            f"the run's data interval is empty: it begins and ends at {interval[0].isoformat()}",
            hint=f"the DAG needs a timetable with intervals (build_dag gives it one), or {_ASK}",
        )
    else:
        window = Window(*interval)
    if window.end > now + CLOCK_TOLERANCE:
        raise WindowError(
            f"the window {window} is not over yet: calls until its end cannot be listed at {now.isoformat()}",
            hint="run it after its end, or give a window_end that has passed",
        )
    return window


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise WindowError(f"{name} {text!r} is not a date and time", subject=name, hint=_ASK) from None
