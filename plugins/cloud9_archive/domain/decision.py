"""A decision: whether a call is recorded, for whom, how long, by which rule, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloud9_archive.domain.retention import Retention
from cloud9_archive.domain.roster import ExtensionType


class Outcome(StrEnum):
    """What happens to a call."""

    RECORD = "record"
    EXCLUDE = "exclude"


class Rule(StrEnum):
    """The rule that decided; stable, as it stands in the archive and in reports."""

    RULES_OFF = "rules_off"
    NEVER_RECORD = "never_record"
    SECTION_EXCLUDES = "section_excludes"
    SECTION_RECORDS = "section_records"
    NO_SECTION_FITS = "no_section_fits"
    RECORDED_PARTY = "recorded_party"
    DO_NOT_RECORD = "do_not_record"
    NO_RECORDED_PARTY = "no_recorded_party"
    PARTY_UNKNOWN = "party_unknown"

    @property
    def outcome(self) -> Outcome:
        """What it makes of a call."""
        return Outcome.RECORD if self in _RECORDING else Outcome.EXCLUDE


_RECORDING = frozenset(
    (Rule.RULES_OFF, Rule.SECTION_RECORDS, Rule.NO_SECTION_FITS, Rule.RECORDED_PARTY, Rule.PARTY_UNKNOWN)
)


class At(StrEnum):
    """The end, or ends, of a call at which a recorded user takes part."""

    NEAR = "near"
    FAR = "far"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class RecordedUser:
    """
    A user for whom a call is recorded: one entry for each, over one stored medium.

    :param extension: the value on the roster that matched; the first in order if several of the user's did
    :param retention: how long this user's call is to be kept; None: neither roster nor section says
    """

    user: str
    extension_type: ExtensionType
    extension: str
    side: At
    retention: Retention | None = None

    def document(self) -> dict[str, Any]:
        """The entry as plain JSON values."""
        return {
            "user": self.user,
            "extension_type": self.extension_type.value,
            "extension": self.extension,
            "side": self.side.value,
            "retention": str(self.retention) if self.retention else None,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """
    Whether one call is recorded under one policy, and why.

    :param reason: one or more sentences for a compliance officer
    :param recorded_for: the users for whom the call is recorded, by name; empty when it is excluded, rules are off, or
        nobody is known
    :param roster_version: digest of the roster that was asked; None when rules are off
    :param policy_version: digest of the policy
    :param section: name of the section that decided
    :param retention: the longest that is asked for; it governs the medium, which all users share
    :param profile: the profile that the section asks for; None: the policy's ``media.profile``
    """

    outcome: Outcome
    rule: Rule
    reason: str
    recorded_for: tuple[RecordedUser, ...]
    roster_version: str | None
    policy_version: str
    section: str | None = None
    retention: Retention | None = None
    profile: str | None = None

    @property
    def users(self) -> tuple[str, ...]:
        """Names of the users for whom the call is recorded, sorted."""
        return tuple(each.user for each in self.recorded_for)

    def document(self) -> dict[str, Any]:
        """The decision as plain JSON values."""
        return {
            "outcome": self.outcome.value,
            "rule": self.rule.value,
            "section": self.section,
            "reason": self.reason,
            "users": list(self.users),
            "recorded_for": [each.document() for each in self.recorded_for],
            "retention": str(self.retention) if self.retention else None,
            "profile": self.profile,
            "roster_version": self.roster_version,
            "policy_version": self.policy_version,
        }
