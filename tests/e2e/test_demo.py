"""The demo as a stranger starts it: what it says, what it leaves behind, and what it must never write."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

LONGEST = 600
COUNTS = ("listed", "archived", "excluded", "awaiting", "quarantined", "missing")
LAST_LINE = re.compile(
    "demo: "
    + " ".join(rf"{name}=(?P<{name}>\d+)" for name in COUNTS)
    + r" verified=(?P<verified>\w+) archive=(?P<archive>\S+)"
)
NOT_SEARCHED = {"emulator", "emulator.json"}
"""What the emulated Cloud9 itself keeps: its keys are there."""


@dataclass(frozen=True)
class Tour:
    """What a finished demo left behind."""

    root: Path
    ended: subprocess.CompletedProcess[str]

    @property
    def last_line(self) -> dict[str, str]:
        found = [match for line in self.ended.stdout.splitlines() if (match := LAST_LINE.fullmatch(line))]
        assert len(found) == 1, self.ended.stdout[-2000:]
        return found[0].groupdict()

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads((self.root / "summary.json").read_bytes())
        return summary

    @property
    def secrets(self) -> list[bytes]:
        keys = json.loads((self.root / "emulator" / "keys.json").read_bytes())
        return [key["api_secret"].encode() for key in keys.values()]

    def files(self) -> Iterator[Path]:
        """Everything that is not the emulator's own."""
        for entry in self.root.iterdir():
            if entry.name not in NOT_SEARCHED:
                yield from [entry] if entry.is_file() else (path for path in entry.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Tour:
    root = tmp_path_factory.mktemp("demo") / "here"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    command = [sys.executable, "-m", "cloud9_archive.demo", "--root", str(root)]
    ended = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    return Tour(root, ended)


def test_it_ends_well(tour: Tour) -> None:
    assert tour.ended.returncode == 0, f"{tour.ended.stdout[-3000:]}\n{tour.ended.stderr[-3000:]}"
    assert tour.ended.stderr == ""


def test_its_last_line_adds_up(tour: Tour) -> None:
    line = tour.last_line
    counts = {name: int(line[name]) for name in COUNTS}
    assert counts["listed"] == sum(counts.values()) - counts["listed"]
    assert all(counts[name] > 0 for name in ("listed", "archived", "excluded", "awaiting", "quarantined"))
    assert line["verified"] == "ok"
    assert Path(line["archive"]) == tour.root / "data" / "archive"
    assert list(Path(line["archive"]).glob("*/bags/*/*/*/*/tagmanifest-sha256.txt"))


def test_the_summary_says_the_same(tour: Tour) -> None:
    summary = tour.summary
    assert {name: str(summary[name]) for name in tour.last_line} == tour.last_line
    assert summary["problems"] == []
    for name in ("listed", "archived", "excluded"):
        assert sum(run[name] for run in summary["runs"]) == summary[name]
    policies = [run["policy"] for run in summary["runs"]]
    assert policies.count("emea_rates") >= 3
    assert policies.count("americas_credit") >= 1


def test_every_run_and_bag_is_in_the_archive(tour: Tour) -> None:
    archive = tour.root / "data" / "archive"
    assert len(list(archive.glob("*/bags/*/*/*/*/tagmanifest-sha256.txt"))) == tour.summary["bags"]
    assert len(list(archive.glob("*/reports/*/*/*/*.json"))) >= len(tour.summary["runs"])


def test_nothing_is_left_running(tour: Tour) -> None:
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(tour.root) in command or os.fsencode(tour.root) in environment:
            left.append(command)
    assert left == []


def test_no_secret_of_a_connection_is_anywhere(tour: Tour) -> None:
    """Airflow's logs and database, the archive, the catalog, staging, and what the demo printed."""
    secrets = tour.secrets
    assert secrets
    searched = list(tour.files())
    names = {path.name for path in searched}
    assert {"catalog.sqlite", "airflow.log", "airflow.db", "summary.json"} <= names
    assert any(path.suffix == ".log" and "task_id=reconcile" in str(path) for path in searched)
    assert [path for path in searched if any(secret in path.read_bytes() for secret in secrets)] == []
    said = f"{tour.ended.stdout}{tour.ended.stderr}".encode()
    assert not any(secret in said for secret in secrets)


def test_the_search_would_find_a_secret(tour: Tour) -> None:
    assert all(secret in (tour.root / "emulator" / "keys.json").read_bytes() for secret in tour.secrets)
    assert any(b"run reconciled" in path.read_bytes() for path in tour.files() if path.suffix == ".log")


@pytest.mark.parametrize("arguments", [["--port", "not-a-port"], ["--unknown"]])
def test_a_wrong_argument_is_refused_before_anything_starts(repository: Path, arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cloud9_archive.demo", *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "usage: python -m cloud9_archive.demo" in ended.stderr


def test_it_says_where_it_must_be_started(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cloud9_archive.demo"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "run it from the root of the checkout" in ended.stderr
    assert list(tmp_path.iterdir()) == []
