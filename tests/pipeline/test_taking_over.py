"""Who may work on what another run has begun: nobody while it is held, the right ones when it was let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cloud9_archive.catalog.batches import Batch, read_batch
from cloud9_archive.catalog.media import note_fetched
from cloud9_archive.catalog.sealing import dissolve_batch
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile

SECOND = 1 / 3600


@pytest.fixture
def one(everything: Any, run_of: Any) -> RunRef:
    """A run over one call with two recordings."""
    started_at = everything.call(Kind.TWO_RECORDINGS).started_at
    run: RunRef = run_of(RunKind.SCHEDULED, start=started_at, hours=SECOND, run_id="one")
    return run


@pytest.fixture
def given_up(everything: Any, one: RunRef) -> Any:
    """The batches of a run that was reconciled, and so let go, before its work was done."""
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, one)
    fetch_recordings(workspace, batch_ids[0])
    with pytest.raises(ReconciliationError, match="CALL_UNACCOUNTED"):
        reconcile(workspace, one)
    return batch_ids


def test_what_a_run_let_go_is_taken_over_before_its_lease_ends(everything: Any, run_of: Any, given_up: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    workspace = everything.workspace()
    after = run_of(start=call.started_at, hours=SECOND, run_id="after")
    assert everything.begin(workspace, after) == given_up
    everything.work(workspace, given_up)
    assert reconcile(workspace, after).calls.archived == 1


def test_a_backfill_leaves_the_batches_of_other_windows_to_scheduled_runs(
    everything: Any, run_of: Any, given_up: Any
) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    elsewhere = {"start": call.started_at - timedelta(seconds=100), "hours": SECOND}
    workspace = everything.workspace()
    assert not set(everything.begin(workspace, run_of(**elsewhere, run_id="backfill"))) & set(given_up)
    scheduled = run_of(RunKind.SCHEDULED, **elsewhere, run_id="scheduled")
    assert set(given_up) <= set(everything.begin(workspace, scheduled))


def is_seen_to_be_abandoned(bench: Any, run_of: Any) -> None:
    call = bench.call(Kind.TWO_RECORDINGS)
    run = run_of(RunKind.SCHEDULED, start=call.started_at - timedelta(seconds=100), hours=SECOND, run_id="witness")
    workspace = bench.workspace()
    fetch_calls(workspace, run, "cloud9_emea")  # and no rules are applied: it takes nothing over
    with pytest.raises(ReconciliationError, match="RECORDING_ABANDONED"):
        reconcile(workspace, run)


@pytest.mark.usefixtures("given_up")
def test_a_batch_that_nobody_holds_fails_the_scheduled_run_that_sees_it(everything: Any, run_of: Any) -> None:
    is_seen_to_be_abandoned(everything, run_of)


def test_a_recording_in_no_batch_fails_the_scheduled_run_that_sees_it(everything: Any, run_of: Any, one: Any) -> None:
    workspace = everything.workspace()
    (batch_id,) = everything.begin(workspace, one)
    dissolve_batch(workspace.catalog, read(workspace, batch_id), now=workspace.clock())
    is_seen_to_be_abandoned(everything, run_of)


def test_a_dead_runs_work_is_no_excuse_once_its_lease_has_ended(
    everything: Any, run_of: Any, clock: Any, one: Any
) -> None:
    workspace = everything.workspace(lease=timedelta(hours=1))
    assert everything.begin(workspace, one)
    two = replace(one, run_id="two")
    assert everything.begin(workspace, two) == ()
    clock.move_to(clock.now + timedelta(hours=1))
    with pytest.raises(ReconciliationError, match="CALL_UNACCOUNTED"):
        reconcile(workspace, two)


def test_a_worker_whose_batch_was_dissolved_changes_nothing_any_more(everything: Any, one: Any) -> None:
    workspace = everything.workspace()
    stale = read(workspace, everything.begin(workspace, one)[0])
    dissolve_batch(workspace.catalog, stale, now=workspace.clock())
    (batch_id,) = everything.begin(workspace, one)
    for recording in stale.recordings:
        note_fetched(workspace.catalog, stale, recording, sha256="0" * 64, size=1, now=workspace.clock())
    assert {each.state for each in read(workspace, batch_id).recordings} == {MediaState.WANTED}
    everything.work(workspace, [batch_id])
    assert reconcile(workspace, one).calls.archived == 1
    everything.verified()


def read(workspace: Any, batch_id: str) -> Batch:
    return read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=workspace.clock())


def test_a_call_that_is_documented_anew_is_in_one_runs_hands(everything: Any, run_of: Any) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    everything.run(run_of(start=call.started_at, hours=SECOND))
    everything.amend(call.call_id, stop_reason="Supervisor released")
    workspace = everything.workspace()
    first, second = (run_of(start=call.started_at, hours=SECOND, run_id=run_id) for run_id in ("first", "second"))
    batch_ids = everything.begin(workspace, first)
    assert len(batch_ids) == 1
    assert everything.begin(workspace, second) == (), "its audio is settled, and its document is in the first's batch"
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, first).calls.archived == reconcile(workspace, second).calls.archived == 1
    documents = list(everything.archive.glob("emea_rates/bags/*/*/*/*/data/calls/*.json"))
    assert len([path for path in documents if call.call_id in path.read_text()]) == 2
    everything.verified()
