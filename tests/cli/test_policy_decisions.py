"""``policy explain --call`` and ``policy simulate``, over the catalog of a run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def listed(firm: Any, command: Command, hours: tuple[str, str]) -> dict[str, Any]:
    """The policy has run over these hours; its report."""
    outcome = json.loads(command("run", "emea_rates", "--from", hours[0], "--to", hours[1], "--json").stdout)
    report: dict[str, Any] = json.loads((firm.archive / outcome["report"]).read_bytes())
    return report


def tables(firm: Any) -> list[str]:
    """Everything that the catalog holds."""
    with closing(sqlite3.connect(firm.data_root / "catalog.sqlite")) as connection:
        return list(connection.iterdump())


def widened(firm: Any) -> Path:
    """The policy without rules."""
    path: Path = firm.include / "policies" / "emea_rates.yaml"
    text = path.read_text(encoding="utf-8").replace("enabled: true", "enabled: false")
    other = firm.data_root / "emea_rates.yaml"
    other.write_text(text.replace("  roster: rosters/emea.csv\n", ""), encoding="utf-8")
    return other


def test_a_call_is_explained_with_the_decisions_that_were_made(
    command: Command, firm: Any, listed: dict[str, Any]
) -> None:
    row = next(row for row in listed["rows"] if row["rule"] == "recorded_party")
    words = ("policy", "explain", "emea_rates", "--call", row["call_id"], "--include", firm.include)
    result = command(*words)
    assert result.exit_code == 0, result.stderr
    first, *_, last = result.stdout.splitlines()
    assert first.startswith(f"cloud9_emea/{row['call_id']}, {row['started_at']}")
    assert f", stands: record (recorded_party), policy {listed['policy_version'][:12]}" in last
    assert last.endswith(row["reason"])
    document = json.loads(command(*words, "--source", "cloud9_emea", "--json").stdout)
    assert (document["rule"], [made["rule"] for made in document["decisions"]]) == (
        "recorded_party",
        ["recorded_party"],
    )


def test_a_call_that_is_not_in_the_catalog_is_told(command: Command, firm: Any, listed: dict[str, Any]) -> None:
    for words in (("none",), (listed["rows"][0]["call_id"], "--source", "cloud9_americas")):
        result = command("policy", "explain", "emea_rates", "--call", *words, "--include", firm.include)
        assert (result.exit_code, "in the catalog" in result.stderr) == (1, True)


def test_without_a_catalog_nothing_is_made(command: Command, firm: Any, hours: tuple[str, str]) -> None:
    include = ("--include", firm.include)
    for words in (
        ("explain", "emea_rates", "--call", "c1"),
        ("simulate", "emea_rates", "--from", hours[0], "--to", hours[1]),
    ):
        result = command("policy", *words, *include)
        assert (result.exit_code, "there is no catalog" in result.stderr) == (1, True)
    assert not (firm.data_root / "catalog.sqlite").exists()


def test_a_policy_that_did_not_change_flips_nothing(
    command: Command, firm: Any, listed: dict[str, Any], hours: tuple[str, str]
) -> None:
    result = command(
        "policy", "simulate", "emea_rates", "--from", hours[0], "--to", hours[1], "--include", firm.include
    )
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert " flips=0 now_recorded=0 now_excluded=0 archived_now_excluded=0 otherwise=0 undecided=0" in result.stdout


def test_a_changed_policy_is_compared_call_by_call_and_nothing_is_touched(
    command: Command, firm: Any, listed: dict[str, Any], hours: tuple[str, str]
) -> None:
    before = tables(firm)
    files = sorted(firm.data_root.rglob("*"))
    words = ("policy", "simulate", "emea_rates", "--from", hours[0], "--to", hours[1], "--include", firm.include)
    result = command(*words, "--against", widened(firm))
    assert result.exit_code == 0, result.stderr
    within = [row for row in listed["rows"] if row["started_at"] >= hours[0][:19]]
    excluded = {row["call_id"] for row in within if row["state"] == "excluded"}
    summary, *flips = result.stdout.splitlines()
    assert f"calls={len(within)} flips={len(excluded)} now_recorded={len(excluded)} now_excluded=0" in summary
    assert len(flips) == len(excluded) > 0
    assert all("excluded: exclude (" in line and ") → record (rules_off)" in line for line in flips)
    document = json.loads(command(*words, "--against", widened(firm), "--json").stdout)
    assert {flip["call_id"] for flip in document["flips"]} == excluded
    assert tables(firm) == before
    assert sorted(path for path in firm.data_root.rglob("*") if path.name != "emea_rates.yaml") == files


def test_a_changed_roster_tells_which_archived_calls_it_would_exclude(
    command: Command, firm: Any, listed: dict[str, Any], hours: tuple[str, str]
) -> None:
    roster = firm.data_root / "other.csv"
    roster.write_text("extension_type,extension,user,mode\nuser_agent_id,nobody@firm.example,nobody,full\n")
    words = ("policy", "simulate", "emea_rates", "--from", hours[0], "--to", hours[1], "--include", firm.include)
    document = json.loads(command(*words, "--roster", roster, "--json").stdout)
    assert document["now_excluded"] == len(document["flips"]) > 0
    archived = [flip for flip in document["flips"] if flip["state"] in ("archived", "quarantined")]
    assert document["archived_now_excluded"] == len(archived) > 0
    refused = command(*words, "--roster", roster, "--against", widened(firm))
    assert (refused.exit_code, "recording rules of policy emea_rates are off" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        ("2026-03-02", "2026-03-03T00:00:00Z", "--from 2026-03-02 has no offset from UTC"),
        ("2026-03-02T00:00:00Z", "soon", "--to soon is not a point in time"),
        ("2026-03-03T00:00:00Z", "2026-03-02T00:00:00Z", "the window is empty"),
    ],
)
def test_a_window_that_is_none_is_told(command: Command, firm: Any, begin: str, end: str, told: str) -> None:
    result = command("policy", "simulate", "emea_rates", "--from", begin, "--to", end, "--include", firm.include)
    assert (result.exit_code, told in result.stderr) == (1, True)


def test_decisions_are_made_anew_only_when_that_is_asked_for(
    command: Command, firm: Any, listed: dict[str, Any], hours: tuple[str, str]
) -> None:
    policy = firm.include / "policies" / "emea_rates.yaml"
    policy.write_text(widened(firm).read_text(encoding="utf-8"), encoding="utf-8")
    words = ("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    plain = command(*words)
    assert plain.exit_code == 0, plain.stderr
    assert "excluded=0" not in plain.stdout
    assert "redecided=0" in plain.stderr
    anew = command(*words, "--redecide")
    assert anew.exit_code == 0, anew.stderr
    assert " excluded=0 " in anew.stdout
    assert f"redecided={len(listed['rows'])}" in anew.stderr
    row = next(row for row in listed["rows"] if row["state"] == "excluded")
    told = command("policy", "explain", "emea_rates", "--call", row["call_id"], "--include", firm.include).stdout
    assert "was replaced: exclude (" in told
    assert "stands: record (rules_off)" in told
