"""The bag of a batch: its content is fixed once, and it is sealed when what stands in the archive was read back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.catalog.batches import read_batch
from cloud9_archive.catalog.media import note_fetched
from cloud9_archive.catalog.sealing import dissolve_batch, finish_batch
from cloud9_archive.domain.bag import SEAL
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ArchiveConflictError, StagingLostError, TransientError
from cloud9_archive.media.jobs import MediaResult
from cloud9_archive.media.verdicts import Failure
from cloud9_archive.pipeline.archive import _fixed_plan, archive
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Stored, put_in_parallel


class AlteringStore(LocalStore):
    """A disk that keeps something else than it was given, for files whose name ends so."""

    ending = ""

    def put(self, key: str, content: bytes | Path, *, sha256: str, **kept: Any) -> Stored:
        stored = super().put(key, content, sha256=sha256)
        if key.endswith(self.ending):
            path = self.root / key
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[::-1])
        return stored

    def put_all(self, items: Any, *, parallel: int = 1) -> tuple[Stored, ...]:
        return put_in_parallel(self, items, parallel=parallel)


@pytest.fixture
def run(everything: Any, run_of: Any) -> Any:
    """A run over one call with two recordings."""
    return run_of(start=everything.call(Kind.TWO_RECORDINGS).started_at, hours=1 / 3600)


@pytest.fixture
def ready(everything: Any, run: Any) -> Any:
    """A workspace, and the batch that is ready to be archived in it."""
    workspace = everything.workspace()
    (batch_id,) = everything.begin(workspace, run)
    fetch_recordings(workspace, batch_id)
    transcode(workspace, batch_id)
    return workspace, batch_id


@pytest.mark.parametrize("ending", [".ogg", "record.json", "bag-info.txt", "/manifest-sha256.txt", SEAL])
def test_a_disk_that_alters_what_it_is_given_is_found_before_staging_is_cleared(
    everything: Any, ready: Any, ending: str
) -> None:
    workspace, batch_id = ready
    store = AlteringStore(everything.archive)
    store.ending = ending
    with pytest.raises(ArchiveConflictError, match="reads back as"):
        archive(replace(workspace, store=store), batch_id)
    assert bool(everything.bags()) is (ending == SEAL), "nothing is sealed that does not read back"
    batch = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=workspace.clock())
    assert {recording.state for recording in batch.recordings} == {"transcoded"}
    for recording in batch.recordings:
        assert workspace.staging.original("emea_rates", recording.ref, recording.original_sha256 or "").is_file()


def test_what_is_not_transcoded_yet_is_not_archived(everything: Any, run: Any) -> None:
    workspace = everything.workspace()
    (batch_id,) = everything.begin(workspace, run)
    for step in (fetch_recordings, transcode):
        with pytest.raises(StagingLostError, match=r"2 recordings of batch .* are not ready"):
            archive(workspace, batch_id)
        step(workspace, batch_id)
    assert archive(workspace, batch_id).recordings == 2


def test_staged_bytes_that_a_disk_cut_short_are_fetched_again_before_a_plan_is_fixed(
    everything: Any, ready: Any
) -> None:
    workspace, batch_id = ready
    batch = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=workspace.clock())
    cut, whole = batch.recordings
    with workspace.staging.original("emea_rates", cut.ref, cut.original_sha256 or "").open("r+b") as file:
        file.truncate((cut.original_size or 0) - 1)
    with pytest.raises(StagingLostError, match=f"1 recordings .* not ready, the first is {'/'.join(cut.ref)}"):
        archive(workspace, batch_id)
    after = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=workspace.clock())
    assert (after.state, after.plan) == (batch.state, None)
    states = {recording.ref: recording.state for recording in after.recordings}
    assert states == {cut.ref: "wanted", whole.ref: "transcoded"}
    everything.work(workspace, [batch_id])
    assert len(everything.bags()) == 1


def test_a_fault_of_this_host_is_no_verdict_on_the_audio(
    everything: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = everything.workspace()
    (batch_id,) = everything.begin(workspace, run)
    fetch_recordings(workspace, batch_id)

    def lost(jobs: Any, **_: Any) -> Any:
        return [MediaResult(job.recording_key, None, (), Failure("TRANSIENT", "no disk space")) for job in jobs]

    with monkeypatch.context() as patched:
        patched.setattr("cloud9_archive.pipeline.transcode.run_jobs", lost)
        with pytest.raises(TransientError, match="no disk space"):
            transcode(workspace, batch_id)
    everything.work(workspace, [batch_id])
    assert reconcile(workspace, run).recordings.archived == 2


def test_staging_is_cleared_after_the_seal_and_then_at_once(everything: Any, ready: Any) -> None:
    workspace, batch_id = ready
    staged = everything.root / "staging" / "media"
    at_the_seal = []

    class Watching(AlteringStore):
        def put(self, key: str, content: bytes | Path, *, sha256: str, **kept: Any) -> Stored:
            if key.endswith(f"/{SEAL}"):
                at_the_seal.append(len([path for path in staged.rglob("*") if path.is_file()]))
            return LocalStore.put(self, key, content, sha256=sha256)

    assert archive(replace(workspace, store=Watching(everything.archive)), batch_id).recordings == 2
    assert at_the_seal == [2]
    assert [path for path in staged.rglob("*") if path.is_file()] == []


def test_the_content_of_a_bag_is_fixed_by_whoever_comes_first(everything: Any, ready: Any, clock: Any) -> None:
    workspace, batch_id = ready
    batch = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=workspace.clock())
    first = _fixed_plan(workspace, batch)
    clock.move_to(clock.now + timedelta(days=1))
    assert first is not None
    assert _fixed_plan(workspace, batch) == first, "an attempt that began before it was fixed"
    again = read_batch(workspace.catalog, batch_id, lease=timedelta(hours=1), now=workspace.clock())
    assert _fixed_plan(workspace, again) == first, "an attempt that began later, on another day"
    archive(workspace, batch_id)
    assert [bag.parts[-2] for bag in everything.bags()] == [f"{first.bagging_date.day:02d}"]


def test_an_attempt_that_comes_late_changes_nothing(everything: Any, ready: Any, run: Any) -> None:
    workspace, batch_id = ready
    lease = timedelta(hours=1)
    stale = read_batch(workspace.catalog, batch_id, lease=lease, now=workspace.clock())
    for recording in stale.recordings:
        note_fetched(workspace.catalog, stale, recording, sha256="0" * 64, size=1, now=workspace.clock())
    found = read_batch(workspace.catalog, batch_id, lease=lease, now=workspace.clock())
    assert found.recordings == stale.recordings, "transcoded already"
    archive(workspace, batch_id)
    assert not finish_batch(workspace.catalog, stale, None, held=(), documented={}, now=workspace.clock())
    assert not dissolve_batch(workspace.catalog, stale, now=workspace.clock())
    assert reconcile(workspace, run).recordings.archived == 2
    everything.verified()


def test_the_chain_of_a_policy_holds_its_own_bags_and_its_newest_link_is_the_head(
    everything: Any, ready: Any, run: Any, run_of: Any
) -> None:
    elsewhere = run_of(start=everything.call(Kind.DAMAGED).started_at, hours=1 / 3600, policy="emea_other")
    other = everything.workspace(policy="emea_other")
    everything.work(other, everything.begin(other, elsewhere))  # sealed, and in no link yet
    workspace, batch_id = ready
    archive(workspace, batch_id)
    first = reconcile(workspace, run)
    second = everything.run(run_of(start=everything.call(Kind.LATE_MEDIA).started_at, hours=1 / 3600, run_id="second"))
    assert second.chain_head != first.chain_head
    assert reconcile(workspace, run).chain_head == second.chain_head
    assert json.loads((everything.archive / second.report).read_bytes())["chain_head"] == first.chain_head
    links = [json.loads(path.read_bytes()) for path in sorted(everything.archive.glob("emea_rates/chain/*.json"))]
    members = [member["path"] for link in links for member in link["members"]]
    assert all(path.startswith("emea_rates/") for path in members)
    reconcile(other, elsewhere)
    everything.verified()
