from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.schedule import check_cron, check_timezone, duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200), ("72h", 259_200)]
)
def test_a_duration_has_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", 5, 5.0, True, None, "2 h", "2H", "-2h", "1.5h", "2h30m", "1w", "٣d", "9" * 9 + "d"]
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="with its unit"):
        parse_duration(text)


@given(st.integers(0, 999_999))
def test_duration_text_reads_back(seconds: int) -> None:
    assert parse_duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "five fields"),
        ("0 2 * *", "five fields"),
        ("0 2 * * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 2 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 0 0 * *", "day of month"),
        ("0 0 32 * *", "day of month"),
        ("0 0 * 13 *", "month"),
        ("0 0 * * 8", "day of week"),
        ("0 0 * * mo", "day of week"),
        ("0 0 L * *", "day of month"),
        ("0 0 * * 5#2", "day of week"),
        ("0 5-2 * * *", "hour"),
        ("*/0 * * * *", "minute"),
        ("5/10 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("0 0 30 2 *", "date that exists"),
        ("0 0 31 4,jun * ", "date that exists"),
    ],
)
def test_a_cron_fault_names_its_field(text: str, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        check_cron(text)


def test_cron_blanks_are_made_single() -> None:
    assert check_cron(" 0  2 * jan-mar,12\t mon-fri ") == "0 2 * jan-mar,12 mon-fri"


FIELDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
SHAPES = st.sampled_from(["*", "{a}", "{a}-{b}", "*/{n}", "{a}-{b}/{n}", "{a},{b}", "{a}-{b},{b}"])


@given(st.data())
def test_what_is_accepted_has_a_next_time_in_airflows_own_cron_reader(data: st.DataObject) -> None:
    fields = []
    for low, high in FIELDS:
        first, last = sorted(data.draw(st.lists(st.integers(low, high), min_size=2, max_size=2)))
        step = data.draw(st.integers(1, high))
        fields.append(data.draw(SHAPES).format(a=first, b=last, n=step))
    try:
        expression = check_cron(" ".join(fields))
    except ValueError as error:
        assert "date that exists" in str(error)  # noqa: PT017 - the only fault that this generator can make
        return
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert croniter(expression, start, max_years_between_matches=9).get_next(datetime) > start


@pytest.mark.parametrize("name", ["Europe/London", "America/New_York", "UTC", "Asia/Kolkata"])
def test_iana_zones_are_accepted(name: str) -> None:
    assert check_timezone(name) == name


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Lodon", "../etc/passwd", "/etc/localtime", "localtime", "a\0b"])
def test_other_zones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        check_timezone(name)
