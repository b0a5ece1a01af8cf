"""Requests per minute, counted over a sliding window, per key and endpoint."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime

from cloud9_archive.emulator.fault_kinds import Endpoint
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.truth import MinuteCount

SPAN = 60.0


@dataclass(slots=True)
class SlidingLimit:
    """The admitted requests of the last minute; refused ones do not count."""

    _admitted: defaultdict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admit(self, api_key: str, endpoint: str, *, most: int, now: float) -> None:
        """
        The request counts against the key's limit for the endpoint.

        :param most: requests per minute
        :param now: monotonic seconds
        :raises RefusedError: 429 with the seconds until one more is admitted
        """
        admitted = self._admitted[api_key, endpoint]
        while admitted and admitted[0] <= now - SPAN:
            admitted.popleft()
        if len(admitted) >= most:
            # With a lowered limit more than one must leave the window first.
            wait = admitted[len(admitted) - most] + SPAN - now if most else SPAN
            raise RefusedError(
                429,
                "TOO_MANY_REQUESTS",
                f"The limit is {most} requests per minute.",
                retry_after=max(1, math.ceil(wait)),
            )
        admitted.append(now)

    def forget(self) -> None:
        """Every window is empty afterwards."""
        self._admitted.clear()


@dataclass(slots=True)
class Traffic:
    """How many requests were admitted and refused, by minute of real time; never forgotten."""

    _counts: Counter[tuple[datetime, str, Endpoint, bool]] = field(default_factory=Counter)

    def count(self, desk: str, endpoint: Endpoint, *, admitted: bool, at: datetime) -> None:
        """
        One more request was judged.

        :param at: aware UTC
        """
        self._counts[at.replace(second=0, microsecond=0), desk, endpoint, admitted] += 1

    def minutes(self) -> tuple[MinuteCount, ...]:
        """The sums, in order of time."""
        keys = sorted({key[:3] for key in self._counts})
        return tuple(
            MinuteCount(
                desk=desk,
                endpoint=endpoint,
                minute=minute,
                admitted=self._counts[minute, desk, endpoint, True],
                refused=self._counts[minute, desk, endpoint, False],
            )
            for minute, desk, endpoint in keys
        )
