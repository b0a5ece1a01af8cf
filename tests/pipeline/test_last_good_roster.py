"""What cannot be read never means that nobody is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rosters import policy_with, roster_text

from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.rosters import last_roster
from cloud9_archive.domain.roster import Roster
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.last_good_roster import roster_to_decide_by
from cloud9_archive.pipeline.roster_files import load_roster
from cloud9_archive.pipeline.settings import Settings

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
TWENTY = [f"user{number}" for number in range(20)]


@dataclass
class Desk:
    root: Path
    catalog: Catalog
    now: datetime = NOW

    @property
    def path(self) -> Path:
        return self.root / "include" / "emea.csv"

    @property
    def copies(self) -> list[Path]:
        return sorted((self.root / "rosters").iterdir())

    def read(self, **rules: Any) -> Roster:
        settings = Settings(data_root=self.root, include_folder=self.root / "include")
        policy = policy_with("emea.csv", **rules)
        roster = roster_to_decide_by(policy, settings, self.catalog, reach=None, now=self.now)
        assert roster is not None
        return roster

    def refusal(self, **rules: Any) -> str:
        with pytest.raises(RosterError) as caught:
            self.read(**rules)
        return str(caught.value)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "include").mkdir()
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    desk = Desk(tmp_path, catalog)
    desk.path.write_text(roster_text(*TWENTY))
    yield desk
    catalog.close()


def test_the_last_good_roster_is_remembered_and_its_copy_says_the_same(desk: Desk) -> None:
    version = desk.read().version
    known = last_roster(desk.catalog, "emea_rates")
    assert known is not None
    assert (known.version, known.users, known.recorded_users, known.read_at) == (version, 20, 20, NOW)
    (copy,) = desk.copies
    assert known.copy_path == str(copy)
    assert load_roster(copy).version == version


def test_one_copy_is_kept_and_written_again_only_when_it_is_another_or_gone(desk: Desk) -> None:
    desk.read()
    (first,) = desk.copies
    written = first.stat().st_mtime_ns
    desk.now += timedelta(hours=1)
    desk.read()
    assert (desk.copies, first.stat().st_mtime_ns) == ([first], written)
    first.unlink()
    desk.read()
    assert desk.copies == [first]
    desk.path.write_text(roster_text(*TWENTY, "user20"))
    desk.read()
    (second,) = desk.copies
    assert second != first


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory – recording_rules.roster is a path"),
        ("", "1: found no header"),
        (roster_text(), "has no rows – add the recorded users"),
        (roster_text("a", mode="fulll"), "2: mode: found 'fulll'"),
    ],
)
def test_an_unreadable_roster_stops_the_run_and_says_when_the_last_good_one_was_read(
    desk: Desk, content: str | None, told: str
) -> None:
    desk.read()
    desk.path.unlink()
    if content is not None:
        desk.path.write_text(content)
    desk.now += timedelta(hours=1)
    words = desk.refusal()
    assert told in words
    assert f"the last good roster was read at 2026-03-03T06:00:00Z from {desk.path}; a copy lies in" in words
    assert str(desk.copies[0]) in words
    known = last_roster(desk.catalog, "emea_rates")
    assert known is not None
    assert known.read_at == NOW


def test_without_a_last_good_one_nothing_is_said_of_it(desk: Desk) -> None:
    desk.path.unlink()
    assert "last good" not in desk.refusal()


def test_a_sudden_loss_of_more_than_half_is_refused_until_somebody_accepts_it(desk: Desk) -> None:
    desk.read()
    desk.path.write_text(roster_text(*TWENTY[:9]))
    words = desk.refusal()
    assert "records 9 users, where the last good one recorded 20: more than half are gone" in words
    version = load_roster(desk.path).version
    assert f'accept_roster: "{version[:12]}"' in words
    assert "more than half" in desk.refusal(accept_roster="0" * 12)
    assert desk.read(accept_roster=version[:12]).version == version
    assert desk.read().version == version, "it is the last good one now"


def test_users_who_are_still_there_but_recorded_no_more_count_as_gone(desk: Desk) -> None:
    desk.read()
    desk.path.write_text(roster_text(*TWENTY, mode="do_not_record"))
    assert "records 0 users" in desk.refusal()


@pytest.mark.parametrize(("before", "after"), [(20, 10), (8, 4), (5, 1)])
def test_half_or_a_few_may_go(desk: Desk, before: int, after: int) -> None:
    desk.path.write_text(roster_text(*TWENTY[:before]))
    desk.read()
    desk.path.write_text(roster_text(*TWENTY[:after]))
    assert len(desk.read().extensions) == after


def test_a_copy_that_cannot_be_written_does_not_hold_up_the_run(desk: Desk) -> None:
    (desk.root / "rosters").write_text("a file where the folder should be")
    desk.read()
    known = last_roster(desk.catalog, "emea_rates")
    assert known is not None
    assert known.copy_path is None
    desk.path.unlink()
    assert "no copy of it could be kept" in desk.refusal()
