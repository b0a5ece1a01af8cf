"""How long an API key still lasts, and which warning is due; owners are written to 90, 30 and 7 days before, too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

WARNING_DAYS = (7, 30, 90)
"""A warning is due from so many days before the key expires, the most urgent first."""


@dataclass(frozen=True, slots=True)
class KeyExpiry:
    """
    A key that expires soon, or has.

    :param expires: the day on which it expires, in UTC
    :param days_left: whole days until then; 0 on that day, negative afterwards
    :param threshold: of :data:`WARNING_DAYS`, the smallest that has been passed; 0 once the day is over
    """

    expires: date
    days_left: int
    threshold: int

    @property
    def expired(self) -> bool:
        """Whether the day is over."""
        return self.days_left < 0

    @property
    def words(self) -> str:
        """What to tell a person, as a clause."""
        if self.expired:
            return f"the API key expired on {self.expires.isoformat()}, {-self.days_left} day(s) ago"
        if self.days_left == 0:
            return f"the API key expires today, {self.expires.isoformat()}"
        return f"the API key expires in {self.days_left} day(s), on {self.expires.isoformat()}"


def key_expiry(expires: date | None, *, now: datetime) -> KeyExpiry | None:
    """
    What there is to warn of; none when the day is not known, or more than 90 days away.

    :param expires: the day on which the key expires, as the connection says
    :param now: aware
    """
    if expires is None:
        return None
    left = (expires - now.astimezone(UTC).date()).days
    if left < 0:
        return KeyExpiry(expires, left, 0)
    due = next((days for days in WARNING_DAYS if left <= days), None)
    return None if due is None else KeyExpiry(expires, left, due)
