"""Small charts of reports, as geometry: bars of calls by state, and columns over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud9_archive.domain.accounting import CallState

UNACCOUNTED = "unaccounted"
STATES = ("archived", "excluded", "awaiting_media", "quarantined", "missing", "disposed", UNACCOUNTED)
"""Places of a call in the sum, in the order in which charts show them; the last one is outside of it."""

LENGTH = 1000
"""Units of the longest bar, or of the highest column."""


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
    Calls by hour, day, month or year, so that there are not too many columns; empty hours and days are among them.

    :param began: start (aware) and state of each call
    :returns: the word for a column, and calls by label and state, the earliest first; times are UTC
    """
    if not began:
        return "hour", {}
    moments = sorted((moment.astimezone(UTC), state) for moment, state in began)
    first, last = moments[0][0], moments[-1][0]
    word, form, step = next(unit for most, unit in _UNITS if most is None or last - first <= most)
    groups: dict[str, Counter[str]] = {}
    if step is not None:
        moment = first.replace(minute=0, second=0, microsecond=0)
        while moment <= last:
            groups[moment.strftime(form)] = Counter()
            moment += step
    for moment, state in moments:
        groups.setdefault(moment.strftime(form), Counter())[state] += 1
    return word, groups


_UNITS: tuple[tuple[timedelta | None, tuple[str, str, timedelta | None]], ...] = (
    (timedelta(days=4), ("hour", "%m-%d %H:00", timedelta(hours=1))),
    (timedelta(days=120), ("day", "%Y-%m-%d", timedelta(days=1))),
    (timedelta(days=3600), ("month", "%Y-%m", None)),
    (None, ("year", "%Y", None)),
)
"""By the longest span: the word for a column, its label, and how far apart columns are where all of them are shown."""
