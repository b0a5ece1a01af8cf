"""Power cuts at every step that leaves a trace: repeating the run brings the archive to where it would have been."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation


class PowerCutError(BaseException):
    """Nothing catches this."""


class MortalCatalog:
    """A catalog whose nth transaction is cut off: before its commit, or right after it."""

    def __init__(self, engine: Engine, *, nth: int = 0, when: str = "before") -> None:
        self.engine = engine
        self.nth = nth
        self.when = when
        self.begun = 0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        self.begun += 1
        mine = self.begun == self.nth
        with self.engine.begin() as connection:
            yield connection
            if mine and self.when == "before":
                raise PowerCutError
        if mine:
            raise PowerCutError


class CountingStore(FaultyStore):
    """Tells how often each operation was asked for."""

    def counts(self) -> dict[Operation, int]:
        return dict(self._calls)


class Trial:
    """The same small run again and again, each time over a catalog and an archive of its own."""

    def __init__(self, bench: Any, run: Any, folder: Path) -> None:
        self.bench = bench
        self.run = run
        self.folder = folder
        self.number = 0
        open_catalog(f"sqlite:///{folder / 'template.sqlite'}").close()

    def begin(self) -> Any:
        self.number += 1
        bench = replace(self.bench, root=self.folder / str(self.number))
        bench.root.mkdir()
        shutil.copy(self.folder / "template.sqlite", bench.root / "catalog.sqlite")
        return bench

    def survives(self, *, script: tuple[Fault, ...] = (), nth: int = 0, when: str = "before") -> None:
        """The run was cut off there, was repeated, and left what an undisturbed run leaves."""
        bench = self.begin()
        workspace = bench.workspace()
        cut = replace(
            workspace,
            store=FaultyStore(workspace.store, script=script),
            catalog=MortalCatalog(workspace.catalog.engine, nth=nth, when=when),
        )
        with pytest.raises(PowerCutError):
            self.work(bench, cut)
        if self.number % 2:  # now and then the last task still runs, as it does in Airflow
            with suppress(ReconciliationError):
                reconcile(workspace, self.run)
        result = self.work(bench, workspace)
        assert (result.calls.unaccounted, result.recordings.unaccounted) == (0, 0)
        assert (result.calls, result.recordings) == (self.undisturbed.calls, self.undisturbed.recordings)
        assert all(len(each) == 1 for each in bench.recording_states().values())
        assert self.originals(bench) == self.expected
        bench.verified()
        shutil.rmtree(bench.root)

    def work(self, bench: Any, workspace: Any) -> Any:
        bench.work(workspace, bench.begin(workspace, self.run))
        return reconcile(workspace, self.run)

    def originals(self, bench: Any) -> dict[str, str]:
        return {record["recording_id"]: record["original"]["sha256"] for record in bench.records()}

    def count(self) -> tuple[dict[Operation, int], int]:
        """How often an undisturbed run asks the store for what, and how many transactions it has."""
        bench = self.begin()
        workspace = bench.workspace()
        store = CountingStore(workspace.store, script=())
        catalog = MortalCatalog(workspace.catalog.engine)
        self.undisturbed = self.work(bench, replace(workspace, store=store, catalog=catalog))
        self.expected = self.originals(bench)
        return store.counts(), catalog.begun


@pytest.fixture
def weekend(everything: Any, run_of: Any, clock: Any) -> Any:
    """A Saturday with a few calls only."""
    everything.policy["batch"] = {"max_recordings": 2}
    saturday = run_of().window.start + timedelta(days=4)
    clock.move_to(saturday + timedelta(days=2))
    return run_of(start=saturday)


@pytest.fixture
def trial(everything: Any, weekend: Any, tmp_path: Path) -> Trial:
    return Trial(everything, weekend, tmp_path)


def test_power_cuts_at_every_put(trial: Trial) -> None:
    counts, _ = trial.count()
    assert counts[Operation.PUT] > 20
    for nth in range(1, counts[Operation.PUT] + 1):
        trial.survives(script=(Fault(Operation.PUT, nth, PowerCutError()),))
        if nth % 4 == 0:  # afterwards is as good as before the next one
            trial.survives(script=(Fault(Operation.PUT, nth, PowerCutError(), "after"),))


def test_power_cuts_while_the_archive_is_read(trial: Trial) -> None:
    trial.bench.policy["media"] = {"profile": "gsm_8k", "deadline": "7d"}  # with files for each party, and peaks
    counts, _ = trial.count()
    for operation in (Operation.DIGEST, Operation.EXISTS):
        for nth in {1, counts[operation] // 2, counts[operation]}:
            trial.survives(script=(Fault(operation, nth, PowerCutError()),))


def test_power_cuts_at_every_transaction(trial: Trial) -> None:
    _, transactions = trial.count()
    assert transactions > 20
    for nth in range(1, transactions + 1, 2):
        trial.survives(nth=nth, when="before" if nth % 4 == 1 else "after")


def test_a_process_that_is_killed_again_and_again_gets_there(everything: Any, weekend: Any) -> None:
    chance = random.Random(20260307)  # noqa: S311 - repeatable on purpose
    killed = 0
    for _ in range(10):
        child = everything.elsewhere(weekend, die_at=chance.randrange(5, 110))
        _, complaint = child.communicate(timeout=120)
        assert child.returncode in (0, -signal.SIGKILL), complaint
        killed += child.returncode == -signal.SIGKILL
    assert killed >= 5
    result = everything.run(weekend)
    assert result.calls.archived == result.calls.listed
    assert not list((everything.root / "staging" / "media").rglob("*.ogg"))
    for link in everything.archive.glob("emea_rates/chain/*.json"):
        assert json.loads(link.read_bytes())["members"]
    everything.complete(weekend.window)
