"""Near-duplicates: calls so alike that they may be one, told and never removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from cloud9_archive.domain.call import Call, Side
from cloud9_archive.domain.run import CallRef

CLOSE_START = timedelta(seconds=5)
CLOSE_LENGTH = 3.0
"""Seconds."""

_COMPARED = 50
"""Calls before one that it is compared with: more of one party within five seconds are a fault of the source."""

Ends = tuple[tuple[str, ...], tuple[str, ...]]
"""Who is at the near and at the far end, as far as it can be told."""


@dataclass(frozen=True, slots=True)
class Outline:
    """
    What of a call is compared.

    :param length: seconds
    """

    ref: CallRef
    started_at: datetime
    length: float
    ends: Ends


@dataclass(frozen=True, slots=True)
class Likeness:
    """A call, and the nearest earlier one that it is like."""

    later: Outline
    earlier: Outline

    def words(self) -> str:
        """How alike they are, as a sentence."""
        apart = (self.later.started_at - self.earlier.started_at).total_seconds()
        longer = self.later.length - self.earlier.length
        return (
            f"it has the ends of call {self.earlier.ref.call_id}, begins {apart:.1f} s after it, and its length differs "
            f"by {abs(longer):.1f} s"
        )


def outline(call: Call) -> Outline | None:
    """What of the call is compared; None when its length or its near end is unknown, so that nothing can be said."""
    near = _end(call, Side.NEAR)
    if call.length is None or not near:
        return None
    return Outline(CallRef(call.source, call.call_id), call.started_at, call.length, (near, _end(call, Side.FAR)))


def near_duplicates(outlines: Iterable[Outline]) -> Iterator[Likeness]:
    """
    Each call that is like an earlier one of the same source between the same ends, once.

    Two sides' views of one conversation have other near ends, and one person's calls at once have other far ends: neither
    are alike.
    """

    def kind(each: Outline) -> tuple[str, Ends]:
        return each.ref.source, each.ends

    for _, group in groupby(sorted(outlines, key=lambda each: (kind(each), each.started_at, each.ref)), key=kind):
        before: list[Outline] = []
        for each in group:
            before = [one for one in before[-_COMPARED:] if each.started_at - one.started_at <= CLOSE_START]
            like = next((one for one in reversed(before) if abs(each.length - one.length) <= CLOSE_LENGTH), None)
            if like is not None:
                yield Likeness(each, like)
            before.append(each)


def _end(call: Call, side: Side) -> tuple[str, ...]:
    """Its logins and numbers; without any, its groups or firms."""
    parties = [party for party in call.parties if party.side is side]
    exact = {text for party in parties for text in (party.login, party.number) if text}
    return tuple(sorted(exact or {text for party in parties for text in (party.group_id, party.firm_id) if text}))
