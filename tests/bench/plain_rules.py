"""
The recording rules, read plainly: every row and every section is asked in turn, as ``docs/recording-rules.md`` says it.

It shares nothing with the engine but its values, remembers nothing and looks nothing up, so that the two can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.domain.call import Call, Direction, Party, Side
from cloud9_archive.domain.decision import Rule
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.recording_rules import Hours, PartyFilter, When
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TURNED = {Direction.INCOMING: Direction.OUTGOING, Direction.OUTGOING: Direction.INCOMING}
Verdict = tuple[Rule, str | None, tuple[str, ...]]


def plain_verdict(call: Call, policy: Policy, roster: Roster) -> Verdict:
    """The rule that decides, the section if one does, and the users for whom the call is recorded."""
    rules = policy.recording_rules
    if not rules.enabled:
        return Rule.RULES_OFF, None, ()
    met = [(party, row) for party in call.parties for row in _rows(party, call, roster)]
    said = [(party.side, row) for party, row in met if _is_meant(row, party.side, call.direction)]
    vetoes = {side for side, row in said if row.mode is RecordingMode.NEVER_RECORD}
    full = [(side, row) for side, row in said if row.mode is RecordingMode.FULL]
    if vetoes:
        full = [(side, row) for side, row in full if rules.never_record == "side" and side not in vetoes]
        if not full:
            return Rule.NEVER_RECORD, None, ()
    if full:
        users = tuple(sorted({row.user for _, row in full}))
        return _by_sections(call, policy, roster, users, both={side for side, _ in full} == set(Side))
    if said:
        return Rule.DO_NOT_RECORD, None, ()
    types = {row.type for row in roster.extensions}
    identifying = "login" if ExtensionType.USER_AGENT_ID in types else "number"
    known = any(getattr(party, identifying) for party in call.parties)
    return (Rule.NO_RECORDED_PARTY if known else Rule.PARTY_UNKNOWN), None, ()


def _by_sections(call: Call, policy: Policy, roster: Roster, users: tuple[str, ...], *, both: bool) -> Verdict:
    """The first section that fits, or that none does."""
    for section in policy.recording_rules.sections:
        if _fits(section.when, call, roster, both=both):
            if section.then == "exclude":
                return Rule.SECTION_EXCLUDES, section.name, ()
            return Rule.SECTION_RECORDS, section.name, users
    return (Rule.NO_SECTION_FITS if policy.recording_rules.sections else Rule.RECORDED_PARTY), None, users


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text: ``*``, ``?``, and a backslash that takes their meaning away."""
    expression, rest = "", pattern
    while rest:
        if rest[0] == "\\" and rest[1:2] in ("*", "?", "\\"):
            expression, rest = expression + re.escape(rest[1]), rest[2:]
        else:
            expression, rest = expression + {"*": ".*", "?": "."}.get(rest[0], re.escape(rest[0])), rest[1:]
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _rows(party: Party, call: Call, roster: Roster) -> list[Extension]:
    """The rows that match the participant and are valid when the call starts, whatever their direction."""
    day = call.started_at.astimezone(UTC).date()
    return [
        row
        for row in roster.extensions
        if _names(row, party.login if row.type is ExtensionType.USER_AGENT_ID else party.number, roster)
        and (row.valid_from is None or row.valid_from <= day)
        and (row.valid_to is None or day < row.valid_to)
    ]


def _names(row: Extension, text: str | None, roster: Roster) -> bool:
    if not text:
        return False
    value = row.value
    if roster.fold_case:
        value, text = value.casefold(), text.casefold()
    return matches(value, text) if roster.wildcards else value == text


def _is_meant(row: Extension, side: Side, direction: Direction) -> bool:
    seen = TURNED.get(direction, direction) if side is Side.FAR else direction
    return not row.directions or direction is Direction.UNKNOWN or seen in row.directions


def _fits(when: When, call: Call, roster: Roster, *, both: bool) -> bool:
    ends: list[tuple[PartyFilter | None, set[Side]]] = [
        (when.near, {Side.NEAR}),
        (when.far, {Side.FAR}),
        (when.any, set(Side)),
    ]
    return (
        (when.call_type is None or call.call_type in when.call_type)
        and (when.direction is None or call.direction in when.direction)
        and (when.connection is None or _any_matches(when.connection, [call.connection]))
        and (when.button_label is None or _any_matches(when.button_label, [call.button_label]))
        and (when.recorded_both_sides is None or when.recorded_both_sides is both)
        and (when.duration is None or _lasts(call, when.duration.min, when.duration.max))
        and (when.hours is None or _begins_within(when.hours, call.started_at))
        and all(
            wanted is None
            or any(_is_wanted(wanted, party, call, roster) for party in call.parties if party.side in sides)
            for wanted, sides in ends
        )
    )


def _any_matches(patterns: Iterable[str], texts: Iterable[str | None]) -> bool:
    known = [text for text in texts if text]
    return any(matches(pattern, text) for pattern in patterns for text in known)


def _lasts(call: Call, least: timedelta | None, most: timedelta | None) -> bool:
    return (
        call.duration is not None
        and (least is None or call.duration >= least.total_seconds())
        and (most is None or call.duration <= most.total_seconds())
    )


def _begins_within(hours: Hours, started_at: datetime) -> bool:
    """A span of each day is laid out on the wall clock, today's and yesterday's, and the start is looked for in them."""
    wall = started_at.astimezone(ZoneInfo(hours.timezone)).replace(tzinfo=None)
    for day in (wall.date() - timedelta(days=1), wall.date()):
        begin = datetime.combine(day, hours.start or time())
        end = datetime.combine(day, hours.end or time())
        if end <= begin:
            end += timedelta(days=1)
        if begin <= wall < end and DAYS[day.weekday()] in (hours.weekdays or DAYS):
            return True
    return False


def _is_wanted(wanted: PartyFilter, party: Party, call: Call, roster: Roster) -> bool:
    rows = _rows(party, call, roster)
    texts: dict[str, list[str | None]] = {
        "login": [party.login],
        "user": [row.user for row in rows],
        "display_name": [party.display_name],
        "group": [*(group for row in rows for group in row.groups), party.group, party.group_id],
        "firm": [party.firm, party.firm_id],
        "number": [party.number],
    }
    return all(_any_matches(patterns, texts[key]) for key in texts if (patterns := getattr(wanted, key)) is not None)
