"""What is valid in a policy or roster and can have no effect: sections that never decide, extensions that never match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloud9_archive.domain.patterns import TextChoice, has_wildcard
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.policy_words import Part
from cloud9_archive.domain.recording_rules import Section, When
from cloud9_archive.domain.roster import Roster
from cloud9_archive.domain.words import shown

_WORD_LISTS = ("call_type", "direction", "connection", "button_label")


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """
    One thing that has no effect.

    :param section: place of the section in the policy, from 0; None if it is about the roster
    :param line: of the roster, if it is about a row of it
    :param words: what has no effect, and why
    """

    section: int | None
    line: int | None
    words: str


def policy_warnings(policy: Policy, roster: Roster | None) -> Iterator[PolicyWarning]:
    """
    Everything that has no effect, as far as policy and roster alone tell.

    :param roster: the roster that the policy names; None when its rules are off
    """
    yield from _shadowed(policy.recording_rules.sections)
    if roster is not None:
        yield from _impossible(policy.recording_rules.sections, roster)
        yield from _unmatched(policy, roster)


def _shadowed(sections: tuple[Section, ...]) -> Iterator[PolicyWarning]:
    for place, section in enumerate(sections):
        if section.when.empty and place + 1 < len(sections):
            later = len(sections) - place - 1
            after = "the section after it is" if later == 1 else f"the {later} sections after it are"
            words = f"section {shown(section.name)} has no filter and fits every call: {after} never asked"
            yield PolicyWarning(place, None, words)
            return
        wider = next((each for each in sections[:place] if covers(each.when, section.when)), None)
        if wider is not None:
            words = f"section {shown(section.name)} never decides: section {shown(wider.name)} before it fits all of its calls"
            yield PolicyWarning(place, None, words)


def covers(wider: When, narrower: When) -> bool:
    """Whether it is plain from the filters alone that the one fits every call that the other fits."""
    for name in When.model_fields:
        asked, given = getattr(wider, name), getattr(narrower, name)
        if asked is None:
            continue
        if given is None:
            return False
        if name in _WORD_LISTS:
            if not set(given) <= set(asked):
                return False
        elif isinstance(asked, Part) and name in ("near", "far", "any"):
            if not _covers_party(asked, given):
                return False
        elif asked != given:
            return False
    return True


def _covers_party(wider: Part, narrower: Part) -> bool:
    keys = [name for name in type(wider).model_fields if getattr(wider, name) is not None]
    return all(set(getattr(narrower, name) or ("",)) <= set(getattr(wider, name)) for name in keys)


def _impossible(sections: tuple[Section, ...], roster: Roster) -> Iterator[PolicyWarning]:
    users = {each.user for each in roster.extensions}
    for place, section in enumerate(sections):
        for where in ("near", "far", "any"):
            group = getattr(section.when, where)
            asked = group.user if group else None
            if asked and not any(user in TextChoice(asked) for user in users):
                words = f"section {shown(section.name)} never fits: {where}.user names no user of the roster"
                yield PolicyWarning(place, None, words)


def _unmatched(policy: Policy, roster: Roster) -> Iterator[PolicyWarning]:
    start = policy.schedule.start
    for each in roster.extensions:
        name = f"extension {shown(each.value)} of user {shown(each.user)}"
        if each.valid_to is not None and each.valid_to <= start:
            words = f"{name} never matches: it is valid until {each.valid_to}, and no run looks before {start}"
            yield PolicyWarning(None, each.line, words)
        elif each.value != each.value.strip():
            yield PolicyWarning(None, each.line, f"{name} never matches: it has blanks around it")
        elif not roster.wildcards and has_wildcard(each.value):
            words = f"{name} matches only a login with that character: recording_rules.wildcards is off"
            yield PolicyWarning(None, each.line, words)
