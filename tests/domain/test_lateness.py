from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.lateness import LateCall, Listed, came_late, late_findings, late_subject, over_for
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.window import Window

DAY = datetime(2026, 3, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def late(call_id: str, *, at: datetime = DAY + 9 * HOUR, delay: int = 60, source: str = "a") -> LateCall:
    return LateCall(CallRef(source, call_id), at, at, at + timedelta(seconds=delay))


@pytest.mark.parametrize(
    ("hours", "listed_after", "is_late"),
    [
        (0, 1, True),
        (0.99, 1, True),
        (1, 1, False),
        (-0.01, 1, False),
        (0, 0, False),
        (0, -1, False),
    ],
)
def test_late_is_what_a_finished_listing_of_its_time_did_not_show(
    hours: float,
    listed_after: int,
    is_late: bool,  # noqa: FBT001 - a table
) -> None:
    complete = DAY + 2 * HOUR
    listing = Listed(Window(DAY, DAY + HOUR), complete)
    found = came_late(DAY + hours * HOUR, complete + timedelta(seconds=listed_after), [listing])
    assert found is is_late


def test_there_is_one_finding_for_each_source_and_day_with_the_longest_delay() -> None:
    calls = [late("1"), late("2", delay=7200), late("3", source="b"), late("4", at=DAY + 24 * HOUR)]
    found = {each.subject: each.words for each in late_findings(calls)}
    assert found == {
        "a/late metadata of 2026-03-03": "2 calls were listed first by this run, though that time had been listed before; "
        "the longest delay is 7200 s after the end of call 2",
        "b/late metadata of 2026-03-03": "1 call was listed first by this run, though that time had been listed before; "
        "the longest delay is 60 s after the end of call 3",
        "a/late metadata of 2026-03-04": "1 call was listed first by this run, though that time had been listed before; "
        "the longest delay is 60 s after the end of call 4",
    }


@given(st.permutations([late(str(number), delay=number % 3) for number in range(7)]))
def test_the_order_of_the_calls_is_of_no_matter(calls: list[LateCall]) -> None:
    assert list(late_findings(calls)) == list(late_findings(sorted(calls, key=lambda call: call.ref)))


@pytest.mark.parametrize(("hours", "is_over"), [(24, False), (47.9, False), (48, True), (500, True)])
def test_a_day_is_left_behind_a_day_after_its_end(hours: float, is_over: bool) -> None:  # noqa: FBT001 - a table
    window = Window(DAY + hours * HOUR, DAY + (hours + 1) * HOUR)
    assert over_for(late_subject("cloud9_emea", DAY.date()), window) is is_over
    assert not over_for("cloud9_emea/C20260101", window)
