from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.key_expiry import WARNING_DAYS, key_expiry

EXPIRES = date(2027, 3, 31)


def before(days: int) -> datetime:
    return datetime(2027, 3, 31, 12, tzinfo=UTC) - timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "threshold"),
    [(90, 90), (31, 90), (30, 30), (8, 30), (7, 7), (1, 7), (0, 7), (-1, 0), (-400, 0)],
)
def test_the_smallest_threshold_that_has_been_passed_counts(days: int, threshold: int) -> None:
    found = key_expiry(EXPIRES, now=before(days))
    assert found is not None
    assert (found.days_left, found.threshold, found.expired) == (days, threshold, days < 0)


def test_there_is_nothing_to_say_of_a_day_that_is_far_or_unknown() -> None:
    assert key_expiry(EXPIRES, now=before(91)) is None
    assert key_expiry(None, now=before(0)) is None


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (30, "the API key expires in 30 day(s), on 2027-03-31"),
        (0, "the API key expires today, 2027-03-31"),
        (-2, "the API key expired on 2027-03-31, 2 day(s) ago"),
    ],
)
def test_it_is_said_in_words(days: int, words: str) -> None:
    found = key_expiry(EXPIRES, now=before(days))
    assert found is not None
    assert found.words == words


def test_days_are_counted_in_utc() -> None:
    late_in_new_york = datetime(2027, 3, 30, 23, tzinfo=timezone(timedelta(hours=-4)))
    found = key_expiry(EXPIRES, now=late_in_new_york)
    assert found is not None
    assert found.days_left == 0


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-2000, 2000))
def test_a_warning_is_due_from_the_first_threshold_on_and_never_ends(expires: date, days: int) -> None:
    now = datetime.combine(expires, datetime.min.time(), UTC) - timedelta(days=days)
    assert (key_expiry(expires, now=now) is not None) == (days <= max(WARNING_DAYS))
