"""The examples on the page about rosters are read, run and compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud9_archive.domain.findings import FINDING_KINDS
from cloud9_archive.domain.recording_rules import RecordingRules
from cloud9_archive.domain.roster import RecordingMode
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.roster_columns import LONGEST_CELL
from cloud9_archive.pipeline.roster_files import FORMATS, MOST_EXTENSIONS, load_roster
from cloud9_archive.pipeline.roster_rows import LARGEST_FILE, LONGEST_LINE

PAGE = (Path(__file__).parents[2] / "docs" / "roster.md").read_text(encoding="utf-8")


def examples(mark: str) -> list[str]:
    return re.findall(rf"<!-- {mark} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_says_the_same_in_every_format(tmp_path: Path) -> None:
    versions = set()
    for name in ("csv", "json", "yaml"):
        (text,) = examples(f"roster: {name}")
        path = tmp_path / f"emea.{name}"
        path.write_text(text, encoding="utf-8")
        roster = load_roster(path)
        versions.add(roster.version)
    assert len(versions) == 1
    assert {each.mode for each in roster.extensions} == set(RecordingMode)


@pytest.mark.parametrize("text", examples("policy: recording_rules"))
def test_the_policies_are_valid(text: str) -> None:
    rules: dict[str, Any] = yaml.safe_load(text)["recording_rules"]
    assert RecordingRules.model_validate(rules).roster


def test_the_dag_can_be_parsed() -> None:
    (text,) = examples("dag")
    names: dict[str, Any] = {}
    exec(compile(text, "example.py", "exec"), names)  # noqa: S102 - our own page
    assert names["dag"].task_ids == ["compare"]


def test_the_fault_that_is_shown_is_the_one_that_is_told(tmp_path: Path) -> None:
    shown = re.search(r"^    include/rosters/emea\.csv(:3: .*)$", PAGE, re.MULTILINE)
    assert shown
    path = tmp_path / "emea.csv"
    path.write_text("extension_type,extension,user,mode\n\nuser_agent_id,a,a,fulll\n")
    with pytest.raises(RosterError) as caught:
        load_roster(path)
    assert str(caught.value) == f"{path}{shown[1]}"


def test_bounds_formats_and_findings_are_those_of_the_code() -> None:
    assert MOST_EXTENSIONS == 1_000_000
    assert all(f"`{mode}`" in PAGE for mode in RecordingMode)
    assert f"{LARGEST_FILE // 1024**2} MiB" in PAGE
    assert f"{LONGEST_CELL} characters" in PAGE
    assert f"{LONGEST_LINE:,}" in PAGE
    assert all(f"`{ending}`" in PAGE for ending in FORMATS)
    assert {code for code in FINDING_KINDS if code.startswith("ROSTER_")} == set(
        re.findall(r"^\| `(ROSTER_\w+)`", PAGE, re.MULTILINE)
    )
