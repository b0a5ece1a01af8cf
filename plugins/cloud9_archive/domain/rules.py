"""The recording rules: whether a call is recorded, for whom and why, as one pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud9_archive.domain.call import Call, Direction, Party, Side
from cloud9_archive.domain.decision import At, Decision, Outcome, RecordedUser, Rule
from cloud9_archive.domain.filters import Facts
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.reasons import Reasons
from cloud9_archive.domain.retention import Retention, longest
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster, utc_day
from cloud9_archive.domain.section_index import ReadySection, SectionIndex
from cloud9_archive.errors import RosterError

Match = tuple[Side, Extension]
"""An extension, and the end at which it matched."""

# Named once: on Python 3.11 looking up a member of an enum takes longer than what is done with it here.
_FULL, _NEVER, _BOTH = RecordingMode.FULL, RecordingMode.NEVER_RECORD, frozenset(Side)
_SEEN_FROM_FAR = {Direction.INCOMING: Direction.OUTGOING, Direction.OUTGOING: Direction.INCOMING}


def decide(call: Call, *, policy: Policy, roster: Roster | None) -> Decision:
    """
    One decision for every call, from the call, the policy and the roster alone.

    For many calls make one :class:`Ruler`, which gives the same decisions.

    :param roster: the roster that the policy names; unused when the policy's rules are off
    :raises RosterError: if the rules are on and there is no roster
    """
    return Ruler(policy, roster).decide(call)


@dataclass(slots=True)
class Hearing:
    """
    What the roster says of a call.

    :param asked: each party with the extensions that match it and are valid at the call's start
    :param never: matches with mode ``never_record``, for calls in this direction
    :param full: matches with mode ``full``, likewise, that no veto silences
    :param abstaining: matches with mode ``do_not_record``, likewise
    :param identified: whether any party can be looked up on this roster
    :param silenced: matches with mode ``full`` that a veto silences
    """

    asked: Sequence[tuple[Party, tuple[Extension, ...]]] = ()
    never: Sequence[Match] = ()
    full: Sequence[Match] = ()
    abstaining: Sequence[Match] = ()
    identified: bool = False
    silenced: Sequence[Match] = ()

    def facts(self, call: Call) -> Facts:
        """What the filters of sections look at."""
        return Facts(call, self.asked, len(self.full) > 1 and len({side for side, _ in self.full}) > 1)


class Ruler:
    """
    A policy and its roster, made ready to decide on any number of calls.

    :param roster: the roster that the policy names; unused when the policy's rules are off
    :raises RosterError: if the rules are on and there is no roster
    """

    def __init__(self, policy: Policy, roster: Roster | None) -> None:
        rules = policy.recording_rules
        if rules.enabled and roster is None:
            raise RosterError(
                f"policy {policy.policy} has recording rules on, and no roster was given",
                hint="load the roster that recording_rules.roster names",
            )
        self.roster = roster if rules.enabled else None
        self._index = SectionIndex(rules.sections)
        self.sections = self._index.sections
        self._rule_without_section = Rule.NO_SECTION_FITS if rules.sections else Rule.RECORDED_PARTY
        self.policy_version = policy.version
        self.media_profile = policy.media.profile
        self.roster_version = self.roster.version if self.roster else None
        self._one_side = rules.never_record == "side"
        self.reasons = Reasons(self.roster, one_side=self._one_side)
        kinds = [kind for kind in ExtensionType if self.roster and self.roster.lists(kind)]
        self._find_login, self._find_number = (
            self.roster.finder(kind) if self.roster and kind in kinds else None for kind in ExtensionType
        )

    def decide(self, call: Call) -> Decision:
        """
        One decision for every call.

        Participants of both ends count, and extensions that are valid at the call's start and meant for calls in its
        direction. In this order: ``never_record`` of anybody excludes; where ``full`` of anybody would record, the
        first section that fits decides, and without one the call is recorded; otherwise a call of known logins is
        excluded, and a call of which no login is known is recorded, because what cannot be told apart must not be lost.
        """
        if self.roster is None:
            return self._decided(Rule.RULES_OFF, self.reasons.rules_off)
        heard = self.hear(call)
        if heard.never and not heard.full:
            return self._decided(Rule.NEVER_RECORD, self.reasons.never_record(call, heard.never, heard.silenced))
        if heard.full:
            return self._recorded(call, heard)
        if heard.abstaining:
            return self._decided(Rule.DO_NOT_RECORD, self.reasons.do_not_record(call, heard.abstaining))
        if heard.identified:
            return self._decided(Rule.NO_RECORDED_PARTY, self.reasons.no_recorded_party(call))
        return self._decided(Rule.PARTY_UNKNOWN, self.reasons.party_unknown)

    def hear(self, call: Call) -> Hearing:
        """What the roster says of the call; nothing when the rules are off."""
        find_login, find_number, direction = self._find_login, self._find_number, call.direction
        day = utc_day(call.started_at)
        asked: list[tuple[Party, tuple[Extension, ...]]] = []
        full: list[Match] = []
        never: list[Match] = []
        abstaining: list[Match] = []
        identified = False
        for party in call.parties:
            found: tuple[Extension, ...] = ()
            if find_login and (login := party.login):
                identified = True
                found = find_login(login) or ()
            if find_number and (number := party.number):
                identified = identified or find_login is None
                found += find_number(number) or ()
            if found:
                if len(found) > 1 or not found[0].valid_on(day):
                    found = tuple(each for each in found if each.valid_on(day))
                side = party.side
                for extension in found:
                    if not extension.directions or counts(extension, side, direction):
                        mode = extension.mode
                        said = full if mode is _FULL else never if mode is _NEVER else abstaining
                        said.append((side, extension))
            asked.append((party, found))
        if never and full:
            vetoed = {side for side, _ in never} if self._one_side else _BOTH
            silenced = [match for match in full if match[0] in vetoed]
            full = [match for match in full if match[0] not in vetoed]
            return Hearing(asked, never, full, abstaining, identified, silenced)
        return Hearing(asked, never, full, abstaining, identified)

    def _recorded(self, call: Call, heard: Hearing) -> Decision:
        """The decision on a call that the roster records."""
        ready = self._index.first_fitting(heard.facts(call)) if self.sections else None
        rule = self._rule_without_section if ready is None else _RULE_OF[ready.section.then]
        reason = self.reasons.recorded(rule, call, heard.full, heard.never, ready, self.sections)
        if rule is _SECTION_EXCLUDES:
            return self._decided(rule, reason, ready)
        asked_for = ready.section.retention if ready else None
        entries = self._entries(heard.full, asked_for, call)
        retentions = [each.retention for each in entries]
        governing = retentions[0]
        if retentions.count(governing) < len(retentions):
            governing = longest(retentions, since=call.started_at)
        return Decision(
            outcome=_RECORD,
            rule=rule,
            reason=reason,
            recorded_for=entries,
            roster_version=self.roster_version,
            policy_version=self.policy_version,
            section=ready.section.name if ready else None,
            retention=governing,
            profile=ready.section.profile if ready else None,
        )

    def _entries(self, full: Sequence[Match], asked_for: Retention | None, call: Call) -> tuple[RecordedUser, ...]:
        """One entry for each user, by name."""
        if len(full) == 1:
            return (_entry(full, asked_for, call),)
        by_user: dict[str, list[Match]] = {}
        for match in full:
            by_user.setdefault(match[1].user, []).append(match)
        return tuple(_entry(matches, asked_for, call) for _, matches in sorted(by_user.items()))

    def _decided(self, rule: Rule, reason: str, ready: ReadySection | None = None) -> Decision:
        return Decision(
            outcome=rule.outcome,
            rule=rule,
            reason=reason,
            recorded_for=(),
            roster_version=self.roster_version,
            policy_version=self.policy_version,
            section=ready.section.name if ready else None,
        )


def counts(extension: Extension, side: Side, direction: Direction) -> bool:
    """
    Whether the extension is meant for a call in that direction; one of unknown direction counts as each.

    :param side: the end at which the extension's user takes part: what is outgoing for one end is incoming for the other
    :param direction: of the call, seen from the near end
    """
    if not extension.directions or direction is Direction.UNKNOWN:
        return True
    return (_SEEN_FROM_FAR.get(direction, direction) if side is Side.FAR else direction) in extension.directions


_AT = {Side.NEAR: At.NEAR, Side.FAR: At.FAR}
_RULE_OF = {"record": Rule.SECTION_RECORDS, "exclude": Rule.SECTION_EXCLUDES}
_SECTION_EXCLUDES, _RECORD = Rule.SECTION_EXCLUDES, Outcome.RECORD


def _entry(matches: Sequence[Match], asked_for: Retention | None, call: Call) -> RecordedUser:
    """The one entry of a user."""
    side, first = matches[0]
    at, retention = _AT[side], first.retention
    if len(matches) > 1:
        first = min((extension for _, extension in matches), key=lambda each: (each.type, each.value))
        at = At.BOTH if len({side for side, _ in matches}) > 1 else at
        retention = longest([extension.retention for _, extension in matches], since=call.started_at)
    if asked_for is not None:
        retention = longest((retention, asked_for), since=call.started_at)
    return RecordedUser(first.user, first.type, first.value, at, retention)
