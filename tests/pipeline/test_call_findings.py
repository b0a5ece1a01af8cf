"""What a run finds about calls beside what was known of them: late, amended, alike, or with audio that does not fit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pipeline_bench import DAY

from cloud9_archive.catalog.findings import healed_findings, open_findings
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import EmulatedCall, Kind
from cloud9_archive.pipeline.reconcile import reconcile

MINUTE = timedelta(minutes=1)
QUARTER = 15 * MINUTE


@pytest.fixture
def looks(everything: Any, run_of: Any, clock: Any) -> Any:
    """Runs whose window is two minutes around a call, each a minute later; reconciling one again changes nothing."""
    numbers = iter(range(100))

    def look(call: Any) -> dict[tuple[str, str], str]:
        clock.move_to(clock.now + MINUTE)
        run = run_of(RunKind.BACKFILL, start=call.started_at - MINUTE, hours=1 / 30, run_id=f"look-{next(numbers)}")
        return told(everything, run)

    return look


def told(bench: Any, run: RunRef) -> dict[tuple[str, str], str]:
    """What the run's report says by code and subject; it says so again when the run is reconciled again."""
    result = bench.run(run)
    before = bench.snapshot()
    assert reconcile(bench.workspace(), run) == result
    assert bench.snapshot() == before, "no second report"
    return {(finding.code, finding.subject): finding.words for finding in result.findings}


def whole(bench: Any, call: Any) -> EmulatedCall:
    """The call as the emulated world has it."""
    made = bench.cloud9.cloud.world._days[("emea", call.started_at.date())]
    found: EmulatedCall = next(each for each in made.calls if each.call_id == call.call_id)
    return found


def test_a_call_that_comes_three_windows_late_is_taken_through_the_lookback_and_told(
    everything: Any, run_of: Any, clock: Any
) -> None:
    everything.policy["schedule"] = {**everything.policy["schedule"], "lookback": "46m"}
    call = everything.call(Kind.REGULAR)
    everything.amend(call.call_id, listed_at=clock.now + 10 * MINUTE)
    subject = ("METADATA_LATE", "cloud9_emea/late metadata of 2026-03-03")
    codes = []
    for number in range(5):
        clock.move_to(clock.now + 3 * MINUTE)
        start = call.started_at + (number - 1) * QUARTER + MINUTE
        found = told(everything, run_of(RunKind.SCHEDULED, start=start, hours=0.25))
        codes.append(subject in found)
        if found.get(subject):
            late = int((clock.now - call.ended_at).total_seconds())
            assert "1 call was listed first by this run" in found[subject]
            assert f"{late} s after the end of call {call.call_id}" in found[subject]
    assert codes == [False, False, False, True, False]
    assert everything.recording_states()[call.all_links[0].recording_id] == ["archived"]
    assert everything.findings("METADATA_LATE") == {subject[1]}, "the day is not left behind yet"
    two_days_on = call.started_at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    everything.run(
        run_of(RunKind.SCHEDULED, start=two_days_on, hours=0.25, run_id="on"),
        schedule=everything.policy["schedule"] | {"lookback": "1s"},
    )
    assert everything.findings("METADATA_LATE") == set()


def test_what_a_cleared_run_lists_beside_what_it_listed_before_came_late_too(
    everything: Any, run_of: Any, clock: Any
) -> None:
    call = everything.call(Kind.REGULAR)
    everything.amend(call.call_id, listed_at=clock.now + MINUTE)
    run = run_of(start=call.started_at - MINUTE, hours=1 / 30)
    assert told(everything, run) == {}
    clock.move_to(clock.now + 2 * MINUTE)
    assert [code for code, _ in told(everything, run)] == ["METADATA_LATE"]


def test_a_call_that_its_source_amends_is_told_with_the_fields_and_documented_again(
    everything: Any, looks: Any
) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    subject = f"cloud9_emea/{call.call_id}"
    looks(call)
    everything.amend(call.call_id, stop_reason="Supervisor released", button_label="Gilts")
    words = looks(call)["CALL_AMENDED", subject]
    assert "raw.stopReason" in words
    assert "button_label" in words
    assert "Supervisor" not in words
    assert len(everything.calls()[call.call_id]) == 2, "both versions are in the archive"
    assert everything.findings("CALL_AMENDED") == {subject}
    assert ("CALL_AMENDED", subject) not in looks(call)
    assert everything.findings("CALL_AMENDED") == set()
    everything.verified()


def test_two_calls_between_the_same_ends_at_the_same_time_are_told_and_both_kept(everything: Any, looks: Any) -> None:
    first, second, _ = sorted(
        (
            each
            for each in everything.truth(Window(DAY, DAY + timedelta(days=1))).calls
            if each.kind is Kind.SAME_SECOND
        ),
        key=lambda each: (each.started_at, each.call_id),
    )
    original = whole(everything, first)
    everything.amend(second.call_id, near=original.near, far=original.far, milliseconds=original.milliseconds + 2900)
    found = looks(first)
    words = found["CALL_NEAR_DUPLICATE", f"cloud9_emea/{second.call_id}"]
    assert f"it has the ends of call {first.call_id}, begins 0.0 s after it, and its length differs by 2.9 s" in words
    assert {first.call_id, second.call_id} <= set(everything.calls())
    everything.amend(second.call_id, near=original.near, far=original.far, milliseconds=original.milliseconds + 3100)
    looks(first)
    assert everything.findings("CALL_NEAR_DUPLICATE") == set()


def test_a_recording_of_another_length_than_its_call_is_told(everything: Any, looks: Any) -> None:
    call = everything.call(Kind.HOSTILE_ID)
    subject = f"cloud9_emea/{call.call_id}"
    milliseconds = whole(everything, call).milliseconds
    everything.amend(call.call_id, milliseconds=milliseconds + 60_000)
    assert "60.0 s too short to hold it" in looks(call)["MEDIA_LENGTH_DIFFERS", subject]
    everything.policy["media"] = {**everything.policy["media"], "length_tolerance": "1h"}
    assert ("MEDIA_LENGTH_DIFFERS", subject) not in looks(call), "as much as the policy bears"
    everything.policy["media"] = {**everything.policy["media"], "length_tolerance": "5s"}
    everything.amend(call.call_id, milliseconds=milliseconds - 7_000)
    assert "7.0 s longer" in looks(call)["MEDIA_LENGTH_DIFFERS", subject]
    assert everything.findings("MEDIA_LENGTH_DIFFERS") == {subject}
    everything.amend(call.call_id, milliseconds=milliseconds)
    looks(call)
    assert everything.findings("MEDIA_LENGTH_DIFFERS") == set()


def test_a_recording_that_no_call_names_any_more_is_told(everything: Any, looks: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    links = whole(everything, call).links
    kept, dropped = links[0], f"cloud9_emea/{links[1].recording.recording_id}"
    looks(call)
    everything.amend(call.call_id, links=(kept,))
    assert looks(call)["MEDIA_UNLINKED", dropped] == "no call names it any more; it is archived"
    everything.amend(call.call_id, links=links)
    looks(call)
    assert everything.findings("MEDIA_UNLINKED") == set()
    everything.verified()


def test_a_recording_that_another_call_names_now_is_not_told(everything: Any, looks: Any) -> None:
    call, other = everything.call(Kind.TWO_RECORDINGS), everything.call(Kind.HOSTILE_ID)
    links = whole(everything, call).links
    looks(call)
    everything.amend(call.call_id, links=links[:1])
    everything.amend(other.call_id, links=links[1:])
    looks(other)
    assert "MEDIA_UNLINKED" not in {code for code, _ in looks(call)}


def test_a_finding_has_a_life(everything: Any, looks: Any, clock: Any) -> None:
    call = everything.call(Kind.HOSTILE_ID)
    milliseconds = whole(everything, call).milliseconds

    def life() -> list[tuple[int, str, Any, Any]]:
        catalog = everything.workspace().catalog
        found = [*open_findings(catalog, "emea_rates"), *healed_findings(catalog, "emea_rates")]
        return [
            (each.times_seen, each.run_id, each.opened_at, each.healed_at)
            for each in found
            if each.finding.code == "MEDIA_LENGTH_DIFFERS"
        ]

    everything.amend(call.call_id, milliseconds=milliseconds + 60_000)
    looks(call)
    first = clock.now
    assert life() == [(1, "look-0", first, None)], "reconciling again is not seeing it again"
    looks(call)
    assert life() == [(2, "look-1", first, None)]
    everything.amend(call.call_id, milliseconds=milliseconds)
    looks(call)
    assert life() == [(2, "look-2", first, clock.now)]
    everything.amend(call.call_id, milliseconds=milliseconds + 60_000)
    looks(call)
    assert life() == [(1, "look-3", clock.now, None)], "open anew"
