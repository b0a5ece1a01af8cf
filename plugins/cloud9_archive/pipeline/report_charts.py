"""Small charts of reports, as geometry: bars of calls by state, and columns over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud9_archive.domain.accounting import CallState

UNACCOUNTED = "unaccounted"
STATES = ("archived", "excluded", "awaiting_media", "quarantined", "missing", "disposed", UNACCOUNTED)
"""Places of a call in the sum, in the order in which charts show them; the last one is outside of it."""

LENGTH = 1000
"""Units of the longest bar, or of the highest column."""

MOST_HOURS = 24 * 4
MOST_DAYS = 124


@dataclass(frozen=True, slots=True)
class Segment:
    """
    The calls of one state in a bar.

    :param at: where it begins, in units
    :param length: in units
    """

    state: str
    count: int
    at: float
    length: float


@dataclass(frozen=True, slots=True)
class Bar:
    """
    A bar, or a column.

    :param label: source, or time
    :param total: calls
    """

    label: str
    total: int
    segments: tuple[Segment, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Calls by state, those that there are none of included."""
        found = {segment.state: segment.count for segment in self.segments}
        return {state: found.get(state, 0) for state in STATES}


def place_of(state: CallState) -> str:
    """The place in the sum of a call in this state."""
    return state.value if state.value in STATES else UNACCOUNTED


def drawn(groups: Mapping[str, Mapping[str, int]]) -> tuple[Bar, ...]:
    """
    The groups as bars in their order, the largest one of full length.

    :param groups: calls by label and state
    """
    most = max((sum(counts.values()) for counts in groups.values()), default=0)
    return tuple(
        Bar(label, sum(counts.values()), tuple(_segments(counts, LENGTH / most if most else 0.0)))
        for label, counts in groups.items()
    )


def _segments(counts: Mapping[str, int], scale: float) -> Iterator[Segment]:
    at = 0
    for state in STATES:
        count = counts.get(state, 0)
        if count:
            yield Segment(state, count, round(at * scale, 2), round(count * scale, 2))
            at += count


def over_time(began: Sequence[tuple[datetime, str]]) -> tuple[str, dict[str, Counter[str]]]:
    """
    Calls by hour, by day or by month, so that there are not too many columns, with the empty ones in between.

    :param began: start (aware) and state of each call
    :returns: the word for a column, and calls by label and state, the earliest first; times are UTC
    """
    if not began:
        return "hour", {}
    first, last = (edge(moment for moment, _ in began).astimezone(UTC) for edge in (min, max))
    word, form = _unit(last - first)
    groups: dict[str, Counter[str]] = {label: Counter() for label in _labels(first, last, form)}
    for moment, state in began:
        groups[moment.astimezone(UTC).strftime(form)][state] += 1
    return word, groups


def _unit(span: timedelta) -> tuple[str, str]:
    if span <= timedelta(hours=MOST_HOURS):
        return "hour", "%m-%d %H:00"
    return ("day", "%Y-%m-%d") if span <= timedelta(days=MOST_DAYS) else ("month", "%Y-%m")


def _labels(first: datetime, last: datetime, form: str) -> Iterable[str]:
    step = timedelta(hours=1) if "%H" in form else timedelta(days=1)
    moment = first.replace(minute=0, second=0, microsecond=0)
    labels: dict[str, None] = {}
    while moment <= last:
        labels[moment.strftime(form)] = None
        moment += step
    labels[last.strftime(form)] = None
    return labels
