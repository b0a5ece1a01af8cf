"""Moments on the wire: no instant of a window is left out, and a time that clocks pass twice is read as it was meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloud9_archive.api.moments import agreed, listing_windows, readings, written_bounds
from cloud9_archive.api.wire import SHIPPED_FORMATS, read_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.api.wire_values import TimeRules
from cloud9_archive.domain.window import Window

SHIPPED = read_wire_format(SHIPPED_FORMATS / "call_data_v1_1.yaml")
# Clocks that go back at one and at midnight, by half an hour, over the date line, and in steps of seconds long ago.
ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
    "Antarctica/Troll",
]
STYLES = [
    "%Y-%m-%d %H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M",
    "%Y%m%d%H",
    "%Y-%m-%d",
    "iso8601",
    "epoch_seconds",
    "epoch_milliseconds",
]
# Around changes of clocks, where it matters, and anywhere else.
CHANGES = [
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 11, 1, 5, tzinfo=UTC),
    datetime(2018, 2, 18, 2, tzinfo=UTC),
    datetime(2018, 11, 4, 3, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
]
LONGEST = 172_800

near_changes = st.builds(
    lambda change, off: change + off,
    st.sampled_from(CHANGES),
    st.timedeltas(timedelta(hours=-26), timedelta(hours=26)),
)
anywhere = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
moments = near_changes | anywhere
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(hours=3)) | st.timedeltas(
    timedelta(microseconds=1), timedelta(days=5)
)


def with_time(zone: str, style: str, *, longest: int = LONGEST) -> WireFormat:
    rules = TimeRules.model_validate({"zone": zone, "request": style, "answer": [style]})
    listing = SHIPPED.listing.model_copy(update={"longest_window": longest})
    return SHIPPED.model_copy(update={"time": rules, "listing": listing})


def meant(rules: TimeRules, text: str | int) -> tuple[datetime, ...]:
    """Every instant that a server could take a bound for."""
    if isinstance(text, int):
        scale = 1000 if rules.request == "epoch_milliseconds" else 1
        return (datetime.fromtimestamp(text / scale, tz=UTC),)
    parsed = (
        datetime.fromisoformat(text) if rules.request == "iso8601" else datetime.strptime(text, rules.request)  # noqa: DTZ007 - below
    )
    if parsed.tzinfo:
        return (parsed.astimezone(UTC),)
    return tuple(parsed.replace(tzinfo=rules.zone, fold=fold).astimezone(UTC) for fold in (0, 1))


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(STYLES), moments, lengths)
@example("Europe/London", STYLES[0], datetime(2026, 10, 25, 0, 30, tzinfo=UTC), timedelta(hours=1))
@example("America/Havana", "%Y-%m-%d", datetime(2026, 11, 1, 4, 30, tzinfo=UTC), timedelta(hours=1))
@example("Pacific/Apia", "%Y-%m-%d", datetime(2011, 12, 30, 9, tzinfo=UTC), timedelta(hours=3))
def test_every_instant_of_the_window_lies_between_the_bounds_whatever_they_are_taken_for(
    zone: str, style: str, start: datetime, length: timedelta
) -> None:
    wire = with_time(zone, style)
    window = Window(start, start + length)
    spans = listing_windows(wire, window)
    assert spans[0].start <= window.start
    assert spans[-1].end >= window.end
    assert all(one.end == other.start for one, other in pairwise(spans))
    for span in spans:
        begin, end = written_bounds(wire.time, span)
        assert max(meant(wire.time, begin)) <= span.start
        assert min(meant(wire.time, end)) >= span.end


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from([STYLES[0], STYLES[2], "iso8601", "epoch_seconds"]), moments, lengths)
@example("Europe/London", STYLES[0], datetime(2026, 10, 25, tzinfo=UTC), timedelta(days=1))
def test_no_span_is_longer_than_the_source_allows_under_any_reading(
    zone: str, style: str, start: datetime, length: timedelta
) -> None:
    day = 86_400
    wire = with_time(zone, style, longest=day)
    for span in listing_windows(wire, Window(start, start + length)):
        begin, end = written_bounds(wire.time, span)
        reach = max(meant(wire.time, end)) - min(meant(wire.time, begin))
        # Apia left out a whole day of its calendar: there, no bounds are less than a day apart.
        if zone != "Pacific/Apia":
            assert reach <= timedelta(seconds=day)


def test_a_window_in_the_repeated_hour_is_asked_for_from_before_it() -> None:
    wire = with_time("Europe/London", STYLES[0])
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    window = Window(start, start + timedelta(hours=1))
    assert written_bounds(wire.time, window) == ("2026-10-25 00:30:00", "2026-10-25 02:30:00")


@pytest.mark.parametrize(
    ("style", "begin", "end"),
    [
        ("iso8601", "2026-07-01T09:00:00+01:00", "2026-07-01T09:30:00+01:00"),
        ("epoch_seconds", 1782892800, 1782894600),
        ("epoch_milliseconds", 1782892800000, 1782894600000),
        ("%d.%m.%Y %H:%M", "01.07.2026 09:00", "01.07.2026 09:30"),
        ("%Y-%m-%d", "2026-07-01", "2026-07-02"),
    ],
)
def test_bounds_are_written_as_the_format_says(style: str, begin: str | int, end: str | int) -> None:
    start = datetime(2026, 7, 1, 8, tzinfo=UTC)
    bounds = written_bounds(with_time("Europe/London", style).time, Window(start, start + timedelta(minutes=30)))
    assert bounds == (begin, end)


def at(*time: int, zone: str = "UTC") -> datetime:
    return datetime(2026, *time, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("style", "found", "instants"),
    [
        ("iso8601", "2026-07-01T09:00:00.250", [at(7, 1, 8, 0, 0, 250_000)]),
        ("iso8601", "2026-07-01T09:00:00.123456789Z", [at(7, 1, 9, 0, 0, 123_456)]),
        ("iso8601", "2026-07-01T09:00:00-05:00", [at(7, 1, 14)]),
        ("epoch_seconds", 1782892800.5, [at(7, 1, 8, 0, 0, 500_000)]),
        ("epoch_seconds", "1782892800", [at(7, 1, 8)]),
        ("epoch_milliseconds", 1782892800123, [at(7, 1, 8, 0, 0, 123_000)]),
        ("epoch_milliseconds", 1782892800, []),
        ("epoch_seconds", 1782892800123, []),
        ("epoch_seconds", True, []),
        ("epoch_seconds", float("1e300"), []),
        ("epoch_seconds", -(10**400), []),
        ("epoch_seconds", "١٢٣", []),
        ("iso8601", "soon", []),
        ("iso8601", 1782892800, []),
        ("iso8601", "0001-01-01T00:00:00", []),
        ("%Y-%m-%d %H:%M:%S", "2026-10-25 01:30:00", [at(10, 25, 0, 30), at(10, 25, 1, 30)]),
        ("%Y-%m-%d %H:%M:%S", "2026-10-25 00:30:00", [at(10, 24, 23, 30)]),
        ("%Y-%m-%d %H:%M:%S", "2026-03-29 01:30:00", [at(3, 29, 1, 30), at(3, 29, 0, 30)]),
    ],
)
def test_answers_are_read_as_the_format_says(style: str, found: object, instants: list[datetime]) -> None:
    assert list(readings(with_time("Europe/London", style).time, found)) == instants


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(STYLES[:3] + STYLES[6:]), moments)
def test_what_is_written_is_among_what_is_read(zone: str, style: str, moment: datetime) -> None:
    rules, whole = with_time(zone, style).time, moment.replace(microsecond=0)
    local = whole.astimezone(rules.zone)
    text: str | int = {
        "epoch_seconds": int(whole.timestamp()),
        "epoch_milliseconds": int(whole.timestamp()) * 1000,
    }.get(style, local.isoformat() if style == "iso8601" else local.strftime(style))
    assert whole in readings(rules, text)


EARLY, LATE = at(10, 25, 0, 30), at(10, 25, 1, 30)
TWICE = (EARLY, LATE)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ended", "duration", "asked", "start"),
    [
        # The end tells: 40 minutes after the second of the two.
        ((at(10, 25, 2, 10),), 2400.0, None, LATE),
        ((at(10, 25, 2, 10),), 6000.0, None, EARLY),
        # The call would end before it began.
        ((at(10, 25, 1),), None, None, EARLY),
        # Duration and end outweigh the window.
        ((at(10, 25, 2, 10),), 2401.0, Window(EARLY, EARLY + HOUR), LATE),
        # Nothing but the window tells.
        ((), 60.0, Window(LATE, LATE + HOUR), LATE),
        ((), None, Window(EARLY, EARLY + HOUR), EARLY),
        # Neither window nor end: the earlier.
        ((), None, Window(LATE + HOUR, LATE + 2 * HOUR), EARLY),
        ((), None, None, EARLY),
        # An end before every begin is the source's mistake; nothing crashes over it.
        ((at(10, 24),), None, None, EARLY),
    ],
)
def test_the_reading_is_taken_that_agrees_best(
    ended: tuple[datetime, ...], duration: float | None, asked: Window | None, start: datetime
) -> None:
    assert agreed(TWICE, ended, duration=duration, asked=asked)[0] == start


def test_a_begin_and_an_end_in_the_repeated_hour_belong_together() -> None:
    ends = (at(10, 25, 0, 40), at(10, 25, 1, 40))
    late = Window(LATE, LATE + HOUR)
    assert agreed(TWICE, ends, duration=600.0, asked=late) == (LATE, ends[1])
    assert agreed(TWICE, ends, duration=600.0, asked=None) == (EARLY, ends[0])
    assert agreed(TWICE, ends, duration=4200.0, asked=None) == (EARLY, ends[1])


@settings(deadline=None)
@given(
    st.sampled_from([zone for zone in ZONES if zone != "UTC"]),
    near_changes,
    st.timedeltas(timedelta(seconds=1), timedelta(hours=2)),
)
def test_a_call_is_read_back_whose_window_and_duration_are_known(zone: str, start: datetime, length: timedelta) -> None:
    rules = with_time(zone, STYLES[0]).time
    start, length = start.replace(microsecond=0), timedelta(seconds=length // timedelta(seconds=1))
    local = [moment.astimezone(rules.zone).strftime(STYLES[0]) for moment in (start, start + length)]
    begins, ends = (readings(rules, text) for text in local)
    asked = Window(start, start + timedelta(minutes=20))
    got = agreed(begins, ends, duration=length.total_seconds(), asked=asked)
    assert got == (start, start + length)
