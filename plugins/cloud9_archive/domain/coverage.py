"""How much of a call its recordings hold, and how much they hold beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A recording of a call.

    :param length: of its audio, seconds
    :param offset: where in it the call begins, seconds; None if the source does not say
    :param shared: whether it belongs to other calls too
    """

    length: float
    offset: float | None = None
    shared: bool = False


def length_difference(duration: float, pieces: Sequence[Piece]) -> float:
    """
    By how many seconds the recordings together are longer than the call; negative: so much of it is on none of them.

    Where the source leaves open how they lie, the most that they can cover counts, so that whatever is told is so:

    - several recordings at offset 0, or at none, may follow each other;
    - a shared recording, or one that begins before the call, is a line's, and may go on after it.

    :param duration: of the call, seconds
    :param pieces: at least one
    """
    placed = _union([(-each.offset, each.length - each.offset) for each in pieces if each.offset], within=duration)
    covered = min(duration, placed + sum(each.length for each in pieces if not each.offset))
    if covered < duration:
        return covered - duration
    of_a_line = any(each.shared or (each.offset or 0) > 0 for each in pieces)
    return 0.0 if of_a_line else max(0.0, max(each.length - (each.offset or 0) for each in pieces) - duration)


def _union(spans: Sequence[tuple[float, float]], *, within: float) -> float:
    """Seconds from 0 to ``within`` that lie in one of the spans."""
    covered = reached = 0.0
    for begin, end in sorted(spans):
        new = min(end, within) - max(begin, reached)
        if new > 0:
            covered += new
            reached = min(end, within)
    return covered
