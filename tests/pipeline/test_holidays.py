from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.domain.policy import Policy
from cloud9_archive.errors import PolicyError
from cloud9_archive.pipeline.holidays import trading_days_of

INCLUDE = Path(__file__).parents[2] / "include"


def policy(**expect: Any) -> Policy:
    return Policy.model_validate(
        {
            "policy": "emea",
            "sources": ["cloud9_emea"],
            "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London"},
            "recording_rules": {"enabled": False},
            "archive": {"target": "archive"},
            **({"expect": expect} if expect else {}),
        }
    )


def holidays(folder: Path, text: bytes) -> frozenset[date]:
    (folder / "h.csv").write_bytes(text)
    days = trading_days_of(policy(holidays="h.csv"), include=folder)
    assert days is not None
    return days.holidays


def test_a_policy_that_expects_nothing_has_no_trading_days() -> None:
    assert trading_days_of(policy(), include=INCLUDE) is None


def test_each_line_begins_with_its_day(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf# bank holidays\r\n2026-12-25 Christmas Day\r\n\r\n2026-12-28;Boxing Day\n2027-01-01,New Year # moved"
    assert holidays(tmp_path, text) == {date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)}


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        holidays(tmp_path, b"2026-12-25\n25.12.2027 Christmas\n\n2026-02-30\n20261225\n")
    wanted = "a date that exists is wanted, written year-month-day, such as 2026-12-25 Christmas Day"
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/h.csv:{line}: found {found}: {wanted}"
        for line, found in [(2, "'25.12.2027'"), (4, "'2026-02-30'"), (5, "'20261225'")]
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"2026-12-25\n\xff", "h.csv:2: found bytes that are not UTF-8"), (b"#" * 300_000, "a very large file")],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        holidays(tmp_path, content)


def test_the_holidays_that_come_with_the_project_are_valid() -> None:
    for path in (INCLUDE / "holidays").iterdir():
        days = trading_days_of(policy(holidays=f"holidays/{path.name}"), include=INCLUDE)
        assert days is not None
        assert date(2026, 12, 25) in days.holidays
