"""Turns under a limit per minute, on a clock of the test's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.limits import PERIOD, MinuteLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def test_requests_under_the_limit_do_not_wait() -> None:
    clock = Clock()
    limiter = MinuteLimiter({"/a": 3}, monotonic=clock, sleep=clock.sleep)
    assert [limiter.wait_turn("/a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limiter.wait_turn("/a") == PERIOD


def test_endpoints_do_not_share_a_limit_and_others_have_none() -> None:
    clock = Clock()
    limiter = MinuteLimiter({"/a": 1, "/b": 1}, monotonic=clock, sleep=clock.sleep)
    assert [limiter.wait_turn(path) for path in ("/a", "/b", "/c", "/c")] == [0.0] * 4


@given(limit=st.integers(1, 5), pauses=st.lists(st.floats(0, 90), max_size=40))
def test_no_minute_ever_sees_more_than_the_limit(limit: int, pauses: list[float]) -> None:
    clock = Clock()
    limiter = MinuteLimiter({"/a": limit}, monotonic=clock, sleep=clock.sleep)
    sent: list[float] = []
    for pause in pauses:
        clock.now += pause
        limiter.wait_turn("/a")
        sent.append(clock.now)
    for first, beyond in zip(sent, sent[limit:], strict=False):
        assert beyond - first >= 60.0
