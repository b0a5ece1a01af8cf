from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.cli.run_work import RunOrder, carry_out
from cloud9_archive.pipeline.policy_files import load_policy

SUMS = re.compile(
    r"run: listed=(\d+) archived=(\d+) excluded=(\d+) awaiting=(\d+) quarantined=(\d+) missing=(\d+) "
    r"report=(emea_rates/reports/\S+\.json) head=([0-9a-f]{64})"
)


@pytest.fixture
def listed(firm: Any, hours: tuple[str, str]) -> int:
    """How many calls the emulator's truth has in these hours, the policy's lookback included."""
    begin, end = map(datetime.fromisoformat, hours)
    lookback = load_policy(firm.include / "policies/emea_rates.yaml").schedule.lookback
    return len(firm.cloud9.admin.truth("emea", begin=begin - lookback, end=end).calls)


def test_a_run_adds_up_and_says_so(command: Any, firm: Any, hours: tuple[str, str], listed: int) -> None:
    result = command("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    assert result.exit_code == 0, result.stderr
    found = SUMS.fullmatch(result.stdout.rstrip("\n"))
    assert found, result.stdout
    total, *outcomes = map(int, found.groups()[:6])
    assert total == listed == sum(outcomes)
    assert outcomes[0] > 0
    assert outcomes[1] > 0
    assert (firm.archive / found[7]).is_file()
    assert not any(secret in result.output for secret in firm.secrets)
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"fetch_calls cloud9_emea: pages=1 listed={listed} new={listed}")
    assert lines[1].startswith("apply_recording_rules: recorded=")
    assert lines[-1].startswith("reconcile: ")


def test_a_process_of_its_own_has_nothing_but_the_result_on_stdout(firm: Any, hours: tuple[str, str]) -> None:
    words = ("run", "emea_rates", "--from", hours[0], "--to", hours[1], "--json")
    program = Path(sys.executable).with_name("cloud9-archive")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["adds_up"]
    assert len(done.stdout.splitlines()) == 1
    assert {line.partition(" ")[0].rstrip(":") for line in done.stderr.splitlines()} == {
        "fetch_calls",
        "apply_recording_rules",
        "fetch_recordings",
        "transcode",
        "archive",
        "reconcile",
    }


def test_the_same_run_again_changes_nothing(command: Any, firm: Any, hours: tuple[str, str]) -> None:
    words = ("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    first = command(*words)
    before = firm.archived_bytes()
    assert command(*words).stdout == first.stdout
    assert firm.archived_bytes() == before


def test_the_outcome_as_json(command: Any, firm: Any, hours: tuple[str, str], listed: int) -> None:
    result = command("run", "emea_rates", "--from", hours[0], "--to", hours[1], "--json", "--scheduled")
    document = json.loads(result.stdout)
    assert document["run_id"] == "cli__2025-03-04T08:00:00Z/2025-03-04T12:00:00Z"
    assert (document["kind"], document["adds_up"], document["error"]) == ("scheduled", True, None)
    assert document["calls"]["listed"] == listed
    assert json.loads((firm.archive / document["report"]).read_bytes())["run_id"] == document["run_id"]


def test_a_run_id_may_be_given(command: Any, firm: Any, hours: tuple[str, str]) -> None:
    words = ("--from", hours[0], "--to", hours[1], "--run-id", "mine", "--json")
    policy = firm.include / "policies/emea_rates.yaml"
    document = json.loads(command("run", policy, *words).stdout)
    assert (document["run_id"], document["kind"]) == ("mine", "manual")


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2025-03-04", "2025-03-05T00:00:00+00:00", "--from 2025-03-04T00:00:00 has no time zone"),
        ("2025-03-04T00:00:00+00:00", "soon", "--to 'soon' is not a date and time"),
        ("2025-03-04T00:00:00+00:00", "2025-03-04T00:00:00+00:00", "is empty"),
        ("2025-03-04T00:00:00+00:00", "2999-01-01T00:00:00+00:00", "is not over yet"),
        ("", "2025-03-04T00:00:00+00:00", "--to is given without --from"),
        ("", "", "--from and --to"),
    ],
)
def test_a_window_that_cannot_be_is_refused_in_the_options_words(
    command: Any, firm: Any, begin: str, end: str, words: str
) -> None:
    result = command("run", "emea_rates", "--from", begin, "--to", end)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "window_" not in result.stderr
    assert not firm.archive.exists()


def test_no_such_policy(command: Any, firm: Any, hours: tuple[str, str]) -> None:
    result = command("run", "nobodys", "--from", hours[0], "--to", hours[1])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nobodys.yaml" in result.stderr


def test_a_wrong_secret_needs_a_person(command: Any, firm: Any, hours: tuple[str, str]) -> None:
    firm.connect(password="not-the-right-secret")
    result = command("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    assert result.exit_code == 2
    assert "fetch_calls cloud9_emea: failed: POST /v1.1/calls/metadata was answered 401" in result.stderr
    assert "SOURCE_NOT_LISTED: cloud9_emea" in result.stderr
    assert "not-the-right-secret" not in result.output
    assert result.stdout.startswith("run: listed=0 ")


def test_an_undefined_connection_needs_a_person(
    command: Any, firm: Any, hours: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_CLOUD9_EMEA")
    result = command("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    assert result.exit_code == 2
    assert "connection 'cloud9_emea' is not defined" in result.stderr
    assert "AIRFLOW_CONN_CLOUD9_EMEA" in result.stderr


def test_a_source_that_stays_away_is_tried_again_with_growing_waits(
    firm: Any, hours: tuple[str, str], impatient: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        firm.connect(port=taken.getsockname()[1])
        waits: list[float] = []
        order = RunOrder("emea_rates", hours[0], hours[1], as_json=True)
        assert carry_out(order, open_source=impatient, sleep=waits.append) == 3
    assert waits == [10.0, 30.0, 90.0]
    told = capsys.readouterr()
    assert told.err.count("fetch_calls cloud9_emea: tried again in ") == 3
    assert json.loads(told.out)["error"]["code"] == "RECONCILIATION"


def test_a_source_that_comes_back_is_no_failure(firm: Any, hours: tuple[str, str], impatient: Any) -> None:
    firm.cloud9.admin.fault("status", "metadata", status=503, count=6)
    waits: list[float] = []
    assert carry_out(RunOrder("emea_rates", *hours), open_source=impatient, sleep=waits.append) == 0
    assert waits == [10.0]


def test_a_window_of_another_zone_is_told_in_utc(command: Any, firm: Any) -> None:
    words = ("--from", "2025-03-08T01:00:00+01:00", "--to", "2025-03-08T02:00:00+01:00", "--json")
    document = json.loads(command("run", "emea_rates", *words).stdout)
    assert datetime.fromisoformat(document["window_start"]) == datetime(2025, 3, 8, 0, tzinfo=UTC)


def test_single_calls_are_taken_by_their_ids(command: Any, firm: Any, hours: tuple[str, str]) -> None:
    command("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    row = next(
        row
        for path in firm.archive.glob("emea_rates/reports/*/*/*/*.json")
        for row in json.loads(path.read_bytes())["rows"]
        if row["state"] == "archived"
    )
    result = command("run", "emea_rates", "--call", row["call_id"], "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["calls"]["listed"], document["calls"]["archived"]) == (1, 1)
    strange = command("run", "emea_rates", "--call", "c-nobody-knows")
    assert strange.exit_code == 2
    assert "c-nobody-knows" in strange.stderr
    assert "--from" in strange.stderr
