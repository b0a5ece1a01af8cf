from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud9_archive.domain.expecting import Expect
from cloud9_archive.domain.trading_days import TradingDays, covers, day_window, days_within, far_below, usual
from cloud9_archive.domain.window import Window

TUESDAY = date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_calls_are_expected_on_the_days_that_are_no_holidays() -> None:
    days = TradingDays(Expect(), frozenset({TUESDAY}))
    assert [TUESDAY + timedelta(days=number) in days for number in range(7)] == [False, *[True] * 3, False, False, True]
    assert date(2026, 3, 7) in TradingDays(Expect(days=("sat",)))


def test_like_days_are_the_same_weekday_without_holidays() -> None:
    days = TradingDays(Expect(), frozenset({date(2026, 2, 17)}))
    assert days.like(TUESDAY) == [
        date(2026, 2, 24),
        date(2026, 2, 10),
        date(2026, 2, 3),
        date(2026, 1, 27),
        date(2026, 1, 20),
    ]


@pytest.mark.parametrize(
    ("counts", "is_usual"),
    [([], None), ([100], None), ([100, 0, 0], None), ([100, 50], 75), ([10, 100, 0, 90], 90), ([1, 1, 1, 999], 1)],
)
def test_usual_is_the_median_of_what_was_listed(counts: list[int], is_usual: float | None) -> None:
    assert usual(counts) == is_usual


@pytest.mark.parametrize(
    ("calls", "usually", "floor", "is_far"),
    [
        (24, 100, 25, True),
        (25, 100, 25, False),
        (1, None, 25, False),
        (1, 9, 100, False),
        (1, 10, 25, True),
        (1, 100, 0, False),
        (99, 100, 100, True),
    ],
)
def test_far_below_is_less_than_the_floor_of_what_is_not_little(
    calls: int,
    usually: float | None,
    floor: int,
    is_far: bool,  # noqa: FBT001 - a table
) -> None:
    assert far_below(calls, usually, floor=floor) is is_far


def test_the_days_of_a_window_are_those_of_the_zone() -> None:
    daily = Window(MIDNIGHT + 2 * HOUR, MIDNIGHT + 26 * HOUR)
    assert days_within(daily, zone="UTC") == [TUESDAY, date(2026, 3, 4)]
    assert days_within(Window(MIDNIGHT, MIDNIGHT + 24 * HOUR), zone="UTC") == [TUESDAY]
    assert days_within(Window(MIDNIGHT, MIDNIGHT + HOUR), zone="America/New_York") == [date(2026, 3, 2)]
    assert days_within(Window(MIDNIGHT + 12 * HOUR, MIDNIGHT + 13 * HOUR), zone="Pacific/Kiritimati") == [
        date(2026, 3, 4)
    ]


@given(st.integers(0, 8760), st.sampled_from(["UTC", "Europe/London", "Asia/Tokyo"]))
def test_every_moment_of_a_window_lies_in_one_of_its_days(hours: int, zone: str) -> None:
    window = Window(MIDNIGHT + hours * HOUR, MIDNIGHT + (hours + 30) * HOUR)
    days = [day_window(day, zone=zone) for day in days_within(window, zone=zone)]
    assert covers(days, window)
    assert all(day.start < window.end and window.start < day.end for day in days)


SPANS = st.lists(st.tuples(st.integers(-3, 26), st.integers(1, 12)), max_size=6).map(
    lambda spans: [Window(MIDNIGHT + start * HOUR, MIDNIGHT + (start + hours) * HOUR) for start, hours in spans]
)


@example([Window(MIDNIGHT + begin * HOUR, MIDNIGHT + end * HOUR) for begin, end in ((0, 10), (1, 2), (5, 24))])
@given(SPANS)
def test_a_day_is_covered_when_each_of_its_hours_is(spans: list[Window]) -> None:
    day = day_window(TUESDAY, zone="UTC")
    each_hour = all(any(MIDNIGHT + number * HOUR in span for span in spans) for number in range(24))
    assert covers(spans, day) is each_hour
