from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.roster_use import (
    NEVER_ENDS,
    Key,
    WatchedExtension,
    forget_unknown_logins,
    note_matches,
    note_unknown_logins,
    quiet_users,
    unknown_logins_of,
    unmatched_extensions,
    watch_extensions,
    watches,
)
from cloud9_archive.catalog.rosters import KnownRoster, last_roster, note_roster
from cloud9_archive.domain.roster_comparison import UnknownLogin

BEGUN = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def key(login: str, valid_from: str = "") -> Key:
    return ("user_agent_id", login, valid_from)


def watched(login: str, user: str, *, valid_from: str = "", valid_to: str = NEVER_ENDS) -> WatchedExtension:
    return WatchedExtension(key(login, valid_from), user, valid_to)


def test_a_user_is_quiet_when_no_extension_of_theirs_matches(catalog: Catalog) -> None:
    extensions = [watched("a", "anna"), watched("a2", "anna"), watched("b", "bert")]
    watch_extensions(catalog, "p", extensions, version="1", now=BEGUN)
    assert quiet_users(catalog, "p", since=BEGUN) == []
    assert quiet_users(catalog, "p", since=BEGUN + DAY) == ["anna", "bert"]
    note_matches(catalog, "p", [(key("a2"), BEGUN + 2 * DAY)])
    assert quiet_users(catalog, "p", since=BEGUN + DAY) == ["bert"]
    assert quiet_users(catalog, "p", since=BEGUN + 3 * DAY) == ["anna", "bert"]
    assert unmatched_extensions(catalog, "p", since=BEGUN + 3 * DAY) == [key("a"), key("b")]
    assert quiet_users(catalog, "other", since=BEGUN + DAY) == []


def test_an_older_call_does_not_undo_a_later_one(catalog: Catalog) -> None:
    watch_extensions(catalog, "p", [watched("a", "anna")], version="1", now=BEGUN)
    note_matches(catalog, "p", [(key("a"), BEGUN + 9 * DAY)])
    note_matches(catalog, "p", [(key("a"), BEGUN - 9 * DAY), (key("gone"), BEGUN)])
    assert quiet_users(catalog, "p", since=BEGUN + 9 * DAY) == []
    assert quiet_users(catalog, "p", since=BEGUN + 10 * DAY) == ["anna"]


def test_a_call_of_long_ago_counts_as_a_match_but_not_as_a_sign_of_life(catalog: Catalog) -> None:
    watch_extensions(catalog, "p", [watched("a", "anna")], version="1", now=BEGUN)
    note_matches(catalog, "p", [(key("a"), BEGUN - 300 * DAY)])
    assert unmatched_extensions(catalog, "p", since=BEGUN + DAY) == []
    assert quiet_users(catalog, "p", since=BEGUN) == []


def test_another_roster_keeps_what_is_known_of_those_who_stay(catalog: Catalog) -> None:
    watch_extensions(catalog, "p", [watched("a", "anna"), watched("b", "bert")], version="1", now=BEGUN)
    assert watches(catalog, "p", "1")
    assert not watches(catalog, "p", "2")
    later = BEGUN + 5 * DAY
    watch_extensions(catalog, "p", [watched("a", "anna"), watched("c", "cleo")], version="2", now=later)
    assert quiet_users(catalog, "p", since=later) == ["anna"]
    assert quiet_users(catalog, "p", since=later + DAY) == ["anna", "cleo"]


def test_a_large_roster_that_was_cut_short_is_watched_whole_by_the_next_run(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud9_archive.catalog.roster_use.WATCHED_AT_ONCE", 2)
    everybody = [watched(login, login) for login in "abcde"]
    watch_extensions(catalog, "p", everybody, version="1", now=BEGUN)

    def cut_short() -> Iterator[WatchedExtension]:
        yield from everybody[1:4]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        watch_extensions(catalog, "p", cut_short(), version="2", now=BEGUN)
    assert not watches(catalog, "p", "2")
    watch_extensions(catalog, "p", everybody[1:], version="2", now=BEGUN)
    assert watches(catalog, "p", "2")
    assert quiet_users(catalog, "p", since=BEGUN + DAY) == ["b", "c", "d", "e"]


def test_two_runs_with_different_rosters_forget_nothing_of_those_whom_both_have(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud9_archive.catalog.roster_use.WATCHED_AT_ONCE", 1)
    everybody = [watched(login, login) for login in "abc"]
    watch_extensions(catalog, "p", everybody, version="1", now=BEGUN)
    note_matches(catalog, "p", [(key(login), BEGUN) for login in "abc"])

    def overtaken() -> Iterator[WatchedExtension]:
        yield from everybody[:2]
        watch_extensions(catalog, "p", everybody, version="3", now=BEGUN)
        yield everybody[2]

    watch_extensions(catalog, "p", overtaken(), version="2", now=BEGUN)
    assert not watches(catalog, "p", "2")
    watch_extensions(catalog, "p", everybody, version="2", now=BEGUN)
    assert unmatched_extensions(catalog, "p", since=BEGUN + DAY) == []


def test_who_is_not_valid_is_not_expected_to_call(catalog: Catalog) -> None:
    extensions = [
        watched("a", "anna", valid_to="2026-01-10"),
        watched("b", "bert", valid_from="2026-02-01"),
        watched("c", "cleo", valid_from="2025-01-01"),
    ]
    watch_extensions(catalog, "p", extensions, version="1", now=BEGUN)
    assert quiet_users(catalog, "p", since=datetime(2026, 1, 20, tzinfo=UTC)) == ["cleo"]
    assert quiet_users(catalog, "p", since=datetime(2026, 2, 2, tzinfo=UTC)) == ["bert", "cleo"]


def test_unknown_logins_are_kept_until_a_roster_has_them_or_nobody_meets_them(catalog: Catalog) -> None:
    first = UnknownLogin("s", "x\x00\ud800", "c1", BEGUN)
    note_unknown_logins(catalog, "p", [first, UnknownLogin("s", "y", "c2", BEGUN)], now=BEGUN)
    again = UnknownLogin("s", "y", "c3", BEGUN + DAY)
    note_unknown_logins(catalog, "p", [again], now=BEGUN + DAY)
    assert unknown_logins_of(catalog, "p") == [again, first]
    forget_unknown_logins(catalog, "p", seen_before=BEGUN, known=lambda each: each.login == "y")
    assert unknown_logins_of(catalog, "p") == [first]
    forget_unknown_logins(catalog, "p", seen_before=BEGUN + DAY)
    assert unknown_logins_of(catalog, "p") == []


def test_the_roster_that_was_read_last_is_the_last_good_one(catalog: Catalog) -> None:
    assert last_roster(catalog, "p") is None
    one = KnownRoster("1" * 64, "rosters/emea.csv", 3, 2, 1, "/copy", BEGUN)
    two = KnownRoster("2" * 64, "rosters/emea.csv", 4, 3, 2, None, BEGUN + DAY)
    note_roster(catalog, "p", one)
    note_roster(catalog, "p", two)
    assert last_roster(catalog, "p") == two
    back = KnownRoster("1" * 64, "s3://hr/emea.csv", 3, 2, 1, "/copy", BEGUN + 2 * DAY)
    note_roster(catalog, "p", back)
    assert last_roster(catalog, "p") == back
