"""Turns under a limit per minute, on a clock of the test's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.limits import (
    LONGEST_PAUSE,
    LONGEST_WAIT,
    PAUSE_WHEN_LIMITED,
    Bucket,
    Limiter,
    OwnLedgers,
)
from cloud9_archive.emulator.limits import SlidingLimit
from cloud9_archive.errors import NoTurnError, TransientError

KEY = "an-api-key-that-nobody-may-see"
PERIOD = 61.0


@dataclass
class Clock:
    """Seconds that pass while somebody sleeps; ``meanwhile`` is done once, in the middle of the next sleep."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds / 2
        work, self.meanwhile = self.meanwhile, None
        if work is not None:
            work()
        self.now += seconds / 2


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    return Limiter(OwnLedgers(clock), monotonic=clock, sleep=clock.sleep)


def bucket(per_minute: int, endpoint: str = "/a", key: str = KEY) -> Bucket:
    return Bucket.of(key, endpoint, per_minute)


def beside(limiter: Limiter, clock: Clock, *, share: float | None = None) -> Limiter:
    """Another one with the same ledgers."""
    return Limiter(limiter.ledgers, share=share, monotonic=clock, sleep=clock.sleep)


def test_requests_under_the_limit_do_not_wait(limiter: Limiter) -> None:
    assert [limiter.wait_turn(bucket(3)).waited for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limiter.wait_turn(bucket(3)).waited == PERIOD


def test_keys_and_endpoints_do_not_share_a_limit(limiter: Limiter) -> None:
    buckets = [bucket(1), bucket(1, "/b"), bucket(1, key="another")]
    assert [limiter.wait_turn(each).waited for each in buckets] == [0.0] * 3


def test_a_bucket_does_not_tell_its_key() -> None:
    assert KEY not in bucket(3).name
    assert bucket(3).name == bucket(3).name != bucket(3, key="another").name
    assert bucket(3).name.endswith(" /a")


@given(limit=st.integers(1, 5), pauses=st.lists(st.tuples(st.floats(0, 90), st.floats(0, 0.7)), max_size=40))
def test_the_server_refuses_nothing_though_some_requests_take_their_time(
    limit: int, pauses: list[tuple[float, float]]
) -> None:
    clock, server = Clock(), SlidingLimit()
    limiter = Limiter(OwnLedgers(clock), monotonic=clock, sleep=clock.sleep)
    for pause, under_way in pauses:
        clock.now += pause
        limiter.wait_turn(bucket(limit))
        server.admit(KEY, "a", most=limit, now=clock.now + under_way)


@given(limit=st.integers(1, 5), requests=st.lists(st.floats(0, 40), max_size=40))
def test_the_server_refuses_nothing_though_requests_arrive_much_later_than_they_were_sent(
    limit: int, requests: list[float]
) -> None:
    clock, server = Clock(), SlidingLimit()
    limiter = Limiter(OwnLedgers(clock), monotonic=clock, sleep=clock.sleep)
    for under_way in requests:
        turn = limiter.wait_turn(bucket(limit))
        clock.now += under_way
        server.admit(KEY, "a", most=limit, now=clock.now)
        limiter.note_answer(turn)


def test_a_turn_is_for_one(limiter: Limiter, clock: Clock) -> None:
    impatient = Limiter(limiter.ledgers, monotonic=clock, sleep=lambda _: None)
    taken: list[int] = []
    clock.meanwhile = lambda: taken.append(impatient.wait_turn(bucket(1)).at)
    first, second = limiter.wait_turn(bucket(1)), limiter.wait_turn(bucket(1))
    assert second.waited == PERIOD
    assert [*taken, second.at] == [first.at + 122_000, first.at + 61_000], "what is waited for is not given away"


def test_those_with_a_share_leave_the_rest_to_the_others(limiter: Limiter, clock: Clock) -> None:
    shared = [beside(limiter, clock, share=0.5), beside(limiter, clock, share=0.5)]
    assert [each.wait_turn(bucket(5)).waited for each in shared] == [0.0, 0.0]
    assert [limiter.wait_turn(bucket(5)).waited for _ in range(3)] == [0.0] * 3
    assert shared[0].wait_turn(bucket(5)).waited == PERIOD


def test_even_the_smallest_share_is_one_request(limiter: Limiter, clock: Clock) -> None:
    assert beside(limiter, clock, share=0.001).wait_turn(bucket(20)).waited == 0


@pytest.mark.parametrize(("asked", "pause"), [(9.0, 9.0), (None, PAUSE_WHEN_LIMITED), (0.0, 0.0)])
def test_a_pause_is_for_all(limiter: Limiter, clock: Clock, asked: float | None, pause: float) -> None:
    limiter.pause(bucket(60), asked)
    assert limiter.pauses == [pause], "whoever asks how often it was refused is told"
    assert beside(limiter, clock).wait_turn(bucket(60)).waited == pytest.approx(pause)
    assert beside(limiter, clock).wait_turn(bucket(60, "/b")).waited == 0


def test_who_waits_for_a_turn_already_gets_a_later_one(limiter: Limiter, clock: Clock) -> None:
    limiter.wait_turn(bucket(1))
    begun = clock.now
    clock.meanwhile = lambda: beside(limiter, clock).pause(bucket(1), 90)
    turn = limiter.wait_turn(bucket(1))
    assert clock.now == begun + 30 + 90, "it waits in parts of a minute: the pause came in the middle of the first"
    assert turn.waited == 30 + 90
    assert limiter.wait_turn(bucket(1)).waited == PERIOD, "the turn that was not taken is not spent"


def test_a_shorter_pause_does_not_shorten_a_longer_one(limiter: Limiter) -> None:
    limiter.pause(bucket(60), 50)
    limiter.pause(bucket(60), 5)
    assert limiter.wait_turn(bucket(60)).waited == 50


def test_an_absurd_pause_is_cut_and_told(limiter: Limiter, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        limiter.pause(bucket(60), 24 * 3600.0)
    assert "asked=86400s pause=600s" in caplog.text
    clock.now += LONGEST_PAUSE
    assert limiter.wait_turn(bucket(60)).waited == 0


def test_a_turn_that_is_too_far_away_is_not_booked(limiter: Limiter, clock: Clock) -> None:
    limiter.pause(bucket(60), LONGEST_WAIT + 1)
    with pytest.raises(NoTurnError, match=r"/a may be sent in 301 s: the source asked to slow down") as caught:
        limiter.wait_turn(bucket(60))
    assert isinstance(caught.value, TransientError)
    assert KEY not in f"{caught.value!r}"
    clock.now += 2
    assert limiter.wait_turn(bucket(60)).waited == LONGEST_WAIT - 1


def test_a_task_that_overslept_gets_another_turn(limiter: Limiter, clock: Clock) -> None:
    limiter.wait_turn(bucket(1))

    def sleep_on() -> None:
        clock.now += 100

    clock.meanwhile = sleep_on
    limiter.wait_turn(bucket(1))
    woken = clock.now
    limiter.wait_turn(bucket(1))
    assert clock.now == woken + PERIOD, "the next one counts from when the turn was taken, not from when it was due"


def test_a_long_wait_is_told_once_in_a_while(limiter: Limiter, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        limiter.pause(bucket(60), 150)
        limiter.wait_turn(bucket(60))
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"waiting for a turn endpoint=/a wait={left}s because='the source asked to slow down'" for left in (150, 90, 30)
    ]
    assert clock.slept == [60, 60, 30]


def test_a_short_wait_is_not_worth_a_word(limiter: Limiter, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        limiter.pause(bucket(60), 4)
        limiter.wait_turn(bucket(60))
    assert caplog.records == []


def test_what_a_change_raises_leaves_the_ledger_as_it_was(clock: Clock) -> None:
    ledgers = OwnLedgers(clock)
    ledgers.change("a", lambda text, now: (f"{text}one", None))

    def fail(text: str, now: int) -> Any:
        raise NoTurnError("no")

    with pytest.raises(NoTurnError):
        ledgers.change("a", fail)
    assert ledgers.change("a", lambda text, now: (text, (text, now))) == ("one", 1_000_000)
