"""
Which of many sections may fit a call, without asking each of them.

A set of sections is a number whose bit ``n`` stands for section ``n``, counted from 0. Every table below rules sections
out; what is left over is asked filter by filter, so that the tables can only save time and never change an answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from cloud9_archive.domain.call import CallType, Direction
from cloud9_archive.domain.filters import PARTY_FIELDS, Facts, Filter, filters_of, hours_test
from cloud9_archive.domain.recording_rules import Hours, PartyFilter, Section, When
from cloud9_archive.domain.text_index import MOST_KNOWN, Bits, CallTexts, PartyTexts, bits_of, party_texts

WHOLE_MINUTES_SINCE = 1980
"""From this year on every zone differs from UTC by whole minutes."""

_Kind = tuple[CallType, Direction, bool]
"""A call's type, its direction, and whether recorded users take part at both ends."""

_Week = tuple[ZoneInfo, list[int], list[Bits]]
_MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - by the clocks of whatever zone
_MINUTES_OF_DAY = 24 * 60
_BY_TABLE = frozenset(
    ("call_type", "direction", "recorded_both_sides", "connection", "button_label", "duration", "hours")
)


@dataclass(frozen=True, slots=True)
class ReadySection:
    """
    A section with its filters made ready.

    :param number: from 1
    :param filters: all of them
    :param rest: those that no table answers for good
    """

    number: int
    section: Section
    filters: tuple[Filter, ...]
    rest: tuple[Filter, ...]

    def fits(self, facts: Facts) -> bool:
        """Whether every filter holds."""
        return all(each.holds(facts) for each in self.filters)


class SectionIndex:
    """
    The sections of a policy, in their order, and tables to find those that may fit.

    :param sections: as the policy has them
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        self.sections = tuple(_ready(number, section) for number, section in enumerate(sections, start=1))
        whens = [each.when for each in sections]
        self._lengths = _Lengths(self.sections)
        self._hours = _Hours(sections)
        self._connections = CallTexts("connection", sections)
        self._labels = CallTexts("button_label", sections)
        parties = party_texts(sections)
        self._by_kind = {
            kind: _OfKind(bits, parties.among(bits))
            for kind in product(CallType, Direction, (False, True))
            for bits in (bits_of(_may_be_of(kind, when) for when in whens),)
        }

    def first_fitting(self, facts: Facts) -> ReadySection | None:
        """The first section of which every filter holds."""
        call = facts.call
        of_kind = self._by_kind[call.call_type, call.direction, facts.recorded_both_sides]
        left = of_kind.sections & self._lengths.possible(facts)
        if left & self._connections.asking:
            left &= self._connections.possible(call.connection)
        if left & self._labels.asking:
            left &= self._labels.possible(call.button_label)
        if left & self._hours.asking:
            left &= self._hours.possible(facts)
        if left & of_kind.parties.asking:
            left &= of_kind.parties.possible(facts.asked)
        while left:
            lowest = left & -left
            ready = self.sections[lowest.bit_length() - 1]
            for each in ready.rest:
                if not each.holds(facts):
                    break
            else:
                return ready
            left ^= lowest
        return None


@dataclass(frozen=True, slots=True)
class _OfKind:
    """
    What is left of the sections for calls of one kind.

    :param sections: those that calls of this kind may fit
    :param parties: what those ask of participants
    """

    sections: Bits
    parties: PartyTexts


def _may_be_of(kind: _Kind, when: When) -> bool:
    """Whether the filters on type, direction and both sides let a call of that kind pass."""
    call_type, direction, both = kind
    return (
        (not when.call_type or call_type in when.call_type)
        and (not when.direction or direction in when.direction)
        and when.recorded_both_sides in (None, both)
    )


class _Lengths:
    """Durations fall between the bounds that sections name; between two of them the answer is the same."""

    def __init__(self, sections: Sequence[ReadySection]) -> None:
        lengths = [each.section.when.duration for each in sections]
        bounds = {
            bound.total_seconds() for each in lengths if each for bound in (each.min, each.max) if bound is not None
        }
        self._bounds = sorted(bounds)
        self._sections = sections
        self._unasked = bits_of(each is None for each in lengths)
        self._known: dict[tuple[int, int], Bits] = {}

    def possible(self, facts: Facts) -> Bits:
        seconds = facts.call.duration
        if seconds is None or not self._bounds or seconds != seconds:  # noqa: PLR0124 - true of what is not a number
            return self._unasked
        place = bisect_left(self._bounds, seconds), bisect_right(self._bounds, seconds)
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = bits_of(_holds(each, "duration", facts) for each in self._sections)
        return found


class _Hours:
    """
    Starts within one minute give one answer in every zone; it is found out when that minute first occurs.

    Long ago zones were off by seconds, so what started then is asked anew each time.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        asked = [each.when.hours for each in sections]
        self.asking = bits_of(hours is not None for hours in asked)
        self._weeks = [_week(zone, asked) for zone in dict.fromkeys(hours.timezone for hours in asked if hours)]
        self._known: dict[float, Bits] = {}

    def possible(self, facts: Facts) -> Bits:
        started = facts.call.started_at
        if started.year < WHOLE_MINUTES_SINCE:
            return self._found_out(facts)
        minute = started.timestamp() // 60
        found = self._known.get(minute)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[minute] = self._found_out(facts)
        return found

    def _found_out(self, facts: Facts) -> Bits:
        found = -1
        for zone, cuts, between in self._weeks:
            local = facts.local_start(zone)
            minute = local.weekday() * _MINUTES_OF_DAY + local.hour * 60 + local.minute
            found &= between[bisect_right(cuts, minute) - 1]
        return found


def _week(key: str, asked: Sequence[Hours | None]) -> _Week:
    """The zone's week, cut at every minute at which some section's span begins or ends; what fits between the cuts."""
    here = [hours if hours and hours.timezone == key else None for hours in asked]
    ends = {end.hour * 60 + end.minute for each in here if each for end in (each.start, each.end) if end} | {0}
    cuts = sorted(day * _MINUTES_OF_DAY + end for day in range(7) for end in ends)
    tests = [hours_test(each) if each else None for each in here]
    moments = [_MONDAY + timedelta(minutes=cut) for cut in cuts]
    return ZoneInfo(key), cuts, [bits_of(test is None or test(moment) for test in tests) for moment in moments]


def _ready(number: int, section: Section) -> ReadySection:
    filters = filters_of(section.when)
    return ReadySection(number, section, filters, tuple(each for each in filters if not _answered(each, section)))


def _answered(each: Filter, section: Section) -> bool:
    """Whether a table answers the filter for good: one of several keys for one participant it does not."""
    group = getattr(section.when, each.name)
    if isinstance(group, PartyFilter):
        return sum(getattr(group, name) is not None for name in PARTY_FIELDS) == 1
    return each.name in _BY_TABLE


def _holds(ready: ReadySection, name: str, facts: Facts) -> bool:
    """Whether the section's filter of that name holds, or there is none."""
    return all(each.holds(facts) for each in ready.filters if each.name == name)
