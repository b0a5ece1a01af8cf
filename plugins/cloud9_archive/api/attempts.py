"""Trying again: only what may work later, a bounded number of times, in a bounded time, with full jitter."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import tenacity

from cloud9_archive.errors import Cloud9ArchiveError, NoTurnError, TransientError

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
LONGEST_ALTOGETHER = 300.0
LONGEST_JITTER = 30.0

T = TypeVar("T")


class Attempts:
    """
    The attempts at one request.

    :param sleep: waits for so many seconds
    """

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._jitter = tenacity.wait_random_exponential(multiplier=1, max=LONGEST_JITTER)
        self.asked_to_wait: float | None = None

    def until_done(self, attempt: Callable[[Attempts], T]) -> T:
        """
        What the first attempt that ends without a transient error returns.

        An attempt may set ``asked_to_wait`` (seconds) before it fails; the next one comes no earlier. A wait that would
        outlast the time for all attempts is not begun: then the task's own retry is the better place. Waiting for a turn
        is part of that time, but no attempt of its own.

        :param attempt: is called with these attempts
        :raises Cloud9ArchiveError: the last attempt's
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(MOST_ATTEMPTS) | tenacity.stop_before_delay(LONGEST_ALTOGETHER),
            wait=self._pause,
            retry=tenacity.retry_if_exception(_may_pass_soon),
            before_sleep=_tell,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(attempt, self)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Jitter on top of what the server asked for, so that workers that were refused together come back apart."""
        asked, self.asked_to_wait = self.asked_to_wait, None
        return (asked or 0.0) + self._jitter(state)


def _may_pass_soon(failure: BaseException) -> bool:
    return isinstance(failure, TransientError) and not isinstance(failure, NoTurnError)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _tell(state: tenacity.RetryCallState) -> None:
    failure = _failure(state)
    if isinstance(failure, Cloud9ArchiveError):
        log.warning(
            "request is tried again request=%r code=%s attempt=%d of=%d wait=%.1fs",
            failure.subject,
            failure.code,
            state.attempt_number,
            MOST_ATTEMPTS,
            state.upcoming_sleep,
        )
