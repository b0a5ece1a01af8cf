"""Audio, links and metadata that come later than the call they belong to."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind, Link

MINUTE = timedelta(minutes=1)


@pytest.fixture
def later(everything: Any, run_of: Any, clock: Any) -> Any:
    """Runs of the policy over quiet minutes: nothing but stragglers can make them work."""
    numbers = iter(range(100))

    def run(after: timedelta, kind: RunKind = RunKind.SCHEDULED) -> Any:
        clock.move_to(clock.now + after)
        number = next(numbers)
        quiet = clock.now.replace(hour=0, minute=0, second=1, microsecond=0) + number * MINUTE
        run = run_of(kind, start=quiet, hours=1 / 60, run_id=f"later-{number}")
        return everything.run(run)

    return run


def around(call: Any, run_of: Any, kind: RunKind = RunKind.SCHEDULED) -> Any:
    return run_of(kind, start=call.started_at - MINUTE, hours=1 / 30, run_id=f"around-{kind}")


def documents(bench: Any, call: Any) -> int:
    """In how many bags the call is documented."""
    found = [json.loads(path.read_bytes()) for bag in bench.bags() for path in bag.glob("data/calls/*.json")]
    return sum(document["call"]["call_id"] == call.call_id for document in found)


def test_late_audio_is_asked_for_when_due_and_archived_once(everything: Any, run_of: Any, later: Any) -> None:
    call = everything.call(Kind.LATE_MEDIA)
    recording = call.all_links[0].recording_id
    first = everything.run(around(call, run_of))
    assert (first.calls.awaiting_media, first.recordings.awaiting_media) == (1, 1)
    assert everything.asked_for(recording) == 1

    later(5 * MINUTE)
    assert everything.asked_for(recording) == 1, "asked before it was due"
    later(11 * MINUTE)
    assert everything.asked_for(recording) == 2
    everything.cloud9.admin.upload_now(recording)
    later(20 * MINUTE)
    assert everything.asked_for(recording) == 2, "the second wait is twice as long"
    later(11 * MINUTE)
    assert everything.asked_for(recording) == 3
    later(24 * 60 * MINUTE)
    assert everything.asked_for(recording) == 3

    assert everything.recording_states()[recording] == ["archived"]
    bags = [bag for bag in everything.bags() if recording in (bag / "manifest-sha256.txt").read_text()]
    assert len(bags) == 1
    links = [json.loads(path.read_bytes()) for path in sorted(everything.archive.glob("emea_rates/chain/*.json"))]
    assert {link["kind"] for link in links} == {"regular"}
    everything.verified()


def test_a_backfill_leaves_the_stragglers_of_other_windows_alone(everything: Any, run_of: Any, later: Any) -> None:
    call = everything.call(Kind.LATE_MEDIA)
    recording = call.all_links[0].recording_id
    everything.run(around(call, run_of))
    everything.cloud9.admin.upload_now(recording)
    later(60 * MINUTE, RunKind.BACKFILL)
    assert everything.asked_for(recording) == 1
    later(MINUTE)
    assert everything.recording_states()[recording] == ["archived"]


def test_a_backfill_of_its_own_window_asks_whether_due_or_not(everything: Any, run_of: Any, clock: Any) -> None:
    call = everything.call(Kind.LATE_MEDIA)
    recording = call.all_links[0].recording_id
    everything.run(around(call, run_of))
    everything.cloud9.admin.upload_now(recording)
    assert everything.run(around(call, run_of, RunKind.BACKFILL)).calls.awaiting_media == 0
    assert everything.recording_states()[recording] == ["archived"]


def test_links_that_come_late_are_listed_again_by_a_scheduled_run(
    everything: Any, run_of: Any, later: Any, clock: Any
) -> None:
    call = everything.call(Kind.LINKS_LATE)
    recording = call.all_links[0].recording_id
    everything.cloud9.admin.upload_never(recording)
    assert everything.run(around(call, run_of)).calls.awaiting_media == 1
    everything.cloud9.admin.upload_now(recording)
    later(16 * MINUTE)
    assert everything.recording_states()[recording] == ["archived"]
    everything.verified()


def test_links_seen_again_before_the_call_is_due_are_no_gap(everything: Any, run_of: Any) -> None:
    call = everything.call(Kind.LINKS_LATE)
    recording = call.all_links[0].recording_id
    everything.cloud9.admin.upload_never(recording)
    everything.run(around(call, run_of))
    everything.cloud9.admin.upload_now(recording)
    again = run_of(RunKind.SCHEDULED, start=call.started_at - 2 * MINUTE, hours=1 / 15, run_id="overlapping")
    result = everything.run(again)
    assert result.calls.awaiting_media == 0
    assert everything.recording_states()[recording] == ["archived"]


def test_past_the_deadline_it_is_missing_and_heals_when_it_turns_up(everything: Any, run_of: Any, later: Any) -> None:
    call = everything.call(Kind.MEDIA_NEVER)
    recording = call.all_links[0].recording_id
    everything.run(around(call, run_of))
    assert everything.findings("MEDIA_MISSING") == set()
    later(timedelta(days=5))
    assert everything.findings("MEDIA_MISSING") == {f"cloud9_emea/{recording}"}
    for _ in range(2):
        assert documents(everything, call) == 1, "that it is missing is on record, and is so once"
        later(timedelta(hours=13))
    everything.cloud9.admin.upload_now(recording)
    later(timedelta(hours=13))
    assert everything.findings("MEDIA_MISSING") == set()
    assert everything.recording_states()[recording] == ["archived"]
    everything.verified()


def test_the_deadline_counts_from_the_end_of_the_call(everything: Any, run_of: Any, later: Any, clock: Any) -> None:
    call = everything.call(Kind.MEDIA_NEVER)
    assert call.started_at < call.ended_at
    everything.run(around(call, run_of))
    later(call.started_at + timedelta(days=7) - clock.now)
    assert everything.findings("MEDIA_MISSING") == set()
    later(timedelta(hours=13))
    assert everything.findings("MEDIA_MISSING") == {f"cloud9_emea/{call.all_links[0].recording_id}"}


def test_a_call_that_never_names_its_recording_is_missing_and_documented(
    everything: Any, run_of: Any, later: Any
) -> None:
    call = everything.call(Kind.LINKS_LATE)
    everything.cloud9.admin.upload_never(call.all_links[0].recording_id)
    everything.run(around(call, run_of))
    later(timedelta(days=5))
    assert everything.findings("MEDIA_MISSING") == {f"cloud9_emea/{call.call_id}"}
    assert documents(everything, call) == 1
    everything.cloud9.admin.upload_now(call.all_links[0].recording_id)
    later(timedelta(hours=13))
    assert everything.findings("MEDIA_MISSING") == set()
    everything.verified()


def test_an_amended_call_is_documented_anew_and_its_audio_kept_once(everything: Any, run_of: Any, later: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    everything.run(around(call, run_of))
    everything.amend(call.call_id, stop_reason="Supervisor released")
    again = run_of(RunKind.SCHEDULED, start=call.started_at - MINUTE, hours=1 / 15, run_id="again")
    result = everything.run(again)
    assert result.calls.archived == result.calls.listed
    documents = [json.loads(path.read_bytes()) for bag in everything.bags() for path in bag.glob("data/calls/*.json")]
    reasons = [doc["call"]["raw"]["stopReason"] for doc in documents if doc["call"]["call_id"] == call.call_id]
    assert len(reasons) == 2
    assert "Supervisor released" in reasons
    for link in call.all_links:
        assert everything.recording_states()[link.recording_id] == ["archived"]
    everything.verified()


def test_a_link_that_another_policys_run_brings_to_light_is_fetched_too(
    everything: Any, run_of: Any, later: Any
) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    made = everything.cloud9.cloud.world._days[("emea", call.started_at.date())]
    whole = next(each for each in made.calls if each.call_id == call.call_id)
    first, second = whole.links
    everything.amend(call.call_id, links=(first,))
    everything.run(around(call, run_of))
    everything.amend(call.call_id, links=(first, Link(second.recording, second.offset)))
    other = dataclasses.replace(around(call, run_of), policy="emea_other")
    everything.run(other, policy="emea_other")
    later(16 * MINUTE)
    kept = [r["recording_id"] for r in everything.records() if r["policy"] == "emea_rates"]
    assert kept.count(second.recording.recording_id) == 1
    assert kept.count(first.recording.recording_id) == 1
    everything.verified()


def test_metadata_that_comes_late_is_found_through_the_lookback(everything: Any, run_of: Any, clock: Any) -> None:
    call = everything.call(Kind.REGULAR)
    everything.amend(call.call_id, listed_at=clock.now + MINUTE)
    everything.run(around(call, run_of))
    assert call.all_links[0].recording_id not in everything.recording_states()
    clock.move_to(clock.now + 2 * MINUTE)
    after = run_of(RunKind.SCHEDULED, start=call.started_at + 10 * MINUTE, hours=1 / 60, run_id="after")
    everything.run(after, schedule={**everything.policy["schedule"], "lookback": "15m"})
    assert everything.recording_states()[call.all_links[0].recording_id] == ["archived"]
