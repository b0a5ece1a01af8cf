"""A run from listing to report, judged by the emulator's truth and by tools that are not ours."""

from __future__ import annotations

import csv
import json
import subprocess
from collections import Counter
from datetime import timedelta
from typing import Any

import bagit
import pytest

from cloud9_archive.domain.run import RunKind
from cloud9_archive.errors import CredentialsError, ReconciliationError, RosterError, WireFormatError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode


def test_every_call_of_the_truth_has_its_outcome_in_the_archive(bench: Any, run_of: Any) -> None:
    run = run_of()
    result = bench.run(run)
    expected = bench.expected(run.window)

    assert set(expected.calls.values()) == {"archived", "excluded", "awaiting_media", "quarantined"}
    assert result.calls.listed == len(bench.truth(run.window).calls)
    assert result.calls.unaccounted == result.recordings.unaccounted == 0
    report = json.loads((bench.archive / result.report).read_bytes())
    assert {row["call_id"]: row["state"] for row in report["rows"]} == expected.calls
    assert len(report["rows"]) == result.calls.listed
    ordinary = {"MEDIA_QUARANTINED", "ROSTER_LOGIN_UNKNOWN"}
    assert {finding.code for finding in result.findings} == ordinary, "nothing else is odd about this day"
    bench.complete(run.window)


def test_strangers_tools_accept_every_bag(bench: Any, run_of: Any) -> None:
    bench.run(run_of())
    assert bench.bags()
    for bag in bench.bags():
        bagit.Bag(str(bag)).validate()
        for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
            subprocess.run(["sha256sum", "--check", "--strict", "--quiet", manifest], cwd=bag, check=True)


def test_csv_report_has_one_row_for_each_call(bench: Any, run_of: Any) -> None:
    result = bench.run(run_of())
    with (bench.archive / result.report).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert len(rows) == result.calls.listed
    assert Counter(row["state"] for row in rows)["archived"] == result.calls.archived
    assert all(row["reason"] for row in rows)


def test_audio_of_excluded_calls_is_never_asked_for(bench: Any, run_of: Any) -> None:
    run = run_of()
    bench.run(run)
    wanted = set(bench.expected(run.window).recordings)
    log = bench.cloud9.admin.requests()
    assert {seen.subject for seen in log.requests if seen.path.endswith("/recordings")} == wanted
    assert not log.violations


def test_the_same_backfill_twice_writes_nothing_the_second_time(bench: Any, run_of: Any, clock: Any) -> None:
    first = bench.run(run_of())
    before = bench.snapshot()
    clock.move_to(clock.now + timedelta(hours=1))
    second = bench.run(run_of())
    assert bench.snapshot() == before
    assert second.calls == first.calls
    assert second.report == first.report


@pytest.mark.parametrize("step", ["fetch_calls", "apply", "fetch_recordings", "transcode", "archive", "reconcile"])
def test_any_step_can_be_cleared(bench: Any, run_of: Any, clock: Any, step: str) -> None:
    run = run_of()
    workspace = bench.workspace()
    batch_ids = bench.begin(workspace, run)
    bench.work(workspace, batch_ids)
    reconcile(workspace, run)
    before = bench.snapshot()
    clock.move_to(clock.now + timedelta(minutes=5))
    if step == "fetch_calls":
        fetch_calls(workspace, run, "cloud9_emea")
    elif step == "apply":
        bench.work(workspace, bench.begin(workspace, run))  # asks again for what is awaited
    elif step != "reconcile":
        for batch_id in batch_ids:
            {"fetch_recordings": fetch_recordings, "transcode": transcode, "archive": archive}[step](
                workspace, batch_id
            )
    reconcile(workspace, run)
    assert bench.snapshot() == before


def test_unfinished_work_fails_the_run_and_is_named(bench: Any, run_of: Any) -> None:
    run = run_of()
    workspace = bench.workspace()
    batch_ids = bench.begin(workspace, run)
    with pytest.raises(ReconciliationError) as caught:
        reconcile(workspace, run)
    assert "CALL_UNACCOUNTED: 11 calls or recordings, cloud9_emea/" in str(caught.value)
    bench.work(workspace, batch_ids)
    assert reconcile(workspace, run).calls.unaccounted == 0


def test_a_source_that_was_not_listed_fails_the_run(bench: Any, run_of: Any) -> None:
    run = run_of()
    workspace = bench.workspace(sources=["cloud9_emea", "cloud9_americas"])
    fetch_calls(workspace, run, "cloud9_emea")
    bench.cloud9.admin.fault("renamed_field", "metadata", count=1)
    with pytest.raises(WireFormatError, match="calls"):
        fetch_calls(workspace, run, "cloud9_americas")
    with pytest.raises(ReconciliationError, match="SOURCE_NOT_LISTED: cloud9_americas"):
        reconcile(workspace, run)


def test_a_failed_task_fails_the_run_even_when_everything_adds_up(bench: Any, run_of: Any) -> None:
    run = run_of()
    bench.run(run)
    with pytest.raises(ReconciliationError, match=r"failed tasks: batch\.archive"):
        reconcile(bench.workspace(), run, failed_tasks=["batch.archive"])


def test_wrong_secret_is_a_matter_of_configuration(bench: Any, run_of: Any) -> None:
    key = bench.cloud9.keys["emea"]
    bench.cloud9.keys["emea"] = key.model_copy(update={"api_secret": "something-else-entirely"})
    bench.cloud9.cloud.keys = {"emea": key}
    with pytest.raises(CredentialsError) as caught:
        fetch_calls(bench.workspace(), run_of(), "cloud9_emea")
    assert "something-else" not in str(caught.value)


def test_no_roster_stops_the_run_instead_of_excluding_everybody(bench: Any, run_of: Any) -> None:
    run = run_of()
    workspace = bench.workspace(recording_rules={"enabled": True, "roster": "rosters/gone.csv"})
    with pytest.raises(RosterError):
        bench.begin(workspace, run)
    with pytest.raises(ReconciliationError, match="CALL_UNDECIDED"):
        reconcile(workspace, run)


def test_rules_off_keeps_everything_unaltered(bench: Any, run_of: Any) -> None:
    run = run_of(RunKind.SCHEDULED)
    result = bench.run(run, recording_rules={"enabled": False}, media={"profile": "none", "deadline": "7d"})
    assert result.calls.excluded == 0
    assert result.calls.listed == len(bench.truth(run.window).calls)
    assert all(record["derivatives"] == [] for record in bench.records())
