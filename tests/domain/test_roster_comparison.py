from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.people import CloudUser
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.domain.roster_comparison import Joiner, UnknownLogin, compare_roster

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)


def extension(value: str, **fields: object) -> Extension:
    return Extension(value, "user", RecordingMode.FULL, **fields)  # type: ignore[arg-type]


def test_joiners_and_leavers_are_those_whom_one_side_lacks() -> None:
    roster = Roster(
        (
            extension("anna"),
            extension("bert"),
            extension("left", valid_to=date(2026, 3, 3)),
            extension("to come", valid_from=date(2026, 3, 4)),
            extension("+44", type=ExtensionType.NUMBER_ADDRESS),
        )
    )
    users = [CloudUser("anna"), CloudUser("ANNA"), CloudUser("zoe", display_name="Zoe"), CloudUser("left")]
    seen = UnknownLogin("cloud9", "zoe", "c1", AT), UnknownLogin("cloud9", "ghost", "c2", AT)
    found = compare_roster(roster, users, at=AT, unknown=seen)
    assert found.joiners == (
        Joiner(CloudUser("ANNA"), near="anna"),
        Joiner(CloudUser("left"), near=None),
        Joiner(CloudUser("zoe", display_name="Zoe"), near=None),
    )
    assert [each.value for each in found.leavers] == ["bert"]
    assert found.unknown == ((seen[0], True), (seen[1], False))
    assert (found.users, found.extensions) == (4, 2)


def test_a_pattern_stays_as_long_as_anybody_matches_it() -> None:
    roster = Roster((extension("*@firm.example"), extension("temp-?")), fold_case=True, wildcards=True)
    found = compare_roster(roster, [CloudUser("Anna@Firm.Example")], at=AT)
    assert found.joiners == ()
    assert [each.value for each in found.leavers] == ["temp-?"]


LOGINS = st.sets(st.text(min_size=1, max_size=3), min_size=1, max_size=8)


@given(LOGINS, LOGINS)
def test_every_login_is_on_both_sides_or_named(rostered: set[str], known: set[str]) -> None:
    roster = Roster(tuple(map(extension, sorted(rostered))))
    found = compare_roster(roster, map(CloudUser, known), at=AT)
    assert {each.user.login for each in found.joiners} == known - rostered
    assert {each.value for each in found.leavers} == rostered - known
