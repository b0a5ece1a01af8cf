"""The sentences of decisions: why a call is recorded or excluded, for a compliance officer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from cloud9_archive.domain.call import Call, Direction, Party, Side
from cloud9_archive.domain.decision import Rule
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.domain.words import MOST_NAMED, shown

if TYPE_CHECKING:
    from cloud9_archive.domain.rules import Match
    from cloud9_archive.domain.section_index import ReadySection

KIND_WORDS = {ExtensionType.USER_AGENT_ID: "login", ExtensionType.NUMBER_ADDRESS: "number"}
_MODE_WORDS = {mode: f"mode {mode.value}" for mode in RecordingMode}
_UNKNOWN, _NO_SECTION_FITS, _SECTION_RECORDS = Direction.UNKNOWN, Rule.NO_SECTION_FITS, Rule.SECTION_RECORDS
_UNKNOWN_DIRECTION = " The call's direction is not known, which counts as every direction."


class Reasons:
    """
    Makes the sentences.

    :param one_side: whether a veto silences only its own side
    """

    rules_off = "Recording rules are off: every call that the sources list is recorded."

    def __init__(self, roster: Roster | None, *, one_side: bool) -> None:
        self._roster = roster
        self._one_side = one_side
        kinds = [kind for kind in ExtensionType if roster and roster.lists(kind)]
        self._kinds = kinds
        self.party_unknown = (
            f"Recorded to be safe: the source names no {KIND_WORDS[kinds[0]] if kinds else 'login'} for any participant, "
            "so the roster cannot be asked."
        )

    def never_record(self, call: Call, never: Sequence[Match], silenced: Sequence[Match]) -> str:
        """Why a veto excludes the call."""
        who, note = self._listed(never), self._direction_note(call, never)
        if not self._one_side:
            return f"Excluded although others may take part: {who}, so no call with that participant is recorded.{note}"
        others = f"at that end also {self._listed(silenced)}, which that silences" if silenced else ""
        nobody = "and nobody at another end is on the roster as full"
        return f"Excluded: {', '.join(filter(None, (who, others, nobody)))}.{note}"

    def do_not_record(self, call: Call, abstaining: Sequence[Match]) -> str:
        """Why nobody asked for the call."""
        who, note = self._listed(abstaining), self._direction_note(call, abstaining)
        return f"Excluded: {who}, and no other participant is on the roster as full.{note}"

    def recorded(
        self,
        rule: Rule,
        call: Call,
        full: Sequence[Match],
        never: Sequence[Match],
        ready: ReadySection | None,
        sections: Sequence[ReadySection],
    ) -> str:
        """Why a call that the roster records is recorded, or excluded by a section."""
        who = self._listed(full)
        if ready is None:
            text = f"Recorded: {who}."
            if rule is _NO_SECTION_FITS:
                text += " No section of the policy fits, and what no section decides is recorded."
        elif rule is _SECTION_RECORDS:
            text = f"Recorded by {section_words(ready)}: {who}."
        else:
            text = f"Excluded by {section_words(ready)}. Without it the call would be recorded: {who}."
        if call.direction is _UNKNOWN:
            text += self._direction_note(call, full)
        if never:
            text += self._one_side_note(call, never, recorded=rule is not Rule.SECTION_EXCLUDES)
        if call.duration is None and sections:
            text += _duration_note(ready, sections)
        return text

    def no_recorded_party(self, call: Call) -> str:
        """Why the roster does not ask for the call."""
        values = list(dict.fromkeys(value for party in call.parties for value in self._values(party)))
        started = call.started_at.isoformat(timespec="seconds")
        sentences = [f"Excluded: no participant is on the roster at the call's start, {started}."]
        sentences += [self._missed(kind, value, side, call) for kind, value, side in values[:MOST_NAMED]]
        if len(values) > MOST_NAMED:
            sentences.append(f"{len(values) - MOST_NAMED} more logins are not on the roster either.")
        return " ".join(sentences)

    @staticmethod
    def _listed(matches: Sequence[Match]) -> str:
        if len(matches) == 1:
            return described(matches[0][1])
        return listed({id(extension): extension for _, extension in matches}.values(), described)

    def _direction_note(self, call: Call, matches: Sequence[Match]) -> str:
        unknown = call.direction is _UNKNOWN and any(extension.directions for _, extension in matches)
        return _UNKNOWN_DIRECTION if unknown else ""

    def _one_side_note(self, call: Call, never: Sequence[Match], *, recorded: bool) -> str:
        """That a voice that is never to be recorded by itself is in the audio all the same, when it is."""
        both = "; the audio holds both ends, this one too" if recorded else ""
        silences = f"{self._listed(never)}, which silences only that end"
        return f" At the {never[0][0]} end {silences}{both}.{self._direction_note(call, never)}"

    def missed(self, party: Party, call: Call) -> list[str]:
        """Why the roster says nothing of the participant, a sentence for its login and one for its number."""
        return [self._missed(kind, value, side, call) for kind, value, side in self._values(party)]

    def _values(self, party: Party) -> Iterator[tuple[ExtensionType, str, Side]]:
        """What the roster is asked for."""
        for kind in self._kinds:
            value = party.login if kind is ExtensionType.USER_AGENT_ID else party.number
            if value:
                yield kind, value, party.side

    def _missed(self, kind: ExtensionType, value: str, side: Side, call: Call) -> str:
        """Why the roster does not speak for this login or number, as a sentence."""
        named = f"{KIND_WORDS[kind].capitalize()} {shown(value)}"
        entries = self._roster.entries(value, kind=kind) if self._roster else ()
        valid = [each for each in entries if each.valid_at(call.started_at)]
        if valid:
            only = listed(valid, direction_words)
            return f"{named} belongs to user {shown(valid[-1].user)}, but counts only for {only} calls; it sits at the {side} end of this one, which is {call.direction} for the near end."
        if entries:
            spans = listed(entries, lambda each: each.validity)
            return f"{named} belongs to user {shown(entries[-1].user)}, but valid only {spans}."
        near = self._roster.near_miss(value) if self._roster and kind is ExtensionType.USER_AGENT_ID else None
        if near is not None:
            return f"{named} is not on the roster; it has {shown(near)}, and logins must be equal to the letter."
        return f"{named} is not on the roster."


def section_words(ready: ReadySection) -> str:
    """The section and what it asks for."""
    asked = " and ".join(each.words for each in ready.filters) or "it asks for nothing, and fits every call"
    return f"section {ready.number}, {shown(ready.section.name)} ({asked})"


def described(extension: Extension) -> str:
    """What the roster says in this row, as a clause."""
    kind, mode = KIND_WORDS[extension.type], _MODE_WORDS[extension.mode]
    name = f" ({shown(extension.display_name)})" if extension.display_name else ""
    only = f", {direction_words(extension)} calls only" if extension.directions else ""
    return f"{kind} {shown(extension.value)} belongs to user {shown(extension.user)}{name}, {mode}{only}, valid {extension.validity}"


def direction_words(extension: Extension) -> str:
    """The directions that it is meant for."""
    return " and ".join(sorted(extension.directions))


def listed(extensions: Iterable[Extension], words: Callable[[Extension], str]) -> str:
    """The words for the first few, and how many more there are."""
    parts = [words(each) for each in extensions]
    if len(parts) > MOST_NAMED:
        parts[MOST_NAMED:] = [f"and {len(parts) - MOST_NAMED} more"]
    return "; ".join(parts)


def _duration_note(ready: ReadySection | None, sections: Sequence[ReadySection]) -> str:
    """Which sections before the one that decided could not fit, because the call has no duration."""
    before = sections[: ready.number - 1] if ready else sections
    missed = [shown(each.section.name) for each in before if each.section.when.duration]
    if not missed:
        return ""
    more = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    return f" The call's duration is not known, so sections that ask for one do not fit: {', '.join(missed[:MOST_NAMED])}{more}."
