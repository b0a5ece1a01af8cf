"""Trying again: bounded, jittered, patient when asked, and only for what may work later."""

from __future__ import annotations

import logging

import pytest

from cloud9_archive.api.attempts import LONGEST_ALTOGETHER, MOST_ATTEMPTS, Attempts
from cloud9_archive.errors import CredentialsError, NoTurnError, RateLimitedError, ServerFaultError


def run(*failures: Exception, waits: list[float], asked: float | None = None) -> int:
    """How many attempts it took, each failing once with the next failure."""
    left, count = list(failures), 0

    def attempt(attempts: Attempts) -> int:
        nonlocal count
        count += 1
        if left:
            attempts.asked_to_wait = asked
            raise left.pop(0)
        return count

    return Attempts(sleep=waits.append).until_done(attempt)


def test_transient_failures_are_tried_again_with_growing_jitter() -> None:
    waits: list[float] = []
    assert run(*[ServerFaultError("down")] * 4, waits=waits) == 5
    assert len(waits) == 4
    assert all(0 <= wait <= 2**number for number, wait in enumerate(waits))


def test_the_number_of_attempts_is_bounded() -> None:
    waits: list[float] = []
    with pytest.raises(ServerFaultError):
        run(*[ServerFaultError("down")] * 9, waits=waits)
    assert len(waits) == MOST_ATTEMPTS - 1


def test_what_a_person_must_mend_is_not_tried_again() -> None:
    waits: list[float] = []
    with pytest.raises(CredentialsError):
        run(CredentialsError("no"), waits=waits)
    assert waits == []


def test_it_waits_at_least_as_long_as_asked() -> None:
    waits: list[float] = []
    run(ServerFaultError("down"), waits=waits, asked=7.0)
    assert 7.0 <= waits[0] <= 8.0


def test_after_a_429_the_limiter_makes_all_wait_and_the_attempt_adds_jitter_only() -> None:
    waits: list[float] = []
    run(RateLimitedError("slow"), waits=waits)
    assert 0.0 <= waits[0] <= 1.0


def test_a_turn_that_is_too_far_away_is_left_to_the_task() -> None:
    waits: list[float] = []
    with pytest.raises(NoTurnError):
        run(NoTurnError("in ten minutes"), waits=waits)
    assert waits == []


def test_jitter_is_full() -> None:
    waits: list[float] = []
    for _ in range(300):
        run(*[ServerFaultError("down")] * 4, waits=waits)
    for number in range(4):
        drawn, cap = waits[number::4], 2.0**number
        assert min(drawn) < 0.05 * cap, "from nothing"
        assert 0.95 * cap < max(drawn) <= cap, "to the cap"


def test_all_attempts_together_have_a_time_and_what_was_waited_for_turns_is_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, begun = 0.0, 0

    def attempt(_: Attempts) -> None:
        nonlocal now, begun
        begun += 1
        now += LONGEST_ALTOGETHER / 2.5  # a turn came late, then the server failed
        raise ServerFaultError("down")

    monkeypatch.setattr("tenacity.time.monotonic", lambda: now)
    with pytest.raises(ServerFaultError):
        Attempts(sleep=lambda _: None).until_done(attempt)
    assert begun == 3


def test_a_wait_beyond_the_time_for_all_attempts_is_left_to_the_task() -> None:
    waits: list[float] = []
    with pytest.raises(ServerFaultError):
        run(ServerFaultError("down"), waits=waits, asked=LONGEST_ALTOGETHER)
    assert waits == []


def test_each_retry_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run(ServerFaultError("down", subject="POST /v1/calls/recordings"), waits=[])
    (record,) = caplog.records
    assert "POST /v1/calls/recordings" in record.getMessage()
    assert "SERVER_FAULT" in record.getMessage()
