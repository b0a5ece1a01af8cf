"""Requests per minute: a task keeps under the limit of each endpoint by waiting, not by being refused."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol

# A little more than a minute: what leaves here evenly may arrive there in a cluster.
PERIOD = 61.0


class Limiter(Protocol):
    """Gives out turns to send; safe to be called from several threads."""

    def wait_turn(self, endpoint: str) -> float:
        """
        Return when a request to the endpoint may be sent.

        :param endpoint: path of the endpoint
        :return: seconds that were waited
        """


class MinuteLimiter:
    """
    Keeps each endpoint under its limit in every span of a minute, within one client.

    :param limits: endpoint's path → requests per minute; others are not limited
    :param monotonic: seconds that never go back
    :param sleep: waits for so many seconds
    """

    def __init__(
        self,
        limits: Mapping[str, int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._turns: dict[str, deque[float]] = {path: deque(maxlen=limit) for path, limit in limits.items()}
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = Lock()

    def wait_turn(self, endpoint: str) -> float:
        """Return when the endpoint has seen fewer requests than its limit within the last minute."""
        pause = self._take_turn(endpoint)
        if pause > 0:
            self._sleep(pause)
        return pause

    def _take_turn(self, endpoint: str) -> float:
        """Book the earliest free turn; seconds until it comes."""
        turns = self._turns.get(endpoint)
        if turns is None:
            return 0.0
        with self._lock:
            now = self._monotonic()
            turn = now
            if len(turns) == turns.maxlen:
                turn = max(now, turns[0] + PERIOD)
            turns.append(turn)
            return turn - now
