"""How urgent a finding is, and what a kind of finding tells everybody who meets one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How urgent a kind of finding is, in the five words of Verba's alerts, the most urgent first."""

    FATAL = "fatal"
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTIFICATION = "notification"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class FindingKind:
    """
    A kind of finding.

    :param gap: whether a run that has one fails
    :param meaning: what was found
    :param next_action: what to do about it
    """

    severity: Severity
    gap: bool
    meaning: str
    next_action: str
