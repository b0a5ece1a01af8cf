"""A worker's clock that only waiting moves on: limits and pauses hold, and no test waits for them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Patience:
    """Seconds that were waited, and a monotonic clock on which they have passed."""

    waited: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """So many seconds have passed on the clock below."""
        self.waited.append(seconds)

    def monotonic(self) -> float:
        """Real time, and all that was waited."""
        return time.monotonic() + sum(self.waited)
