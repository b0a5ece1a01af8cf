"""Spans of time to list: half-open, aware UTC, never empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud9_archive.domain.call import utc_text
from cloud9_archive.errors import WindowError


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """
    The instants from ``start`` up to but not including ``end``.

    :param start: aware datetime, kept in UTC
    :param end: aware datetime after ``start``, kept in UTC
    :raises WindowError: if an end has no zone, or nothing lies between them
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Both ends are in UTC and in order afterwards."""
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment.tzinfo is None:
                raise WindowError(
                    f"window {name} {moment.isoformat()} has no time zone",
                    hint="write it with an offset, for example 2026-11-22T00:00:00+00:00",
                )
            object.__setattr__(self, name, _plain_utc(moment))
        if self.start >= self.end:
            raise WindowError(
                f"the window from {utc_text(self.start)} to {utc_text(self.end)} is empty",
                hint="give a window_start that lies before window_end",
            )

    def __str__(self) -> str:
        """Both ends, as ISO 8601 in UTC."""
        return f"{utc_text(self.start)}/{utc_text(self.end)}"

    def __contains__(self, moment: datetime) -> bool:
        """Whether the moment lies in the window."""
        return self.start <= moment < self.end

    def widened(self, lookback: timedelta) -> Window:
        """The window, begun earlier by ``lookback``."""
        return Window(self.start - lookback, self.end)

    def split(self, longest: timedelta) -> Iterator[Window]:
        """
        Windows no longer than ``longest`` that meet without gap or overlap, oldest first.

        :raises WindowError: if ``longest`` is not positive
        """
        if longest <= timedelta(0):
            raise WindowError(f"a window cannot be split into parts of {longest}", hint="give a positive length")
        start = self.start
        while start < self.end:
            end = min(start + longest, self.end)
            yield Window(start, end)
            start = end


def _plain_utc(moment: datetime) -> datetime:
    """A datetime of the standard library: pendulum's, which Airflow hands out, loses a zone that is not its own."""
    utc = moment.astimezone(UTC)
    return datetime.combine(utc.date(), utc.time(), tzinfo=UTC)


def joined(windows: Iterable[Window]) -> list[Window]:
    """The same instants in as few windows as possible, oldest first."""
    result: list[Window] = []
    for window in sorted(windows):
        if result and window.start <= result[-1].end:
            result[-1] = Window(result[-1].start, max(result[-1].end, window.end))
        else:
            result.append(window)
    return result
