"""Which part of an archive a verification reads."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import Any

import pytest

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_scope import Sample, Scope, parse_sample


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_turns_that_follow_one_another_read_everything(share: float) -> None:
    bags = {f"p/bags/2026/11/{day:02d}/b{number}" for day in range(1, 9) for number in range(5)}
    turns = [Scope(sample=Sample(share=share), turn=turn).chosen(bags, ()) for turn in range(7, 7 + int(1 / share) + 1)]
    assert set().union(*turns) == bags
    assert {len(turn) for turn in turns} == {-int(-len(bags) * share // 1)}


def test_a_sample_reads_a_part_and_sees_what_is_gone_everywhere(archive: Any) -> None:
    report = verify_archive(archive.store, scope=Scope(sample=Sample(bags=1)))
    assert (report.ok, report.bags, report.unread) == (True, 1, 3)
    assert "bags=1 unread=3 " in report.summary()
    shutil.rmtree(archive.root / "emea_rates/bags")
    assert len(verify_archive(archive.store, scope=Scope(sample=Sample(bags=1))).findings) == 4


def test_every_bag_is_found_damaged_on_its_turn(archive: Any) -> None:
    (victim,) = archive.root.glob("emea_rates/bags/*/*/*/batch-2-a/bag-info.txt")
    victim.unlink()
    victim.write_bytes(b"x")
    found = [not verify_archive(archive.store, scope=Scope(sample=Sample(bags=1), turn=turn)).ok for turn in range(4)]
    assert sum(found) == 1


def test_since_and_a_limit_on_time(archive: Any) -> None:
    assert verify_archive(archive.store, scope=Scope(since=date(2026, 11, 22))).bags == 4
    later = verify_archive(archive.store, scope=Scope(since=date(2026, 11, 23)))
    assert (later.ok, later.bags, later.unread, later.links) == (True, 0, 4, 3)
    seconds = iter(range(0, 1000, 10))
    limited = verify_archive(
        archive.store, scope=Scope(max_duration=timedelta(seconds=25)), monotonic=lambda: next(seconds)
    )
    assert limited.ok
    assert limited.unread > 0


@pytest.mark.parametrize("text", ["0", "0%", "101%", "x", "-1", "5 %", ""])
def test_a_sample_that_is_none(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_sample(text)
    assert parse_sample("5%").share == 0.05
