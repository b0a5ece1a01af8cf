"""Recordings that the source refuses or does not deliver, among others that it gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.domain.run import RunKind, WantedRecording
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import (
    Cloud9ArchiveError,
    UnreachableError,
    WireFormatError,
)
from cloud9_archive.pipeline.fetch_recordings import MOST_UNREACHED, fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile

MINUTE = timedelta(minutes=1)
ENDLESS = 10_000


@pytest.fixture
def morning(run_of: Any) -> Any:
    """Half an hour with a handful of recordings, all in one batch."""
    start = run_of().window.start
    return run_of(RunKind.SCHEDULED, start=start + timedelta(hours=10, minutes=15), hours=0.5)


@pytest.fixture
def later(everything: Any, run_of: Any, clock: Any) -> Any:
    """Runs over quiet minutes: nothing but stragglers can make them work."""
    numbers = iter(range(100))

    def run(after: timedelta) -> Any:
        clock.move_to(clock.now + after)
        number = next(numbers)
        quiet = clock.now.replace(hour=0, minute=0, second=1, microsecond=0) + number * MINUTE
        return everything.run(run_of(RunKind.SCHEDULED, start=quiet, hours=1 / 60, run_id=f"later-{number}"))

    return run


def lone(call: Any, run_of: Any, run_id: str = "") -> Any:
    return run_of(RunKind.SCHEDULED, start=call.started_at, hours=1 / 3600, run_id=run_id)


def words(result: Any, code: str) -> dict[str, str]:
    return {finding.subject: finding.words for finding in result.findings if finding.code == code}


def test_a_refused_recording_holds_up_no_other_and_is_told_until_it_comes(
    everything: Any, morning: Any, later: Any
) -> None:
    recording = everything.call(Kind.SHARED_LINE).all_links[0].recording_id
    everything.cloud9.admin.fault("status", "recordings", match=recording, count=ENDLESS, status=422)
    first = everything.run(morning)
    assert first.calls.unaccounted == first.recordings.unaccounted == 0
    assert first.recordings.archived > 1
    told = words(first, "MEDIA_REFUSED")
    assert set(told) == {f"cloud9_emea/{recording}"}
    assert "was answered 422" in told[f"cloud9_emea/{recording}"]
    assert "ask Cloud9 for it by its id" in told[f"cloud9_emea/{recording}"]
    rows = json.loads((everything.archive / first.report).read_bytes())["rows"]
    (row, *_) = [one for row in rows for one in row["recordings"] if one["recording_id"] == recording]
    assert (row["state"], row["failure"]) == ("awaiting_media", "MEDIA_REFUSED")
    assert everything.asked_for(recording) == 1, "asking again at once is of no use"

    later(5 * MINUTE)
    assert everything.asked_for(recording) == 1, "not at every run"
    later(11 * MINUTE)
    assert everything.asked_for(recording) == 2, "alone in its batch, and still no reason to fail"
    later(20 * MINUTE)
    assert everything.asked_for(recording) == 2, "the second wait is twice as long"
    assert everything.findings("MEDIA_REFUSED") == {f"cloud9_emea/{recording}"}

    everything.cloud9.admin.clear_faults()
    later(11 * MINUTE)
    assert everything.recording_states()[recording] == ["archived"]
    assert everything.findings("MEDIA_REFUSED") == set(), "it heals"
    everything.complete(morning.window)
    rows = json.loads((everything.archive / everything.run(morning).report).read_bytes())["rows"]
    assert {one["failure"] for row in rows for one in row["recordings"] if one["recording_id"] == recording} == {None}


def test_a_refusal_that_becomes_a_wait_is_no_refusal_any_more(everything: Any, morning: Any, later: Any) -> None:
    recording = everything.call(Kind.SHARED_LINE).all_links[0].recording_id
    everything.cloud9.admin.fault("status", "recordings", match=recording, count=1, status=410)
    everything.cloud9.admin.fault("status", "recordings", match=recording, count=1, status=404)
    everything.cloud9.admin.fault("status", "recordings", match=recording, count=1, status=410)
    assert words(everything.run(morning), "MEDIA_REFUSED")
    assert not words(later(16 * MINUTE), "MEDIA_REFUSED")
    assert everything.findings("MEDIA_REFUSED") == set()
    assert words(later(31 * MINUTE), "MEDIA_REFUSED")


def test_past_the_deadline_a_refused_recording_is_missing_and_why_is_told(
    everything: Any, morning: Any, later: Any
) -> None:
    recording = everything.call(Kind.SHARED_LINE).all_links[0].recording_id
    everything.cloud9.admin.fault("status", "recordings", match=recording, count=ENDLESS, status=410)
    everything.run(morning)
    told = words(later(timedelta(days=8)), "MEDIA_MISSING")[f"cloud9_emea/{recording}"]
    assert "MEDIA_REFUSED: POST /v1/calls/recordings was answered 410" in told
    assert everything.findings("MEDIA_REFUSED") == set()


def test_when_every_recording_is_refused_the_question_is_at_fault(everything: Any, morning: Any) -> None:
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, morning)
    everything.cloud9.admin.fault("status", "recordings", count=ENDLESS, status=400)
    with pytest.raises(WireFormatError, match=r"recordings was given: .* was answered 400") as caught:
        fetch_recordings(workspace, batch_ids[0])
    assert "compare the request section" in (caught.value.hint or "")
    everything.cloud9.admin.clear_faults()
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, morning).calls.unaccounted == 0
    everything.complete(morning.window)


def test_a_lone_recording_that_is_gone_is_its_own_fault_and_a_strange_answer_only_where_others_came(
    everything: Any, run_of: Any
) -> None:
    gone, strange, good = (everything.call(kind) for kind in (Kind.DAMAGED, Kind.LONG_ID, Kind.SHARED_LINE))
    for call, status in ((gone, 410), (strange, 400)):
        name = call.all_links[0].recording_id
        everything.cloud9.admin.fault("status", "recordings", match=name, count=ENDLESS, status=status)
    assert words(everything.run(lone(gone, run_of, "gone")), "MEDIA_REFUSED")
    workspace = everything.workspace()
    (batch_id,) = everything.begin(workspace, lone(strange, run_of, "strange"))
    with pytest.raises(WireFormatError):
        fetch_recordings(workspace, batch_id)
    everything.run(lone(good, run_of, "good"))
    everything.work(workspace, [batch_id])
    assert words(reconcile(workspace, lone(strange, run_of, "strange")), "MEDIA_REFUSED")


@pytest.fixture
def source(everything: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A source that fails at some recordings; in what order recordings were asked for."""

    def failing(error: Cloud9ArchiveError, *recordings: str, count: int = ENDLESS) -> list[str]:
        asked: list[str] = []
        fetch = Cloud9Client.fetch_recording

        def fetched(client: Cloud9Client, wanted: WantedRecording, into: Path) -> Any:
            asked.append(wanted.recording_id)
            bad = not recordings or wanted.recording_id in recordings
            if bad and len(asked) <= count:
                raise error
            return fetch(client, wanted, into)

        monkeypatch.setattr(Cloud9Client, "fetch_recording", fetched)
        return asked

    return failing


def test_an_unreachable_recording_is_put_off_and_the_others_are_archived(
    everything: Any, morning: Any, later: Any, source: Callable[..., list[str]]
) -> None:
    recording = everything.call(Kind.SHARED_LINE).all_links[0].recording_id
    asked = source(UnreachableError("no further bytes in 60 s"), recording)
    first = everything.run(morning)
    wanted = everything.expected(morning.window).recordings
    assert set(asked) == set(wanted)
    assert first.recordings.archived >= sum(state == "archived" for state in wanted.values()) - 1
    assert recording not in everything.recording_states()
    rows = json.loads((everything.archive / first.report).read_bytes())["rows"]
    (row, *_) = [one for row in rows for one in row["recordings"] if one["recording_id"] == recording]
    assert (row["state"], row["failure"]) == ("awaiting_media", "UNREACHABLE")
    asked.clear()
    later(16 * MINUTE)
    assert recording in asked
    assert set(asked) <= {key for key, state in wanted.items() if state == "awaiting_media"} | {recording}


def test_a_source_that_is_not_there_is_not_asked_for_everything(
    everything: Any, morning: Any, source: Callable[..., list[str]]
) -> None:
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, morning)
    asked = source(UnreachableError("refused"), count=MOST_UNREACHED)
    with pytest.raises(UnreachableError):
        fetch_recordings(workspace, batch_ids[0])
    assert len(asked) == MOST_UNREACHED
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, morning).calls.unaccounted == 0
    everything.complete(morning.window)


def test_recordings_that_are_unreachable_now_and_then_are_no_lost_source(
    everything: Any, morning: Any, source: Callable[..., list[str]]
) -> None:
    workspace = everything.workspace()
    (batch_id, *_) = everything.begin(workspace, morning)
    members = [f"{one}" for one in sorted(everything.expected(morning.window).recordings)]
    source(UnreachableError("stalled"), *members[::2])
    fetched = fetch_recordings(workspace, batch_id)
    assert fetched.failed >= MOST_UNREACHED
    assert fetched.fetched >= MOST_UNREACHED
