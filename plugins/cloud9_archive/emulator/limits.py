"""Requests per minute, counted over a sliding window, per key and endpoint."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from cloud9_archive.emulator.refusal import RefusedError

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
