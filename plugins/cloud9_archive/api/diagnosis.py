"""Whether a source can be used from this host, step by step, with the next action for the first step that fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from cloud9_archive.errors import Cloud9ArchiveError


class Step(StrEnum):
    """What is checked, in this order."""

    CONNECTION = "connection"
    KEY_EXPIRY = "key expiry"
    CERTIFICATES = "certificates"
    WIRE_FORMAT = "wire format"
    DNS = "DNS"
    TCP = "TCP"
    PROXY = "proxy"
    TLS = "TLS"
    CLOCK = "clock"
    SIGNATURE = "signature"
    ADDRESS_LIST = "address list"
    LISTING = "listing"
    SCOPE = "scope"


class Verdict(StrEnum):
    """What is known of a step; ``unknown`` when an earlier fault hides it."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checked:
    """
    One step of a diagnosis.

    :param found: what was found, as words
    :param hint: what to do, when there is something to do
    """

    step: Step
    verdict: Verdict
    found: str
    hint: str | None = None

    @property
    def line(self) -> str:
        """All of it on one line."""
        return f"{self.step.value}: {self.found}" + (f" – {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """
    Every step, in order, and the error that stopped it.

    :param error: None when the source can be used
    """

    steps: tuple[Checked, ...]
    error: Cloud9ArchiveError | None = None

    @property
    def failed(self) -> Checked | None:
        """The step that failed, if one did."""
        return next((each for each in self.steps if each.verdict is Verdict.FAILED), None)

    @property
    def warnings(self) -> tuple[Checked, ...]:
        """What works today, and should be seen to."""
        return tuple(each for each in self.steps if each.verdict is Verdict.WARNING)

    def found(self, step: Step) -> str:
        """What was found at the step."""
        return next(each.found for each in self.steps if each.step is step)


@dataclass(slots=True)
class Findings:
    """What is known so far, while a diagnosis is made."""

    _known: dict[Step, Checked] = field(default_factory=dict)

    def well(self, step: Step, found: str) -> None:
        """The step is in order."""
        self._known[step] = Checked(step, Verdict.OK, found)

    def warn(self, step: Step, found: str, hint: str) -> None:
        """The step works, and should be seen to."""
        self._known[step] = Checked(step, Verdict.WARNING, found, hint)

    def knows(self, step: Step) -> bool:
        """Whether anything is known of the step."""
        return step in self._known

    def ended(self, failed: Step | None = None, error: Cloud9ArchiveError | None = None) -> Diagnosis:
        """
        The diagnosis.

        :param failed: the step that the error is about
        """
        if failed is not None and error is not None:
            self._known[failed] = Checked(failed, Verdict.FAILED, error.message, error.hint)
        unknown = "not known, because of what failed"
        steps = tuple(self._known.get(step) or Checked(step, Verdict.UNKNOWN, unknown) for step in Step)
        return Diagnosis(steps, error)


def connection_fault(error: Cloud9ArchiveError) -> Diagnosis:
    """The diagnosis of a connection that cannot even be read."""
    return Findings().ended(Step.CONNECTION, error)
