"""A desk's days: midnight to midnight where it is, also when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from cloud9_archive.domain.days import day_of, days_window
from cloud9_archive.errors import WindowError


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("UTC", "2026-11-01", "2026-11-01T00:00", 24),
        ("Pacific/Auckland", "2026-09-27", "2026-09-26T12:00", 23),
        ("Europe/London", "2026-10-25", "2026-10-24T23:00", 25),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00", 23),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", 23),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", 25),
        ("Asia/Kolkata", "2026-11-01", "2026-10-31T18:30", 24),
    ],
)
def test_a_day_has_the_hours_that_its_zone_gives_it(zone: str, day: str, start: str, hours: int) -> None:
    """In Cairo clocks go forward at midnight, in Havana back at one, to midnight."""
    window = days_window(date.fromisoformat(day), date.fromisoformat(day), zone=zone)
    assert window.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert window.end - window.start == timedelta(hours=hours)


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Havana", "Pacific/Auckland", "Pacific/Apia", "UTC"])
def test_days_meet_without_gap_or_overlap(zone: str) -> None:
    first = date(2026, 1, 1)
    windows = [days_window(day, day, zone=zone) for day in (first + timedelta(days=n) for n in range(366))]
    assert all(before.end == after.start for before, after in pairwise(windows))
    assert days_window(first, first + timedelta(days=365), zone=zone).end == windows[-1].end


def test_what_is_no_day_or_the_wrong_way_round_is_said() -> None:
    with pytest.raises(WindowError, match=r"--from '1\.11\.2026' is not a day"):
        day_of("1.11.2026", name="--from")
    with pytest.raises(WindowError, match="before the first"):
        days_window(date(2026, 11, 2), date(2026, 11, 1), zone="UTC")
