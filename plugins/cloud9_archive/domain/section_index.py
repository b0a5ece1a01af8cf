"""
Which of many sections may fit a call, without asking each of them.

A set of sections is a number whose bit ``n`` stands for section ``n``, counted from 0. Every table below rules sections
out; what is left over is asked filter by filter, so that the tables can only save time and never change an answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from cloud9_archive.domain.call import CallType, Direction, Party, Side
from cloud9_archive.domain.filters import EXTENSION_TEXTS, PARTY_FIELDS, Asked, Facts, Filter, filters_of
from cloud9_archive.domain.patterns import has_wildcard, literal, matcher
from cloud9_archive.domain.recording_rules import PartyFilter, Section
from cloud9_archive.domain.roster import Extension

Bits = int
_Of = Callable[[str | None, Bits], Bits]
MOST_KNOWN = 20_000
LONGEST_KNOWN = 200
"""Bounds of what is remembered of texts that patterns were asked for: number of texts, and characters of one."""

WHOLE_MINUTES_SINCE = 1980
"""From this year on every zone differs from UTC by whole minutes."""

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
        self._by_call_type = {w: _bits(not when.call_type or w in when.call_type for when in whens) for w in CallType}
        self._by_direction = {w: _bits(not when.direction or w in when.direction for when in whens) for w in Direction}
        self._by_both_sides = [
            _bits(when.recorded_both_sides in (None, both) for when in whens) for both in (False, True)
        ]
        self._lengths = _Lengths(self.sections)
        self._hours = _Hours(self.sections)
        self._connections = _CallTexts("connection", sections)
        self._labels = _CallTexts("button_label", sections)
        self._parties = _Parties(sections)

    def first_fitting(self, facts: Facts) -> ReadySection | None:
        """The first section of which every filter holds."""
        call = facts.call
        left = (
            self._by_call_type[call.call_type]
            & self._by_direction[call.direction]
            & self._by_both_sides[facts.recorded_both_sides]
            & self._lengths.possible(facts)
        )
        if left & self._connections.asking:
            left &= self._connections.possible(call.connection)
        if left & self._labels.asking:
            left &= self._labels.possible(call.button_label)
        if left & self._hours.asking:
            left &= self._hours.possible(facts)
        if left & self._parties.asking:
            left &= self._parties.possible(facts.asked)
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


class _Lengths:
    """Durations fall between the bounds that sections name; between two of them the answer is the same."""

    def __init__(self, sections: Sequence[ReadySection]) -> None:
        lengths = [each.section.when.duration for each in sections]
        bounds = {
            bound.total_seconds() for each in lengths if each for bound in (each.min, each.max) if bound is not None
        }
        self._bounds = sorted(bounds)
        self._sections = sections
        self._unasked = _bits(each is None for each in lengths)
        self._known: dict[tuple[int, int], Bits] = {}

    def possible(self, facts: Facts) -> Bits:
        seconds = facts.call.duration
        if seconds is None or not self._bounds or seconds != seconds:  # noqa: PLR0124 - true of what is not a number
            return self._unasked
        place = bisect_left(self._bounds, seconds), bisect_right(self._bounds, seconds)
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = _bits(_holds(each, "duration", facts) for each in self._sections)
        return found


class _Hours:
    """
    Starts within one minute give one answer in every zone; it is found out when that minute first occurs.

    Long ago zones were off by seconds, so what started then is asked anew each time.
    """

    def __init__(self, sections: Sequence[ReadySection]) -> None:
        self._sections = sections
        self.asking = _bits(each.section.when.hours is not None for each in sections)
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
        return _bits(_holds(each, "hours", facts) for each in self._sections)


class _Texts:
    """
    What one key of many sections asks of a text: each text's sections, to the letter or by pattern.

    :param asked: patterns, each with the sections that ask for it
    """

    def __init__(self, asked: Iterable[tuple[str, Bits]]) -> None:
        self._exact: dict[str | None, Bits] = {}
        self._patterns: list[tuple[Callable[[str], object], Bits]] = []
        self._known: dict[str, Bits] = {}
        for pattern, bits in asked:
            if has_wildcard(pattern):
                self._patterns.append((matcher(pattern), bits))
            else:
                self._exact[literal(pattern)] = self._exact.get(literal(pattern), 0) | bits
        self.of: Callable[[str | None, Bits], Bits] = self._with_patterns if self._patterns else self._exact.get

    def _with_patterns(self, text: str | None, none: Bits) -> Bits:
        if text is None:
            return none
        found = self._known.get(text)
        if found is None:
            found = self._exact.get(text, 0)
            for matches, bits in self._patterns:
                if matches(text):
                    found |= bits
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            if len(text) <= LONGEST_KNOWN:
                self._known[text] = found
        return found


class _CallTexts:
    """What sections ask of one text of the call itself."""

    def __init__(self, name: str, sections: Sequence[Section]) -> None:
        asked: list[tuple[str, ...] | None] = [getattr(each.when, name) for each in sections]
        self._unasked = _bits(not each for each in asked)
        self._of = _Texts((text, 1 << place) for place, each in enumerate(asked) for text in each or ()).of
        self.asking = _bits(bool(each) for each in asked)

    def possible(self, text: str | None) -> Bits:
        return self._unasked | self._of(text, 0)


class _Parties:
    """
    What sections ask of participants: of each filter one key, for which some participant must have a text.

    Filters of the near end, the far end and either end have bits of their own, side by side in one number.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        self._width = len(sections)
        self._unasked = self.asking = 0
        asked: dict[Side, dict[str, list[tuple[str, Bits]]]] = {side: {} for side in Side}
        for where, (name, sides) in enumerate((("near", (Side.NEAR,)), ("far", (Side.FAR,)), ("any", tuple(Side)))):
            for place, section in enumerate(sections):
                group: PartyFilter | None = getattr(section.when, name)
                bit = 1 << (where * self._width + place)
                if group is None:
                    self._unasked |= bit
                    continue
                self.asking |= 1 << place
                key = _first_key(group)
                for side in sides:
                    asked[side].setdefault(key, []).extend((text, bit) for text in getattr(group, key))
        self._of_party: dict[Side, list[tuple[Callable[[Party], str | None], _Of]]] = {side: [] for side in Side}
        self._of_extension: dict[Side, list[tuple[Callable[[Extension], Iterable[str]], _Of]]] = {s: [] for s in Side}
        for side, keys in asked.items():
            for key, wanted in keys.items():
                of = _Texts(wanted).of
                self._of_party[side] += [(attrgetter(field), of) for field in PARTY_FIELDS[key]]
                if key in EXTENSION_TEXTS:
                    self._of_extension[side].append((EXTENSION_TEXTS[key], of))

    def possible(self, asked: Asked) -> Bits:
        found = self._unasked
        for party, extensions in asked:
            for field, of in self._of_party[party.side]:
                found |= of(field(party), 0)
            if extensions:
                for texts_of, of in self._of_extension[party.side]:
                    for extension in extensions:
                        for text in texts_of(extension):
                            found |= of(text, 0)
        return found & (found >> self._width) & (found >> 2 * self._width) & ((1 << self._width) - 1)


def _first_key(group: PartyFilter) -> str:
    """The key that is looked up; the one that tells most participants apart comes first."""
    return next(name for name in PARTY_FIELDS if getattr(group, name))


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


def _bits(flags: Iterable[bool]) -> Bits:
    return sum(1 << place for place, flag in enumerate(flags) if flag)
