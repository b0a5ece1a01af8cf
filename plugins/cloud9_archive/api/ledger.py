"""The turns that were given out under one limit: when the next one is, whoever asks, and what a refusal changes."""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Self

# A limit per minute is kept in every span of 61 s: what leaves here a minute apart may arrive there closer together.
PERIOD = 61_000


class Why(StrEnum):
    """Why a turn is not at once."""

    FREE = "it is free"
    LIMIT = "the requests per minute are used up"
    SHARE = "the share of backfills and manual runs is used up"
    PAUSE = "the source asked to slow down"


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    What one who asks may use of a limit.

    :param per_minute: requests per minute of all together
    :param share: most of them that all who have a share may use together; none for those who may use every one
    """

    per_minute: int
    share: int | None = None

    @property
    def gap(self) -> int:
        """Milliseconds between turns that are spread evenly."""
        return -(-PERIOD // self.per_minute)


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    The turns of one limit; all times in milliseconds on the clock of those who share it.

    A turn may lie ahead: whoever booked it waits for it. Wherever a turn is put, no span of :data:`PERIOD` holds more
    turns than the limit, and none holds more turns of those who have a share than the share.

    :param seen: the latest moment at which it was looked at
    :param paused_until: no turn is before; for a period from then on, turns keep an even distance
    :param whole: turns of those who may use every request, ascending
    :param shared: turns of those who have a share, ascending
    """

    seen: int = 0
    paused_until: int = -PERIOD
    whole: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The ledger that was written as this text; a new one if it is empty."""
        if not text:
            return cls()
        read = json.loads(text)
        return cls(read["seen"], read["paused_until"], tuple(read["whole"]), tuple(read["shared"]))

    def text(self) -> str:
        """The ledger as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def as_of(self, now: int) -> Self:
        """
        The same without what no longer counts.

        If the clock was set back, all times move with it, as if none had passed: then nobody waits for the old time to
        come again, and no turn is forgotten too early.
        """
        back = max(0, self.seen - now)
        begin = now - PERIOD
        return replace(
            self,
            seen=now,
            paused_until=self.paused_until - back,
            whole=tuple(turn - back for turn in self.whole if turn - back > begin),
            shared=tuple(turn - back for turn in self.shared if turn - back > begin),
        )

    def next_turn(self, allowance: Allowance) -> tuple[int, Why]:
        """The first moment from now on at which one more turn breaks no limit, and why it is not at once."""
        everyone = sorted(self.whole + self.shared)
        at, why = max((self.seen, Why.FREE), (self.paused_until, Why.PAUSE), key=lambda choice: choice[0])
        while True:
            before = at
            for turns, most, span, reason in (
                (everyone, allowance.per_minute, PERIOD, Why.LIMIT),
                (self.shared, allowance.share, PERIOD, Why.SHARE),
                (everyone, 1 if at < self.paused_until + PERIOD else None, allowance.gap, Why.PAUSE),
            ):
                free = at if most is None else _first_free(turns, most=most, span=span, at=at)
                at, why = free, reason if free > at else why
            if at == before:
                return at, why

    def with_turn(self, at: int, allowance: Allowance) -> Self:
        """The turn is booked."""
        turns = list(self.whole if allowance.share is None else self.shared)
        insort(turns, at)
        return self._with(turns, allowance)

    def without_turn(self, at: int, allowance: Allowance) -> Self:
        """The turn is free for others, if it is here."""
        turns = list(self.whole if allowance.share is None else self.shared)
        if at in turns:
            turns.remove(at)
        return self._with(turns, allowance)

    def paused(self, until: int) -> Self:
        """No turn is before the moment; a longer pause stays as long as it is."""
        return replace(self, paused_until=max(self.paused_until, until))

    def _with(self, turns: list[int], allowance: Allowance) -> Self:
        if allowance.share is None:
            return replace(self, whole=tuple(turns))
        return replace(self, shared=tuple(turns))


def _first_free(turns: Sequence[int], *, most: int, span: int, at: int) -> int:
    """
    The first moment from ``at`` on at which one more turn leaves no span with more than ``most``.

    Each group of ``most`` neighbours that are in one span forbids the moments that would be in one with all of them.
    What is forbidden ascends with the groups, so one pass is enough.

    :param turns: ascending
    """
    for first, last in zip(turns, turns[most - 1 :], strict=False):
        if last - first < span and last - span < at < first + span:
            at = first + span
    return at
