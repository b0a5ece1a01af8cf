"""A source that dies, fails, changes its shape or is hostile, and staging that loses or alters what it holds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.errors import (
    IncompleteBodyError,
    MediaHostFaultError,
    ReconciliationError,
    ServerFaultError,
    StagingLostError,
    TransientError,
    UnreachableError,
    WireFormatError,
)
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode

MINUTE = timedelta(minutes=1)


@pytest.fixture
def morning(run_of: Any) -> Any:
    """A few hours of a weekday."""
    start = run_of().window.start
    return run_of(RunKind.SCHEDULED, start=start + timedelta(hours=8), hours=3)


def test_a_source_that_dies_in_the_middle_is_asked_again_when_it_is_back(
    everything: Any, morning: Any, clock: Any
) -> None:
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, morning)
    old = everything.cloud9
    old.admin.fault("reset", "recordings", count=10_000, after_bytes=100)
    with pytest.raises(IncompleteBodyError):  # cut off in the middle of a recording
        fetch_recordings(workspace, batch_ids[0])
    old.stop(abruptly=True)
    with pytest.raises(UnreachableError):  # nobody there any more
        fetch_recordings(workspace, batch_ids[0])
    with EmulatorServer(home=old.home, port=old.port, settings=old.cloud.settings) as back:
        everything.cloud9 = clock.cloud9 = back
        back.admin.set_limits(metadata_per_minute=100_000, recordings_per_minute=100_000)
        clock.move_to(clock.now)
        everything.work(workspace, batch_ids)
        assert reconcile(workspace, morning).calls.unaccounted == 0
        everything.complete(morning.window)


def test_a_media_host_that_fails_at_one_recording_does_not_hold_up_the_others(
    everything: Any, morning: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = everything.call(Kind.SHARED_LINE).all_links[0].recording_id
    fetch = Cloud9Client.fetch_recording

    def failing(client: Cloud9Client, asked_for: Any, into: Path) -> Any:
        if recording in str(asked_for):
            raise MediaHostFaultError("GET https://media.example:443/… was answered 403")
        return fetch(client, asked_for, into)

    monkeypatch.setattr(Cloud9Client, "fetch_recording", failing)
    report = everything.run(morning)
    assert report.recordings.awaiting_media >= 1
    assert report.recordings.archived > 1
    assert recording not in everything.recording_states()


def test_one_recording_that_fails_at_the_source_is_put_off_and_heals(
    everything: Any, morning: Any, run_of: Any, clock: Any
) -> None:
    call = everything.call(Kind.SHARED_LINE)
    recording = call.all_links[0].recording_id
    everything.cloud9.admin.fault("status", "recordings", match=recording, count=10_000, status=500)
    first = everything.run(morning)
    assert first.recordings.awaiting_media >= 1
    assert first.recordings.archived > 1
    assert recording not in everything.recording_states()

    clock.move_to(clock.now + 16 * MINUTE)
    quiet = run_of(RunKind.SCHEDULED, start=clock.now.replace(hour=0, minute=1), hours=1 / 60, run_id="still failing")
    everything.run(quiet)  # alone in its batch, and still no reason to fail

    everything.cloud9.admin.clear_faults()
    clock.move_to(clock.now + timedelta(hours=1))
    everything.run(run_of(RunKind.SCHEDULED, start=clock.now.replace(hour=0, minute=3), hours=1 / 60, run_id="healed"))
    everything.complete(morning.window)


def test_a_source_that_fails_at_everything_is_tried_again_by_the_task(everything: Any, morning: Any) -> None:
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, morning)
    everything.cloud9.admin.fault("status", "recordings", count=10_000, status=500)
    with pytest.raises(ServerFaultError):
        fetch_recordings(workspace, batch_ids[0])
    with pytest.raises(ReconciliationError, match="CALL_UNACCOUNTED"):
        reconcile(workspace, morning)
    everything.cloud9.admin.clear_faults()
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, morning).calls.unaccounted == 0
    everything.complete(morning.window)


def test_a_single_new_recording_that_fails_becomes_missing_past_its_deadline(
    everything: Any, run_of: Any, clock: Any
) -> None:
    call = everything.call(Kind.DAMAGED)
    run = run_of(RunKind.SCHEDULED, start=call.started_at, hours=1 / 3600)
    everything.cloud9.admin.fault("status", "recordings", count=10_000, status=500)
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, run)
    with pytest.raises(TransientError):
        fetch_recordings(workspace, batch_ids[0])
    clock.move_to(call.ended_at + timedelta(days=7, minutes=1))
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, run).calls.missing == 1


@pytest.mark.parametrize("fault", ["renamed_field", "not_json", "repeated_token"])
def test_a_changed_shape_is_never_taken_for_no_calls(everything: Any, morning: Any, fault: str) -> None:
    workspace = everything.workspace()
    everything.cloud9.admin.fault(fault, "metadata", count=10_000)
    with pytest.raises(WireFormatError):
        fetch_calls(workspace, morning, "cloud9_emea")
    with pytest.raises(ReconciliationError, match="SOURCE_NOT_LISTED: cloud9_emea"):
        reconcile(workspace, morning)
    everything.cloud9.admin.clear_faults()
    everything.run(morning)
    everything.complete(morning.window)


def for_each(batch_ids: Any, workspace: Any, *steps: Any) -> None:
    for batch_id in batch_ids:
        for step in steps:
            step(workspace, batch_id)


def staged(bench: Any) -> list[Path]:
    return sorted(path for path in (bench.root / "staging" / "media").rglob("*") if path.is_file())


def lose(path: Path) -> None:
    path.unlink()


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [lose, alter])
def test_staging_that_is_harmed_before_transcoding_is_fetched_again(everything: Any, morning: Any, harm: Any) -> None:
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, morning)
    for_each(batch_ids, workspace, fetch_recordings)
    harm(staged(everything)[0])
    with pytest.raises(StagingLostError):
        for_each(batch_ids, workspace, transcode)
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, morning).calls.unaccounted == 0
    everything.complete(morning.window)


@pytest.mark.parametrize("harm", [lose, alter])
@pytest.mark.parametrize("profile", ["none", "alaw_8k"])
def test_staging_that_is_harmed_before_archiving_heals_by_clearing(
    everything: Any, morning: Any, harm: Any, profile: str
) -> None:
    everything.policy["media"] = {"profile": profile, "deadline": "7d"}
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, morning)
    for_each(batch_ids, workspace, fetch_recordings, transcode)
    harm(staged(everything)[-1])
    with pytest.raises(StagingLostError) as lost:
        for_each(batch_ids, workspace, archive)
    assert lost.value.__cause__ is not lost.value
    with pytest.raises(ReconciliationError, match="CALL_UNACCOUNTED"):
        reconcile(workspace, morning)
    everything.work(workspace, everything.begin(workspace, morning))
    assert reconcile(workspace, morning).calls.unaccounted == 0
    everything.complete(morning.window)


def test_hostile_ids_end_up_in_safe_places(everything: Any, run_of: Any) -> None:
    for kind in (Kind.HOSTILE_ID, Kind.LONG_ID):
        call = everything.call(kind)
        everything.run(run_of(start=call.started_at, hours=1 / 3600, run_id=kind.value))
        assert call.all_links[0].recording_id in everything.recording_states()
    for path in everything.root.rglob("*"):
        assert path.name.isascii()
        assert path.name.isprintable()
        assert len(path.name) < 160
        assert not path.is_symlink()
    assert {path.name for path in everything.root.iterdir()} <= {
        "archive", "staging", "catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm", "catalog.sqlite.migrating",
    }  # fmt: skip
    assert {path.name for path in everything.archive.iterdir()} <= {"README.txt", "emea_rates", ".incoming"}
    everything.verified()


def test_ids_with_nul_are_kept_as_they_are(everything: Any, run_of: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    strange = call.call_id + "\x00\x10\x7f"
    everything.amend(call.call_id, call_id=strange)
    result = everything.run(run_of(start=call.started_at, hours=1 / 3600))
    assert result.calls.archived == 1
    assert strange in {call["call_id"] for record in everything.records() for call in record["calls"]}
    everything.verified()
