"""What an answer's headers say about time: the server's clock, and how long it asks to wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER = 24 * 3600.0


def clock_skew(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """
    How far the server's clock is ahead of ours, seconds; none when it did not say.

    :param now: when the answer came, aware
    """
    moment = _moment(headers.get("Date"))
    return None if moment is None else (moment - now).total_seconds()


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """
    Seconds to wait that the server asks for, given as seconds or as a date; none when it did not say.

    :param now: when the answer came, aware
    """
    text = (headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    moment = _moment(text)
    return None if moment is None else min(max(0.0, (moment - now).total_seconds()), LONGEST_RETRY_AFTER)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
