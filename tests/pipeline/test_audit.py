"""The audit file of a run: a row for each conversation, whoever reads it."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.catalog.accounts import CallAccount, RecordingAccount
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.keys import call_key
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.run import CallRef, RecordingRef, RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.pipeline.audit import AUDIT_COLUMNS, audit_csv

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)


def rows_of(content: bytes) -> list[dict[str, str]]:
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=";"))
    assert rows[0] == list(AUDIT_COLUMNS)
    return [dict(zip(AUDIT_COLUMNS, row, strict=True)) for row in rows[1:]]


def audited(*accounts: CallAccount, retention: str | None = None, findings: tuple[Finding, ...] = ()) -> bytes:
    return audit_csv(
        accounts,
        policy="emea_rates",
        policy_version="0" * 64,
        retention=parse_retention(retention) if retention else None,
        findings=findings,
    )


def call(call_id: str, state: CallState, *recordings: RecordingAccount, **more: Any) -> CallAccount:
    found = CallAccount(CallRef("cloud9", call_id), NOW, state, None, None, None, None, list(recordings))
    return dataclasses.replace(found, **more)


def recording(name: str, state: MediaState | None, **more: Any) -> RecordingAccount:
    found = RecordingAccount(RecordingRef("cloud9", name), state, None, None, None, None)
    return dataclasses.replace(found, **more)


def test_what_the_run_found_about_a_call_or_its_recordings_stands_in_its_row() -> None:
    found = (
        Finding("MEDIA_UNLINKED", "cloud9/R", "r"),
        Finding("CALL_AMENDED", "cloud9/C", "c"),
        Finding("CALL_AMENDED", "cloud9/X", "x"),
    )
    account = call("C", CallState.ARCHIVED, recording("R", MediaState.ARCHIVED))
    (row,) = rows_of(audited(account, findings=found))
    assert (row["error_code"], row["error_desc"]) == ("CALL_AMENDED MEDIA_UNLINKED", "cloud9/C: c; cloud9/R: r")


def test_a_row_of_a_run(everything: Any, run_of: Any) -> None:
    found = everything.call(Kind.TWO_RECORDINGS)
    run = run_of(start=found.started_at, hours=1 / 3600)
    everything.policy["archive"] = {"target": "archive", "retention": "90d"}
    result = everything.run(run)
    report = json.loads((everything.archive / result.report).read_bytes())
    audit = (everything.archive / result.report.replace(".json", ".audit.csv")).read_bytes()
    (row,) = rows_of(audit)
    assert report["audit_sha256"] == hashlib.sha256(audit).hexdigest()
    assert row == {
        "ccdr_id": call_key("cloud9_emea", found.call_id),
        "native_id": found.call_id,
        "n_files": "2",
        "src_folder": "cloud9_emea",
        "dst_folder": report["bags"][0]["prefix"],
        "policy_id": report["policy_version"],
        "policy_name": "emea_rates",
        "action": "archived",
        "error_code": "",
        "error_desc": "",
        "ts": "2026-03-06T00:00:00Z",
        "retention_start": found.started_at.isoformat().replace("+00:00", "Z"),
        "retention_period": "90d",
        "retention_auto_delete": "no",
    }
    link = json.loads((everything.archive / "emea_rates/chain/00000001.json").read_bytes())
    assert {"path": result.report.replace(".json", ".audit.csv"), "sha256": report["audit_sha256"]} in link["members"]


def test_what_went_wrong_with_a_conversation_and_its_recordings_stands_in_its_row() -> None:
    broken = recording("R1", MediaState.QUARANTINED, failure_code="MEDIA_DAMAGED", failure_reason="it is cut", files=1)
    short = recording(
        "R2", MediaState.ARCHIVED, failed_derivatives=({"profile": "alaw_8k", "code": "TRANSCODE", "reason": "no"},)
    )
    (row,) = rows_of(audited(call("1", CallState.QUARANTINED, broken, short, recording("R3", MediaState.MISSING))))
    assert row["error_code"] == "DERIVATIVE_FAILED MEDIA_MISSING MEDIA_QUARANTINED"
    assert "cloud9/R1: MEDIA_DAMAGED: it is cut" in row["error_desc"]
    assert "cloud9/R2: alaw_8k: TRANSCODE: no" in row["error_desc"]


@pytest.mark.parametrize(
    ("policys", "asked_for", "governs"),
    [("7y", "90d", "7y"), ("90d", "7y", "7y"), (None, "1y", "1y"), (None, None, "")],
)
def test_the_longest_retention_governs(policys: str | None, asked_for: str | None, governs: str) -> None:
    kept = call("1", CallState.ARCHIVED, retention=asked_for, folder="emea_rates/bags/x")
    (row,) = rows_of(audited(kept, retention=policys))
    assert (row["retention_start"], row["retention_period"]) == ("2026-03-03T09:00:00Z", governs)


def test_what_is_not_in_the_archive_has_no_retention_and_no_place() -> None:
    held = call("1", CallState.SELECTED, recording("R1", MediaState.FETCHED, files=1), held_by="other")
    (row,) = rows_of(audited(held, retention="7y"))
    assert (row["action"], row["n_files"], row["dst_folder"]) == ("awaiting_media", "0", "")
    assert (row["retention_start"], row["retention_period"], row["retention_auto_delete"]) == ("", "", "")


def test_equal_facts_make_equal_bytes_and_no_conversation_has_two_rows() -> None:
    accounts = [call(f"{n}", CallState.EXCLUDED, started_at=NOW + timedelta(minutes=n % 3)) for n in range(9)]
    shuffled = [*accounts[4:], *accounts[::-1]]
    assert audited(*accounts) == audited(*shuffled)
    assert [row["native_id"] for row in rows_of(audited(*shuffled))] == list("036147258")


def test_no_cell_is_a_formula_or_begins_a_row() -> None:
    nasty = '=HYPERLINK(1);\r\n"x'
    (row,) = rows_of(audited(call(nasty, CallState.MISSING, recording("=R", MediaState.MISSING))))
    assert row["native_id"] == f"'{nasty}"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_what_a_run_took_up_of_earlier_windows_has_a_row_too(everything: Any, run_of: Any) -> None:
    late = everything.call(Kind.LATE_MEDIA)
    everything.run(run_of(start=late.started_at, hours=1 / 3600, run_id="first"))
    everything.cloud9.admin.upload_now(late.all_links[0].recording_id)
    everything.clock.move_to(everything.clock.now + timedelta(hours=1))
    quiet = everything.clock.now.replace(hour=0, second=1)
    result = everything.run(run_of(RunKind.SCHEDULED, start=quiet, hours=1 / 60, run_id="second"))
    assert result.calls.listed == 0
    (row,) = rows_of((everything.archive / result.report.replace(".json", ".audit.csv")).read_bytes())
    assert (row["native_id"], row["action"], row["n_files"]) == (late.call_id, "archived", "1")
