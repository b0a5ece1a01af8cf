from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cloud9_archive.domain.call import Call, Party, Side
from cloud9_archive.domain.decision import Rule
from cloud9_archive.domain.policy import NOT_OFFERED_YET, Policy
from cloud9_archive.domain.roster import Extension, RecordingMode, Roster
from cloud9_archive.domain.rules import decide
from cloud9_archive.pipeline.policy_reference import key_table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text(encoding="utf-8")
ROSTER = Roster(
    (
        Extension("anna", "anna", RecordingMode.FULL),
        Extension("bert", "bert", RecordingMode.DO_NOT_RECORD),
        Extension("cleo", "cleo", RecordingMode.NEVER_RECORD),
        Extension("dora", "dora", RecordingMode.FULL, valid_to=date(2026, 1, 1)),
    )
)


def between(begin: str, end: str) -> str:
    return PAGE.partition(begin)[2].partition("-->\n")[2].partition(f"<!-- {end}")[0]


def example_rows() -> list[list[str]]:
    lines = between("<!-- worked examples", "end of worked examples").strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def policy(*, enabled: bool) -> Policy:
    return Policy.model_validate(
        {
            "policy": "example",
            "sources": ["cloud9"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": True, "roster": "rosters/x.csv"} if enabled else {"enabled": False},
            "archive": {"target": "archive"},
        }
    )


def test_the_table_of_keys_is_the_models() -> None:
    assert between("<!-- keys", "end of keys") == key_table(), "write it anew: cloud9-archive policy schema --markdown"


@pytest.mark.parametrize(
    ("rules", "participants", "starts", "outcome", "rule", "users"), example_rows(), ids=lambda cell: cell or "-"
)
def test_a_worked_example_holds(
    rules: str, participants: str, starts: str, outcome: str, rule: str, users: str
) -> None:
    logins = [None if name == "(no login)" else name for name in participants.split(", ")]
    started = datetime.strptime(starts, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    call = Call("cloud9", "c1", started, parties=tuple(Party(Side.NEAR, login=login) for login in logins))
    decision = decide(call, policy=policy(enabled=rules == "on"), roster=ROSTER)
    assert (decision.outcome, decision.rule, ", ".join(decision.users)) == (outcome, rule, users)


def test_the_examples_show_every_rule() -> None:
    assert {row[4] for row in example_rows()} == {rule.value for rule in Rule}


def test_every_rule_column_and_planned_key_is_explained() -> None:
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    for word in (*RecordingMode, *Rule):
        assert f"`{word}`" in PAGE
    assert all(f"`{rule}`" in glossary for rule in Rule)
    named = re.findall(
        r"`(recording_rules\.sections|archive\.\w+|alerts)`", PAGE.partition("also when it is planned")[2]
    )
    assert set(named) - {"archive.target"} <= set(NOT_OFFERED_YET)


def test_the_glossary_is_in_order() -> None:
    table = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("|---|---|\n")[2].partition("\n\n")[0]
    words = [line.split("|")[1].strip() for line in table.splitlines()]
    assert words == sorted(words)
