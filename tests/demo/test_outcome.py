"""The demo's judge: it must see every way in which an archive can depart from the truth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.demo.expectation import Expectation, expected, read_modes
from cloud9_archive.demo.outcome import compare, newest_report, records_of
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings

DAY = timedelta(days=1)
EXPECTED = Expectation(
    calls={"a": "archived", "e": "excluded", "w": "awaiting_media"},
    recordings={"ra": "archived", "rw": "awaiting_media"},
    digests={"ra": "11", "rw": "22"},
)


def row(call_id: str, state: str, started_at: str = "2026-03-03T10:00:00Z") -> dict[str, Any]:
    return {"call_id": call_id, "state": state, "started_at": started_at, "rule": "some_rule"}


def report(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "policy": "p",
        "run_id": "one",
        "report_number": 1,
        "window_start": "2026-03-03T00:00:00Z",
        "window_end": "2026-03-04T00:00:00Z",
        "rows": list(rows),
    }


GOOD = (row("a", "archived"), row("e", "excluded"), row("w", "awaiting_media"))
RECORDS = {"ra": [{"state": "archived", "original": {"sha256": "11"}}]}


def test_an_archive_that_is_as_it_must_be_has_no_differences() -> None:
    result = compare(report(*GOOD), RECORDS, EXPECTED)
    assert result.differences == ()
    assert (result.listed, result.counts["archived"], result.excluded_by_rule) == (3, 1, {"some_rule": 1})
    assert result.label == "03 Mar 00:00 + 24 h"


def test_calls_of_the_lookback_are_not_counted() -> None:
    earlier = row("x", "archived", "2026-03-02T23:00:00Z")
    assert compare(report(*GOOD, earlier), RECORDS, EXPECTED).listed == 3


@pytest.mark.parametrize(
    ("rows", "records", "words"),
    [
        (GOOD[1:], RECORDS, "call a: expected archived, the archive's report says None"),
        ((*GOOD[:2], row("w", "archived")), RECORDS, "call w: expected awaiting_media"),
        ((*GOOD, row("z", "archived")), RECORDS, "call z: expected None"),
        (GOOD, {}, "recording ra: expected once as archived, the archive has []"),
        (GOOD, {"ra": RECORDS["ra"] * 2}, "recording ra: expected once as archived"),
        (GOOD, {"ra": [{"state": "quarantined", "original": {"sha256": "11"}}]}, "the archive has ['quarantined']"),
        (GOOD, {"ra": [{"state": "archived", "original": {"sha256": "12"}}]}, "not what Cloud9 holds"),
        (GOOD, {**RECORDS, "rw": RECORDS["ra"]}, "recording rw: expected to be awaited"),
    ],
)
def test_every_departure_is_a_difference(rows: Any, records: Any, words: str) -> None:
    differences = compare(report(*rows), records, EXPECTED).differences
    assert any(words in difference for difference in differences)


def test_a_call_that_another_run_held_is_no_difference_but_what_the_archive_lacks_of_it_is() -> None:
    held = row("a", "awaiting_media") | {"held_by": "two"}
    assert compare(report(held, *GOOD[1:]), RECORDS, EXPECTED).differences == ()
    (difference,) = compare(report(held, *GOOD[1:]), {}, EXPECTED).differences
    assert "recording ra: expected once as archived" in difference
    assert compare(report(held | {"held_by": None}, *GOOD[1:]), RECORDS, EXPECTED).differences
    assert compare(report(*GOOD[1:]), RECORDS, EXPECTED).differences, "a call that is not there is held by nobody"


def test_the_newest_report_of_a_run_counts(tmp_path: Path) -> None:
    folder = tmp_path / "p/reports/2026/03/03"
    folder.mkdir(parents=True)
    for number, name in ((1, "b"), (2, "a")):
        (folder / f"{name}.json").write_text(json.dumps({**report(), "report_number": number}))
    (folder / "c.json").write_text(json.dumps({**report(), "run_id": "another", "report_number": 9}))
    found = newest_report(tmp_path, "p", "one")
    assert found is not None
    assert found["report_number"] == 2
    assert newest_report(tmp_path, "p", "none") is None


def test_only_sealed_bags_count(tmp_path: Path) -> None:
    for bag in ("sealed", "open"):
        folder = tmp_path / f"p/bags/2026/03/03/{bag}/data/recordings/r"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({"recording_id": bag}))
    (tmp_path / "p/bags/2026/03/03/sealed/tagmanifest-sha256.txt").touch()
    assert set(records_of(tmp_path, "p")) == {"sealed"}


def test_the_truth_of_a_trading_day_expects_every_outcome(tmp_path: Path, day: datetime) -> None:
    with EmulatorServer(home=tmp_path, settings=WorldSettings(calls_per_day=1, line_milliseconds=5000)) as cloud9:
        cloud9.admin.set_clock(fixed=day + DAY)
        truth = cloud9.admin.truth("emea", begin=day, end=day + DAY)
    modes = read_modes(Path("include/rosters/emea.csv"), at=day)
    counts = expected(truth, modes=modes).counts()
    assert all(counts[outcome] for outcome in ("archived", "excluded", "awaiting_media", "quarantined"))
    assert sum(counts.values()) == len(truth.calls)
    assert expected(truth, modes=None).counts()["excluded"] == 0


def test_a_roster_line_counts_from_its_first_day_until_its_last(tmp_path: Path, day: datetime) -> None:
    roster = tmp_path / "roster.csv"
    date = day.date().isoformat()
    lines = [f"a,full,{date},", f"b,full,,{date}", "c,full,,"]
    roster.write_text("\n".join(["extension,mode,valid_from,valid_to", *lines]))
    assert set(read_modes(roster, at=day)) == {"a", "c"}
