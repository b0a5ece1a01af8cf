"""A source that is away for days, that is late by several windows, and that takes calls back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cloud9_archive.domain.run import RunKind
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.fault_kinds import FaultKind
from cloud9_archive.emulator.fault_orders import StormFault
from cloud9_archive.errors import ReconciliationError, ServerFaultError
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.reconcile import reconcile

DAYS = 3
HOURS = 3


@pytest.fixture
def mornings(everything: Any, run_of: Any, clock: Any) -> list[Any]:
    """The same hours of three days, as the schedule has them."""
    day = run_of().window.start
    clock.move_to(day + timedelta(days=DAYS + 1))
    starts = [day + timedelta(days=number, hours=7) for number in range(DAYS)]
    return [run_of(RunKind.SCHEDULED, start=start, hours=HOURS) for start in starts]


def test_after_an_outage_of_two_days_clearing_their_runs_catches_up(everything: Any, mornings: list[Any]) -> None:
    workspace = everything.workspace()
    down = StormFault(kind=FaultKind.STATUS, status=503, rate=1.0)
    everything.cloud9.admin.set_storm(down, endpoints=("metadata",))
    for run in mornings[:2]:
        with pytest.raises(ServerFaultError):
            fetch_calls(workspace, run, "cloud9_emea")
        with pytest.raises(ReconciliationError, match="SOURCE_NOT_LISTED"):
            reconcile(workspace, run, failed_tasks=["fetch_calls"])
    everything.cloud9.admin.set_storm()
    assert everything.run(mornings[2]).calls.unaccounted == 0
    assert everything.findings("SOURCE_NOT_LISTED") == set(), "it is listed again; the failed runs stay failed"
    for run in mornings[:2]:
        assert everything.run(run).calls.unaccounted == 0
    wanted: dict[str, str] = {}
    for run in mornings:
        wanted |= everything.expected(run.window).recordings
    settled = {key: [state] for key, state in wanted.items() if state != "awaiting_media"}
    assert everything.recording_states() == settled
    everything.verified()


def test_audio_that_is_late_by_three_windows_comes_with_the_run_that_finds_it(
    everything: Any, run_of: Any, clock: Any
) -> None:
    call = everything.call(Kind.LATE_MEDIA)
    quarters = [
        run_of(RunKind.SCHEDULED, start=call.started_at + timedelta(minutes=15 * number), hours=0.25)
        for number in range(4)
    ]
    for run in quarters[:3]:
        clock.move_to(run.window.end)
        assert everything.run(run).calls.unaccounted == 0
    everything.cloud9.admin.upload_now(call.all_links[0].recording_id)
    clock.move_to(quarters[3].window.end + timedelta(hours=2))
    found = everything.run(quarters[3])
    report = json.loads((everything.archive / found.report).read_bytes())
    assert call.call_id not in {row["call_id"] for row in report["rows"]}, "it is in no window of that run"
    assert everything.recording_states()[call.all_links[0].recording_id] == ["archived"]
    assert everything.findings("MEDIA_MISSING") == set()
    assert everything.run(quarters[0]).calls.awaiting_media == 0
    everything.verified()


def test_a_call_that_the_source_takes_back_stays_as_it_was_archived(everything: Any, run_of: Any, clock: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    run = run_of(start=call.started_at, hours=1 / 3600)
    first = everything.run(run)
    bags = {key: digest for key, digest in everything.snapshot().items() if "/bags/" in key}
    everything.amend(call.call_id, listed_at=clock.now + timedelta(days=400))
    assert call.call_id not in {
        each.call_id for each in everything.truth(Window(run.window.start, run.window.end)).calls
    }
    again = everything.run(run)
    assert (again.calls, again.report) == (first.calls, first.report)
    other = everything.run(run_of(start=call.started_at, hours=1 / 3600, run_id="other"))
    assert other.calls.listed == 0
    assert {key: digest for key, digest in everything.snapshot().items() if "/bags/" in key} == bags
    everything.verified()
