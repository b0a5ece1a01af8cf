"""A worker's clock that is set back, between runs and within them: nothing is lost, overwritten or out of order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pipeline_bench import DAY

from cloud9_archive.catalog.batches import read_batch
from cloud9_archive.pipeline.archive import _fixed_plan, archive
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode

BACK = timedelta(days=366)
"""Over midnight, over New Year."""


@pytest.fixture
def kept(everything: Any) -> Any:
    everything.policy["archive"] = {"target": "archive", "retention": "7y"}
    everything.policy["batch"] = {"max_recordings": 4}
    return everything


def retentions(bench: Any) -> dict[str, str]:
    return {record["recording_id"]: record["retain_until"] for record in bench.records()}


def links(bench: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(bench.archive.glob("emea_rates/chain/*.json"))]


@pytest.mark.parametrize("back", [timedelta(seconds=1), BACK])
def test_between_runs(kept: Any, run_of: Any, clock: Any, back: timedelta) -> None:
    started = clock.now
    kept.run(run_of(hours=9))
    before = kept.snapshot()
    clock.now = started - back  # the source's clock goes on
    later = run_of(start=DAY + timedelta(hours=9), hours=3, run_id="with the clock back")
    kept.run(later)
    clock.now = started + timedelta(hours=1)
    kept.run(run_of(start=DAY + timedelta(hours=12), hours=12, run_id="with the clock right again"))
    after = kept.snapshot()
    assert before.items() <= after.items(), "nothing was overwritten or lost"
    assert [link["number"] for link in links(kept)] == [1, 2, 3]
    assert links(kept)[1]["run_id"] == later.run_id, "order is by number and digest; the stated time is only told"
    assert links(kept)[1]["written_at"] < links(kept)[0]["written_at"]
    kept.complete(run_of().window)


def test_within_a_run(kept: Any, run_of: Any, clock: Any) -> None:
    """Each look at the clock shows an earlier time than the one before, or the right one again."""
    started = clock.now

    def jumping() -> Iterator[datetime]:
        while True:
            yield started
            yield started - BACK / 2
            yield started - BACK

    times = jumping()
    run = run_of(hours=11)
    workspace = replace(kept.workspace(), clock=lambda: next(times))
    kept.work(workspace, kept.begin(workspace, run))
    result = reconcile(workspace, run)
    assert (result.calls.unaccounted, result.recordings.unaccounted) == (0, 0)
    before, stated = kept.snapshot(), retentions(kept)
    assert reconcile(workspace, run).report == result.report
    assert kept.snapshot() == before
    starts = {call["call_id"]: call["started_at"] for documents in kept.calls().values() for call in documents}
    for record in kept.records():
        begun = max(starts[call["call_id"]] for call in record["calls"])
        assert stated[record["recording_id"]][:10] == f"{int(begun[:4]) + 7}{begun[4:10]}", "from the call's start on"
    kept.complete(run.window)


def test_between_two_attempts_at_one_bag(kept: Any, run_of: Any, clock: Any) -> None:
    """The bag's day and bytes stay those of the attempt that fixed them, and so does its place."""
    run = run_of(hours=9)
    workspace = kept.workspace()
    batch_ids = kept.begin(workspace, run)
    for batch_id in batch_ids:
        fetch_recordings(workspace, batch_id)
        transcode(workspace, batch_id)
        batch = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=clock.now)
        assert _fixed_plan(workspace, batch) is not None
    day = clock.now
    clock.now = day - timedelta(days=2)
    for batch_id in batch_ids:
        archive(workspace, batch_id)
    assert {bag.parts[-2] for bag in kept.bags()} == {f"{day.day:02d}"}
    reconcile(workspace, run)
    kept.complete(run.window)
