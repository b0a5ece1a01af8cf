"""Trying again: bounded, jittered, patient when asked, and only for what may work later."""

from __future__ import annotations

import logging

import pytest

from cloud9_archive.api.attempts import LONGEST_ALTOGETHER, MOST_ATTEMPTS, PAUSE_WHEN_LIMITED, Attempts
from cloud9_archive.errors import CredentialsError, RateLimitedError, ServerFaultError


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
    run(RateLimitedError("slow"), waits=waits, asked=7.0)
    assert 7.0 <= waits[0] <= 8.0


def test_a_429_without_a_time_is_given_one() -> None:
    waits: list[float] = []
    run(RateLimitedError("slow"), waits=waits)
    assert waits[0] >= PAUSE_WHEN_LIMITED


def test_a_wait_beyond_the_time_for_all_attempts_is_left_to_the_task() -> None:
    waits: list[float] = []
    with pytest.raises(RateLimitedError):
        run(RateLimitedError("slow"), waits=waits, asked=LONGEST_ALTOGETHER)
    assert waits == []


def test_each_retry_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run(ServerFaultError("down", subject="POST /v1/calls/recordings"), waits=[])
    (record,) = caplog.records
    assert "POST /v1/calls/recordings" in record.getMessage()
    assert "SERVER_FAULT" in record.getMessage()
