"""The ledger of a limit, on a clock of the test's own: never too many, never later than need be, and as much as may be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud9_archive.api.ledger import PERIOD, Allowance, Ledger, Why

MINUTE = 60_000


def busiest(turns: list[int], span: int) -> int:
    """The most turns in any half-open span."""
    return max((sum(begin <= turn < begin + span for turn in turns) for begin in turns), default=0)


@dataclass
class Desk:
    """Those who share a limit; every turn that was given out, and to whom."""

    limit: int
    share: int
    now: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    given: list[tuple[int, bool]] = field(default_factory=list)

    def allowance(self, *, shared: bool) -> Allowance:
        return Allowance(self.limit, self.share if shared else None)

    def ask(self, *, shared: bool = False) -> int:
        allowance = self.allowance(shared=shared)
        seen = Ledger.from_text(self.ledger.text()).as_of(self.now)
        at, why = seen.next_turn(allowance)
        assert (why is Why.FREE) == (at == self.now)
        self.ledger = seen.with_turn(at, allowance)
        self.given.append((at, shared))
        return at

    def turns(self, *, shared: bool | None = None) -> list[int]:
        return sorted(at for at, kind in self.given if shared is None or kind is shared)

    def fits(self, at: int, *, shared: bool) -> bool:
        """Whether one more turn at that moment would break no limit, by counting alone."""
        everyone, sharing = self.turns(), self.turns(shared=True)
        fits = busiest([*everyone, at], PERIOD) <= self.limit
        return fits and (not shared or busiest([*sharing, at], PERIOD) <= self.share)


DESKS = st.integers(1, 5).flatmap(lambda limit: st.builds(Desk, st.just(limit), st.integers(1, limit)))
STEPS = st.lists(st.tuples(st.integers(0, 90_000), st.booleans()), max_size=25)


@given(DESKS, STEPS)
def test_no_span_holds_more_than_the_limit_nor_more_of_the_share_and_no_turn_is_later_than_need_be(
    desk: Desk, steps: list[tuple[int, bool]]
) -> None:
    for pause, shared in steps:
        desk.now += pause
        before = Desk(desk.limit, desk.share, desk.now, given=list(desk.given))
        at = desk.ask(shared=shared)
        candidates = {desk.now, *(turn + PERIOD for turn in before.turns() if turn + PERIOD > desk.now)}
        assert at == min(moment for moment in candidates if before.fits(moment, shared=shared))
    assert busiest(desk.turns(), PERIOD) <= desk.limit
    assert busiest(desk.turns(shared=True), PERIOD) <= desk.share


@settings(deadline=None)
@given(st.integers(20, 400), st.floats(0.05, 1), st.integers(0, 40), st.lists(st.booleans(), min_size=1, max_size=7))
def test_whoever_may_use_all_finds_the_rest_free_at_once(
    limit: int, part: float, ahead: int, others: list[bool]
) -> None:
    desk = Desk(limit, max(1, int(limit * part)))
    for _ in range(desk.share + ahead):  # the backfill has used its share up, and waits for turns that are far ahead
        desk.ask(shared=True)
    desk.now += 1000
    assert {desk.ask() for _ in range(desk.limit - desk.share)} <= {desk.now}


@pytest.mark.parametrize(("limit", "workers"), [(1, 2), (20, 1), (70, 3), (350, 4)])
def test_at_least_98_percent_of_the_limit_is_used_when_all_ask_all_the_time(limit: int, workers: int) -> None:
    desk = Desk(limit, limit)
    busy = [0] * workers
    while (worker := min(range(workers), key=busy.__getitem__)) is not None and busy[worker] < 5 * MINUTE:
        desk.now = max(desk.now, busy[worker])
        busy[worker] = desk.ask() + 20  # a request takes 20 ms
    within = [turn for turn in desk.turns() if turn < 5 * MINUTE]
    assert len(within) >= 0.98 * limit * 5
    assert busiest(within, MINUTE) <= limit


@given(DESKS, STEPS, st.integers(0, 200_000), st.integers(1, 12))
def test_after_a_pause_turns_come_one_by_one_for_a_while(
    desk: Desk, steps: list[tuple[int, bool]], pause: int, asked: int
) -> None:
    for wait, shared in steps:
        desk.now += wait
        desk.ask(shared=shared)
    until = desk.now + pause
    desk.ledger = desk.ledger.as_of(desk.now).paused(until)
    assert desk.ledger.paused(until - 1).paused_until == until
    turns = sorted(desk.ask() for _ in range(asked))
    gap = desk.allowance(shared=False).gap
    assert turns[0] >= until
    for one, other in pairwise(turns):
        assert other - one >= gap or other >= until + PERIOD
    assert busiest(desk.turns(), PERIOD) <= desk.limit


@given(DESKS, st.integers(1, 30), st.integers(1, 10**9), st.integers(0, 50_000))
def test_a_clock_that_is_set_back_lets_nothing_more_through_and_holds_nobody_up(
    desk: Desk, before: int, back: int, passed: int
) -> None:
    desk.now = 10**12
    for _ in range(before):
        desk.ask()
    farthest = max(desk.turns()) - desk.now
    truly = list(desk.turns())
    desk.now += passed - back  # the old clock would show now + back
    asked = [desk.ask() for _ in range(desk.limit)]
    assert busiest([*truly, *(turn + back for turn in asked)], PERIOD) <= desk.limit
    assert max(asked) - desk.now <= farthest + 2 * PERIOD


@given(DESKS, st.lists(st.integers(0, 5000), min_size=1, max_size=400))
def test_a_ledger_stays_small(desk: Desk, pauses: list[int]) -> None:
    ahead = 0
    for pause in pauses:
        desk.now += pause
        if ahead <= desk.now:
            ahead = desk.ask()
    assert len(desk.ledger.whole) <= desk.limit + 1
    read = json.loads(desk.ledger.text())
    assert set(read) == {"seen", "paused_until", "whole", "shared"}


def test_a_turn_that_was_given_back_is_free_again() -> None:
    desk = Desk(1, 1)
    first, second = desk.ask(), desk.ask()
    desk.ledger = desk.ledger.without_turn(second, desk.allowance(shared=False))
    assert desk.ask() == second == first + PERIOD
    unknown = desk.ledger.without_turn(17, desk.allowance(shared=True))
    assert unknown == desk.ledger


def test_it_is_said_what_is_waited_for() -> None:
    desk = Desk(4, 1)
    desk.ask(shared=True)
    assert desk.ledger.next_turn(desk.allowance(shared=True))[1] is Why.SHARE
    for _ in range(3):
        desk.ask()
    assert desk.ledger.next_turn(desk.allowance(shared=False))[1] is Why.LIMIT
    assert desk.ledger.paused(2 * PERIOD).next_turn(desk.allowance(shared=False)) == (2 * PERIOD, Why.PAUSE)
