from __future__ import annotations

import io
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from cloud9_archive.catalog.catalog import HEAD
from cloud9_archive.catalog.findings import OpenFinding, note_findings
from cloud9_archive.cli.catalog_work import catalog_of, print_findings
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_migrate_makes_the_catalog_and_says_where(command: Any, firm: Any, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        result = command("catalog", "migrate")
        assert (result.exit_code, result.stdout) == (
            0,
            f"sqlite:///{firm.data_root / 'catalog.sqlite'} is at revision {HEAD}\n",
        )


def test_an_address_that_cannot_be_is_told_without_its_password(
    command: Any, firm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__CATALOG_URL", "mysql://someone:very-secret@db.example/x")
    result = command("catalog", "migrate")
    assert result.exit_code == 2
    assert "the catalog cannot live in 'mysql'" in result.stderr
    assert "very-secret" not in result.output


WINDOW = ("--from", "2025-03-04T00:00:00Z", "--to", "2025-03-04T01:00:00Z")


@pytest.mark.parametrize(
    "words", [("catalog", "migrate"), ("catalog", "findings", "emea_rates"), ("run", "emea_rates", *WINDOW)]
)
def test_a_database_that_does_not_answer_may_work_later(
    command: Any, firm: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://someone:very-secret@127.0.0.1:{taken.getsockname()[1]}/x"
        monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__CATALOG_URL", url)
        result = command(*words)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: the catalog's database cannot be used: connection failed")
    assert "very-secret" not in result.output


def test_findings_of_a_run(command: Any, firm: Any, day: datetime) -> None:
    window = ("--from", day.replace(hour=8).isoformat(), "--to", day.replace(hour=20).isoformat())
    outcome = json.loads(command("run", "emea_rates", *window, "--json").stdout)
    assert outcome["findings"]["MEDIA_QUARANTINED"] > 0
    listed = [json.loads(line) for line in command("catalog", "findings", "emea_rates", "--json").stdout.splitlines()]
    codes = [each["code"] for each in listed]
    assert {code: codes.count(code) for code in codes} == outcome["findings"]
    assert all(each["next_action"] == FINDING_KINDS[each["code"]].next_action for each in listed)
    shown = command("catalog", "findings", "emea_rates").stdout
    assert all(each["subject"] in shown and each["words"][:80] in shown for each in listed)


def test_no_catalog_is_not_no_finding(command: Any, firm: Any) -> None:
    result = command("catalog", "findings", "emea_rates")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no catalog at" in result.stderr
    assert not (firm.data_root / "catalog.sqlite").exists()


def test_no_policy_is_not_no_finding(command: Any, firm: Any) -> None:
    command("catalog", "migrate")
    assert command("catalog", "findings", "emea_rates").stdout == "emea_rates: no open finding\n"
    result = command("catalog", "findings", "emea_rate")
    assert result.exit_code == 2
    assert "americas_credit, emea_rates" in result.stderr


def test_a_healed_finding_is_shown_when_asked_for(command: Any, firm: Any) -> None:
    command("catalog", "migrate")
    run = RunRef("emea_rates", "first", RunKind.MANUAL, Window(NOW, NOW + timedelta(hours=1)))
    with catalog_of(deployment_settings()) as catalog:
        note_findings(catalog, run, [Finding("MEDIA_MISSING", "a/1", "gone")], examined=(), now=NOW)
        note_findings(catalog, replace(run, run_id="second"), [], examined={"a/1"}, now=NOW + timedelta(hours=1))
    assert command("catalog", "findings", "emea_rates").stdout == "emea_rates: no open finding\n"
    shown = command("catalog", "findings", "emea_rates", "--healed").stdout
    assert f"healed {(NOW + timedelta(hours=1)).isoformat().replace('+00:00', 'Z')} by second – gone" in shown


def test_hostile_words_do_not_act() -> None:
    screen = io.StringIO()
    found = [OpenFinding(Finding("MEDIA_MISSING", "s/[red]x\x1b[31m", "words\nand [bold]more"), NOW, NOW)]
    print_findings("p", found, console=Console(file=screen, width=200))
    assert "\x1b" not in screen.getvalue()
    assert "[red]x" in screen.getvalue()
    assert "[bold]more" in screen.getvalue()


def test_a_finding_is_accepted_with_name_and_reason_until_it_heals(command: Any, firm: Any, day: datetime) -> None:
    window = ("--from", day.replace(hour=8).isoformat(), "--to", day.replace(hour=20).isoformat())
    command("run", "emea_rates", *window)
    first, *others = [
        json.loads(line) for line in command("catalog", "findings", "emea_rates", "--json").stdout.splitlines()
    ]
    words = ("catalog", "accept", "emea_rates", first["code"], first["subject"])
    assert command(*words, "--actor", " ", "--reason", "known").exit_code == 2
    assert command(*words, "--actor", "Jane Smith", "--reason", "known since May").exit_code == 0
    strange = command("catalog", "accept", "emea_rates", first["code"], "nobody", "--actor", "J", "--reason", "r")
    assert (strange.exit_code, "no open finding" in strange.stderr) == (2, True)

    def shown(*more: str) -> list[dict[str, Any]]:
        result = command("catalog", "findings", "emea_rates", "--json", *more)
        return [json.loads(line) for line in result.stdout.splitlines()]

    assert [each["subject"] for each in shown()] == [each["subject"] for each in others]
    (accepted,) = [each for each in shown("--all") if each["subject"] == first["subject"]]
    assert (accepted["accepted_by"], accepted["accepted_because"]) == ("Jane Smith", "known since May")
    assert "accepted by Jane Smith: known since May" in command("catalog", "findings", "emea_rates", "--all").stdout
    command("run", "emea_rates", *window, "--run-id", "again")
    assert [each["subject"] for each in shown()] == [each["subject"] for each in others], "seen again, still accepted"
    assert {(each["times_seen"], each["run_id"], each["healed_at"]) for each in shown()} == {(2, "again", None)}
