from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloud9_archive.domain.unheard import REMEMBERED_CALLS, Unheard

START = datetime(2026, 3, 3, 9, tzinfo=UTC)


def unheard(days: list[int]) -> Unheard:
    return Unheard("a", "x@firm", {str(n): START + timedelta(days=day, minutes=n) for n, day in enumerate(days)})


@pytest.mark.parametrize(
    ("days", "telling"), [([], False), ([0] * 9, False), ([0, 0, 0, 1], False), ([0, 0, 0, 0, 1], True)]
)
def test_enough_are_five_calls_on_two_days(days: list[int], telling: bool) -> None:  # noqa: FBT001 - a table
    assert unheard(days).telling is telling


def test_its_words_say_how_many_and_since_when() -> None:
    assert unheard([0, 1, 1, 1, 1]).words().startswith("5 calls since 2026-03-03 are to be recorded")
    assert unheard([0] * REMEMBERED_CALLS).words().startswith("10 or more calls since 2026-03-03")
    assert unheard([0]).subject == "a/login x@firm"
