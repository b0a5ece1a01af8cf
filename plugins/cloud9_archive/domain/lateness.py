"""Late metadata: calls that a source lists only after it had listed their time without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.window import Window

LATE = "METADATA_LATE"
_ABOUT = "/late metadata of "
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A span that a source was listed for, whole.

    :param at: when it had been listed first
    """

    window: Window
    at: datetime


@dataclass(frozen=True, slots=True)
class LateCall:
    """
    A call that came late.

    :param ended_at: or its start, when no end is known
    :param first_listed_at: when the source listed it first
    """

    ref: CallRef
    started_at: datetime
    ended_at: datetime
    first_listed_at: datetime

    @property
    def delay(self) -> int:
        """Whole seconds from its end until it was listed."""
        return int((self.first_listed_at - self.ended_at).total_seconds())


def came_late(started_at: datetime, first_listed_at: datetime, listings: Iterable[Listed]) -> bool:
    """Whether one of the listings covers the call's begin and was complete before the call was listed first."""
    return any(each.at < first_listed_at and started_at in each.window for each in listings)


def late_findings(calls: Iterable[LateCall]) -> Iterator[Finding]:
    """One finding for each source and day on which late calls began, by UTC."""

    def day_of(call: LateCall) -> tuple[str, date]:
        return call.ref.source, call.started_at.astimezone(UTC).date()

    for (source, day), group in groupby(sorted(calls, key=lambda call: (day_of(call), call.ref)), key=day_of):
        yield Finding(LATE, late_subject(source, day), _words(list(group)))


def late_subject(source: str, day: date) -> str:
    """What late metadata are noted under: the source, and the day on which the calls began."""
    return f"{source}{_ABOUT}{day}"


def over_for(subject: str, window: Window) -> bool:
    """Whether a scheduled run of this window, begun a day or more after the subject's day, has left that day behind."""
    source, _, day = subject.rpartition(_ABOUT)
    if not source:
        return False
    begin = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)
    return window.start >= begin + 2 * _DAY


def _words(calls: Sequence[LateCall]) -> str:
    worst = max(calls, key=lambda call: (call.delay, call.ref))
    many = f"{len(calls)} calls were" if len(calls) > 1 else "1 call was"
    return (
        f"{many} listed first by this run, though that time had been listed before; the longest delay is "
        f"{worst.delay} s after the end of call {worst.ref.call_id}"
    )
