from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.window import Window, joined
from cloud9_archive.errors import WindowError

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
spans = st.timedeltas(timedelta(milliseconds=1), timedelta(days=3))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(moments)
    return Window(start, start + draw(spans))


def test_pendulum_moments_keep_their_zone_through_arithmetic() -> None:
    window = Window(pendulum.datetime(2026, 3, 3, tz="Europe/London"), pendulum.datetime(2026, 3, 4, tz="UTC"))
    assert window.widened(timedelta(hours=2)) == Window(NOON - timedelta(hours=14), NOON + timedelta(hours=12))
    assert type(window.start) is datetime


@pytest.mark.parametrize("moment", [NOON, NOON - timedelta(seconds=1)])
def test_nothing_between_start_and_end_is_refused(moment: datetime) -> None:
    with pytest.raises(WindowError, match="is empty"):
        Window(NOON, moment)


def test_a_moment_without_zone_is_refused_by_name() -> None:
    with pytest.raises(WindowError, match="window end 2026-03-04"):
        Window(NOON, datetime(2026, 3, 4))  # noqa: DTZ001 - the point of the test


@given(windows(), spans)
def test_splitting_neither_loses_nor_repeats_an_instant(window: Window, longest: timedelta) -> None:
    if (window.end - window.start) / longest > 1000:
        longest *= 1000
    parts = list(window.split(longest))
    assert parts[0].start == window.start
    assert parts[-1].end == window.end
    assert all(a.end == b.start for a, b in itertools.pairwise(parts))
    assert all(part.end - part.start <= longest for part in parts)


@given(st.lists(windows(), max_size=6), moments)
def test_joining_keeps_the_same_instants(parts: list[Window], moment: datetime) -> None:
    whole = joined(parts)
    assert any(moment in window for window in whole) == any(moment in window for window in parts)
    assert all(a.end < b.start for a, b in itertools.pairwise(whole))


def test_splitting_into_nothing_is_refused() -> None:
    with pytest.raises(WindowError, match="positive"):
        list(Window(NOON, NOON + timedelta(hours=1)).split(timedelta(0)))
