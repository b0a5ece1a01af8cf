"""The filters of sections, made ready once and asked for every call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.domain.call import Call, Party, Side
from cloud9_archive.domain.patterns import TextChoice
from cloud9_archive.domain.recording_rules import Hours, Length, PartyFilter, When
from cloud9_archive.domain.roster import Extension
from cloud9_archive.domain.schedule import duration_text
from cloud9_archive.domain.words import named, shown

Asked = Sequence[tuple[Party, Sequence[Extension]]]
"""Every party of a call with the extensions that match it."""

PARTY_FIELDS: Mapping[str, tuple[str, ...]] = {
    "login": ("login",),
    "user": (),
    "number": ("number",),
    "display_name": ("display_name",),
    "firm": ("firm", "firm_id"),
    "group": ("group", "group_id"),
}
"""Of a participant, the fields in which a key of a filter looks; any of them may fit."""

EXTENSION_TEXTS: Mapping[str, Callable[[Extension], Iterable[str]]] = {
    "user": lambda extension: (extension.user,),
    "group": lambda extension: extension.groups,
}
"""What a key looks at in the extensions that match the participant."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_PartyTest = Callable[[Party, Sequence[Extension]], bool]


@dataclass(slots=True)
class Facts:
    """
    What filters look at.

    :param asked: each party with the extensions of its login and number, of whatever mode
    :param recorded_both_sides: whether the roster records users at both ends
    """

    call: Call
    asked: Asked
    recorded_both_sides: bool

    def local_start(self, zone: ZoneInfo) -> datetime:
        """The call's start by the clocks of the zone."""
        try:
            return self.call.started_at.astimezone(zone)
        except OverflowError:  # the first or last day of the calendar: there is none beside it
            return self.call.started_at


@dataclass(frozen=True, slots=True)
class Filter:
    """
    One filter of a section.

    :param name: its key in the policy
    :param words: what it asks for, as a clause such as ``the call type is intercom``
    :param holds: whether a call fits
    :param found: what stands there instead, as a clause
    """

    name: str
    words: str
    holds: Callable[[Facts], bool]
    found: Callable[[Facts], str]


def filters_of(when: When) -> tuple[Filter, ...]:
    """The filters, those first that are asked in the least time; what stands on the call itself, then its parties."""
    filters: list[Filter] = []
    if when.call_type:
        filters.append(_word_filter("call_type", "call type", frozenset(when.call_type), lambda call: call.call_type))
    if when.direction:
        filters.append(_word_filter("direction", "direction", frozenset(when.direction), lambda call: call.direction))
    if when.recorded_both_sides is not None:
        filters.append(_both_sides_filter(wanted=when.recorded_both_sides))
    if when.connection:
        filters.append(_text_filter("connection", "connection", when.connection, lambda call: call.connection))
    if when.button_label:
        filters.append(_text_filter("button_label", "button label", when.button_label, lambda call: call.button_label))
    if when.duration:
        filters.append(_length_filter(when.duration))
    if when.hours:
        filters.append(_hours_filter(when.hours))
    for name, group, side in (("near", when.near, Side.NEAR), ("far", when.far, Side.FAR), ("any", when.any, None)):
        if group:
            filters.append(_party_filter(name, group, side))
    return tuple(filters)


def _word_filter(name: str, words: str, wanted: frozenset[str], word: Callable[[Call], str]) -> Filter:
    return Filter(
        name,
        f"the {words} is {named(sorted(wanted))}",
        lambda facts: word(facts.call) in wanted,
        lambda facts: f"the {words} is {word(facts.call)}",
    )


def _text_filter(name: str, words: str, patterns: Sequence[str], text: Callable[[Call], str | None]) -> Filter:
    choice = TextChoice(patterns)
    return Filter(
        name,
        f"the {words} is {named([shown(each) for each in patterns])}",
        lambda facts: (text(facts.call) or None) in choice,
        lambda facts: f"the {words} is {shown(text(facts.call) or '') if text(facts.call) else 'not known'}",
    )


def _both_sides_filter(*, wanted: bool) -> Filter:
    def words(both: bool) -> str:  # noqa: FBT001 - the one fact it tells
        return "recorded users take part at both ends" if both else "recorded users take part at one end only"

    return Filter(
        "recorded_both_sides",
        words(wanted),
        lambda facts: facts.recorded_both_sides is wanted,
        lambda facts: words(facts.recorded_both_sides),
    )


def _length_filter(length: Length) -> Filter:
    least = length.min.total_seconds() if length.min is not None else 0.0
    most = length.max.total_seconds() if length.max is not None else float("inf")
    bounds = [f"at least {duration_text(length.min)}"] if length.min is not None else []
    bounds += [f"at most {duration_text(length.max)}"] if length.max is not None else []

    def holds(facts: Facts) -> bool:
        seconds = facts.call.duration
        return seconds is not None and least <= seconds <= most

    def found(facts: Facts) -> str:
        seconds = facts.call.duration
        return "its duration is not known" if seconds is None else f"the duration is {seconds:g} s"

    return Filter("duration", f"the duration is {' and '.join(bounds)}", holds, found)


def _hours_filter(hours: Hours) -> Filter:
    zone, is_within = ZoneInfo(hours.timezone), hours_test(hours)

    def found(facts: Facts) -> str:
        local = facts.local_start(zone)
        return f"the call starts on {WEEKDAYS[local.weekday()]} at {local:%H:%M} ({zone.key})"

    start, end = hours.start or time(), hours.end or time()
    span = f" from {start:%H:%M} to {end:%H:%M}" if hours.start or hours.end else ""
    on = f" on {named(hours.weekdays)}" if hours.weekdays else ""
    words = f"the call starts{on}{span} ({zone.key})"
    return Filter("hours", words, lambda facts: is_within(facts.local_start(zone)), found)


def hours_test(hours: Hours) -> Callable[[datetime], bool]:
    """Whether a moment, by the clocks of the zone, lies within."""
    days = frozenset(WEEKDAYS.index(day) for day in hours.weekdays or WEEKDAYS)
    start, end = hours.start or time(), hours.end or time()
    over_midnight = start > end > time()

    def is_within(local: datetime) -> bool:
        clock, weekday = local.time(), local.weekday()
        if over_midnight and clock < end:
            return (weekday - 1) % 7 in days
        return weekday in days and clock >= start and (over_midnight or end == time() or clock < end)

    return is_within


def _party_filter(name: str, group: PartyFilter, side: Side | None) -> Filter:
    tests = tuple(_party_tests(group))

    def holds(facts: Facts) -> bool:
        for party, extensions in facts.asked:
            if side is None or party.side is side:
                for test in tests:
                    if not test(party, extensions):
                        break
                else:
                    return True
        return False

    where = f"the {name} end" if side else "any end"
    wanted = [
        f"{key.replace('_', ' ')} {named([shown(each) for each in getattr(group, key)])}"
        for key in type(group).model_fields
        if getattr(group, key)
    ]
    words = f"somebody at {where} has {' and '.join(wanted)}"
    return Filter(name, words, holds, lambda facts: f"at {where} there is {_parties_words(facts, group, side)}")


def _party_tests(group: PartyFilter) -> list[_PartyTest]:
    return [_party_test(key, TextChoice(getattr(group, key))) for key in PARTY_FIELDS if getattr(group, key)]


def _party_test(key: str, choice: TextChoice) -> _PartyTest:
    return lambda party, extensions: any(text in choice for text in _texts(key, party, extensions))


def _texts(key: str, party: Party, extensions: Sequence[Extension]) -> list[str]:
    """What a participant has under the key; those of the roster first."""
    texts_of = EXTENSION_TEXTS.get(key)
    found = [text for each in extensions for text in sorted(texts_of(each))] if texts_of else []
    return [*dict.fromkeys(found), *(text for name in PARTY_FIELDS[key] if (text := getattr(party, name)))]


def _parties_words(facts: Facts, group: PartyFilter, side: Side | None) -> str:
    """What the parties at that end have of what the filter asks for."""
    there = [(party, extensions) for party, extensions in facts.asked if side is None or party.side is side]
    return named([_party_words(party, extensions, group) for party, extensions in there], last="and") or "nobody"


def _party_words(party: Party, extensions: Sequence[Extension], group: PartyFilter) -> str:
    told = []
    for key in PARTY_FIELDS:
        if getattr(group, key):
            known = [shown(each) for each in _texts(key, party, extensions)]
            told.append(f"{key.replace('_', ' ')} {named(known, last='and') or 'not known'}")
    return f"somebody with {' and '.join(told)}"
