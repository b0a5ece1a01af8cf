"""The worked examples of docs/recording-rules.md, each of them run."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.domain.call import Call, CallType, Direction, Party, Side
from cloud9_archive.domain.decision import Rule
from cloud9_archive.domain.explanation import explained
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.recording_rules import PartyFilter, When
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.domain.rules import Ruler
from cloud9_archive.pipeline.yaml_places import read_placed

PAGE = (Path(__file__).parents[2] / "docs" / "recording-rules.md").read_text(encoding="utf-8")
FEWEST = 60
FIELDS = {"number": "number", "firm": "firm", "group": "group", "name": "display_name"}


def block(title: str) -> str:
    found = re.search(rf"<!-- {title} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def roster(**options: bool) -> Roster:
    return Roster(
        tuple(
            Extension(
                row["extension"],
                row["user"],
                RecordingMode(row["mode"]),
                type=ExtensionType(row["extension_type"]),
                valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
                directions=frozenset(Direction(each) for each in row["directions"].split(";") if each),
                groups=frozenset(each for each in row["groups"].split(";") if each),
                retention=parse_retention(row["retention"]) if row["retention"] else None,
            )
            for row in csv.DictReader(block("roster of the examples").splitlines())
        ),
        **options,
    )


def ruler(rules: dict[str, Any]) -> Ruler:
    policy = Policy.model_validate(
        {
            "policy": "example",
            "sources": ["cloud9"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": rules,
            "archive": {"target": "archive"},
        }
    )
    options = {name: bool(rules.get(name)) for name in ("fold_case", "wildcards")}
    return Ruler(policy, roster(**options) if rules["enabled"] else None)


RULERS = {name: ruler(rules) for name, rules in read_placed(block("rules of the examples")).value.items()}


def rows() -> list[list[str]]:
    table = PAGE.partition("<!-- worked examples -->\n")[2].partition("<!-- end of")[0]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table.strip().splitlines()[2:]]


def parties(cell: str, side: Side) -> list[Party]:
    found = []
    for words in filter(None, cell.split("; ")):
        match = re.fullmatch(r"(\S+)(?: \((\w+) (.*)\))?", words)
        assert match is not None, words
        known = {FIELDS[match[2]]: match[3]} if match[2] else {}
        found.append(Party(side, login=None if match[1] == "?" else match[1], **known))
    return found


def call_of(near: str, far: str, words: str) -> Call:
    told: dict[str, Any] = {"started_at": datetime(2026, 3, 2, 9, tzinfo=UTC)}
    for word in filter(None, words.split(", ")):
        first, _, rest = word.partition(" ")
        if first == "label":
            told["button_label"] = rest
        elif first == "connection":
            told["connection"] = rest
        elif rest == "s":
            told["duration"] = float(first)
        elif re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", word):
            told["started_at"] = datetime.fromisoformat(word).replace(tzinfo=UTC)
        elif word in list(CallType):
            told["call_type"] = CallType(word)
        else:
            told["direction"] = Direction(first)
    both = (*parties(near, Side.NEAR), *parties(far, Side.FAR))
    return Call("cloud9", "c1", parties=both, **told)


@pytest.mark.parametrize("row", rows(), ids=lambda row: " | ".join(row[:4]))
def test_a_worked_example_holds(row: list[str]) -> None:
    rules, near, far, words, outcome, rule, recorded_for = row
    call = call_of(near, far, words)
    decision = RULERS[rules].decide(call)
    entries = [
        " ".join(filter(None, (each.user, each.side, each.retention and str(each.retention))))
        for each in decision.recorded_for
    ]
    section = f": {decision.section}" if decision.section else ""
    told = (decision.outcome, f"{decision.rule}{section}", ", ".join(entries))
    assert told == (outcome, rule, recorded_for), decision.reason
    assert explained(call, RULERS[rules]).decision == decision


def test_there_are_enough_examples_and_they_show_every_rule_and_filter() -> None:
    assert len(rows()) >= FEWEST
    assert {row[5].partition(":")[0] for row in rows()} == {rule.value for rule in Rule}
    text = block("rules of the examples")
    told = {name for name in (*When.model_fields, *PartyFilter.model_fields) if f"{name}:" in text}
    assert told >= set(When.model_fields) - {"login"}


def test_every_rule_and_filter_is_explained() -> None:
    for word in (*Rule, *When.model_fields, *PartyFilter.model_fields, *RecordingMode):
        assert f"`{word}`" in PAGE
