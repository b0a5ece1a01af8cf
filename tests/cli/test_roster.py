from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.emulator.firm import EMEA, Person
from cloud9_archive.emulator.management import management_key


@pytest.fixture
def desk(firm: Any) -> Iterator[Any]:
    key = management_key(firm.cloud9.keys["emea"])
    firm.connect("cloud9_management", of="emea", login=key.api_key, password=key.api_secret)
    yield firm
    firm.cloud9.cloud.directory.joined.clear()
    firm.cloud9.cloud.directory.left.clear()


@pytest.fixture
def roster(desk: Any) -> Path:
    path: Path = desk.include / "rosters" / "emea.csv"
    return path


def test_check_says_what_is_in_a_roster(command: Callable[..., Any], desk: Any, roster: Path) -> None:
    result = command("roster", "check", "emea_rates")
    assert result.exit_code == 0
    assert result.stdout.startswith("roster: extensions=8 users=8 recorded_users=")
    assert str(roster) in result.stdout
    document = json.loads(command("roster", "check", "emea_rates", "--json").stdout)
    assert document["extensions"] == 8
    assert f"version={document['version']}" in result.stdout


def test_check_tells_faults_and_notes(command: Callable[..., Any], desk: Any, roster: Path) -> None:
    lines = roster.read_text(encoding="utf-8").splitlines()
    roster.write_text("\n".join([*lines, lines[-1]]), encoding="utf-8")
    result = command("roster", "check", "emea_rates")
    assert result.exit_code == 0
    assert f"{len(lines) + 1}: says again what an earlier row says" in result.stderr
    roster.write_text("\n".join([*lines, "x"]), encoding="utf-8")
    result = command("roster", "check", "emea_rates")
    assert result.exit_code == 2
    assert f"{roster}:{len(lines) + 1}: found 1 cells" in result.stderr


def test_compare_names_who_joined_and_who_left(
    command: Callable[..., Any], desk: Any, roster: Path, tmp_path: Path
) -> None:
    leaver = EMEA.traders[1].login
    desk.cloud9.cloud.directory.joined.append(Person("new\n@firm.example", "41999", "Nora New", "3574-10", "Rates"))
    desk.cloud9.cloud.directory.left.add(leaver)
    before = roster.read_bytes()
    report, proposed = tmp_path / "users.csv", tmp_path / "proposed.csv"
    result = command(
        "roster", "compare", "emea_rates", "--management", "cloud9_management",
        "--report", report, "--propose", proposed, "--mode", "full",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "joiner: 'new\\n@firm.example' (Nora New)" in lines
    assert f"joiner: {EMEA.strangers[0].login} ({EMEA.strangers[0].full_name})" in lines
    assert any(line.startswith(f"leaver: {leaver} of user ") for line in lines)
    assert "left out of the proposal: 'new\\n@firm.example' cannot stand in a roster" in lines
    assert lines[-1].startswith("compare: cloud9_users=11 roster_extensions=")
    assert "unknown_logins=0" in lines[-1]
    assert report.read_text(encoding="utf-8").startswith("kind;source;login;user;")
    assert EMEA.strangers[0].login in proposed.read_text(encoding="utf-8")
    assert roster.read_bytes() == before


def test_compare_as_json(command: Callable[..., Any], desk: Any) -> None:
    result = command("roster", "compare", "emea_rates", "--management", "cloud9_management", "--json")
    document = json.loads(result.stdout)
    assert document["cloud9_users"] == 11
    assert {each["login"] for each in document["joiners"]} >= {person.login for person in EMEA.strangers}


def test_the_key_for_calls_is_told_to_be_the_wrong_one(command: Callable[..., Any], desk: Any) -> None:
    result = command("roster", "compare", "emea_rates", "--management", "cloud9_emea")
    assert result.exit_code == 2
    assert "401" in result.stderr


def test_a_policy_with_rosters_elsewhere_is_linted_without_reaching_them(
    command: Callable[..., Any], desk: Any
) -> None:
    path = desk.include / "policies" / "emea_rates.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("rosters/emea.csv", "s3://aws_gone@bucket/emea.csv"), encoding="utf-8")
    assert command("policy", "lint", path, "--include", desk.include).exit_code == 0
    result = command("roster", "check", "emea_rates")
    assert result.exit_code == 2
    assert "the roster s3://aws_gone@bucket/emea.csv cannot be read" in result.stderr
