"""Which window a run works on, with every refusal said in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from cloud9_archive.catalog.known_calls import begun_at
from cloud9_archive.catalog.runs import find_run
from cloud9_archive.domain.window import Window
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import WindowError
from cloud9_archive.pipeline.workspace import Workspace

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far a worker's clock may be behind the scheduler's."""

HOUR = timedelta(hours=1)
MOST_CALLS = 1000
"""Calls that one run may be asked for by their ids; for more, a window is the better way."""

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


def calls_asked_for(call_ids: str | Iterable[str] | None) -> tuple[str, ...]:
    """
    The ids, each once, in the order in which they were given.

    :param call_ids: one id to a line, or the ids themselves; ids of a source may hold anything else, commas included
    :raises WindowError: if there are too many
    """
    lines = call_ids.splitlines() if isinstance(call_ids, str) else call_ids or ()
    ids = tuple(dict.fromkeys(text for line in lines if (text := line.strip())))
    if len(ids) > MOST_CALLS:
        raise WindowError(
            f"{len(ids)} calls are asked for by their ids, {MOST_CALLS} are allowed",
            subject="call_ids",
            hint="give window_start and window_end instead, and no ids",
        )
    return ids


def window_of_calls(workspace: Workspace, call_ids: Sequence[str], *, run_id: str | None = None) -> Window:
    """
    The span of whole hours in which the calls began; the present hour, as far as it has passed.

    :param run_id: a run that keeps the window with which it began, so that each of its tasks works on the same one
    :raises WindowError: if one of them is not known, since nothing says when it was
    """
    begun = begun_at(workspace.catalog, workspace.policy.sources, call_ids)
    known = {ref.call_id for ref in begun}
    strange = [call_id for call_id in call_ids if call_id not in known]
    if strange:
        raise WindowError(
            f"{len(strange)} of the calls that are asked for are not in the catalog, the first is {shown(strange[0])}",
            subject=strange[0],
            hint=f"nothing says when they were: {_ASK}",
        )
    record = find_run(workspace.catalog, workspace.policy.policy, run_id) if run_id else None
    if record and all(moment in record.run.window for moment in begun.values()):
        return record.run.window
    hours = sorted(hours_of(begun.values()))
    passed = max(workspace.clock().replace(microsecond=0), max(begun.values()) + timedelta(seconds=1))
    return Window(hours[0].start, min(hours[-1].end, passed))


def hours_of(moments: Collection[datetime]) -> Iterator[Window]:
    """The whole hours around the moments, each once."""
    for start in sorted({moment.replace(minute=0, second=0, microsecond=0) for moment in moments}):
        yield Window(start, start + HOUR)


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise WindowError(f"{name} {text!r} is not a date and time", subject=name, hint=_ASK) from None
