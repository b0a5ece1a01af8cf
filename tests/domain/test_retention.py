from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.retention import Retention, RetentionUnit, longest, parse_retention

RETENTIONS = st.builds(Retention, st.integers(1, 100), st.sampled_from(RetentionUnit))
MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(RETENTIONS)
def test_the_text_reads_back(retention: Retention) -> None:
    assert parse_retention(str(retention)) == retention


@pytest.mark.parametrize(
    "text", ["", "7", "y", "0y", "07y", "101y", "36526d", "7m", "7 y", "-7y", 7, None, True, "\u0667y"]
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a whole number of days or years is wanted"):
        parse_retention(text)


@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        ("2026-03-02T09:00", "7y", "2033-03-02T09:00"),
        ("2024-02-29T23:59", "1y", "2025-03-01T23:59"),
        ("2024-02-29T00:00", "4y", "2028-02-29T00:00"),
        ("2024-02-28T00:00", "2d", "2024-03-01T00:00"),
    ],
)
def test_years_go_by_the_calendar_and_are_never_cut_short(start: str, text: str, end: str) -> None:
    begun = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert parse_retention(text).until(begun) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@given(st.lists(st.none() | RETENTIONS, max_size=5), MOMENTS)
def test_the_longest_ends_last_and_lies_after_the_start(retentions: list[Retention | None], since: datetime) -> None:
    found = longest(retentions, since=since)
    stated = [each for each in retentions if each]
    assert (found is None) is not bool(stated)
    if found:
        assert found.until(since) == max(each.until(since) for each in stated)
        assert found.until(since) >= since
        assert longest(reversed(retentions), since=since) == found
