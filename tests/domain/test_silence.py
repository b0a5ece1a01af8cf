from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloud9_archive.domain.silence import MANY, Spell, earlier
from cloud9_archive.domain.window import Window

START = datetime(2026, 3, 3, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=1))


def spell(**counts: int) -> Spell:
    nothing = {"listed": 0, "known": 0, "day_before": 0, "week_before": 0, "day_before_that": 0}
    return Spell(WINDOW, **{**nothing, **counts})


@pytest.mark.parametrize(
    ("counts", "suspicious"),
    [
        ({}, False),
        ({"day_before": MANY}, True),
        ({"day_before": MANY - 1}, False),
        ({"listed": 1, "day_before": 10 * MANY}, False),
        ({"known": MANY}, True),
        ({"listed": 1, "known": MANY}, False),
        ({"day_before": MANY, "week_before": 0, "day_before_that": MANY}, False),
        ({"day_before": MANY, "week_before": 1, "day_before_that": MANY}, True),
        ({"known": MANY, "day_before": MANY, "week_before": 0, "day_before_that": MANY}, True),
    ],
)
def test_nothing_where_hundreds_were_is_suspicious(counts: dict[str, int], suspicious: bool) -> None:  # noqa: FBT001 - a table
    assert spell(**counts).suspicious is suspicious


def test_its_words_name_the_window_and_the_number() -> None:
    assert (
        spell(day_before=312).words()
        == f"no call is listed for {WINDOW}, though 312 began in the same span a day earlier"
    )
    assert "312 were listed for it before" in spell(known=312).words()


def test_an_earlier_span_is_as_long() -> None:
    assert earlier(WINDOW, timedelta(days=7)) == Window(START - timedelta(days=7), START - timedelta(days=6))
