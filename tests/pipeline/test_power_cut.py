"""
The power goes at each thing that archiving and reporting do to the disk, and what was not flushed is lost.

What stands in the catalog and what bears a seal must be whole then; a rerun leaves what an undisturbed run leaves.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from page_cache import Forgets, PageCache, PowerCutError
from sqlalchemy import select

from cloud9_archive.catalog.tables import bags, chain
from cloud9_archive.domain.bag import SEAL
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ConfigurationError, TransientError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Put, Stored

UNDER_WAY = {
    Code.ARCHIVE_EMPTY, Code.README_MISSING, Code.BAG_UNSEALED, Code.BAG_NOT_CHAINED, Code.REPORT_NOT_CHAINED,
}  # fmt: skip
"""What verify may say of an archive in which a run was cut off: what is there is whole, and what is not yet is named."""


class OneByOne(LocalStore):
    """A store whose puts follow one another, so that the nth trace is always the same one."""

    def put_all(self, items: Iterable[Put], *, parallel: int = 1) -> tuple[Stored, ...]:
        return super().put_all(items, parallel=1)


@dataclass
class Trial:
    """A batch that is ready to be archived, again and again, each time in a folder of its own."""

    bench: Any
    run: Any
    batch_id: str
    ready: Path
    count: int = 0
    undisturbed: dict[str, str] = field(default_factory=dict)

    def begin(self) -> Any:
        self.count += 1
        bench = replace(self.bench, root=self.ready.parent / str(self.count))
        shutil.copytree(self.ready, bench.root)
        return bench

    def work(self, bench: Any) -> Any:
        """Archiving and reporting, as new tasks would."""
        workspace: Workspace = bench.workspace()
        workspace = replace(workspace, store=OneByOne(bench.archive))
        archive(workspace, self.batch_id)
        return reconcile(workspace, self.run)

    def converges(self, bench: Any) -> None:
        """Another attempt leaves what an undisturbed one leaves, and no draft but those that a power cut left."""
        result = self.work(bench)
        found = {name: digest for name, digest in bench.snapshot().items() if not name.startswith(".incoming/")}
        assert found == self.undisturbed
        assert (result.calls.archived, result.calls.unaccounted, result.recordings.unaccounted) == (1, 0, 0)
        report = verify_archive(LocalStore(bench.archive))
        assert report.findings == (), [finding.line() for finding in report.findings]
        assert not [path for path in (bench.root / "staging" / "media").rglob("*") if path.is_file()]
        shutil.rmtree(bench.root)

    def holds_what_it_says(self, bench: Any) -> None:
        """What the catalog takes for sealed or appended is there; what verify takes for sealed is whole."""
        with bench.workspace().catalog.begin() as connection:
            sealed = {row.prefix: row.seal_sha256 for row in connection.execute(select(bags))}
            links = connection.execute(select(chain.c.number)).scalars().all()
        there = {bag.relative_to(bench.archive).as_posix() for bag in bench.bags()}
        assert set(sealed) <= there
        assert all((bench.archive / f"emea_rates/chain/{number:08d}.json").is_file() for number in links)
        report = verify_archive(LocalStore(bench.archive))
        assert {finding.code for finding in report.findings} <= UNDER_WAY, [each.line() for each in report.findings]
        unsealed = {finding.subject for finding in report.findings if finding.code is Code.BAG_UNSEALED}
        assert not unsealed & set(sealed)
        assert report.bags == len(there)
        if not sealed:
            assert [path for path in (bench.root / "staging" / "media").rglob("*") if path.is_file()], "staging is kept"


@pytest.fixture
def trial(everything: Any, run_of: Any, tmp_path: Path) -> Trial:
    run = run_of(start=everything.call(Kind.REGULAR).started_at, hours=1 / 3600)
    bench = replace(everything, root=tmp_path / "ready")
    bench.root.mkdir()
    workspace = bench.workspace()
    (batch_id,) = bench.begin(workspace, run)
    fetch_recordings(workspace, batch_id)
    transcode(workspace, batch_id)
    workspace.catalog.close()
    trial = Trial(everything, run, batch_id, bench.root)
    bench = trial.begin()
    trial.work(bench)
    trial.undisturbed = {name: digest for name, digest in bench.snapshot().items() if not name.startswith(".incoming/")}
    assert f"/{SEAL}" in "".join(trial.undisturbed)
    return trial


def traces_of(trial: Trial) -> list[str]:
    bench = trial.begin()
    with PageCache(bench.archive).watching() as cache:
        trial.work(bench)
    assert not cache.written, "every byte was flushed in the end"
    assert not [name for name in cache.names if ".incoming" not in name], "and every name"
    return cache.traces


def test_the_power_goes_at_each_trace_and_what_was_not_flushed_is_lost(trial: Trial) -> None:
    traces = traces_of(trial)
    assert {"open", "write", "fchmod", "fsync", "mkdir", "link", "unlink"} == set(traces)
    # Before a file is made, or its mode is set, the disk holds what it holds before the next trace.
    at = [nth for nth, name in enumerate(traces, 1) if name in {"write", "fsync", "link", "mkdir"}]
    for nth in at:
        bench = trial.begin()
        with PageCache(bench.archive, nth=nth).watching() as cache, pytest.raises(PowerCutError):
            trial.work(bench)
        cache.lose(list(Forgets)[nth % len(Forgets)], seed=nth)
        trial.holds_what_it_says(bench)
        trial.converges(bench)


def test_a_disk_that_is_full_from_some_trace_on(trial: Trial) -> None:
    for nth in range(1, len(traces_of(trial)), 9):
        number = errno.EDQUOT if nth % 5 == 0 else errno.ENOSPC
        bench = trial.begin()
        full = OSError(number, os.strerror(number))
        with PageCache(bench.archive, nth=nth, fault=full).watching(), pytest.raises(TransientError) as caught:
            trial.work(bench)
        assert "the task goes on by itself at its next retry" in str(caught.value)
        assert caught.value.subject
        trial.holds_what_it_says(bench)
        assert not list(bench.archive.glob(".incoming/*")), "what could not be ended is removed, which makes room"
        trial.converges(bench)


@pytest.mark.parametrize("nth", [1, 60])
def test_a_target_that_is_or_becomes_read_only(trial: Trial, nth: int) -> None:
    bench = trial.begin()
    fault = OSError(errno.EROFS, os.strerror(errno.EROFS))
    with PageCache(bench.archive, nth=nth, fault=fault).watching(), pytest.raises(ConfigurationError) as caught:
        trial.work(bench)
    assert "the file system is read-only: mount it for writing" in str(caught.value)
    trial.holds_what_it_says(bench)
    trial.converges(bench)
