"""What a changed policy or roster would decide over calls that are in the catalog; nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.history import KnownCall, calls_within
from cloud9_archive.domain.accounting import CallState
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.decision import Decision, Outcome
from cloud9_archive.domain.rules import Ruler
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.window import Window


@dataclass(frozen=True, slots=True)
class Flip:
    """
    A call that would be recorded instead of excluded, or the other way round.

    :param state: where it stands; None if the policy has not decided on it yet
    :param before: outcome of the decision that stands, or that the policy would make now if there is none
    :param before_rule: the rule that made it
    """

    ref: CallRef
    started_at: datetime
    state: CallState | None
    before: Outcome
    before_rule: str
    after: Decision

    def document(self) -> dict[str, Any]:
        """The flip as plain JSON values."""
        return {
            "source": self.ref.source,
            "call_id": self.ref.call_id,
            "started_at": utc_text(self.started_at),
            "state": self.state.value if self.state else None,
            "before": {"outcome": self.before.value, "rule": self.before_rule},
            "after": self.after.document(),
        }


@dataclass(frozen=True, slots=True)
class Simulation:
    """
    What would change.

    :param calls: calls that were compared
    :param undecided: of these, calls that the policy has not decided on yet
    :param otherwise: calls with the same outcome, but for other users, another time, or with another profile
    :param flips: calls with another outcome, by source, start and id
    """

    calls: int
    undecided: int
    otherwise: int
    flips: tuple[Flip, ...]

    @property
    def now_excluded(self) -> int:
        """How many would be excluded that are recorded."""
        return sum(flip.before is Outcome.RECORD for flip in self.flips)

    @property
    def now_recorded(self) -> int:
        """How many would be recorded that are excluded."""
        return len(self.flips) - self.now_excluded

    @property
    def archived_now_excluded(self) -> int:
        """How many would be excluded though they are in the archive."""
        kept = (CallState.ARCHIVED, CallState.QUARANTINED)
        return sum(flip.before is Outcome.RECORD and flip.state in kept for flip in self.flips)

    def document(self) -> dict[str, Any]:
        """The outcome as plain JSON values."""
        return {
            "calls": self.calls,
            "undecided": self.undecided,
            "same": self.calls - len(self.flips) - self.otherwise,
            "otherwise": self.otherwise,
            "now_recorded": self.now_recorded,
            "now_excluded": self.now_excluded,
            "archived_now_excluded": self.archived_now_excluded,
            "flips": [flip.document() for flip in self.flips],
        }


def simulate(
    catalog: Catalog, policy: str, sources: Sequence[str], window: Window, *, current: Ruler, changed: Ruler
) -> Simulation:
    """
    The decisions that stand beside those that the changed policy or roster would make.

    :param policy: name of the policy whose decisions stand
    :param sources: import sources whose calls are compared
    :param current: decides where the policy has not decided yet
    :param changed: decides what would be
    """
    counts = dict.fromkeys(("calls", "undecided", "otherwise"), 0)
    flips: list[Flip] = []
    for known in calls_within(catalog, policy, sources, window):
        counts["calls"] += 1
        counts["undecided"] += known.standing is None
        after = changed.decide(known.call)
        outcome, rule, *said = _before(known, current)
        if outcome is not after.outcome:
            ref = CallRef(known.call.source, known.call.call_id)
            flips.append(Flip(ref, known.call.started_at, known.state, outcome, rule, after))
        elif tuple(said) != _said(after, changed):
            counts["otherwise"] += 1
    return Simulation(counts["calls"], counts["undecided"], counts["otherwise"], tuple(flips))


def _before(known: KnownCall, current: Ruler) -> tuple[Outcome, str, tuple[str, ...], str | None, str | None]:
    """Outcome, rule, users, retention and profile of what holds."""
    standing = known.standing
    if standing is not None:
        profile = _profile(standing.profile, standing.outcome, current)
        return standing.outcome, standing.rule, standing.users, standing.retention, profile
    decision = current.decide(known.call)
    return (decision.outcome, decision.rule.value, *_said(decision, current))


def _said(decision: Decision, ruler: Ruler) -> tuple[tuple[str, ...], str | None, str | None]:
    """Users, retention and profile."""
    retention = str(decision.retention) if decision.retention else None
    return decision.users, retention, _profile(decision.profile, decision.outcome, ruler)


def _profile(asked_for: str | None, outcome: Outcome, ruler: Ruler) -> str | None:
    """The profile that follows: what no section asks for is the policy's."""
    return (asked_for or ruler.media_profile) if outcome is Outcome.RECORD else None
