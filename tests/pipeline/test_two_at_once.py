"""Runs that work at the same time: nothing twice, nothing lost, and every one of them adds up."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from cloud9_archive.domain.chain import parse_link
from cloud9_archive.domain.run import RunKind
from cloud9_archive.errors import TransientError
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode

STEPS = (fetch_recordings, transcode, archive)


def test_two_runs_over_one_window_share_the_work(everything: Any, run_of: Any) -> None:
    runs = [run_of(run_id="one"), run_of(run_id="two")]
    start = Barrier(2, timeout=60)

    def work(run: Any) -> Any:
        workspace = everything.workspace()
        start.wait()
        everything.work(workspace, everything.begin(workspace, run))
        return reconcile(workspace, run)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, runs))
    listed = len(everything.truth(runs[0].window).calls)
    for result in results:
        assert (result.calls.listed, result.calls.unaccounted, result.recordings.unaccounted) == (listed, 0, 0)
    everything.complete(runs[0].window)


def test_what_the_other_run_holds_counts_as_awaited(everything: Any, run_of: Any) -> None:
    one, two = run_of(run_id="one"), run_of(run_id="two")
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, one)
    assert everything.begin(workspace, two) == ()
    result = reconcile(workspace, two)
    assert result.calls.awaiting_media == result.calls.listed
    rows = json.loads((everything.archive / result.report).read_bytes())["rows"]
    assert {row["held_by"] for row in rows} == {"one"}
    everything.work(workspace, batch_ids)
    reconcile(workspace, one)
    everything.complete(one.window)


def test_a_call_that_shares_a_recording_under_work_elsewhere_is_no_gap_however_long_it_takes(
    everything: Any, run_of: Any, clock: Any
) -> None:
    first, second = [call for call in everything.truth(run_of().window).calls if call.kind == "shared_line"]
    one = run_of(start=first.started_at, hours=1 / 3600, run_id="one")
    two = run_of(start=second.started_at, hours=1 / 3600, run_id="two")
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, one)
    assert everything.begin(workspace, two) == ()
    clock.move_to(clock.now + timedelta(hours=1))
    assert reconcile(workspace, two).calls.awaiting_media == 1
    everything.work(workspace, batch_ids)
    reconcile(workspace, one)
    assert everything.run(two).calls.archived == 1
    assert everything.recording_states()[first.all_links[0].recording_id] == ["archived"]
    everything.verified()


def test_two_processes_over_one_window(everything: Any, run_of: Any) -> None:
    runs = [run_of(run_id="one"), run_of(RunKind.SCHEDULED, run_id="two")]
    children = [everything.elsewhere(run) for run in runs]
    for child in children:
        told, complaint = child.communicate(timeout=120)
        assert child.returncode == 0, complaint
        calls = json.loads(told.splitlines()[-1])["calls"]
        assert calls["listed"] == len(everything.truth(runs[0].window).calls)
    everything.complete(runs[0].window)


def test_a_zombie_of_the_same_run_does_no_harm(everything: Any, run_of: Any) -> None:
    run = run_of()
    start = Barrier(2, timeout=60)

    def work(number: int) -> Any:
        workspace = everything.workspace()
        start.wait()
        fetch_calls(workspace, run, "cloud9_emea")
        batch_ids = apply_recording_rules(workspace, run).batch_ids
        start.wait()
        for batch_id in batch_ids:
            for step in STEPS:
                try:
                    step(workspace, batch_id)
                except TransientError:  # the other has archived and cleared what this one still read: as a task retries
                    step(workspace, batch_id)
        start.wait()
        return reconcile(workspace, run)

    with ThreadPoolExecutor(2) as pool:
        zombie, living = (pool.submit(work, number) for number in range(2))
        assert [zombie.exception(), living.exception()] == [None, None]
    one, two = zombie.result(), living.result()
    assert one.calls == two.calls
    assert one.report == two.report
    everything.complete(run.window)


@pytest.mark.parametrize("number", range(3), ids=[step.__name__ for step in STEPS])
def test_an_attempt_whose_bag_was_sealed_meanwhile_has_nothing_left_to_do(
    everything: Any, run_of: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    run, workspace = run_of(), everything.workspace()
    (batch_id, *_) = everything.begin(workspace, run)
    for step in STEPS[:number]:
        step(workspace, batch_id)
    module = sys.modules[STEPS[number].__module__]
    read = module.read_batch  # type: ignore[attr-defined]  # what the step reads before it works

    def read_and_fall_behind(*args: Any, **options: Any) -> Any:
        batch = read(*args, **options)
        monkeypatch.undo()
        everything.work(everything.workspace(), [batch_id])
        return batch

    monkeypatch.setattr(module, "read_batch", read_and_fall_behind)
    before = len(everything.bags())
    STEPS[number](workspace, batch_id)
    assert len(everything.bags()) == before + 1
    everything.run(run)
    everything.complete(run.window)


def test_an_abandoned_batch_is_taken_over_whole_after_its_lease(everything: Any, run_of: Any, clock: Any) -> None:
    first, second = run_of(run_id="first"), run_of(run_id="second")
    workspace = everything.workspace(lease=timedelta(hours=1))
    batch_ids = everything.begin(workspace, first)
    fetch_recordings(workspace, batch_ids[0])
    assert everything.begin(workspace, second) == ()
    clock.move_to(clock.now + timedelta(hours=1, seconds=1))
    assert everything.begin(workspace, second) == batch_ids
    everything.work(workspace, batch_ids)
    assert reconcile(workspace, second).bags == len(batch_ids)
    assert {bag.name for bag in everything.bags()} == set(batch_ids)
    everything.complete(second.window)


def test_four_that_append_to_the_chain_at_once_leave_no_gap(everything: Any, run_of: Any) -> None:
    runs = [run_of(hours=6, start=run_of().window.start + timedelta(hours=6 * n), run_id=f"run-{n}") for n in range(4)]
    workspaces = [everything.workspace() for _ in runs]
    for workspace, run in zip(workspaces, runs, strict=True):
        everything.work(workspace, everything.begin(workspace, run))
    start = Barrier(4, timeout=60)

    def close(number: int) -> Any:
        start.wait()
        return reconcile(workspaces[number], runs[number])

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(close, range(4)))) == 4
    links = [parse_link(path.read_bytes()) for path in sorted(everything.archive.glob("emea_rates/chain/*.json"))]
    assert [link.number for link in links] == [1, 2, 3, 4]
    members = [member.path for link in links for member in link.members]
    assert len(members) == len(set(members)), "a bag has one link that vouches for it"
    everything.complete(run_of().window)
