"""The recording rules: whether a call is recorded, and why, as one pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloud9_archive.domain.call import Call
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import Extension, RecordingMode, Roster
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import RosterError

_MOST_NAMED = 5


class Outcome(StrEnum):
    """What happens to a call."""

    RECORD = "record"
    EXCLUDE = "exclude"


class Rule(StrEnum):
    """The rule that decided; stable, as it stands in the archive and in reports."""

    RULES_OFF = "rules_off"
    NEVER_RECORD = "never_record"
    RECORDED_PARTY = "recorded_party"
    DO_NOT_RECORD = "do_not_record"
    NO_RECORDED_PARTY = "no_recorded_party"
    PARTY_UNKNOWN = "party_unknown"


@dataclass(frozen=True, slots=True)
class Decision:
    """
    Whether one call is recorded under one policy, and why.

    :param reason: one or more sentences for a compliance officer
    :param users: the users for whom the call is recorded, sorted; empty when it is excluded or rules are off
    :param roster_version: digest of the roster that was asked; None when rules are off
    :param policy_version: digest of the policy
    """

    outcome: Outcome
    rule: Rule
    reason: str
    users: tuple[str, ...]
    roster_version: str | None
    policy_version: str

    def document(self) -> dict[str, Any]:
        """The decision as plain JSON values."""
        return {
            "outcome": self.outcome.value,
            "rule": self.rule.value,
            "reason": self.reason,
            "users": list(self.users),
            "roster_version": self.roster_version,
            "policy_version": self.policy_version,
        }


def decide(call: Call, *, policy: Policy, roster: Roster | None) -> Decision:
    """
    One decision for every call, from the call, the policy and the roster alone.

    Participants of both ends count. Extensions are those valid at the call's start. In this order: ``never_record``
    of anybody excludes; ``full`` of anybody records; otherwise a call of known logins is excluded, and a call of
    which no login is known is recorded, because what cannot be told apart must not be lost.

    :param roster: the roster that the policy names; unused when the policy's rules are off
    :raises RosterError: if the rules are on and there is no roster
    """
    if not policy.recording_rules.enabled:
        return _decided(
            Rule.RULES_OFF, "Recording rules are off: every call that the sources list is recorded.", policy=policy
        )
    if roster is None:
        raise RosterError(
            f"policy {policy.policy} has recording rules on, and no roster was given",
            hint="load the roster that recording_rules.roster names",
        )
    logins = tuple(dict.fromkeys(party.login for party in call.parties if party.login))
    matched = [each for each in (roster.matching(login, call.started_at) for login in logins) if each]
    rule, deciding = _ruling(logins, matched)
    return _decided(
        rule, _reason(rule, call, logins, deciding, roster), policy=policy, roster=roster, deciding=deciding
    )


def _ruling(logins: tuple[str, ...], matched: list[Extension]) -> tuple[Rule, list[Extension]]:
    """The rule that decides, and the extensions it decides by."""
    for mode, rule in (
        (RecordingMode.NEVER_RECORD, Rule.NEVER_RECORD),
        (RecordingMode.FULL, Rule.RECORDED_PARTY),
        (RecordingMode.DO_NOT_RECORD, Rule.DO_NOT_RECORD),
    ):
        deciding = [each for each in matched if each.mode is mode]
        if deciding:
            return rule, deciding
    return (Rule.NO_RECORDED_PARTY if logins else Rule.PARTY_UNKNOWN), []


def _decided(
    rule: Rule, reason: str, *, policy: Policy, roster: Roster | None = None, deciding: list[Extension] | None = None
) -> Decision:
    records = rule in (Rule.RULES_OFF, Rule.RECORDED_PARTY, Rule.PARTY_UNKNOWN)
    return Decision(
        outcome=Outcome.RECORD if records else Outcome.EXCLUDE,
        rule=rule,
        reason=reason,
        users=tuple(sorted({each.user for each in deciding or ()})) if records else (),
        roster_version=roster.version if roster else None,
        policy_version=policy.version,
    )


def _reason(rule: Rule, call: Call, logins: tuple[str, ...], deciding: list[Extension], roster: Roster) -> str:
    who = _listed([_described(each) for each in deciding])
    match rule:
        case Rule.NEVER_RECORD:
            return f"Excluded although others may take part: {who}, so no call with that participant is recorded."
        case Rule.RECORDED_PARTY:
            return f"Recorded: {who}."
        case Rule.DO_NOT_RECORD:
            return f"Excluded: {who}, and no other participant is on the roster as full."
        case Rule.PARTY_UNKNOWN:
            return "Recorded to be safe: the source names no login for any participant, so the roster cannot be asked."
        case _:
            started = call.started_at.isoformat(timespec="seconds")
            sentences = [f"Excluded: no participant is on the roster at the call's start, {started}."]
            sentences += [_missed(login, roster) for login in logins[:_MOST_NAMED]]
            if len(logins) > _MOST_NAMED:
                sentences.append(f"{len(logins) - _MOST_NAMED} more logins are not on the roster either.")
            return " ".join(sentences)


def _described(extension: Extension) -> str:
    name = f" ({shown(extension.display_name)})" if extension.display_name else ""
    return f"login {shown(extension.value)} belongs to user {shown(extension.user)}{name}, mode {extension.mode.value}, valid {extension.validity}"


def _missed(login: str, roster: Roster) -> str:
    """Why the roster does not speak for this login, as a sentence."""
    entries = roster.entries(login)
    if entries:
        spans = _listed([each.validity for each in entries])
        return f"Login {shown(login)} belongs to user {shown(entries[-1].user)}, but valid only {spans}."
    near = roster.near_miss(login)
    if near is not None:
        return (
            f"Login {shown(login)} is not on the roster; it has {shown(near)}, and logins must be equal to the letter."
        )
    return f"Login {shown(login)} is not on the roster."


def _listed(parts: list[str]) -> str:
    more = len(parts) - _MOST_NAMED
    return "; ".join([*parts[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])
