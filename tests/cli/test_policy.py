from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cloud9_archive.cli.policy import policy_app
from cloud9_archive.domain.call import Call, Party, Side

INCLUDE = Path(__file__).parents[2] / "include"
CALL = Call(
    "cloud9_emea", "c/1", datetime(2026, 3, 2, 9, tzinfo=UTC), parties=(Party(Side.NEAR, "jsmith@firm.example"),)
)


def ran(*words: str | Path) -> Result:
    return CliRunner().invoke(policy_app, [str(word) for word in words])


@pytest.fixture
def include(tmp_path: Path) -> Path:
    return Path(shutil.copytree(INCLUDE, tmp_path / "include"))


def test_lint_of_the_examples_finds_nothing() -> None:
    result = ran("lint", "--include", INCLUDE)
    assert (result.exit_code, result.stdout) == (0, "2 policies are valid\n")


def test_lint_tells_every_fault_of_every_file(include: Path) -> None:
    (include / "policies" / "broken.yaml").write_text("policy: broken\nx: 1\n")
    (include / "policies" / "late.yml").write_text("a: 1\n")
    (include / "rosters" / "emea.csv").write_text("extension_type,extension,user,mode\nuser_agent_id,a,a,ful\n")
    (include / "holidays" / "england.txt").write_text("2026-12-32\n")
    path = include / "policies" / "americas_credit.yaml"
    path.write_text(f"{path.read_text()}\nexpect: {{holidays: holidays/england.txt}}\n")
    result = ran("lint", "--include", include)
    assert result.exit_code == 1
    assert "broken.yaml:2: x: found an unknown key" in result.stderr
    assert "broken.yaml:1: archive: found nothing" in result.stderr
    assert "late.yml:1: found the file name 'late.yml': a name that ends in .yaml is wanted" in result.stderr
    assert "emea.csv:2: mode: found 'ful'" in result.stderr
    assert "england.txt:1: found '2026-12-32': a date that exists is wanted" in result.stderr
    assert "americas" not in result.stderr


def test_lint_of_named_files_looks_at_them_only(include: Path) -> None:
    (include / "policies" / "broken.yaml").write_text("policy: broken\n")
    good = ran("lint", include / "policies" / "americas_credit.yaml", "--include", include)
    assert (good.exit_code, good.stdout) == (0, "1 policy is valid\n")


def test_lint_of_nothing_is_not_a_pass(tmp_path: Path) -> None:
    result = ran("lint", "--include", tmp_path)
    assert result.exit_code == 1
    assert "there is no policy" in result.stderr


def test_the_schema_in_the_tree_is_up_to_date(include: Path) -> None:
    path = include / "policy.schema.json"
    assert ran("schema").stdout == path.read_text(encoding="utf-8")
    assert ran("schema", "--check", "--include", include).exit_code == 0
    path.write_text(path.read_text(encoding="utf-8").replace("cron", "corn"), encoding="utf-8")
    result = ran("schema", "--check", "--include", include)
    assert result.exit_code == 1
    assert "not up to date" in result.stderr


def test_the_schema_shows_defaults_as_people_write_them() -> None:
    schema = json.loads(ran("schema").stdout)
    assert schema["$defs"]["Schedule"]["properties"]["lookback"]["default"] == "2h"
    assert schema["additionalProperties"] is False


def test_new_writes_a_valid_policy_and_never_overwrites(include: Path) -> None:
    assert ran("new", "emea_fx", "--include", include).exit_code == 0
    path = include / "policies" / "emea_fx.yaml"
    assert ran("lint", path, "--include", include).exit_code == 0
    path.write_text("mine")
    again = ran("new", "emea_fx", "--include", include)
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "Emea", "a" * 64, ""])
def test_new_refuses_what_cannot_be_a_name(include: Path, name: str) -> None:
    before = sorted(include.rglob("*"))
    assert ran("new", name, "--include", include).exit_code == 1
    assert sorted(include.rglob("*")) == before


def test_explain_says_why_as_a_tree(tmp_path: Path) -> None:
    stranger = replace(CALL, call_id="c2\x1b[31m", parties=(Party(Side.FAR, "x@other.example"),))
    calls = tmp_path / "calls.jsonl"
    calls.write_text("\n".join(json.dumps(call.document()) for call in (CALL, stranger)) + "\n\n")
    result = ran("explain", "emea_rates", "--calls", calls, "--include", INCLUDE)
    assert result.exit_code == 0
    row = "login jsmith@firm.example belongs to user jsmith (Jane Smith), mode full, valid from 2023-05-01 on"
    assert result.stdout.splitlines() == [
        "cloud9_emea/c/1, 2026-03-02T09:00:00Z, unknown, unknown: record (recorded_party)",
        "├─ near end: login jsmith@firm.example",
        f"│  ├─ {row}: asks for the call",
        "├─ recorded for jsmith, login jsmith@firm.example, near end",
        "├─ the profile is the policy's, alaw_8k",
        f"└─ Recorded: {row}.",
        "cloud9_emea/'c2\\x1b[31m', 2026-03-02T09:00:00Z, unknown, unknown: exclude (no_recorded_party)",
        "├─ far end: login x@other.example",
        "│  ├─ Login x@other.example is not on the roster.",
        (
            "└─ Excluded: no participant is on the roster at the call's start, 2026-03-02T09:00:00+00:00. "
            "Login x@other.example is not on the roster."
        ),
    ]
    plain = ran("explain", INCLUDE / "policies" / "emea_rates.yaml", "--calls", calls, "--json", "--include", INCLUDE)
    documents = [json.loads(line) for line in plain.stdout.splitlines()]
    assert [(each["call_id"], each["outcome"]) for each in documents] == [("c/1", "record"), ("c2\x1b[31m", "exclude")]


@pytest.mark.parametrize("line", ["{}", "[]", "x", '"a"', "null", "[" * 100_000, '{"started_at": 1}'])
def test_explain_names_a_line_that_is_not_a_call(tmp_path: Path, line: str) -> None:
    calls = tmp_path / "calls.jsonl"
    calls.write_text(json.dumps(CALL.document()) + "\n" + line + "\n")
    result = ran("explain", "emea_rates", "--calls", calls, "--include", INCLUDE)
    assert result.exit_code == 1
    assert "calls.jsonl:2: this is not a call" in result.stderr


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("parties", 0, "login"), ["jsmith@firm.example"], "parties[0].login is not text"),
        (("parties", 0, "firm"), 7, "parties[0].firm is not text"),
        (("button_label",), {"a": 1}, "button_label is not text"),
        (("call_id",), None, "call_id is not text"),
        (("duration",), "long", "duration is not a number"),
        (("started_at",), "2026-03-02T09:00:00", "started_at has no time zone"),
        (("started_at",), "0001-01-01T00:00:00+05:00", "OverflowError: 'date value out of range'"),
        (("direction",), "sideways", "'sideways' is not a valid Direction"),
    ],
)
def test_explain_refuses_values_of_another_kind(
    tmp_path: Path, place: tuple[str | int, ...], value: object, told: str
) -> None:
    document: Any = CALL.document()
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    calls = tmp_path / "calls.jsonl"
    calls.write_text(json.dumps(document))
    result = ran("explain", "emea_rates", "--calls", calls, "--include", INCLUDE)
    assert (result.exit_code, told in result.stderr) == (1, True), result.stderr


def test_a_call_without_a_start_is_told(tmp_path: Path) -> None:
    document = CALL.document()
    del document["started_at"]
    (tmp_path / "calls.jsonl").write_text(json.dumps(document))
    result = ran("explain", "emea_rates", "--calls", tmp_path / "calls.jsonl", "--include", INCLUDE)
    assert (result.exit_code, "calls.jsonl:1: this is not a call (KeyError: \"'started_at'\")" in result.stderr) == (
        1,
        True,
    )


def test_explain_wants_calls_from_one_place(tmp_path: Path) -> None:
    for words in ([], ["--call", "c1", "--calls", tmp_path / "x"]):
        result = ran("explain", "emea_rates", *words, "--include", INCLUDE)
        assert (result.exit_code, "either --call ID or --calls FILE" in result.stderr) == (1, True)


def test_lint_warns_of_what_has_no_effect_and_passes(include: Path) -> None:
    path = include / "policies" / "emea_rates.yaml"
    text = path.read_text(encoding="utf-8")
    sections = (
        "  sections:\n"
        "    - {name: lines, when: {call_type: [ringdown, shoutdown]}, then: record}\n"
        "    - {name: rings, when: {call_type: [ringdown], direction: [incoming]}, then: exclude}\n"
        "    - {name: nobody, when: {near: {user: [nobody]}}, then: exclude}\n"
        "    - {name: all, then: record}\n"
        "    - {name: never, when: {call_type: [intercom]}, then: exclude}\n"
    )
    path.write_text(text.replace("  roster: rosters/emea.csv\n", f"  roster: rosters/emea.csv\n{sections}"))
    with (include / "rosters" / "emea.csv").open("a") as roster:
        roster.write("user_agent_id,*@desk.example,desk,,full,,\nuser_agent_id,old,old,,full,,2023-01-01\n")
    first = path.read_text().splitlines().index("  sections:") + 2
    result = ran("lint", path, "--include", include)
    assert (result.exit_code, result.stdout) == (0, "1 policy is valid\n")
    assert result.stderr.splitlines() == [
        f"{path}:{first + 1}: warning: section rings never decides: section lines before it fits all of its calls",
        (
            f"{path}:{first + 3}: warning: section all has no filter and fits every call: "
            "the section after it is never asked"
        ),
        f"{path}:{first + 2}: warning: section nobody never fits: near.user names no user of the roster",
        (
            f"{include}/rosters/emea.csv:10: warning: extension *@desk.example of user desk matches only a login with "
            "that character: recording_rules.wildcards is off"
        ),
        (
            f"{include}/rosters/emea.csv:11: warning: extension old of user old never matches: it is valid until "
            "2023-01-01, and no run looks before 2024-01-01"
        ),
    ]


def test_warnings_of_a_large_roster_are_few(include: Path) -> None:
    with (include / "rosters" / "emea.csv").open("a") as roster:
        roster.writelines(f"user_agent_id,{number}*,u,,full,,\n" for number in range(200))
    result = ran("lint", include / "policies" / "emea_rates.yaml", "--include", include)
    assert (result.exit_code, len(result.stderr.splitlines())) == (0, 51)
    assert "and 150 warnings more" in result.stderr


def test_explain_of_an_unknown_policy_or_file_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in ran("explain", "nope", "--calls", tmp_path / "x", "--include", INCLUDE).stderr
    assert "cannot be read" in ran("explain", "emea_rates", "--calls", tmp_path / "x", "--include", INCLUDE).stderr
