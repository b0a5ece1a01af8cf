"""When a source that lists nothing is a finding: a silence is no proof that nobody spoke."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cloud9_archive.domain.window import Window

MANY = 100
"""So many calls in a span, and none in the same span a day later, are not chance."""

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spell:
    """
    How many calls a source has reported for a span of time, and for the same span earlier.

    :param listed: what it lists for the window now
    :param known: what it had listed for the window by now, earlier listings included
    :param day_before: what it had listed for the same span one day earlier
    :param week_before: seven days earlier
    :param day_before_that: eight days earlier
    """

    window: Window
    listed: int
    known: int
    day_before: int
    week_before: int
    day_before_that: int

    @property
    def suspicious(self) -> bool:
        """
        Whether nothing is listed though much was to be expected.

        A weekend is not: the week before was silent then too, after a busy day.
        """
        if self.listed:
            return False
        weekly_pause = self.week_before == 0 and self.day_before_that >= MANY
        return self.vanished or (self.day_before >= MANY and not weekly_pause)

    @property
    def vanished(self) -> bool:
        """Whether calls that the source had listed for the window are not listed any more."""
        return not self.listed and self.known >= MANY

    def words(self) -> str:
        """What is suspicious, as a sentence."""
        earlier = (
            f"{self.known} were listed for it before"
            if self.known >= MANY
            else f"{self.day_before} began in the same span a day earlier"
        )
        return f"no call is listed for {self.window}, though {earlier}"


def earlier(window: Window, by: timedelta) -> Window:
    """The same span, so much earlier."""
    return Window(window.start - by, window.end - by)
