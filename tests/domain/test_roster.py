from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.call import Direction
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster, overlapping
from cloud9_archive.errors import RosterError

FULL = RecordingMode.FULL
DAYS = st.dates(date(2024, 1, 1), date(2024, 1, 12))


@st.composite
def extensions(draw: st.DrawFn) -> Extension:
    first, last = draw(st.none() | DAYS), draw(st.none() | DAYS)
    if first and last and first >= last:
        last = first + timedelta(days=1)
    return Extension(
        draw(st.sampled_from("abc")), draw(st.sampled_from("xy")), draw(st.sampled_from(RecordingMode)), "", first, last
    )


def both_valid_someday(one: Extension, other: Extension) -> bool:
    days = (datetime(2023, 12, 31, tzinfo=UTC) + timedelta(days=n) for n in range(20))
    return one.value == other.value and any(one.valid_at(day) and other.valid_at(day) for day in days)


@given(st.lists(extensions(), max_size=7))
def test_overlap_is_found_exactly_when_two_rows_are_valid_on_one_day(rows: list[Extension]) -> None:
    truly = any(both_valid_someday(one, other) for n, one in enumerate(rows) for other in rows[:n])
    assert bool(list(overlapping(rows))) is truly
    if rows and not truly:
        Roster(tuple(rows))
    else:
        with pytest.raises(RosterError):
            Roster(tuple(rows))


@given(st.lists(extensions(), min_size=1, max_size=6), st.randoms(), st.sampled_from("abcd"), DAYS)
def test_the_order_of_rows_means_nothing(rows: list[Extension], random: Any, login: str, day: date) -> None:
    if list(overlapping(rows)):
        return
    moment = datetime.combine(day, datetime.min.time(), UTC)
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = Roster(tuple(rows)), Roster(tuple(shuffled))
    assert one == other
    assert one.version == other.version
    assert one.matching(login, moment) == other.matching(login, moment)
    assert one.matching(login, moment) == tuple(each for each in rows if each.value == login and each.valid_at(moment))


def test_validity_begins_and_ends_at_midnight_utc() -> None:
    row = Extension("a", "u", FULL, valid_from=date(2024, 1, 1), valid_to=date(2024, 2, 1))
    assert not row.valid_at(datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert row.valid_at(datetime(2024, 1, 1, tzinfo=UTC))
    assert row.valid_at(datetime(2024, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    assert not row.valid_at(datetime(2024, 2, 1, tzinfo=UTC))
    new_york = timezone(timedelta(hours=-5))
    assert not row.valid_at(datetime(2024, 1, 31, 19, tzinfo=new_york))


def test_logins_match_to_the_letter() -> None:
    roster = Roster((Extension("JSmith@firm.example", "jsmith", FULL),))
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert roster.matching("JSmith@firm.example", moment)
    assert roster.matching("jsmith@firm.example", moment) == ()
    assert roster.near_miss(" jsmith@firm.example") == "JSmith@firm.example"
    assert roster.near_miss("JSmith@firm.example") is None
    assert roster.near_miss("other") is None


@pytest.mark.parametrize(
    "change",
    [
        {"user": "v"},
        {"mode": RecordingMode.NEVER_RECORD},
        {"valid_to": date(2025, 1, 1)},
        {"display_name": "U"},
        {"retention": parse_retention("7y")},
        {"groups": frozenset({"g"})},
        {"directions": frozenset({Direction.INCOMING})},
    ],
)
def test_the_version_follows_what_rows_say(change: dict[str, Any]) -> None:
    plain = Roster((Extension("a", "u", FULL, line=2),))
    assert Roster((Extension("a", "u", FULL, line=9),)).version == plain.version
    assert Roster((replace(Extension("a", "u", FULL), **change),)).version != plain.version


def test_an_extension_that_is_never_valid_is_refused() -> None:
    with pytest.raises(RosterError, match="never valid"):
        Extension("a", "u", FULL, valid_from=date(2024, 1, 1), valid_to=date(2024, 1, 1))


def test_an_empty_roster_is_refused() -> None:
    with pytest.raises(RosterError, match="names no extension"):
        Roster(())


MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def test_folding_case_is_a_choice_and_tells_rows_that_become_one() -> None:
    rows = (Extension("A@x", "u", FULL, line=2), Extension("b@X", "v", FULL, line=3))
    roster = Roster(rows, fold_case=True)
    assert [each.user for each in roster.matching("a@X", MOMENT)] == ["u"]
    assert Roster(rows).matching("a@X", MOMENT) == ()
    assert roster.version != Roster(rows).version
    with pytest.raises(RosterError, match=r"twice .* \(lines 2 and 9\)"):
        Roster((*rows, Extension("a@x", "w", FULL, line=9)), fold_case=True)


def test_with_wildcards_every_row_that_matches_counts() -> None:
    rows = tuple(Extension(each, each, FULL) for each in ("jane@x", "*@x", "j*", "?ane@x", "k*", "j\\*"))
    roster = Roster(rows, wildcards=True)
    assert [each.value for each in roster.matching("jane@x", MOMENT)] == ["*@x", "?ane@x", "j*", "jane@x"]
    assert [each.value for each in roster.matching("j*", MOMENT)] == ["j*", "j\\*"]
    assert [each.value for each in Roster(rows).matching("j*", MOMENT)] == ["j*"]


def test_two_ways_to_write_one_login_are_one_extension() -> None:
    rows = (Extension("FIRM\\jane", "u", FULL, line=2), Extension("FIRM\\\\jane", "v", FULL, line=3))
    with pytest.raises(RosterError, match=r"\(lines 2 and 3\)"):
        Roster(rows, wildcards=True)
    assert len(Roster(rows).extensions) == 2


def test_logins_and_numbers_are_told_apart() -> None:
    number = Extension("7", "n", FULL, type=ExtensionType.NUMBER_ADDRESS)
    roster = Roster((Extension("7", "u", FULL), number))
    assert [each.user for each in roster.matching("7", MOMENT)] == ["u"]
    assert roster.matching("7", MOMENT, kind=ExtensionType.NUMBER_ADDRESS) == (number,)
    assert Roster((number,)).near_miss("7 ") is None


def test_a_row_for_calls_of_unknown_direction_is_refused() -> None:
    with pytest.raises(RosterError, match="calls of unknown direction"):
        Extension("a", "u", FULL, directions=frozenset({Direction.UNKNOWN}))
